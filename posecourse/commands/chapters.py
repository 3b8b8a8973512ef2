"""``posecourse chapters``: for authors, the notebooks from their sources."""

from __future__ import annotations

from pathlib import Path

from ..authoring import chapters
from . import make_parser, output_folder, whole

__all__ = ["main"]


def _arguments():
    parser = make_parser(
        "chapters",
        "Make the notebooks from chapters/source/*.py.",
        "posecourse chapters build 03",
    )
    todo = parser.add_subparsers(dest="todo", required=True, metavar="WHAT")

    def add(name, text):
        command = todo.add_parser(name, help=text, description=text)
        command.add_argument(
            "chapter",
            nargs="*",
            help="chapter numbers, or homework1 (default: all written)",
        )
        return command

    build = add("build", "run the chapters that changed, store the notebooks")
    build.add_argument(
        "--all", action="store_true", help="also those that did not change"
    )
    build.add_argument(
        "--draft",
        action="store_true",
        help="only the learner's notebook, not the solutions",
    )
    add("check", "say what is wrong with chapters, without running them")
    preview = add("preview", "pictures of chapters as JupyterLab shows them")
    preview.add_argument(
        "--out",
        type=output_folder,
        default=Path("work/preview"),
        help="folder for the pictures (default: %(default)s)",
    )
    preview.add_argument("--solutions", action="store_true", help="the solved notebook")
    preview.add_argument(
        "--theme",
        choices=("light", "dark"),
        default="light",
        help="JupyterLab's (default: %(default)s)",
    )
    preview.add_argument(
        "--width",
        type=whole(320, 3840),
        default=1000,
        help="of the window, pixels (default: %(default)s); 480 is a narrow one",
    )
    todo.add_parser("list", help="the chapters")
    todo.add_parser(
        "table",
        help="bring up to date the README's table, teaching/document_map.md and "
        "what Colab opens",
    )
    return parser


def main(argv=None) -> int:
    """``posecourse chapters``; returns the exit status."""
    args = _arguments().parse_args(argv)
    return _COMMANDS[args.todo](args)


def _build(args) -> int:
    from ..authoring import homework
    from ..authoring.build import build
    from ..authoring.capstones import build_capstones

    build_capstones(chapters.folder())
    sheets = [name for name in args.chapter if name.startswith("homework")]
    others = [name for name in args.chapter if name not in sheets]
    again, status = args.all or bool(args.chapter), 0
    if others or not sheets:
        chosen = chapters.find(others)
        status = build(chosen, chapters.folder(), args.draft, again)
    if sheets or not others:
        found = homework.find(sheets)
        status |= homework.build_sheets(found, chapters.folder(), again)
    return status


def _check(args) -> int:
    from ..authoring.rules import problems_of_files

    found = [
        p
        for c in chapters.find(args.chapter)
        for p in problems_of_files(c, chapters.folder())
    ]
    print("\n".join(found) or "nothing wrong")
    return 1 if found else 0


def _preview(args) -> int:
    from ..authoring.preview import preview

    for chapter in chapters.find(args.chapter):
        path = (chapter.solutions if args.solutions else chapter.notebook)(
            chapters.folder()
        )
        for picture in preview(path, args.out, args.theme, args.width):
            print(picture)
    return 0


def _list(args) -> int:
    root = chapters.folder()
    for c in (chapters.START, *chapters.CHAPTERS):
        state = "ready  " if c.notebook(root).exists() else "planned"
        print(f"{c.number:2d}  {state}  {c.title}")
    return 0


def _table(args) -> int:
    from ..authoring.badges import repository
    from ..authoring.colab import write_colab
    from ..authoring.document import document_map
    from ..files import atomic_path

    root = chapters.folder()
    readme = root.parent / "README.md"
    texts = {
        readme: chapters.put_table(readme.read_text("utf-8")),
        root / "teaching" / "document_map.md": document_map(root),
    }
    for target, text in texts.items():
        with atomic_path(target) as path:
            Path(path).write_text(text, "utf-8", newline="\n")
    if address := repository(root.parent):
        written = [c for c in chapters.CHAPTERS if c.notebook(root).exists()]
        for path in write_colab(root.parent, written, address):
            print(path)
    return 0


_COMMANDS = {
    "build": _build,
    "check": _check,
    "preview": _preview,
    "list": _list,
    "table": _table,
}
