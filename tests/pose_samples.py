"""Small datasets on disk, written as their makers write them."""

import json

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
    (root / "annot").mkdir(parents=True, exist_ok=True)
    (root / "annot" / f"{split}.json").write_text(json.dumps(records))
    for i, name in enumerate(sorted({r["image"] for r in records})):
        if pictures:
            write_picture(root / "images" / name, picture(i))
    return root
