"""COCO keypoints: COCO's own, and what labelling tools write in its form."""

from __future__ import annotations

from pathlib import Path

from ..images import PictureFolder
from ..skeletons import SKELETONS, Skeleton, get_skeleton, remap
from .annotated import AnnotatedDataset, gaps_between
from .base import DatasetError, Person, require_common_joints
from .coco_file import read_coco
from .parsing import Records, kind_of, named_split, position_from_box
from .pictures import find_pictures, picture_name, places_in

__all__ = ["COCOKeypoints"]


class COCOKeypoints(AnnotatedDataset):
    """People of a keypoint file in COCO's form who have labelled joints.

    Parameters
    ----------
    annotations:
        The JSON file.
    images:
        Folder of the pictures; by default looked for near the file, where
        COCO and the usual labelling tools put them.
    skeleton:
        The joints that are wanted, matched by name (`Skeleton`). By default
        those of the file's category: as a skeleton of this package if they
        are the same in whatever order and spelling, else as they are. A file
        that names no joints needs it, unless they are COCO's 17.
    category:
        Name of the category, where several have different joints; by default
        ``"person"``.
    strict:
        Raise an error for a record that cannot be used, instead of leaving
        it out.

    Attributes
    ----------
    left_out:
        How many crowds, people without a labelled joint, and things of other
        categories there are; the evaluation ignores them as well.
    skipped:
        Records that cannot be used, each with the reason.
    notes:
        What was mended or assumed: ids, areas, boxes, the order of joints.

    Raises
    ------
    DatasetError
        If two pictures have the same id, or nobody is left.

    Notes
    -----
    Keypoints are 0-based as they stand. Boxes are measured from the
    picture's outer edge and used as `Crop.from_box` takes them. Centre and
    scale are chosen so that the standard window has the box in its middle
    and is 1.25 times its longer side wide. `area` is that of the
    segmentation, which OKS uses, or of the box. There are no head boxes.

    `extra` has ``annotation_id``, ``image_id`` and ``image_size`` (width,
    height; None where the file does not say).
    """

    def __init__(
        self,
        annotations,
        images=None,
        skeleton: Skeleton | str | None = None,
        category: str | None = None,
        strict: bool = False,
    ):
        file = read_coco(annotations, skeleton, category, strict)
        target = _target(file.skeleton, skeleton)
        pictures = {image["id"]: image for image in file.content["images"]}
        folder, last = find_pictures(
            [image["file_name"] for image in pictures.values()],
            places_in(images) if images else _places(file.path),
        )
        records = Records(file.path, strict)
        records.skipped = file.skipped
        names, people = {}, []
        for identity, image in pictures.items():
            with records.one(f"image with the id {identity}") as where:
                names[identity] = picture_name(image["file_name"], where, last)
        for annotation, keypoints, visible in file.people:
            image = pictures[annotation["image_id"]]
            if image["id"] in names:
                if target is not file.skeleton:
                    keypoints, visible = remap(
                        keypoints, visible, file.skeleton, target
                    )
                name = names[image["id"]]
                people.append(_person(annotation, image, name, keypoints, visible))
        records.require(people, "person with labelled joints")
        self.annotations, self.left_out = file.path, file.left_out
        super().__init__(
            _name(file.path),
            target,
            people,
            PictureFolder(folder),
            file.skipped,
            file.notes + gaps_between(file.skeleton, target),
            named_split(file.path),
        )

    @classmethod
    def splits(cls, root) -> dict[str, Path]:
        """The annotation file of each split under `root`.

        Under ``""`` the one of a folder whose file names no split. COCO's own
        layout, Roboflow's, CVAT's, and any other JSON file of this form.
        """
        root = Path(root)
        folders = [f for f in (root / "annotations", root) if f.is_dir()]
        for found in (
            [p for f in folders for p in sorted(f.glob("person_keypoints*.json"))],
            sorted(root.glob("*/_annotations.coco.json")),
            [
                p
                for f in folders
                for p in sorted(f.glob("*.json"))
                if kind_of(p) == "coco"
            ],
        ):
            if found:
                return _by_split(found)
        return {}

    @staticmethod
    def places(split: str) -> list[str]:
        """Where annotations are looked for, below the root."""
        name = {"valid": "val"}.get(split, split)
        return [
            f"annotations/person_keypoints_{name}*.json",
            f"{split}/_annotations.coco.json",
            "a JSON file with 'images' and 'annotations'",
        ]


def _name(path: Path) -> str:
    if path.name.startswith("_annotations"):  # Roboflow: the folder is the name
        return f"{path.resolve().parent.parent.name}-{path.resolve().parent.name}"
    return path.stem.replace("person_keypoints", "coco")


def _by_split(paths: list[Path]) -> dict[str, Path]:
    splits: dict[str, Path] = {}
    unnamed = []
    for path in paths:
        name = named_split(path)
        if name:
            splits.setdefault(name, path)
        else:
            unnamed.append(path)
    if not splits and len(unnamed) > 1:
        raise DatasetError(
            f"{unnamed[0].parent} has several annotation files, "
            f"{', '.join(p.name for p in unnamed[:5])}; name one of them"
        )
    return splits or {"": unnamed[0]}


def _places(path: Path) -> list[Path]:
    """Folders in which the pictures of an annotation file may be."""
    name = path.stem.removeprefix("person_keypoints").strip("_")
    root = path.parent
    roots = [root.parent, root] if root.name == "annotations" else [root]
    places = []
    for root in roots:
        if name:
            places += [root / "images" / name, root / name]
        places += [root / "images", root]
    # The likeliest first: it is named where there are no pictures at all.
    return sorted(places, key=lambda place: not place.is_dir() or place in roots)


def _target(source: Skeleton, wanted) -> Skeleton:
    """The joints in which people are given."""
    if wanted is not None:
        target = get_skeleton(wanted)
        require_common_joints(source, target)
        return target
    for known in SKELETONS.values():
        if set(known.canonical) == set(source.canonical):
            return known
    return source


def _person(annotation, image, name, keypoints, visible) -> Person:
    box, derived = tuple(annotation["bbox"]), annotation.get("derived_box", False)
    # The joints' box ends at wrists and ankles; hands and feet need room.
    center, scale = position_from_box(box, 1.1 if derived else 1.0)
    return Person(
        name,
        keypoints,
        visible,
        center,
        scale,
        box=box,
        area=annotation["area"],
        id=f"coco/{annotation['id']}",
        extra={
            "annotation_id": annotation["id"],
            "image_id": image["id"],
            "image_size": _size(image),
        }
        | ({"derived_position": True} if derived else {}),
    )


def _size(image) -> tuple[int, int] | None:
    size = image.get("width"), image.get("height")
    known = all(isinstance(side, (int, float)) and side > 0 for side in size)
    return size if known else None
