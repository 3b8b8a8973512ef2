"""Files and values that no command should be given, and where they go in.

`BLOBS` are contents, `PATHS` are things that are no files, `mutations` are
whole files with one field that is not as it should be. `DOORS` are the
places where a command takes a file.
"""

import copy
import json
import os
import pickle
import shutil
import struct

import cv2
import numpy as np
import torch

from posecourse import models
from posecourse.datasets import SyntheticPeople, prepare
from posecourse.datasets.mpii_writer import write_as_mpii
from posecourse.skeletons import COCO

# ---------------------------------------------------------------- contents

_LONG = b"9" * 400
_RESULT = {"image_id": 1, "category_id": 1, "keypoints": [1.0] * 51, "score": 0.5}


def _safetensors(header) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text


BLOBS = {
    "empty": b"",
    "blank": b" \n",
    "zeros": bytes(5000),
    "noise": np.random.default_rng(0).bytes(5000),
    "text": b"The quick brown fox\n" * 9,
    "web page": b"<!DOCTYPE html><html><body>404</body></html>",
    "LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
    "null": b"null",
    "true": b"true",
    "number": b"3",
    "string": b'"person"',
    "list": b"[]",
    "object": b"{}",
    "list of null": b"[null]",
    "list of numbers": b"[1, 2, 3]",
    "list of lists": b"[[[1, 2], [3]]]",
    "list of objects": b"[{}, {}]",
    "nulls": b'{"images": null, "annotations": null, "categories": null}',
    "lists of null": b'{"images": [null], "annotations": [null], "categories": [null]}',
    "objects for lists": b'{"images": {}, "annotations": {}, "categories": {}}',
    "no images": b'{"annotations": []}',
    "strings": b'{"images": "a", "annotations": "b", "categories": "c"}',
    "brackets": b"[" * 100_000,
    "braces": b'{"a":' * 100_000,
    "closed brackets": b"[" * 50_000 + b"]" * 50_000,
    "400 digits": _LONG,
    "5000 digits": b"[" + b"9" * 5000 + b"]",
    "400 digits inside": b'[{"image": "a.jpg", "joints": [[' + _LONG + b", 1]]}]",
    "infinite": b'[{"image_id": 1e999, "keypoints": [NaN, -Infinity, 2]}]',
    "cut": json.dumps([_RESULT] * 9).encode()[:-20],
    "twice": json.dumps([_RESULT]).encode() * 2,
    "UTF-16": json.dumps([_RESULT, {}]).encode("utf-16"),
    "UTF-32": json.dumps([{}]).encode("utf-32"),
    "BOM": b"\xef\xbb\xbf[{}]",
    "Latin-1": '[{"image": "Zoë.jpg"}]'.encode("latin-1"),
    "surrogate": b'[{"image": "\\ud800.jpg", "joints": []}]',
    "pickle": pickle.dumps({"a": [1, 2]}),
    "zip": b"PK\x03\x04" + bytes(200),
    "empty zip": b"PK\x05\x06" + bytes(18),
    "gzip": b"\x1f\x8b\x08" + bytes(200),
    "HDF5 head": b"\x89HDF\r\n\x1a\n" + bytes(200),
    "MATLAB head": b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + bytes(64),
    "NumPy head": b"\x93NUMPY\x01\x00\x10\x00{'descr': 'x'   \n",
    "huge NumPy": b"\x93NUMPY\x01\x00\x76\x00"
    + b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 16, 2), }"
    .ljust(117) + b"\n",
    "PNG head": b"\x89PNG\r\n\x1a\n" + bytes(200),
    "JPEG head": b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(200),
    "MP4 head": b"\0\0\0\x18ftypmp42" + bytes(200),
    "safetensors of nothing": _safetensors({}),
    "safetensors brackets": _safetensors(b'{"a":' + b"[" * 100_000),
    "safetensors too long": struct.pack("<Q", 2**62) + b"{}",
    "safetensors odd": _safetensors({"__metadata__": {"model": 3}}),
}  # fmt: skip


# ------------------------------------------------------------------- paths


