"""``posecourse exercise``: the exercises, and which of them are solved."""

from __future__ import annotations

from pathlib import Path

from . import make_parser

__all__ = ["main"]


def _arguments():
    parser = make_parser(
        "exercise", "The exercises of the course.", "posecourse exercise list 3"
    )
    todo = parser.add_subparsers(dest="todo", required=True, metavar="WHAT")
    text = "list the exercises and show which you have solved"
    command = todo.add_parser("list", help=text, description=text)
    command.add_argument(
        "chapter", nargs="*", help="numbers or names of chapters (default: all)"
    )
    command.add_argument(
        "--work",
        type=Path,
        metavar="FOLDER",
        help="where your copies lie, if lab was given that folder",
    )
    return parser


def main(argv) -> int:
    """Run the command; returns the exit status."""
    args = _arguments().parse_args(argv)

    from .. import places
    from ..authoring import chapters, overview
    from ..exercises.progress import solved

    root = chapters.folder()
    written = overview.there(root)
    chosen = [chapters.get_chapter(w) for w in args.chapter] or written
    for chapter in chosen:
        if chapter not in written:
            raise ValueError(
                f"{chapter.name} has no exercises here; there are chapters "
                + ", ".join(str(c.number) for c in written)
            )
    work = (args.work or places.work_folder()).expanduser().absolute()
    done = solved(work)
    for chapter in chosen:
        _print_chapter(chapter, overview.tasks(chapter, root, done))
    print(f"\nWhat you solve is noted in {places.progress_file(work)}")
    return 0


def _print_chapter(chapter, tasks):
    count = sum(bool(t.when) for t in tasks)
    print(f"{chapter.number}. {chapter.title}: {count} of {len(tasks)} solved")
    width = max((len(task.id) for task in tasks), default=0)
    for task in tasks:
        day = f"  (solved {task.when[:10]})" if task.when else ""
        mark = "✓" if task.when else "○"
        print(f"   {mark} {task.id:{width}s} {task.stars:3s} {task.title}{day}")
