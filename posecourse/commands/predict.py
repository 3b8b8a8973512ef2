"""``posecourse predict``: poses in pictures, videos or a camera.

What is written to the output folder: a drawing per picture
(``NAME-pose.png``, at most 4096 pixels wide and high) or video
(``NAME-pose.mp4``), and ``poses.json``::

    {"weights": ..., "model": ..., "skeleton": "mpii",
     "images": [{"image": "me.jpg", "drawing": "me-pose.png",
                 "width": 640, "height": 480,
                 "poses": [{"box": [x, y, width, height], "score": 0.71,
                            "keypoints": {"right_ankle": [x, y, score],
                                          ...}}]}]}

An entry of a video also has its ``frame``, counted from 0. Coordinates are
pixels of the upright picture (as a viewer shows it), 0-based.
"""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path

from . import add_device, make_parser, print_json

# In a folder. What OpenCV cannot read (HEIC) is named, not passed over.
_PICTURES = {
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".bmp",
    ".tif",
    ".tiff",
    ".gif",
    ".avif",
    ".heic",
    ".heif",
}
_VIDEOS = {".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v"}
# Longer side of a drawing, pixels: a photo of 12 million keeps its size, a
# panorama of 100 million does not become a PNG of 200 MB.
_LARGEST = 4096
# Below this mean score, the pose of one frame does not tell where to look
# for the person in the next.
_LOST = 0.2


def _arguments(argv):
    parser = make_parser(
        "predict",
        "Find poses in pictures, folders and videos. For each picture, one "
        "with the pose drawn on is written, and poses.json with all joints: "
        "pixels of the upright picture, the centre of the first one 0. "
        "There is no "
        "person detector: without a box, the whole picture is taken to show "
        "one person, looked for in a first look and looked at closely in a "
        "second. Boxes give much better poses.",
        "posecourse predict me.jpg --box 120,40,200,460\n"
        "posecourse predict holiday/ --run runs/laptop-1 --out poses",
    )
    parser.add_argument(
        "source",
        nargs="*",
        type=Path,
        metavar="IMAGE",
        help="pictures, folders of pictures, videos",
    )
    parser.add_argument(
        "--camera",
        nargs="?",
        type=int,
        const=0,
        metavar="N",
        help="a camera instead (default: the first); Ctrl-C ends it",
    )
    parser.add_argument(
        "--run",
        "--weights",
        metavar="RUN",
        help="a run folder, or a weights file (default: "
        "the newest in runs/, else one that came with "
        "the course)",
    )
    parser.add_argument(
        "--box",
        action="append",
        type=_box,
        default=[],
        metavar="X,Y,W,H",
        help="a person's box, pixels; repeat for several, in one picture",
    )
    parser.add_argument(
        "--boxes",
        type=Path,
        metavar="FILE.json",
        help='boxes of many pictures: {"NAME": [[x, y, width, height], ...], ...}',
    )
    parser.add_argument(
        "--min-score",
        type=float,
        default=0.0,
        metavar="S",
        help="leave less sure joints out of the drawing",
    )
    parser.add_argument(
        "--flip",
        action="store_true",
        help="look at the mirrored picture too: slower, a little better",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("poses"),
        help="folder to write (default: %(default)s)",
    )
    add_device(parser)
    parser.add_argument(
        "--json", action="store_true", help="print the content of poses.json, too"
    )
    args = parser.parse_args(argv)
    if args.camera is None and not args.source:
        parser.error("name a picture, a folder or a video, or use --camera")
    if args.box and args.boxes:
        parser.error("--box or --boxes, not both")
    args.source = _sources(args.source)
    if args.box and (
        args.camera is not None
        or len(args.source) != 1
        or args.source[0].suffix.lower() in _VIDEOS
    ):
        parser.error("--box is for one picture; for several use --boxes")
    return args


def main(argv) -> int:
    """Run the command; returns the exit status."""
    args = _arguments(argv)
    boxes = _read_boxes(args.boxes) if args.boxes else {}

    # what OpenCV would print about broken files is said in words here
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    from ..files import write_json
    from ..inference.predictor import Predictor

    weights = args.run or newest_weights()
    predictor = Predictor.from_run(weights, args.device)
    print(f"{predictor.model.name} of {weights} on {predictor.device}", file=sys.stderr)
    content = {
        "weights": str(weights),
        "model": predictor.model.name,
        "skeleton": predictor.skeleton.name,
        "coordinates": "x, y, score; pixels of the upright picture, the "
        "centre of the first one is 0",
        "images": [],
    }
    taken = {path.resolve() for path in args.source}
    if args.boxes:
        taken.add(args.boxes.resolve())
    report = _free(args.out / "poses.json", taken)
    failed = 0
    try:
        if args.camera is not None:
            _video(predictor, args.camera, args, taken, content)
        for source in args.source:
            try:
                if source.suffix.lower() in _VIDEOS:
                    _video(predictor, source, args, taken, content)
                else:
                    _picture(
                        predictor,
                        source,
                        args,
                        args.box or _boxes_of(boxes, source),
                        taken,
                        content,
                    )
            except ValueError as error:  # on to the next
                text = str(error)
                if str(source) not in text:
                    text = f"{source}: {text}"
                print(f"posecourse: {text}", file=sys.stderr)
                failed += 1
    finally:
        if content["images"]:
            write_json(report, content)
    if args.json:
        print_json(content)
    else:
        print(
            f"{len(content['images'])} pictures; poses and drawings in "
            f"{args.out}" + (f"; {failed} could not be read" if failed else "")
        )
    return (1 if content["images"] else 2) if failed else 0


