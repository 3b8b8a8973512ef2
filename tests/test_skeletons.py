"""Skeletons: the orders that the data sets fixed, and what follows."""

import inspect
import json
import pickle

import numpy as np
import pytest

from posecourse.skeletons import (
    AI_CHALLENGER,
    COCO,
    H36M,
    LSP,
    MPII,
    SKELETONS,
    UPPER_BODY,
    Skeleton,
    canonical_name,
    get_skeleton,
    remap,
)

every = pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
mirrored = pytest.mark.parametrize(
    "skeleton",
    [s for s in SKELETONS.values() if s is not UPPER_BODY],
    ids=lambda s: s.name,
)


def test_counts():
    assert {s.name: len(s) for s in SKELETONS.values()} == {
        "mpii": 16,
        "coco": 17,
        "lsp": 14,
        "ai_challenger": 14,
        "h36m": 17,
        "mpi_inf_3dhp": 17,
        "muco": 21,
        "upper_body": 5,
    }


def test_mpii_order_and_pairs_as_published():
    assert MPII.joints == (
        "right_ankle",
        "right_knee",
        "right_hip",
        "left_hip",
        "left_knee",
        "left_ankle",
        "pelvis",
        "thorax",
        "upper_neck",
        "head_top",
        "right_wrist",
        "right_elbow",
        "right_shoulder",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
    )
    assert MPII.flip_permutation == (
        5,
        4,
        3,
        2,
        1,
        0,
        6,
        7,
        8,
        9,
        15,
        14,
        13,
        12,
        11,
        10,
    )
    assert set(MPII.flip_pairs) == {
        (0, 5),
        (1, 4),
        (2, 3),
        (10, 15),
        (11, 14),
        (12, 13),
    }
    assert MPII.parent_indices == (1, 2, 6, 6, 3, 4, 6, 6, 7, 8, 11, 12, 7, 7, 13, 14)


def test_coco_as_published():
    assert COCO.joints[0] == "nose"
    assert COCO.joints[1::2] == tuple(
        "left_" + j
        for j in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    )
    assert COCO.joints[2::2] == tuple(
        j.replace("left_", "right_") for j in COCO.joints[1::2]
    )
    assert COCO.sigmas == (
        0.026,
        0.025,
        0.025,
        0.035,
        0.035,
        0.079,
        0.079,
        0.072,
        0.072,
        0.062,
        0.062,
        0.107,
        0.107,
        0.087,
        0.087,
        0.089,
        0.089,
    )


def test_coco_sigmas_are_those_of_pycocotools():
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    expected = cocoeval.Params("keypoints").kpt_oks_sigmas
    np.testing.assert_allclose(COCO.sigmas, expected)


def test_lsp_is_mpii_without_pelvis_and_thorax():
    assert len(LSP) == 14
    assert set(MPII.joints) - set(LSP.joints) == {"pelvis", "thorax"}
    assert LSP.joints[:6] == MPII.joints[:6]
    assert LSP.joints[6:] == (*MPII.joints[10:], "upper_neck", "head_top")


def test_others_start_and_end_where_they_should():
    assert AI_CHALLENGER.joints[0] == "right_shoulder"
    assert AI_CHALLENGER.joints[12:] == ("head_top", "neck")
    assert H36M.joints[0] == "pelvis" and H36M.joints[1] == "right_hip"
    assert H36M.joints[11] == "left_shoulder"
    assert UPPER_BODY.joints == (
        "head_top",
        "upper_neck",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
    )


# --------------------------------------------------------------- structure


@every
def test_parents_form_one_tree(skeleton):
    """From every joint the parents lead to the one root."""
    roots = [j for j, p in enumerate(skeleton.parent_indices) if j == p]
    assert len(roots) == 1
    for joint in range(len(skeleton)):
        for _ in range(len(skeleton)):
            joint = skeleton.parent_indices[joint]
        assert joint == roots[0]


@every
def test_bones_join_everything(skeleton):
    reached, edges = {0}, skeleton.bone_indices
    for _ in edges:
        for a, b in edges:
            if a in reached or b in reached:
                reached |= {a, b}
    assert reached == set(range(len(skeleton)))
    assert len({frozenset(e) for e in edges}) == len(edges)
    assert all(a != b for a, b in edges)


