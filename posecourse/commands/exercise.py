"""``posecourse exercise``: exercises and homework, of a learner and of a class."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from . import (
    existing,
    existing_file,
    make_parser,
    named,
    number,
    output_file,
    output_folder,
    whole,
)

__all__ = ["main"]


def _parser():
    parser = make_parser(
        "exercise",
        "The exercises of the course: list, open, hint, check and reset your own; "
        "release, collect and grade those of a class.",
        "posecourse exercise check 3\n"
        "posecourse exercise grade 3 handed_in --out graded\n"
        "posecourse exercise release homework1 --out handout",
    )
    todo = parser.add_subparsers(dest="todo", required=True, metavar="WHAT")

    def add(name, text):
        return todo.add_parser(name, help=text, description=text)

    _add_own(add)
    _add_teaching(add)
    return parser


def _add_own(add):
    command = add("list", "list the exercises and show which you have solved")
    command.add_argument(
        "chapter", nargs="*", help="numbers or names of chapters (default: all)"
    )
    _add_work(command)
    command = add("open", "open the chapter of an exercise in JupyterLab")
    _add_which(command)
    _add_work(command)
    command.add_argument(
        "--no-browser", action="store_true", help="print the address, open nothing"
    )
    command = add("hint", "show a hint: the first, or the one with that number")
    command.add_argument("exercise", help="such as 03.2")
    command.add_argument("number", nargs="?", type=whole(1, 99), default=1)
    command = add("check", "check the answers in your notebook, as it is saved")
    _add_which(command)
    _add_work(command)
    _add_limits(command)
    command = add("reset", "put an exercise, or a chapter, back as it was handed out")
    _add_which(command)
    _add_work(command)


_PAGE = "number or name of a chapter, or homework1 to homework6"


def _add_teaching(add):
    command = add(
        "release", "write the handout of a chapter or a homework, without solutions"
    )
    command.add_argument("chapter", help=_PAGE)
    command.add_argument(
        "--out",
        type=named,
        required=True,
        metavar="FOLDER",
        help="a new folder, or a file that ends in .zip",
    )
    command.add_argument(
        "--wheel",
        action="store_true",
        help="with an installable package in it that has no solutions either",
    )
    command.add_argument(
        "--for",
        dest="grader",
        choices=("nbgrader", "gradescope"),
        help="not for students: a course folder for nbgrader, or an autograder (zip) "
        "for Gradescope, with solutions and hidden tests",
    )
    command.add_argument(
        "--from-section",
        type=whole(1, 99),
        metavar="N",
        help="for those left behind: what stands before section N is done",
    )
    command = add("collect", "copy what was handed in into a folder for each student")
    command.add_argument("chapter", help=_PAGE)
    command.add_argument(
        "downloads", type=existing, help="the folder or zip that the platform gives"
    )
    command.add_argument(
        "--students",
        type=existing_file,
        metavar="FILE",
        help="a CSV with a line for each: the name, and what else files may be "
        "named by (default: each folder or file is a student)",
    )
    command.add_argument("--out", type=output_folder, required=True, metavar="FOLDER")
    command = add("grade", "grade notebooks: a gradebook, and feedback for each")
    command.add_argument("chapter", help=_PAGE)
    command.add_argument(
        "notebooks",
        nargs="+",
        type=Path,
        help="files, or a folder with a notebook or a folder for each student",
    )
    command.add_argument("--out", type=output_folder, required=True, metavar="FOLDER")
    command.add_argument(
        "--jobs", type=whole(1, 256), help="how many at a time (default: the cores)"
    )
    command.add_argument(
        "--gradescope",
        type=output_file(".json"),
        metavar="FILE",
        help="of one submission, also write Gradescope's results.json",
    )
    command.add_argument(
        "--again", action="store_true", help="grade also what is graded already"
    )
    _add_limits(command)


def _add_which(command):
    command.add_argument(
        "which", help="an exercise such as 03.2 or H1.2, or a chapter or homework"
    )


def _add_work(command):
    command.add_argument(
        "--work",
        type=Path,
        metavar="FOLDER",
        help="where your copies lie, if lab was given that folder",
    )


def _add_limits(command):
    command.add_argument(
        "--seconds",
        type=number(0.1, 10**5),
        help="for each exercise, of its own code (default: 30, in homework 120)",
    )
    command.add_argument(
        "--memory",
        type=whole(100, 10**6),
        default=2000,
        metavar="MB",
        help="beyond what the chapter's setup takes (default: %(default)s)",
    )


def main(argv) -> int:
    """Run the command; returns the exit status."""
    args = _parser().parse_args(argv)
    return {
        "list": _list,
        "open": _open,
        "hint": _hint,
        "check": _check,
        "reset": _reset,
        "release": _release,
        "collect": _collect,
        "grade": _grade,
    }[args.todo](args)


def _work(args) -> Path:
    from .. import places

    return (args.work or places.work_folder()).expanduser().absolute()


def _there(which: str):
    """A chapter or homework that is written, by its own name or an exercise's, and
    the exercise, or None."""
    from ..authoring import chapters, homework, overview
    from ..exercises import get_exercise

    root = chapters.folder()
    exercise = get_exercise(which).id if "." in which else None
    page = which.partition(".")[0]
    if exercise and page.startswith("H"):
        page = f"homework{page[1:]}"
    chapter = homework.get_page(page)
    written = overview.there(root)
    if chapter not in [*written, *homework.there(root)]:
        raise ValueError(
            f"{chapter.name} has no exercises here; there are chapters "
            + ", ".join(str(c.number) for c in written)
        )
    return chapter, exercise


# ------------------------------------------------------------- a learner's own


def _list(args) -> int:
    from .. import places
    from ..authoring import chapters, homework, overview
    from ..exercises.progress import solved

    root, work = chapters.folder(), _work(args)
    chosen = [_there(w)[0] for w in args.chapter]
    if not chosen:
        handed_out = [s for s in homework.there(root) if s.notebook(work).is_file()]
        chosen = [*overview.there(root), *handed_out]
    done = solved(work)
    for chapter in chosen:
        _print_chapter(chapter, overview.tasks(chapter, root, done))
    print(f"\nWhat you solve is noted in {places.progress_file(work)}")
    return 0


def _print_chapter(chapter, tasks):
    count = sum(bool(t.when) for t in tasks)
    print(f"{chapter.heading}: {count} of {len(tasks)} solved")
    width = max((len(task.id) for task in tasks), default=0)
    for task in tasks:
        day = f"  (solved {task.when[:10]})" if task.when else ""
        mark = "✓" if task.when else "○"
        print(f"   {mark} {task.id:{width}s} {task.stars:3s} {task.title}{day}")


def _open(args) -> int:
    from . import lab

    chapter, exercise = _there(args.which)
    if exercise:
        print(f"Look for the heading Exercise {exercise} (Ctrl-F finds it).")
    work = ["--work", str(args.work)] if args.work else []
    browser = ["--no-browser"] if args.no_browser else []
    return lab.main([chapter.name, *work, *browser])


def _hint(args) -> int:
    from ..exercises import get_exercise, hint

    hint(args.exercise, args.number)
    if args.number < len(get_exercise(args.exercise).hints):
        print(f"The next: posecourse exercise hint {args.exercise} {args.number + 1}")
    return 0


def _copy(args):
    """The learner's notebook of a chapter, the assignment, the exercise."""
    from ..authoring import chapters
    from ..exercises.grading import read_assignment

    chapter, exercise = _there(args.which)
    notebook = chapter.notebook(_work(args))
    if not notebook.is_file():
        raise FileNotFoundError(
            f"there is no {notebook}; posecourse lab {chapter.short} makes it, and "
            "--work names another folder"
        )
    original = chapter.notebook(chapters.folder())
    return notebook, read_assignment(original), exercise


