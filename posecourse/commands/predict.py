"""``posecourse predict``: poses in pictures, videos or a camera.

What is written to the output folder: a drawing per picture
(``NAME-pose.png``, at most 4096 pixels wide and high) or video
(``NAME-pose.mp4``, or ``.webm`` where H.264 cannot be written), and
``poses.json``::

    {"weights": ..., "model": ...,
     "skeleton": "mpii" (all of it, if it is not one of the course's),
     "coordinates": "x, y, score; pixels of ...",
     "images": [{"image": "me.jpg", "drawing": "me-pose.png",
                 "width": 640, "height": 480,
                 "poses": [{"box": [x, y, width, height], "score": 0.71,
                            "keypoints": {"right_ankle": [x, y, score],
                                          ...}}]}],
     "failed": [{"image": "torn.jpg", "error": "..."}], "complete": true}

An entry of a video also has its ``frame``, counted from 0, its ``time`` in
seconds and the video's ``rate``, pictures per second. Coordinates are
pixels of the upright picture (as a viewer shows it), 0-based.

With ``--lift`` there are also ``NAME-3d.json``, each pose's joints in metres
from the pelvis along the camera's axes, and ``NAME-3d.gif``, in which they
turn (see `lifted`).

The file is whole after each picture, so a run that is ended by whatever has
lost at most the picture it was at (and says ``"complete": false``). Files
that an earlier run wrote are replaced, others never, nor those that were
changed since (see `files.Written`).
"""

from __future__ import annotations

import json
import math
import os
import sys
import warnings
from contextlib import ExitStack, suppress
from pathlib import Path

from . import (
    add_camera,
    add_device,
    existing_file,
    make_parser,
    named,
    number,
    output_folder,
    print_json,
)

# In a folder, and where a name does not tell, both are tried. What OpenCV
# cannot read (HEIC) is named, not passed over.
# fmt: off
_PICTURES = {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff",
    ".gif", ".avif", ".heic", ".heif",
}
_VIDEOS = {
    ".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".avi", ".mkv", ".webm",
    ".mpg", ".mpeg", ".m2v", ".wmv", ".asf", ".flv", ".f4v", ".m2ts", ".mts",
    ".ogv", ".mxf", ".vob",
}
# fmt: on
# Longer side of a drawing, pixels: a photo of 12 million keeps its size, a
# panorama of 100 million does not become a PNG of 200 MB.
_LARGEST = 4096
# Bytes of a name: what file systems allow (255), less what is put to it.
_LONGEST_NAME = 200
_SHOWN = 20  # failures listed at the end