def _box(text: str) -> tuple[float, ...]:
    numbers = tuple(float(n) for n in text.split(","))
    if (
        len(numbers) != 4
        or not all(map(math.isfinite, numbers))
        or min(numbers[2:]) <= 0
    ):
        raise ValueError(text)
    return numbers


_box.__name__ = "box"  # argparse: "invalid box value"


def _sources(paths) -> list[Path]:
    """Files; folders become the pictures and videos in them."""
    found = []
    for path in paths:
        if path.is_dir():
            # a name with a dot in front is not the user's own file
            inside = sorted(
                p
                for p in path.iterdir()
                if p.is_file()
                and p.suffix.lower() in _PICTURES | _VIDEOS
                and not p.name.startswith(".")
            )
            if not inside:
                raise FileNotFoundError(f"no picture or video in {path}")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise FileNotFoundError(f"no picture {path}")
    return found


def _read_boxes(path: Path) -> dict:
    if not path.is_file():
        raise FileNotFoundError(f"no boxes file {path}")
    try:
        boxes = json.loads(path.read_text("utf-8"))
        return {
            name: [_box(",".join(map(str, box))) for box in some]
            for name, some in boxes.items()
        }
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f'{path}: expected {{"picture.jpg": [[x, y, width, height], '
            f"...], ...}} with positive width and height ({error})"
        ) from None


def _boxes_of(boxes: dict, source: Path):
    """The boxes of a picture, by its path or name; None without a file."""
    if not boxes:
        return None
    for name in (str(source), source.as_posix(), source.name):
        if name in boxes:
            return boxes[name]
    raise ValueError(
        f"{source}: the boxes file has no entry for it; an "
        "empty list says that nobody is there"
    )


def newest_weights() -> Path:
    """The newest finished run in ``runs/``, else the course's for photos.

    Raises
    ------
    FileNotFoundError
        If there is neither; says what to do.
    """
    runs = sorted(
        Path("runs").glob("*/weights.safetensors"), key=lambda p: p.stat().st_mtime
    )
    if runs:
        return runs[-1]
    from ..models.pretrained import pretrained

    return pretrained("photos")


def _picture(predictor, source, args, boxes, taken, content):
    from ..images import read_image

    image = read_image(source)
    poses = predictor(image, boxes, flip_test=args.flip, refine=boxes is None)
    path = _free(args.out / f"{source.stem}-pose.png", taken)
    _write_png(path, _drawn(image, poses, args, boxes))
    content["images"].append(
        {
            "image": str(source),
            "drawing": path.name,
            "width": image.shape[1],
            "height": image.shape[0],
            "poses": [pose.to_dict() for pose in poses],
        }
    )


def _free(path: Path, taken: set) -> Path:
    """A name that neither an input nor another output has."""
    number, wanted = 1, path
    while path.resolve() in taken:
        number += 1
        path = wanted.with_stem(f"{wanted.stem}-{number}")
    taken.add(path.resolve())
    return path


def _drawn(image, poses, args, boxes):
    from ..drawing import draw_box, draw_pose

    for pose in poses:
        if boxes:
            image = draw_box(image, pose.box)
        image = draw_pose(
            image,
            pose.keypoints,
            scores=pose.scores,
            skeleton=pose.skeleton,
            min_score=args.min_score,
        )
    return image


def _write_png(path: Path, image):
    import cv2

    from ..files import atomic_path

    height, width = image.shape[:2]
    factor = _LARGEST / max(height, width)
    if factor < 1:
        size = [max(1, round(n * factor)) for n in (width, height)]
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    with atomic_path(path) as temporary:
        temporary.write_bytes(cv2.imencode(".png", image[..., ::-1])[1])


def _video(predictor, source, args, taken, content):
    """One person through a video; each frame is searched near the last."""
    from ..files import atomic_path
    from ..inference.predictor import Video

    camera = isinstance(source, int)
    name = f"camera-{source}" if camera else source.stem
    path = _free(args.out / f"{name}-pose.mp4", taken)
    pose, writer = None, None
    with Video(source) as video, atomic_path(path) as temporary:
        try:
            for number, image in enumerate(video):
                height, width = image.shape[:2]
                near = None
                if pose is not None and pose.score >= _LOST:
                    x, y, w, h = near = pose.around()
                    if min(x + w, y + h, width - x, height - y) <= 0:
                        near = None  # gone out of the picture
                (pose,) = predictor(
                    image, near and [near], flip_test=args.flip, refine=near is None
                )
                if writer is None:
                    writer = _writer(temporary, video.rate, width, height)
                drawn = _drawn(image, [pose], args, None)
                writer.write(drawn[..., ::-1].copy())
                content["images"].append(
                    {
                        "image": str(source),
                        "frame": number,
                        "drawing": path.name,
                        "width": width,
                        "height": height,
                        "poses": [pose.to_dict()],
                    }
                )
        except KeyboardInterrupt:
            if not camera or writer is None:  # how a camera is ended
                raise
        finally:
            if writer is not None:
                writer.release()


def _writer(path: Path, rate: float, width: int, height: int):
    import cv2

    from ..inference.predictor import VideoError

    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter_fourcc(*"mp4v"), rate, (width, height)
    )
    if not writer.isOpened():
        raise VideoError(
            "this OpenCV cannot write MP4 videos; install "
            "opencv-python from pip, which can"
        )
    return writer