def _check(args) -> int:
    from ..exercises import progress
    from ..exercises.grading import Shell, grade
    from ..files import read_bytes

    notebook, assignment, exercise = _copy(args)
    only = (exercise,) if exercise else ()
    content = read_bytes(notebook, "notebook")
    limits = _limits(args, assignment)
    found = grade(content, assignment, limits, Shell(False), only, graded=False)
    for each in found:
        print(f"{each.id}: {each.state}\n  " + each.message.replace("\n", "\n  "))
        if each.state == "passed":
            progress.note(each.id, _work(args))
    passed = sum(each.state == "passed" for each in found)
    print(f"\n{passed} of {len(found)} passed, in {notebook} as it is saved")
    if assignment.rubric:
        print("What is graded asks for more cases than these.")
    return 0 if passed == len(found) else 1


def _reset(args) -> int:
    import json

    from ..authoring import chapters
    from ..authoring.copies import copy_course
    from ..files import atomic_path, read_json

    notebook, assignment, exercise = _copy(args)
    kept = _free_name(notebook)
    if exercise is None:
        os.replace(notebook, kept)
        copy_course(chapters.folder().parent, _work(args), only=_there(args.which)[0])
    else:
        content = read_json(notebook, "notebook")
        (problem,) = [p for p in assignment.problems if p.id == exercise]
        cells = [c for c in content["cells"] if c.get("id") == problem.cell_id]
        if not cells:
            raise ValueError(
                f"the cell of exercise {exercise} is not in {notebook} any more; "
                f"posecourse exercise reset {args.which.partition('.')[0]} brings "
                "the whole chapter back"
            )
        kept.write_bytes(notebook.read_bytes())
        for cell in cells:
            cell["source"] = problem.stub.splitlines(keepends=True)
            cell["outputs"], cell["execution_count"] = [], None
        with atomic_path(notebook) as temporary:
            text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
            Path(temporary).write_text(text, "utf-8")
    print(f"{notebook} is as it was handed out; what you had is in {kept.name}")
    return 0