@mirrored
def test_mirrored_twice_is_the_same(skeleton):
    order = np.array(skeleton.flip_permutation)
    assert (order[order] == np.arange(len(skeleton))).all()
    for joint, twin in zip(skeleton.joints, order):
        other = skeleton.joints[twin]
        if skeleton.side(joint) == "middle":
            assert other == joint
        else:
            assert joint.split("_", 1)[1] == other.split("_", 1)[1]
            assert {skeleton.side(joint), skeleton.side(other)} == {"left", "right"}


@mirrored
def test_a_mirror_keeps_bones_parents_sigmas(skeleton):
    order = skeleton.flip_permutation
    bones = {frozenset(b) for b in skeleton.bone_indices}
    assert {frozenset((order[a], order[b])) for a, b in bones} == bones
    for joint, parent in enumerate(skeleton.parent_indices):
        assert skeleton.parent_indices[order[joint]] == order[parent]
        assert skeleton.sigmas[joint] == skeleton.sigmas[order[joint]]


@every
def test_groups_hold_each_joint_at_most_once(skeleton):
    joints = [j for group in skeleton.groups.values() for j in group]
    assert len(joints) == len(set(joints))
    sided = [j for j in skeleton.joints if skeleton.side(j) != "middle"]
    assert set(sided) <= set(joints)


@every
def test_colours_tell_sides(skeleton):
    table = {}
    for joint, color in zip(skeleton.joints, skeleton.colors):
        table.setdefault(skeleton.side(joint), set()).add(color)
    assert all(len(colors) == 1 for colors in table.values())
    assert len(set.union(*table.values())) == len(table)


def test_bones_take_the_colour_of_their_side():
    """A bone is given by its columns; one end on a side is enough. One from
    side to side is of neither, whichever end comes first."""

    def color(*bone, skeleton=MPII):
        return skeleton.bone_color(tuple(skeleton.indices(bone)))

    right, middle = (MPII.colors[MPII.index(j)] for j in ("right_knee", "pelvis"))
    assert color("pelvis", "right_hip") == right
    assert color("right_hip", "pelvis") == right
    assert color("right_hip", "right_knee") == right
    assert color("pelvis", "thorax") == middle
    for hips in (("right_hip", "left_hip"), ("left_hip", "right_hip")):
        assert color(*hips, skeleton=COCO) == middle


def test_half_a_body_cannot_be_mirrored():
    assert not UPPER_BODY.can_flip
    with pytest.raises(ValueError, match="right_shoulder.*switch flips off"):
        _ = UPPER_BODY.flip_permutation
    assert MPII.can_flip


@every
def test_hash_and_pickle(skeleton):
    again = pickle.loads(pickle.dumps(skeleton))
    assert again == skeleton and hash(again) == hash(skeleton)
    assert {skeleton: 1}[again] == 1


# ---------------------------------------------------------- names suffice


@every
def test_names_alone_give_the_course_s_own_skeletons(skeleton):
    """The defaults are a body: all that hangs on what, and COCO's sigmas."""
    bare = Skeleton(skeleton.name, list(skeleton.joints))
    assert bare.parents == skeleton.parents
    assert bare.sigmas == skeleton.sigmas
    assert bare.flip_map == skeleton.flip_map
    assert set(bare.defaults) == {"bones", "parents", "sigmas", "groups"}
    assert skeleton.defaults == {}


@pytest.mark.parametrize(
    "spelling",
    [
        "left_eye",
        "Left Eye",
        "LeftEye",
        "leftEye",
        "LEFT_EYE",
        "left-eye",
        "l_eye",
        "L_Eye",
        "LEye",
        "lEye",
        "eye_l",
        "eye.L",
        "Eye.L",
        "EyeL",
        "eyeLeft",
        "eye_left",
        "左eye",
    ],
)
def test_one_joint_in_many_spellings(spelling):
    assert canonical_name(spelling) == "left_eye"
    right = (
        spelling.replace("eft", "ight")
        .replace("EFT", "IGHT")
        .replace("L", "R")
        .replace("左", "右")
    )
    if right.startswith("l"):
        right = "r" + right[1:]
    right = right.replace("_l", "_r")
    skeleton = Skeleton("eyes", [spelling, right, "nose"])
    assert skeleton.flip_map == ((right, spelling),)
    assert skeleton.flip_permutation == (1, 0, 2)
    assert [skeleton.side(j) for j in skeleton.joints] == ["left", "right", "middle"]
    assert skeleton.index("left_eye") == 0 and "Right Eye" in skeleton