def _arguments(argv):
    parser = make_parser(
        "predict",
        "Find poses in pictures, folders and videos. Each picture is written "
        "again with its pose drawn on it, and poses.json lists all joints, in "
        "pixels of the upright picture; the centre of the first pixel is 0. "
        "Without boxes a detector looks for people first. Where it finds "
        "several, each has a pose; else one person is looked for in the whole "
        "picture and in windows of it, and looked at closely where found.",
        "posecourse predict me.jpg --box 120,40,200,460\n"
        "posecourse predict street.mp4 --multi\n"
        "posecourse predict holiday/ --run runs/laptop-1 --out poses",
    )
    parser.add_argument(
        "source",
        nargs="*",
        type=named,
        metavar="IMAGE",
        help="pictures, folders of pictures, videos",
    )
    add_camera(parser)
    parser.add_argument(
        "--run",
        "--weights",
        type=str,
        metavar="RUN",
        help="a run folder, a weights file, the name of a network that came "
        "with the course, or a file of posecourse export (default: the newest in "
        "runs/, else photos)",
    )
    parser.add_argument(
        "--runtime",
        choices=["torch", "onnx", "opencv"],
        help="what runs the network: onnx (onnxruntime) and opencv take a file of "
        "posecourse export (default: torch; for such a file onnx)",
    )
    parser.add_argument(
        "--box",
        action="append",
        type=_box,
        default=[],
        metavar="X,Y,W,H",
        help="a person's box in pixels; repeat it for several people in one picture",
    )
    parser.add_argument(
        "--boxes",
        type=existing_file,
        metavar="FILE.json",
        help='boxes of many pictures: {"NAME": [[x, y, width, height], ...], ...}',
    )
    many = parser.add_mutually_exclusive_group()
    many.add_argument(
        "--multi",
        action="store_true",
        help="everybody, and nobody where the detector finds nobody; in a video "
        "with numbers that stay (default: everybody where a picture holds several)",
    )
    many.add_argument(
        "--single",
        action="store_true",
        help="one person in each picture, without the detector",
    )
    parser.add_argument(
        "--min-score",
        type=number(),
        default=0.0,
        metavar="S",
        help="do not draw joints with a lower score",
    )
    parser.add_argument(
        "--flip",
        action="store_true",
        help="use the mirrored picture as well: slower, a little better",
    )
    parser.add_argument(
        "--out",
        type=output_folder,
        default="poses",
        help="folder to write (default: %(default)s)",
    )
    add_device(parser)
    parser.add_argument(
        "--csv",
        action="store_true",
        help="also write poses.csv: image, frame, time_s, person, joint, x, y, score",
    )
    parser.add_argument(
        "--json", action="store_true", help="also print the content of poses.json"
    )
    parser.add_argument(
        "--lift",
        action="store_true",
        help="also write the joints in space, guessed from the flat pose: metres "
        "from the pelvis (NAME-3d.json), and a picture that turns (NAME-3d.gif)",
    )
    parser.add_argument(
        "--focal",
        type=number(1, 1e6),
        metavar="X",
        help="for --lift: the camera's focal length in pixels (default: 1.2 times "
        "the longer side, a guess)",
    )
    args = parser.parse_args(argv)
    if args.camera is None and not args.source:
        parser.error("name a picture, a folder or a video, or use --camera")
    if args.focal and not args.lift:
        parser.error("--focal is for --lift")
    if args.box and args.boxes:
        parser.error("--box or --boxes, not both")
    if args.multi and (args.box or args.boxes):
        parser.error("--multi looks for people itself; give no boxes")
    if args.box and (
        args.camera is not None
        or len(args.source) != 1
        or args.source[0].is_dir()
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
    sources, failures = _sources(args.source)
    cameras = [] if args.camera is None else [args.camera]
    with _Output(args, sources) as output:
        for source, error in failures:
            output.fail(source, error)
        if cameras or sources:
            weights = newest_weights() if args.run is None else args.run
            predictor, where = _load(weights, args)
            _say(f"{predictor.model.name} of {weights} on {where}")
            everybody = _everybody(predictor, args)
            output.begin(predictor, weights)
            for source in _progress(cameras + sources):
                _one(predictor, everybody, source, args, boxes, output)
    return output.conclude()


def _load(weights, args):
    """The predictor, and what it runs on."""
    from ..inference import Predictor

    exported = Path(weights).suffix.lower() == ".onnx"
    runtime = args.runtime or ("onnx" if exported else "torch")
    if exported != (runtime != "torch"):
        raise ValueError(
            f"{weights} is a file of posecourse export: --runtime onnx or opencv"
            if exported
            else f"--runtime {runtime} runs a file of posecourse export. Make one, "
            f"posecourse export {weights} --out FILE.onnx, and name it: --run "
            "FILE.onnx"
        )
    if not exported:
        predictor = Predictor.load(weights, args.device)
        return predictor, predictor.device
    from ..deploy import load_exported

    return Predictor(load_exported(weights, runtime), "cpu"), runtime


def _everybody(predictor, args):
    """What finds everybody, or None where that is not asked for."""
    from ..people import CenterDetector, PosePipeline

    if args.single or args.box:
        return None
    try:
        detector = CenterDetector.load("detector", predictor.device)
    except FileNotFoundError:
        if args.multi:
            raise
        return None  # an installation without it looks for one person
    return PosePipeline(detector, predictor, flip_test=args.flip)


def _one(predictor, everybody, source, args, boxes, output):
    """A picture, video or camera; what goes wrong with it is noted."""
    import cv2

    from ..files import DiskFullError

    try:
        if isinstance(source, int) or source.suffix.lower() in _VIDEOS:
            _video(predictor, everybody, source, args, output)
        elif args.box or source.suffix.lower() in _PICTURES:
            _picture(predictor, everybody, source, args, boxes, output)
        else:
            _either(predictor, everybody, source, args, boxes, output)
    except DiskFullError:  # the next would not find more room
        raise
    except (ValueError, OSError, MemoryError, RuntimeError, cv2.error) as error:
        output.fail(source, error)
    if args.lift:
        _lift(source, args, output)


def _lift(source, args, output):
    """The poses of a picture or video in space; those that there are."""
    from ..files import DiskFullError
    from .lifted import write_lifted

    results, output.found = output.found, []
    if not results:
        return
    stem = f"camera-{source}" if isinstance(source, int) else source.stem
    names = [output.free_name(f"{stem}-3d", end) for end in (".json", ".gif")]
    try:
        write_lifted(results, output.written, *names, args.focal, output.note)
    except DiskFullError:
        raise
    except (ValueError, OSError) as error:
        output.fail(source, error)


def _either(predictor, everybody, source, args, boxes, output):
    """A file whose name does not tell what it is."""
    from ..images import ImageError
    from ..inference import VideoError

    try:
        _picture(predictor, everybody, source, args, boxes, output)
    except ImageError as no_picture:
        try:
            _video(predictor, everybody, source, args, output)
        except VideoError:
            raise ValueError(f"{no_picture}; nor a video that can be read") from None


def _picture(predictor, everybody, source, args, boxes, output):
    from ..images import read_image
    from ..inference import ImagePoses

    some = args.box or _boxes_of(boxes, source)
    image = read_image(source)
    poses = everybody(image) if everybody and some is None else []
    several = len(poses) > 1 or args.multi
    if not several:
        poses = predictor(image, some, flip_test=args.flip, search=True)
    height, width = image.shape[:2]
    result = ImagePoses(poses, str(source), width, height)
    result.drawing = output.free_name(f"{source.stem}-pose", ".png")
    with output.written.path(result.drawing) as path:
        _write_png(
            path, result.draw(image, args.min_score, boxes=several or some is not None)
        )
    output.add(result)


def _write_png(path: Path, image):
    import cv2

    height, width = image.shape[:2]
    factor = _LARGEST / max(height, width)
    if factor < 1:
        size = [max(1, round(n * factor)) for n in (width, height)]
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    path.write_bytes(cv2.imencode(".png", image[..., ::-1])[1].tobytes())


def _video(predictor, everybody, source, args, output):
    """One person or all through a video; what could be read is drawn and kept."""
    from ..inference import Video, VideoError, VideoWarning

    camera = isinstance(source, int)
    with Video(source) as video, _Drawing(video, source, output) as drawing:
        if args.multi:
            frames = everybody.video(video)
        else:
            frames = predictor.predict_video(video, flip_test=args.flip)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", VideoWarning)  # said below
                for image, result in _progress(frames, len(video.times)):
                    drawing.add(result.draw(image, args.min_score), result)
        except KeyboardInterrupt:
            if not camera or drawing.writer is None:  # how a camera is ended
                raise
        if video.problem:
            raise VideoError(video.problem)


class _Drawing:
    """The drawn video, begun with its first picture and finished in any case."""

    def __init__(self, video, source, output):
        self.video, self.source, self.output = video, source, output
        self.writer, self._name, self._stack = None, None, ExitStack()

    def add(self, image, result):
        """Draw a picture at its time, and note its poses."""
        from ..inference import VideoWriter
        from ..inference.video_writer import video_suffix

        if self.writer is None:
            height, width = image.shape[:2]
            camera = isinstance(self.source, int)
            stem = f"camera-{self.source}" if camera else self.source.stem
            suffix = video_suffix(width, height)
            self._name = self.output.free_name(f"{stem}-pose", suffix)
            path = self._stack.enter_context(self.output.written.path(self._name))
            self.writer = VideoWriter(path, self.video.steady_rate)
        result.drawing = self._name
        self.writer.write(image, result.time)
        self.output.add(result)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.writer is None:
            return
        try:
            with self._stack:
                self.writer.close()
        except (ValueError, OSError) as problem:
            path = self.output.folder / self._name
            text = str(problem).replace(str(self.writer.path), str(path))
            self.output.fail(self.source, ValueError(text))
        if not self.writer.plays_in_browsers:
            self.output.note(
                f"{self._name} is MPEG-4, the only video that this OpenCV writes: "
                "players show it, browsers do not"
            )


class _Output:
    """The output folder: drawings, poses.json, poses.csv; and what went wrong.

    Only files of an earlier run are replaced, as that run left them.
    """

    def __init__(self, args, sources):
        self.folder, self._args = args.out, args
        self.failures, self._notes = [], []
        self.found = []  # of the present source, to be lifted
        self._poses, self._table, self._head = None, None, {}
        self._taken = {os.path.realpath(path) for path in sources}
        self._stack = ExitStack()

    def __enter__(self):
        from ..files import Written, locked

        with ExitStack() as stack:
            stack.callback(_remove_if_empty, _make_folder(self.folder))
            stack.enter_context(locked(self.folder))
            self.written = Written(self.folder)
            _require_ours(self.written, self._args.csv)
            self._stack = stack.pop_all()
        return self

    def begin(self, predictor, weights):
        """Know what the poses are of; nothing is written yet."""
        from ..inference.results import COORDINATES, PoseFile, PoseTable

        about = {"weights": str(weights), "model": predictor.model.name}
        path = self.folder / "poses.json"
        self._poses = PoseFile(path, predictor.skeleton, **about)
        self._head = {
            **about,
            "skeleton": predictor.skeleton.name,
            "coordinates": COORDINATES,
        }
        self._poses.failed += [_failure(*failure) for failure in self.failures]
        if self._args.csv:
            self._table = PoseTable(self.folder / "poses.csv")

    def free_name(self, stem: str, suffix: str) -> str:
        """A file's name that is neither an input's nor the user's."""
        while len(os.fsencode(stem)) > _LONGEST_NAME:
            stem = stem[:-1]
        number, name = 1, f"{stem}{suffix}"
        while not self._may_write(name):
            number += 1
            name = f"{stem}-{number}{suffix}"
        self._taken.add(os.path.realpath(self.folder / name))
        return name

    def _may_write(self, name: str) -> bool:
        path = self.folder / name
        if os.path.realpath(path) in self._taken:
            return False
        if self.written.may_write(name):
            return True
        self.note(f"{path} was there before and is kept")
        return False

    def add(self, result):
        """Write the poses of a picture."""
        self._poses.append(result)
        if self._args.lift:
            self.found.append(result)
        if self._table is not None:
            self._table.append(result)

    def fail(self, source, error):
        """Note that something is wrong with a picture or video."""
        self.failures.append((source, error))
        if self._poses is not None:
            self._poses.fail(**_failure(source, error))

    def note(self, text: str):
        self._notes.append(text)

    def __exit__(self, kind, *error):
        try:
            with self._stack:
                if self._poses is not None and self._poses.count:
                    self._poses.close(complete=kind is None)
                    self.written.note("poses.json")
                    if self._table is not None:
                        self._table.close()
                        self.written.note("poses.csv")
        finally:
            self._tell()

    def _tell(self):
        """The notes, and all that went wrong."""
        for text in self._notes:
            _say(text)
        if self.failures:
            _say(f"{len(self.failures)} went wrong:")
        for source, problem in self.failures[:_SHOWN]:
            _say(f"- {_failure(source, problem)['error']}")
        if len(self.failures) > _SHOWN:
            _say(f"- and {len(self.failures) - _SHOWN} more: see poses.json")

    def conclude(self) -> int:
        """Say what was done; the exit status."""
        count = self._poses.count if self._poses else 0
        if self._args.json:
            if count:
                content = json.loads((self.folder / "poses.json").read_text("utf-8"))
            else:
                failed = [_failure(*failure) for failure in self.failures]
                rest = {"images": [], "failed": failed, "complete": True}
                content = {**self._head, **rest}
            print_json(content)
        elif count:
            print(f"{count} pictures; poses and drawings in {self.folder}")
        return (1 if count else 2) if self.failures else 0


def _failure(source, error) -> dict:
    """What went wrong with which file, as poses.json has it."""
    text = str(error) or type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        other = error.filename not in (None, str(source))
        text = error.strerror + (f": {error.filename}" if other else "")
    name = f"camera {source}" if isinstance(source, int) else str(source)
    return {"image": name, "error": text if name in text else f"{name}: {text}"}


def _make_folder(folder: Path) -> list[Path]:
    """Make the folder; returns what was made, innermost first."""
    made = [p for p in (folder, *folder.parents) if not p.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return made


def _remove_if_empty(folders):
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return


def _require_ours(written, table: bool):
    """Refuse to replace poses that somebody else wrote, or corrected.

    A file of ours that was never finished has not been noted as written.
    """
    from ..files import FileError
    from ..inference import CSV_COLUMNS

    unfinished = _is_unfinished(written.folder / "poses.json")
    head = ",".join(CSV_COLUMNS).encode()
    for name in ("poses.json", "poses.csv")[: 1 + table]:
        path = written.folder / name
        ours = unfinished and (name == "poses.json" or path.is_file())
        if ours and path.suffix == ".csv":
            ours = path.read_bytes().startswith(head)
        if not ours and not written.may_write(name):
            raise FileError(
                f"{path} is not replaced: it was not written by posecourse predict, "
                "or it was changed since; move it, or choose another folder with --out"
            )


def _is_unfinished(path: Path) -> bool:
    """Whether it is the file of a run that was killed."""
    from ..files import read_json

    try:
        content = read_json(path)
    except (ValueError, OSError):
        return False
    ours = {"weights", "model", "skeleton", "images", "complete"}
    return (
        isinstance(content, dict) and ours <= set(content) and not content["complete"]
    )


def _progress(items, total: int | None = None):
    """A bar where somebody looks on and there is more than one."""
    total = total or (len(items) if isinstance(items, list) else None)
    if total == 1 or not sys.stderr.isatty():
        return items
    from tqdm import tqdm

    return tqdm(items, total=total, unit="picture", leave=False)


def _say(text: str):
    """A line for people; nobody listening is no reason to stop."""
    line = text.encode("utf-8", "backslashreplace").decode("utf-8")
    with suppress(OSError, ValueError):
        print(f"posecourse: {line}", file=sys.stderr, flush=True)


# ------------------------------------------------- what an option may be


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


def _sources(paths) -> tuple[list[Path], list]:
    """Files, folders replaced by the pictures and videos in them; and what
    cannot be one, with the reason."""
    found: list[Path] = []
    failed: list[tuple[Path, Exception]] = []
    for path in paths:
        try:
            if path.is_dir():
                found += _in_folder(path, failed)
            else:
                _require_file(path)
                found.append(path)
        except (OSError, ValueError) as error:
            failed.append((path, error))
    return found, failed


def _in_folder(folder: Path, failed: list) -> list[Path]:
    found, count = [], len(failed)
    for path in sorted(folder.iterdir()):
        # a name with a dot in front is not the user's own file
        if path.name.startswith("."):
            continue
        if path.suffix.lower() not in _PICTURES | _VIDEOS:
            continue
        try:
            if not path.is_dir():
                _require_file(path)
                found.append(path)
        except (OSError, ValueError) as error:
            failed.append((path, error))
    if not found and len(failed) == count:
        raise FileNotFoundError(f"no picture or video in {folder}")
    return found


def _require_file(path: Path):
    """Refuse what would wait for ever or never end: pipes and devices."""
    if path.is_file():
        return
    if path.exists():
        raise ValueError(f"{path} is not a file but a pipe or a device")
    if os.path.lexists(path):
        raise FileNotFoundError(f"{path} is a link that leads nowhere")
    raise FileNotFoundError(f"no picture {path}")


def _read_boxes(path: Path) -> dict:
    from ..files import read_json

    content = read_json(path, "boxes file")
    try:
        return {
            name: [_box(",".join(map(str, box))) for box in some]
            for name, some in content.items()
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
    runs = [p for p in Path("runs").glob("*/weights.safetensors") if p.is_file()]
    if runs:
        return max(runs, key=lambda p: p.stat().st_mtime)
    from ..models.pretrained import pretrained

    return pretrained("photos")
