"""Small datasets on disk, written as their makers write them."""

import io
import json
import struct
import zipfile

import cv2
import numpy as np

JOINTS = 16


def picture(seed: int, width=160, height=120) -> np.ndarray:
    """A smooth colourful picture, RGB, that JPEG changes little."""
    rng = np.random.default_rng(seed)
    small = rng.uniform(0, 255, (5, 6, 3))
    image = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(image, 0, 255).astype(np.uint8)


def write_picture(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    done, data = cv2.imencode(path.suffix, image[..., ::-1])
    assert done
    path.write_bytes(data.tobytes())


def exif(orientation: int, order="<") -> bytes:
    """An EXIF part with a camera's name and how the picture lies."""
    return (
        (b"II*\0" if order == "<" else b"MM\0*")
        + struct.pack(order + "IH", 8, 2)
        + struct.pack(order + "HHI4s", 0x010F, 2, 4, b"Cam\0")
        + struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
        + b"\0" * 4
    )


def with_exif(jpeg: bytes, orientation: int, order="<") -> bytes:
    """The JPEG with an EXIF part that says how it lies."""
    body = b"Exif\0\0" + exif(orientation, order)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def make_zip(*members, **options) -> bytes:
    """A zip archive of ``(name, data)``."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **options) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return stream.getvalue()


def write(path, value):
    """Write a text as it is, anything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def people(count: int, seed=0, per_picture=2, scale=0.4) -> list[dict]:
    """Records of an MPII file per split, coordinates from 1.

    Upper neck and head top lie as far apart as MPII puts them, so that the
    scale is the head's.
    """
    rng = np.random.default_rng(seed)
    records = []
    for i in range(count):
        joints = rng.uniform(50, 110, (JOINTS, 2)).round(2)
        joints[9] = joints[8] + [0, -100 / 3 * scale]
        labelled = rng.uniform(size=JOINTS) > 0.2
        labelled[[8, 9]] = True
        joints[~labelled] = -1
        records.append(
            {
                "image": f"{i // per_picture:06d}.jpg",
                "scale": scale,
                "center": [81.0, 61.0],
                "joints": joints.tolist(),
                "joints_vis": labelled.astype(int).tolist(),
            }
        )
    return records


def write_mpii(root, count=12, split="valid", pictures=True, **options):
    """A folder in MPII's layout; returns it."""
    records = people(count, **options)
    write(root / "annot" / f"{split}.json", records)
    for i, name in enumerate(sorted({r["image"] for r in records})):
        if pictures:
            write_picture(root / "images" / name, picture(i))
    return root