def _free_name(notebook: Path) -> Path:
    number = 1
    while (
        kept := notebook.with_name(f"{notebook.stem}-before-{number}.ipynb")
    ).exists():
        number += 1
    return kept


def _limits(args, assignment):
    from ..exercises.grading import Limits

    seconds = args.seconds or (120 if assignment.rubric else 30)
    return Limits(seconds=seconds, megabytes=args.memory)


# ------------------------------------------------------------------ of a class


def _release(args) -> int:
    from ..authoring import chapters
    from ..authoring.release import release

    chapter, _ = _there(args.chapter)
    course = chapters.folder().parent
    if args.grader:
        return _release_for(args, chapter, course)
    out = release(chapter, course, args.out, args.wheel, args.from_section)
    print(f"{out}: hand it out as it is; its README.md says what to do")
    return 0


def _release_for(args, chapter, course: Path) -> int:
    from ..authoring.exchange import write_gradescope, write_nbgrader

    if args.wheel or args.from_section:
        raise ValueError("--wheel and --from-section are for students; leave out --for")
    if args.grader == "nbgrader":
        write_nbgrader(chapter, course, args.out)
        print(f"in {args.out}: nbgrader generate_assignment {chapter.name}")
    else:
        write_gradescope(chapter, course, args.out)
        print(f"{args.out}: upload it as the autograder; it holds the solutions")
    return 0


def _collect(args) -> int:
    from ..exercises.grading.collect import collect, read_students

    chapter, _ = _there(args.chapter)
    students = read_students(args.students) if args.students else None
    found = collect(args.downloads, args.out, chapter.name, students)
    for student, notebooks in found.students.items():
        if len(notebooks) > 1:
            print(f"{student}: the newest of {len(notebooks)} notebooks counts")
    for path, why in found.unassigned.items():
        print(f"not collected: {path} ({why})", file=sys.stderr)
    for student in found.missing:
        print(f"nothing from {student}", file=sys.stderr)
    print(f"{len(found.students)} students in {args.out}")
    return 1 if found.unassigned or found.missing else 0


def _answers() -> list[Path]:
    """Where solutions and hidden tests lie, which no submission has to read."""
    from .. import exercises
    from ..authoring import chapters

    root = chapters.folder()
    places = [root / p for p in ("source", "solutions", "homework")]
    places.append(Path(exercises.__file__).parent / "hidden")
    return [p for p in places if p.is_dir()]


def _grade(args) -> int:
    from ..authoring import chapters
    from ..exercises import grading

    chapter, _ = _there(args.chapter)
    assignment = grading.read_assignment(chapter.notebook(chapters.folder()))
    submissions = grading.find_submissions(args.notebooks, chapter.name)
    missing = grading.namespaces()
    note = grading.describe(missing)
    if missing:
        print(note, file=sys.stderr)
    marks = grading.read_marks(args.out, assignment)
    jobs = args.jobs or min(len(submissions), os.cpu_count() or 1)
    done = []

    def progress(graded, kept):
        done.append(graded)
        states = "  ".join(f"{g.id} {g.state}" for g in graded.grades)
        again = "  (graded before)" if kept else ""
        print(
            f"{len(done)}/{len(submissions)} {graded.student}: {graded.points} of "
            f"{assignment.points} points  {states}{again}",
            flush=True,
        )

    graded = grading.grade_all(
        submissions,
        assignment,
        args.out,
        limits=_limits(args, assignment),
        isolated=not missing,
        hidden=[args.out, *{s.path.parent for s in submissions}, *_answers()],
        jobs=jobs,
        again=args.again,
        progress=progress,
    )
    if assignment.rubric:
        students = [each.student for each in graded]
        path = grading.write_marks(args.out, students, marks, assignment)
    for each in graded:
        grading.write_feedback(each, assignment, args.out, marks)
    table, page = grading.write_gradebook(graded, assignment, args.out, note, marks)
    if args.gradescope:
        grading.write_results(graded, assignment, args.gradescope)
    print(f"\n{table}\n{page}\n{args.out / 'feedback'}: a page for each student")
    if assignment.rubric:
        print(f"{path}: write the points of the rubric there, and grade again")
    unread = [e for e in graded if e.grades[0].state == "unreadable file"]
    return 1 if unread else 0
