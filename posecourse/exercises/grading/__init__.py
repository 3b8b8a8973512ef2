"""Grade notebooks that were handed in, without trusting them.

Two processes share the work. The one that judges has the checkers and what
they expect; it never runs a line of a submission. The other has the
submission's code, shut in as far as the system allows, and only ever answers
the question "what does your function give for this?". So nothing that a
submission patches, prints, or writes can become a grade.

`submission` reads a notebook, `session` and `agent` are the two ends of the
channel, `wire` is what goes over it, `isolation` shuts the code in, `judge`
grades one submission, `grader` a class, and `report` writes the gradebook.
"""

from .assignment import Assignment, Problem, read_assignment
from .grader import Graded, GradingError, Submission, find_submissions, grade_all
from .isolation import Limits, Shell, describe, namespaces
from .judge import STATES, Grade, grade
from .report import write_feedback, write_gradebook

__all__ = [
    "STATES",
    "Assignment",
    "Grade",
    "Graded",
    "GradingError",
    "Limits",
    "Problem",
    "Shell",
    "Submission",
    "describe",
    "find_submissions",
    "grade",
    "grade_all",
    "namespaces",
    "read_assignment",
    "write_feedback",
    "write_gradebook",
]