def test_letters_that_are_no_sides():
    """Vertebra L5 is not left, a rear is no right ear, a rib no left one."""
    names = ["L5", "rear", "rib", "lip", "root", "upright", "leg"]
    assert [canonical_name(n) for n in names] == [n.lower() for n in names]
    spine = Skeleton("spine", names)
    assert spine.flip_map == () and spine.can_flip
    # glued letters tell where the other side is there as well
    assert Skeleton("mocap", ["lfemur", "rfemur", "root"]).flip_pairs == ((1, 0),)


def test_pairs_that_names_do_not_tell():
    arms = Skeleton("arms", ["A1", "A2", "B1", "B2"], flip_map=[("A1", "B1")])
    assert arms.flip_pairs == ((0, 2),)
    assert [arms.side(j) for j in arms.joints] == ["right", "middle", "left", "middle"]
    with pytest.raises(ValueError, match="in two pairs"):
        Skeleton("x", ["a", "b", "c"], flip_map=[("a", "b"), ("b", "c")])


def test_a_hand():
    """21 joints of which the body's table knows one."""
    fingers = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky")
    hand = Skeleton(
        "hand", ["wrist", *(f"{f}{i}" for f in fingers for i in range(1, 5))]
    )
    assert len(hand) == 21 and len(hand.bones) == 20
    assert ("wrist", "pinky1") in hand.bones and ("thumb3", "thumb4") in hand.bones
    assert hand.sigmas == (0.062, *[0.072] * 20)
    assert "thumb1" in hand.defaults["sigmas"]


def test_bones_and_parents_give_each_other():
    joints = ["tail", "back", "head", "ear"]
    bones = [("tail", "back"), ("head", "back")]
    given = Skeleton("cat", joints, bones=bones)
    assert given.parents == ("back", "head", "head", "head")
    assert "ear" not in {j for bone in given.bones for j in bone}
    again = Skeleton("cat", joints, parents=given.parents)
    assert again.bones == (("back", "tail"), ("head", "back"), ("head", "ear"))


def test_names_that_say_nothing_get_no_bones():
    dots = Skeleton("dots", [f"kp{i}" for i in range(19)])
    assert dots.bones == () and set(dots.parents) == {"kp0"}
    assert "kp7" in dots.defaults["bones"]
    assert dots.groups["Kp3"] == ("kp3",) and dots.can_flip


def test_default_groups_join_the_sides():
    skeleton = Skeleton("x", ["Left Big Toe", "Right Big Toe", "Nose"])
    assert skeleton.groups == {
        "Big toe": ("Left Big Toe", "Right Big Toe"),
        "Nose": ("Nose",),
    }


@every
def test_through_json_and_back(skeleton):
    again = Skeleton.from_dict(json.loads(json.dumps(skeleton.to_dict())))
    assert again == skeleton and again.defaults == {}


def test_descriptions_are_checked():
    bare = Skeleton.from_dict({"name": "arm", "joints": ["shoulder", "elbow"]})
    assert bare.bones == (("shoulder", "elbow"),)
    good = MPII.to_dict()
    for bad, message in (
        (["mpii"], "described by its 'name' and 'joints'"),
        ({"name": "x"}, "described by its 'name' and 'joints'"),
        (None, "described by"),
        (good | {"weight": 3}, "mpii' has weight"),
        (good | {"joints": "nose"}, "joints must be a list, not 'nose'"),
        (good | {"sigmas": None, "bones": 7}, "bones must be a list, not 7"),
    ):
        with pytest.raises(ValueError, match=message):
            Skeleton.from_dict(bad)


def test_help_shows_a_skeleton_in_one_word():
    assert repr(MPII) == "<Skeleton mpii: 16 joints>"

    def draw(skeleton=MPII):
        pass

    assert len(str(inspect.signature(draw))) < 50


# ------------------------------------------------------------------- errors


def test_get_skeleton():
    assert get_skeleton("mpii") is MPII
    assert get_skeleton(COCO) is COCO
    with pytest.raises(ValueError, match="'body25'; known: mpii, coco"):
        get_skeleton("body25")
    with pytest.raises(ValueError, match="'MPII'.*did you mean 'mpii'"):
        get_skeleton("MPII")


@pytest.mark.parametrize("bad", [["a", "b"], {"a": 1}, None, 16, 0.5])
def test_what_is_no_skeleton(bad):
    with pytest.raises(ValueError, match=r"unknown skeleton.*Skeleton\(.mine"):
        get_skeleton(bad)