def odd_paths(folder, suffix: str):
    """Name and path of what is no file that can be read."""
    folder.mkdir(parents=True)
    yield "missing", folder / f"missing{suffix}"
    yield "empty name", ""
    yield "in a missing folder", folder / "no" / "such" / f"place{suffix}"
    yield "long name", folder / f"{'x' * 300}{suffix}"
    inner = folder / f"folder{suffix}"
    inner.mkdir()
    yield "empty folder", inner
    file = folder / f"file{suffix}"
    file.write_bytes(b"x")
    yield "below a file", file / f"inner{suffix}"
    if os.name == "nt":
        return
    loop = folder / f"loop{suffix}"
    loop.symlink_to(loop)
    yield "link to itself", loop
    pipe = folder / f"pipe{suffix}"
    os.mkfifo(pipe)
    yield "pipe", pipe
    for device in ("zero", "full", "null"):
        link = folder / f"{device}{suffix}"
        link.symlink_to(f"/dev/{device}")
        yield f"link to /dev/{device}", link
    strange = folder / os.fsdecode(b"caf\xe9 \n\t" + suffix.encode())
    strange.write_bytes(b"not this")
    yield "strange name", strange
    if os.geteuid():
        locked = folder / f"locked{suffix}"
        locked.write_bytes(b"[]")
        locked.chmod(0)
        yield "no permission", locked


# --------------------------------------------------------- whole, but a field

ODD_VALUES = {
    "null": None,
    "text": "abc",
    "list": [],
    "object": {},
    "true": True,
    "negative": -1,
    "fraction": 0.5,
    "huge": 10**400,
    "1e300": 1e300,
    "NaN": float("nan"),
    "infinite": float("inf"),
    "nested": [[[1]]],
    "surrogate": "\ud800",
}


def mutations(content, most: int = 10_000):
    """The content again and again, each time with one value that is odd.

    Yields a name and the content. Of lists, the first element is changed.
    """
    for path in list(_places(content))[:most]:
        for name, value in ODD_VALUES.items():
            changed = copy.deepcopy(content)
            _put(changed, path, value)
            yield f"{'.'.join(map(str, path))}={name}", changed
        if isinstance(path[-1], str):
            changed = copy.deepcopy(content)
            _put(changed, path, _put)
            yield f"{'.'.join(map(str, path))} missing", changed


def _places(content, path=()):
    items = (
        content.items()
        if isinstance(content, dict)
        else list(enumerate(content))[:1]
        if isinstance(content, list)
        else ()
    )
    for key, value in items:
        yield (*path, key)
        yield from _places(value, (*path, key))


def _put(content, path, value):
    for key in path[:-1]:
        content = content[key]
    if value is _put:
        del content[path[-1]]
    else:
        content[path[-1]] = value


# ------------------------------------------------------------ what is whole


class House:
    """A folder with everything that a command may want, small and whole."""

    def __init__(self, folder):
        self.folder = folder
        torch.manual_seed(0)
        network = models.build("laptop", input_size=32, width=4)
        self.weights = models.save_weights(network, folder / "w.safetensors")
        people = SyntheticPeople(3, size=64)
        self.people = folder / "people"
        self.mpii = write_as_mpii(people, self.people)
        self.store = folder / "store"
        for split in ("train", "valid"):
            few = SyntheticPeople(3, size=64, split=split)
            prepare(few, self.store / split, size=40, margin=1.25, progress=False)
        self.picture = next((self.people / "images").iterdir())
        self.coco = folder / "person_keypoints.json"
        self.coco.write_text(json.dumps(self.coco_truth()))
        (folder / "images").mkdir()
        for image in self.coco_truth()["images"]:
            pixels = np.full((48, 64, 3), 90, np.uint8)
            cv2.imwrite(str(folder / "images" / image["file_name"]), pixels)
        self.results = folder / "results.json"
        self.results.write_text(json.dumps(self.coco_results()))
        self.predictions = folder / "predictions.npz"
        np.savez(self.predictions, preds=np.stack([p.keypoints for p in people]))

    @staticmethod
    def coco_truth():
        def person(number):
            points = [[10.0 + 2 * j, 5.0 + 2 * j, 2] for j in range(17)]
            return {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "iscrowd": 0,
                "num_keypoints": 17,
                "area": 900.0,
                "bbox": [5.0, 3.0, 50.0, 40.0],
                "keypoints": [v for point in points for v in point],
            }

        return {
            "images": [
                {"id": i, "file_name": f"{i}.png", "width": 64, "height": 48}
                for i in (1, 2)
            ],
            "annotations": [person(1), person(2)],
            "categories": [{"id": 1, "name": "person", "keypoints": list(COCO.joints)}],
        }

    @classmethod
    def coco_results(cls):
        return [
            {
                "image_id": a["image_id"],
                "category_id": 1,
                "keypoints": a["keypoints"],
                "score": 0.9,
            }
            for a in cls.coco_truth()["annotations"]
        ]


