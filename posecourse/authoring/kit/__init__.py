"""A room without a network: everything that an installation needs, on a stick.

`write_kit` fills a folder with the packages for the learners' systems, the
course itself and a program that installs them. What was fetched is kept: a
second run goes on where the first stopped, and adds further systems.
"""

from .kit import write_kit
from .wheelhouse import PLATFORMS, KitError, Target

__all__ = ["PLATFORMS", "KitError", "Target", "write_kit"]