def test_unknown_joint():
    with pytest.raises(ValueError, match="mpii has no joint 'nose'.*thorax"):
        MPII.index("nose")
    assert MPII.indices(["pelvis", "thorax"]) == [6, 7]


def test_skeletons_are_checked():
    good = dict(
        name="x",
        joints=("a", "b"),
        bones=(("a", "b"),),
        parents=("a", "a"),
        sigmas=(0.1, 0.1),
    )
    Skeleton(**good)
    for change, message in (
        ({"joints": ("a", "a")}, "not unique"),
        ({"joints": ("a", "A")}, "'a', 'A' mean the same"),
        ({"joints": "ab"}, "joints must be a list, not 'ab'"),
        ({"joints": ("a", 2)}, "joints must be joint names, not 2"),
        ({"joints": ()}, "at least one joint"),
        ({"name": ""}, "name is a word"),
        ({"parents": ("b", "a")}, "parents go in a circle"),
        ({"sigmas": (0.1, float("nan"))}, "positive numbers, not nan"),
        ({"sigmas": (0.1, "b")}, "positive numbers, not 'b'"),
        ({"sigmas": (0.1, -1)}, "positive numbers, not -1"),
        ({"bones": (("a", "a"),)}, "pairs of two joints"),
        ({"bones": (("a", "b", "a"),)}, "pairs of two joints"),
        ({"bones": "ab"}, "bones must be a list"),
        ({"groups": ["a"]}, "groups must be a dictionary"),
        ({"parents": ("a",)}, "1 parents for 2"),
        ({"sigmas": (0.1,)}, "1 sigmas for 2"),
        ({"bones": (("a", "c"),)}, "unknown joints.*c"),
        ({"groups": {"A": ("d",)}}, "unknown joints.*d"),
    ):
        with pytest.raises(ValueError, match=message):
            Skeleton(**{**good, **change})


# -------------------------------------------------------------------- remap


@pytest.mark.parametrize("source", SKELETONS.values(), ids=lambda s: s.name)
@pytest.mark.parametrize("target", SKELETONS.values(), ids=lambda s: s.name)
def test_remap_moves_by_name_and_invents_nothing(source, target):
    rng = np.random.default_rng(0)
    keypoints = rng.random((3, len(source), 2))
    visible = rng.integers(0, 3, (3, len(source)))
    keypoints[visible == 0] = np.nan
    new, seen = remap(keypoints, visible, source, target)
    assert new.shape == (3, len(target), 2) and seen.dtype == np.uint8
    for i, joint in enumerate(target.joints):
        if joint in source.joints:
            j = source.index(joint)
            np.testing.assert_array_equal(new[:, i], keypoints[:, j])
            np.testing.assert_array_equal(seen[:, i], visible[:, j])
        else:
            assert np.isnan(new[:, i]).all() and (seen[:, i] == 0).all()


def test_remap_there_and_back():
    rng = np.random.default_rng(1)
    keypoints, visible = rng.random((4, 14, 2)), np.full((4, 14), 2)
    there = remap(keypoints, visible, LSP, MPII)
    back, seen = remap(*there, MPII, LSP)
    np.testing.assert_array_equal(back, keypoints)
    assert (seen == 2).all()
    single, _ = remap(keypoints[0], visible[0], LSP, MPII)
    np.testing.assert_array_equal(single, there[0][0])


def test_remap_three_dimensions():
    new, _ = remap(np.ones((17, 3)), np.ones(17), H36M, MPII)
    assert new.shape == (16, 3)
    assert (new[MPII.index("pelvis")] == 1).all()


def test_remap_across_spellings():
    mine = Skeleton("mine", ["Right Wrist", "tail", "WristL"])
    new, seen = remap([[1, 2], [3, 4], [5, 6]], [2, 2, 1], mine, MPII)
    assert new[MPII.index("right_wrist")].tolist() == [1, 2]
    assert new[MPII.index("left_wrist")].tolist() == [5, 6]
    assert (seen > 0).sum() == 2 and seen[MPII.index("left_wrist")] == 1


def test_remap_says_what_is_wrong():
    with pytest.raises(ValueError, match="17 joints of coco"):
        remap(np.zeros((16, 2)), np.zeros(16), COCO, MPII)
    with pytest.raises(ValueError, match="visible"):
        remap(np.zeros((17, 2)), np.zeros(16), COCO, MPII)
