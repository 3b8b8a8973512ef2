"""``posecourse count``: repetitions of an exercise in a video."""

from __future__ import annotations

from . import make_parser, number, print_json
from .track import Followed, add_source, check_source, quiet


def main(argv) -> int:
    """Run the command; returns the exit status."""
    from ..motion.events import EXERCISES

    parser = make_parser(
        "count",
        "Count the repetitions of an exercise that one person does in a video. The "
        "person should be large in the first picture, and also be seen at rest.",
        "posecourse count squats.mp4 --exercise squat",
    )
    add_source(parser)
    parser.add_argument(
        "--exercise",
        choices=list(EXERCISES),
        required=True,
        help="what is counted",
    )
    parser.add_argument(
        "--min-score",
        type=number(),
        default=0.3,
        metavar="S",
        help="joints with a lower score decide nothing (default: %(default)s)",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print count, and start and end of each repetition, as JSON",
    )
    args = parser.parse_args(argv)
    source = check_source(parser, args)
    quiet()
    from ..motion.events import ExerciseCounter

    followed = Followed(source, args)
    counter = ExerciseCounter(
        args.exercise, followed.predictor.skeleton, args.min_score
    )
    lost = 0
    for _, time, poses in followed:
        if 0 not in poses:
            lost += 1
            continue
        before = len(counter.repetitions)
        done = counter(poses[0].keypoints, poses[0].scores, time)
        if done > before and not args.json:
            last = counter.repetitions[-1]
            print(f"{done:4d}  {last.start:7.2f} to {last.end:7.2f} s", flush=True)
    if args.json:
        print_json(
            {
                "source": str(source),
                "exercise": args.exercise,
                "weights": str(followed.weights),
                "count": len(counter.repetitions),
                "repetitions": [
                    {"start": r.start, "end": r.end, "extreme": r.extreme}
                    for r in counter.repetitions
                ],
                "pictures": followed.count,
                "pictures_without_person": lost,
            }
        )
    else:
        print(
            f"{len(counter.repetitions)} of {args.exercise} in {followed.count} pictures"
        )
        print(followed.speed())
        if lost:
            print(f"the person was lost in {lost} of them")
    return followed.conclude()
