"""``posecourse slides``: a chapter to show in class."""

from __future__ import annotations

from . import make_parser, output_folder


def main(argv) -> int:
    """Run the command; returns the exit status."""
    parser = make_parser(
        "slides",
        "Write a chapter as slides: one HTML file that opens in any browser, "
        "without a network. Answers are folded until they are clicked. The arrow "
        "keys lead on: right to the next section, down within one; Esc shows all.",
        "posecourse slides 3",
    )
    parser.add_argument("chapter", nargs="+", help="numbers or names")
    parser.add_argument(
        "--out",
        type=output_folder,
        metavar="FOLDER",
        help="where to (default: slides in the folder of your copies)",
    )
    parser.add_argument(
        "--pdf",
        action="store_true",
        help="print them into a PDF too (needs Playwright, and Chromium or Chrome)",
    )
    args = parser.parse_args(argv)

    from .. import places
    from ..authoring import chapters
    from ..authoring.slides import write_pdf, write_slides

    root = chapters.folder()
    out = args.out or places.work_folder() / "slides"
    for which in args.chapter:
        chapter = chapters.get_chapter(which)
        if not chapter.notebook(root).is_file():
            raise FileNotFoundError(f"{chapter.name} is not in {root}")
        path = write_slides(chapter, root, out / f"{chapter.name}.html")
        print(path)
        if args.pdf:
            print(write_pdf(path, path.with_suffix(".pdf")))
    return 0
