"""MPI-INF-3DHP and MuCo-3DHP, from files made here."""

import json

import numpy as np
import pytest
import scipy.io

from posecourse.datasets import DatasetError, read_mpi_inf_3dhp, read_muco
from posecourse.skeletons import H36M, MPI_INF_3DHP, MPII, MUCO, remap

# The 28 joints of the files by name, as the release's own readme lists them.
# fmt: off
NAMES = [
    "spine3", "spine4", "spine2", "spine",
    "pelvis", "neck", "head", "head_top",
    "left_clavicle", "left_shoulder", "left_elbow", "left_wrist",
    "left_hand", "right_clavicle", "right_shoulder", "right_elbow",
    "right_wrist", "right_hand", "left_hip", "left_knee",
    "left_ankle", "left_foot", "left_toe", "right_hip",
    "right_knee", "right_ankle", "right_foot", "right_toe",
]
# fmt: on


def sequence(frames=3, cameras=2):
    rng = np.random.default_rng(0)
    flat = rng.uniform(0, 2048, (cameras, frames, 28, 2))
    space = rng.normal(0, 500, (cameras, frames, 28, 3)) + (0, 0, 3500)
    return flat, space


def write(path, flat, space, **more):
    def cells(values):
        cell = np.empty((len(values), 1), dtype=object)
        for i, value in enumerate(values):
            cell[i, 0] = np.asarray(value).reshape(len(value), -1)
        return cell

    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"annot2": cells(flat), "annot3": cells(space), **more}
    scipy.io.savemat(path, content)
    return path


def test_each_joint_is_the_one_of_its_name(tmp_path):
    flat, space = sequence()
    path = write(tmp_path / "S1" / "Seq1" / "annot.mat", flat, space)
    found = read_mpi_inf_3dhp(path.parent)
    assert [f.camera for f in found] == [0, 1]
    for camera, own in enumerate(found):
        assert own.skeleton is MPI_INF_3DHP
        assert own.keypoints.shape == (3, 17, 2) and own.joints.shape == (3, 17, 3)
        for k, joint in enumerate(MPI_INF_3DHP.joints):
            theirs = NAMES.index(joint)
            np.testing.assert_allclose(own.keypoints[:, k], flat[camera, :, theirs])
            np.testing.assert_allclose(
                own.joints[:, k], space[camera, :, theirs] / 1000, atol=1e-12
            )
    assert MPI_INF_3DHP.index("pelvis") == 14


def test_universal_joints_are_another_variable(tmp_path):
    flat, space = sequence(cameras=1)
    other = np.empty((1, 1), dtype=object)
    other[0, 0] = 2 * space[0].reshape(3, -1)
    path = write(tmp_path / "annot.mat", flat, space, univ_annot3=other)
    one, two = (read_mpi_inf_3dhp(path, universal=u)[0] for u in (False, True))
    np.testing.assert_allclose(two.joints, 2 * one.joints)


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda f, s: (f[..., :20, :], s), "expected .frames, 56"),
        (lambda f, s: (f[:, :2], s), "2 frames in annot2, 3 in annot3"),
        (lambda f, s: (f, s / 1000), "millimetres"),
        (lambda f, s: (f, s * (1, 1, -1)), "camera's axes"),
        (lambda f, s: (f[:1], s), "1 cameras in annot2 and 2"),
        (lambda f, s: (f, np.where(s == s[0, 1, 4, 2], np.nan, s)), "frame 1, joint 4"),
    ],
)
def test_a_file_that_is_not_as_described_is_refused(tmp_path, change, says):
    path = write(tmp_path / "annot.mat", *change(*sequence()))
    with pytest.raises(DatasetError, match=says):
        read_mpi_inf_3dhp(path)


def test_other_files_are_refused(tmp_path):
    scipy.io.savemat(tmp_path / "annot.mat", {"annot2": np.zeros((3, 56))})
    with pytest.raises(DatasetError, match="no annot3"):
        read_mpi_inf_3dhp(tmp_path)
    scipy.io.savemat(
        tmp_path / "annot.mat", {n: np.eye(3) for n in ("annot2", "annot3")}
    )
    with pytest.raises(DatasetError, match="28 joints"):
        read_mpi_inf_3dhp(tmp_path)
    scipy.io.savemat(tmp_path / "annot.mat", dict.fromkeys(("annot2", "annot3"), "x"))
    with pytest.raises(DatasetError, match="a cell for each camera"):
        read_mpi_inf_3dhp(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_mpi_inf_3dhp(tmp_path / "S9")


# --------------------------------------------------------------------- MuCo


def composed(people=2):
    rng = np.random.default_rng(1)
    image = {"id": 7, "file_name": "unaugmented_set/S1.jpg", "width": 2048}
    image |= {"height": 2048, "f": [1500.0, 1510.0], "c": [1024.0, 1020.0]}
    annotations = []
    for n in range(people):
        space = rng.normal(0, 400, (21, 3)) + (300 * n, 0, 4000)
        flat = space[:, :2] / space[:, 2:] * image["f"] + image["c"]
        annotations.append(
            {
                "id": n,
                "image_id": 7,
                "keypoints_img": flat.tolist(),
                "keypoints_cam": space.tolist(),
                "keypoints_vis": [k % 2 for k in range(21)],
                "bbox": [10, 20, 300, 400.0],
            }
        )
    empty = {**image, "id": 8}
    return {"images": [image, empty], "annotations": annotations}


def test_people_of_a_picture_share_its_camera(tmp_path):
    content = composed()
    (tmp_path / "MuCo-3DHP.json").write_text(json.dumps(content))
    (picture,) = read_muco(tmp_path / "MuCo-3DHP.json")
    assert picture.size == (2048, 2048) and picture.skeleton is MUCO
    assert picture.joints.shape == (2, 21, 3) and picture.boxes.shape == (2, 4)
    assert set(picture.visible[0]) == {1, 2}
    rays = picture.joints @ picture.intrinsics.T
    np.testing.assert_allclose(rays[..., :2] / rays[..., 2:], picture.keypoints)


@pytest.mark.parametrize(
    "spoil, says",
    [
        (
            lambda c: c["annotations"][1]["keypoints_cam"].pop(),
            r"annotation 1.*\(21, 3\)",
        ),
        (lambda c: c["annotations"][0].pop("keypoints_vis"), "no 'keypoints_vis'"),
        (lambda c: c["images"][0].update(f=[1500]), "f must be two"),
        (lambda c: c["images"][0].update(f=[0, 0]), "positive"),
        (lambda c: c["annotations"][0].update(image_id=99), "picture 99"),
        (lambda c: c.pop("images"), "no list 'images'"),
    ],
)
def test_a_record_that_is_not_as_described_is_refused(tmp_path, spoil, says):
    content = composed()
    spoil(content)
    (tmp_path / "x.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=says):
        read_muco(tmp_path / "x.json")


# ---------------------------------------------------------------- skeletons


def test_gaps_between_skeletons_are_honest():
    """Points that another skeleton has under another name are not filled in."""
    for source, target, gaps in (
        (MPI_INF_3DHP, MPII, {"thorax", "upper_neck"}),
        (H36M, MPII, {"upper_neck", "head_top"}),
        (MUCO, H36M, {"neck_base"}),
    ):
        points = np.arange(3.0 * len(source)).reshape(-1, 3)
        new, there = remap(points, np.full(len(source), 2), source, target)
        missing = {j for j, v in zip(target.joints, there) if not v}
        assert missing == gaps and np.isnan(new[there == 0]).all()