# door: endings of the files that go in, and the command around one
DOORS = {
    "evaluate RUN": (
        (".safetensors", ".pth"),
        lambda house, file: ["evaluate", file, "--data", house.people],
    ),
    "evaluate --data": (
        (".json", ".mat"),
        lambda house, file: ["evaluate", house.weights, "--data", file],
    ),
    "predict --run": (
        (".safetensors", ".ckpt"),
        lambda house, file: ["predict", house.picture, "--run", file, "--out", "o"],
    ),
    "predict IMAGE": (
        (".png", ".jpg", ".gif", ".webp", ".tif", ".mp4", ".avi"),
        lambda house, file: ["predict", file, "--run", house.weights, "--out", "o"],
    ),
    "predict --boxes": (
        (".json",),
        lambda house, file: [
            "predict", house.picture, "--run", house.weights, "--out", "o",
            "--boxes", file,
        ],
    ),
    "score FILE": (
        (".json", ".npz", ".npy", ".mat", ".h5"),
        lambda house, file: ["score", file, "--truth", house.people],
    ),
    "score --truth": (
        (".json", ".mat"),
        lambda house, file: ["score", house.predictions, "--truth", file],
    ),
    "score COCO": (
        (".json",),
        lambda house, file: ["score", file, "--truth", house.coco],
    ),
    "score --truth COCO": (
        (".json",),
        lambda house, file: ["score", house.results, "--truth", file],
    ),
    "data check": ((".json", ".mat"), lambda house, file: ["data", "check", file]),
    "data prepare": (
        (".json", ".mat"),
        lambda house, file: ["data", "prepare", file, "s"],
    ),
    "bench --data": (
        (".json", ".mat"),
        lambda house, file: [
            "bench", "--data", file, "--parts", "data", "--seconds", "0.01",
        ],
    ),
    "train --data": (
        (".json", ".mat"),
        lambda house, file: ["train", "--data", file, "--epochs", "1"],
    ),
    "train --init": (
        (".safetensors", ".pt"),
        lambda house, file: [
            "train", "--data", house.store, "--epochs", "1", "--input-size", "32",
            "--option", "width=4", "--init", file,
        ],
    ),
}  # fmt: skip

# door: the file inside a folder, and the command around that folder
FOLDERS = {
    "MPII folder": ("annot/valid.json", lambda house, at: ["data", "check", at]),
    "MPII release": (
        "mpii_human_pose_v1_u12_1.mat",
        lambda house, at: ["data", "check", at],
    ),
    "COCO folder": (
        "annotations/person_keypoints_val2017.json",
        lambda house, at: ["data", "check", at],
    ),
    "LSP folder": ("joints.mat", lambda house, at: ["data", "check", at]),
    "store to check": ("store.json", lambda house, at: ["data", "check", at]),
    "store to train on": (
        "store.json",
        lambda house, at: ["train", "--data", at, "--epochs", "1"],
    ),
    "store to evaluate on": (
        "store.json",
        lambda house, at: ["evaluate", house.weights, "--data", at],
    ),
    "run to resume": ("config.json", lambda house, at: ["train", "--resume", at]),
    "run to evaluate": (
        "weights.safetensors",
        lambda house, at: ["evaluate", at, "--data", house.people],
    ),
    "run to evaluate as it was validated": (
        "config.json",
        lambda house, at: [
            "evaluate",
            shutil.copy(house.weights, at / "weights.safetensors").parent,
        ],
    ),
    "downloads": (
        "downloads.json",
        lambda house, at: [
            "data", "fetch", "mpii-annotations", "--accept-licence", "--out", at,
        ],
    ),
}  # fmt: skip
