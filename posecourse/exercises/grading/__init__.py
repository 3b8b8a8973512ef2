"""Grade notebooks that were handed in, without trusting them.

Two processes share the work. The one that judges has the checkers and what
they expect; it never runs a line of a submission. The other has the
submission's code, shut in as far as the system allows, and only ever answers
the question "what does your function give for this?". So nothing that a
submission patches, prints, or writes can become a grade.

`submission` reads a notebook, `session` and `agent` are the two ends of the
channel, `wire` is what goes over it, `isolation` shuts the code in, `judge`
grades one submission, `grader` a class, `report` writes the gradebook, and
`marks` keeps what a teacher adds by hand.
"""

from .assignment import Assignment, Problem, read_assignment
from .grader import Graded, GradingError, Submission, find_submissions, grade_all
from .isolation import Limits, Shell, describe, namespaces
from .judge import STATES, Grade, grade
from .marks import Marks, read_marks, write_marks
from .report import write_feedback, write_gradebook, write_results

__all__ = [
    "STATES",
    "Assignment",
    "Grade",
    "Graded",
    "GradingError",
    "Limits",
    "Marks",
    "Problem",
    "Shell",
    "Submission",
    "describe",
    "find_submissions",
    "grade",
    "grade_all",
    "namespaces",
    "read_assignment",
    "read_marks",
    "write_feedback",
    "write_gradebook",
    "write_marks",
    "write_results",
]
