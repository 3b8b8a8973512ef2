"""The second edition of drawn people: illustrations instead of solids.

A person is a sketch of convex shapes with smooth outlines, painted from the
farthest to the nearest and softly lit from one side; the places they are in
are painted in perspective on the same ground.

- `people` (who: age, hair, clothes); `figure`, `head`, `chair` (from bones to
  shapes); `sketch` (shapes, and their order); `painting` (pixels, parts, light)
- `stage` (a ground in perspective), `things`, `places`; `drawing` (all of it)
"""

from .drawing import draw
from .people import Someone, sample_someone

__all__ = ["Someone", "draw", "sample_someone"]
