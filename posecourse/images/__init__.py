"""Reading pictures: whatever comes in, RGB uint8 ``(H, W, 3)`` goes out.

What is done the same way for every format:

- **whole or not at all**: a decoder fills what is missing with grey and says
  nothing; here it is an `ImageError`. A JPEG that lacks only its end mark is
  whole;
- **size first**: how much memory a picture takes is read from its header,
  and refused if absurd, before it is decoded (`MAX_PIXELS`, `MAX_MEMORY`);
- **orientation**: a camera may store a picture lying on its side and note
  how to turn it, as EXIF, or as a property of AVIF or TIFF. `read_image`
  turns it, as every viewer does. Keypoints in datasets count the pixels as
  they are stored, so the datasets read with ``exif=False``, unless an
  annotation's width and height show that the upright picture was labelled;
- **transparency** is laid on white (dropping the alpha channel would show
  colours that nobody was meant to see);
- 16 bits per channel are brought to 8;
- what is no picture, or one that is not read here (HEIC), is told apart as
  far as its first bytes allow.
"""

from .decode import decode_image, exif_orientation, picture_size, read_image
from .folder import PictureFolder
from .headers import MAX_BYTES, MAX_MEMORY, MAX_PIXELS
from .pixels import turn_upright
from .reader import ImageError

__all__ = [
    "MAX_BYTES",
    "MAX_MEMORY",
    "MAX_PIXELS",
    "ImageError",
    "PictureFolder",
    "decode_image",
    "exif_orientation",
    "picture_size",
    "read_image",
    "turn_upright",
]
