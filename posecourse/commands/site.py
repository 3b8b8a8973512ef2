"""``posecourse site``: the course as web pages."""

from __future__ import annotations

import sys

from . import make_parser, output_folder


def main(argv) -> int:
    """Run the command; returns the exit status."""
    parser = make_parser(
        "site",
        "Write the whole course as web pages, with the reference of the package: "
        "to read without running anything. The folder needs neither a server nor "
        "a network: open its index.html, or put it on any web server. Solutions "
        "are not in it.",
        "posecourse site --out public",
    )
    parser.add_argument(
        "chapter", nargs="*", help="only these: numbers or names (default: all)"
    )
    parser.add_argument(
        "--out",
        type=output_folder,
        metavar="FOLDER",
        help="where to (default: site in the folder of your copies)",
    )
    args = parser.parse_args(argv)

    from .. import places
    from ..authoring import chapters
    from ..authoring.site import write_site

    which = [chapters.get_chapter(c) for c in args.chapter] or list(chapters.CHAPTERS)
    out = args.out or places.work_folder() / "site"
    print("Writing the pages; this takes about a minute", flush=True)
    for warning in write_site(which, places.course_folder(), out):
        print(warning, file=sys.stderr)
    print(out / "index.html")
    return 0
