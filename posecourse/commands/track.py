"""``posecourse track``: one person through a video, poses calmed.

The output folder gets ``poses.json`` and ``poses.csv``, as ``posecourse
predict`` writes them, and the drawn video. ``person`` is the same number for
the same person throughout; while the person is lost, a picture has no poses.
"""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import ExitStack
from time import perf_counter

from . import add_camera, add_device, make_parser, named, number, output_folder

_FILTERS = ("one-euro", "kalman", "average", "none")


def add_source(parser):
    """The options that say what to look at, and with what."""
    parser.add_argument(
        "source", nargs="?", type=named, metavar="VIDEO", help="a video file"
    )
    add_camera(parser)
    parser.add_argument(
        "--run",
        metavar="RUN",
        help="a run folder, a weights file, or the name of a network that came "
        "with the course (default: the newest in runs/, else photos)",
    )
    parser.add_argument(
        "--filter",
        choices=_FILTERS,
        default="one-euro",
        help="how joints are calmed (default: %(default)s)",
    )
    add_device(parser)


def check_source(parser, args):
    """The video or camera that was named."""
    if (args.source is None) == (args.camera is None):
        parser.error("name a video, or use --camera")
    return args.source if args.camera is None else args.camera


def quiet():
    """Keep OpenCV from printing what is said here in words."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


def make_filter(name: str):
    """Makes a filter for joints in body sizes; None for none."""
    from ..motion.smoothing import KalmanFilter, MovingAverage, OneEuroFilter

    return {
        "one-euro": lambda: OneEuroFilter(1.0, 4.0),
        "kalman": lambda: KalmanFilter(0.02, 4.0),
        "average": lambda: MovingAverage(0.15),
        "none": None,
    }[name]


class Followed:
    """A video whose pictures come with poses, and what each part took.

    Goes through ``(image, time, poses)``, the poses ``{number: Pose}``.

    Attributes
    ----------
    video:
        While it is gone through.
    seconds:
        Of reading, looking and smoothing; who uses the pictures may add.
    """

    def __init__(self, source, args):
        from ..inference import Predictor
        from ..motion.tracks import PoseSmoother, SinglePersonTracker
        from .predict import newest_weights

        self.source = source
        self.weights = newest_weights() if args.run is None else args.run
        self.predictor = Predictor.load(self.weights, args.device)
        self._tracker = SinglePersonTracker(self.predictor)
        make = make_filter(args.filter)
        self._smoother = None if make is None else PoseSmoother(make)
        self.seconds = {"read": 0.0, "look": 0.0, "smooth": 0.0}
        self.count, self.problem = 0, None

    def __iter__(self):
        from ..inference import Video, VideoWarning

        with Video(self.source) as self.video, warnings.catch_warnings():
            warnings.simplefilter("ignore", VideoWarning)  # said at the end
            begun = perf_counter()
            for image in self._pictures():
                read = perf_counter()
                poses = self._tracker(image)
                looked = perf_counter()
                if self._smoother is not None:
                    poses = self._smoother(poses, self.video.time)
                smoothed = perf_counter()
                for part, length in (
                    ("read", read - begun),
                    ("look", looked - read),
                    ("smooth", smoothed - looked),
                ):
                    self.seconds[part] += length
                self.count += 1
                yield image, self.video.time, poses
                begun = perf_counter()
            self.problem = self.video.problem

    def _pictures(self):
        """Those of the video; Ctrl-C ends a camera as the end of a film does."""
        try:
            yield from self.video
        except KeyboardInterrupt:
            if not isinstance(self.source, int):
                raise

    @property
    def stem(self) -> str:
        """What files about it are called."""
        return (
            f"camera-{self.source}"
            if isinstance(self.source, int)
            else self.source.stem
        )

    def conclude(self) -> int:
        """Say what could not be read; the exit status."""
        if self.problem:
            print(f"posecourse: {self.source}: {self.problem}", file=sys.stderr)
        return 1 if self.problem else 0

    def speed(self) -> str:
        """What each part took, in words."""
        each = ", ".join(
            f"{part} {1000 * length / self.count:.1f}"
            for part, length in self.seconds.items()
        )
        rate = self.count / max(sum(self.seconds.values()), 1e-9)
        return f"{rate:.0f} pictures a second; ms a picture: {each}"


def main(argv) -> int:
    """Run the command; returns the exit status."""
    parser = make_parser(
        "track",
        "Follow one person through a video: where the pose of a picture is, the "
        "person is looked for in the next. Joints are calmed, and poses.json, "
        "poses.csv and a drawn video are written. The first picture is looked at as "
        "a whole: the person should be large in it.",
        "posecourse track dance.mp4 --out dance",
    )
    add_source(parser)
    parser.add_argument(
        "--min-score",
        type=number(),
        default=0.2,
        metavar="S",
        help="do not draw joints with a lower score (default: %(default)s)",
    )
    parser.add_argument(
        "--out",
        type=output_folder,
        default="tracks",
        help="folder to write (default: %(default)s)",
    )
    args = parser.parse_args(argv)
    source = check_source(parser, args)
    quiet()
    from ..files import Written
    from ..inference import poses_to_csv, save_poses

    written = Written(args.out)
    taken = [n for n in ("poses.json", "poses.csv") if not written.may_write(n)]
    if taken:
        raise ValueError(
            f"{args.out / taken[0]} was not written by posecourse, or was changed "
            "since; move it, or choose another --out"
        )
    followed = Followed(source, args)
    results = _drawn(followed, written, args)
    with written.path("poses.json") as path:
        save_poses(results, path, weights=str(followed.weights))
    with written.path("poses.csv") as path:
        poses_to_csv(results, path)
    print(f"{followed.count} pictures; poses and video in {args.out}")
    print(followed.speed())
    return followed.conclude()


def _drawn(followed, written, args) -> list:
    """Write the drawn video; the poses of its pictures."""
    from ..inference import ImagePoses, VideoWriter
    from ..inference.video_writer import video_suffix

    results, seconds = [], followed.seconds
    seconds |= {"draw": 0.0, "write": 0.0}
    with ExitStack() as stack:
        writer = None
        for image, time, poses in followed:
            begun = perf_counter()
            height, width = image.shape[:2]
            video = followed.video
            found = ImagePoses(
                [poses[number] for number in sorted(poses)],
                str(followed.source),
                width,
                height,
                frame=video.frame,
                time=time,
                rate=video.rate,
            )
            drawn = found.draw(image, args.min_score)
            done = perf_counter()
            if writer is None:
                name = f"{followed.stem}-track{video_suffix(width, height)}"
                path = stack.enter_context(written.path(name))
                writer = stack.enter_context(VideoWriter(path, video.steady_rate))
            found.drawing = name
            writer.write(drawn, time)
            results.append(found)
            seconds["draw"] += done - begun
            seconds["write"] += perf_counter() - done
    return results
