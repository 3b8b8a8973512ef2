"""Reading pictures: whatever comes in, RGB uint8 ``(H, W, 3)`` goes out.

OpenCV decodes; this module asks it the right way and notices what it
passes over in silence:

- a JPEG that breaks off is filled up with grey by the decoder; here it is
  an `ImageError`;
- a transparent picture is laid on white (dropping the alpha channel would
  show colours that nobody was meant to see);
- 16 bits per channel are brought to 8;
- **orientation**: a camera may store a picture lying on its side and note
  in the EXIF part how to turn it. `read_image` turns it, as every viewer
  does, in every format and with every OpenCV (some turn no WebP, none
  turns a transparent picture). Keypoints in datasets count the pixels as
  they are stored, so the datasets read with ``exif=False``;
- what is no picture, or one that OpenCV cannot read (HEIC), is told apart
  as far as its first bytes allow.
"""

from __future__ import annotations

import struct
import threading
import zipfile
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np

__all__ = [
    "MAX_PIXELS",
    "ImageError",
    "PictureFolder",
    "decode_image",
    "exif_orientation",
    "read_image",
    "turn_upright",
]

# The largest picture that is decoded: 268 million pixels, 805 MB in
# memory. A file of a few kilobytes can claim far more and bring a machine
# to its knees.
MAX_PIXELS = 2**28

# The largest file that is read as a picture.
MAX_BYTES = 2**29


class ImageError(ValueError):
    """A file that is not a whole, readable picture; the message names it."""


def read_image(path, exif: bool = True) -> np.ndarray:
    """A picture file as RGB uint8 ``(H, W, 3)``.

    Parameters
    ----------
    path:
        JPEG, PNG, WebP, BMP, TIFF: what OpenCV knows. Names in any script.
    exif:
        Turn the picture as its EXIF orientation says. Switch it off where
        coordinates belong to the stored pixels (all datasets).

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImageError
        If it is not a whole picture, or too large to be one.
    """
    path = Path(path)
    if path.is_dir():
        raise ImageError(f"{path} is a folder, not a picture")
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ImageError(
                f"{path} has {size:,} bytes, more than the "
                f"{MAX_BYTES:,} that are read as a picture"
            )
        # Not cv2.imread: on Windows it cannot open names such as "人.jpg".
        data = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"no picture {path}") from None
    return decode_image(data, path, exif)


def decode_image(
    data: bytes, name="picture", exif: bool = True, reduce: int = 1
) -> np.ndarray:
    """The bytes of a picture file as RGB uint8 ``(H, W, 3)``.

    Parameters
    ----------
    name:
        What error messages call it.
    exif:
        As in `read_image`, and so are the errors.
    reduce:
        1, 2, 4 or 8: pixel u of the result is the mean of this many pixels
        from ``reduce * u`` on, in both directions. A JPEG is decoded at
        that size, which is several times faster.
    """
    import cv2

    if not data:
        raise ImageError(f"{name} is empty")
    if data[:3] == b"\xff\xd8\xff":
        _check_jpeg(data, name)
    elif data[:8] == b"\x89PNG\r\n\x1a\n":
        _check_png(data, name)
    jpeg = data[:2] == b"\xff\xd8"
    flags = _REDUCED[reduce] if jpeg else cv2.IMREAD_COLOR
    turn_here = _exif_part(data) is not None
    if turn_here or not exif:
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    if _may_be_transparent(data):
        flags = cv2.IMREAD_UNCHANGED
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageError(f"{name} cannot be decoded: {error.err}") from None
    if image is None:
        raise ImageError(f"{name} {_what_else(data)}")
    image = _to_rgb(image)
    if exif and turn_here:
        image = turn_upright(image, exif_orientation(data))
    return image if jpeg or reduce == 1 else _average(image, reduce)


# OpenCV's IMREAD_COLOR and IMREAD_REDUCED_COLOR_2, _4, _8.
_REDUCED = {1: 1, 2: 17, 4: 33, 8: 65}


def _average(image, factor: int):
    """The picture shrunk by a whole factor; the edge is repeated."""
    import cv2

    height, width = image.shape[:2]
    image = cv2.copyMakeBorder(
        image, 0, -height % factor, 0, -width % factor, cv2.BORDER_REPLICATE
    )
    size = image.shape[1] // factor, image.shape[0] // factor
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _to_rgb(image):
    import cv2

    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.ndim == 2:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    if image.shape[2] == 3:
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    alpha = image[..., 3:].astype(np.float32) / 255
    blended = image[..., 2::-1] * alpha + 255 * (1 - alpha)
    return np.ascontiguousarray(np.round(blended).astype(np.uint8))


def turn_upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """Turn stored pixels as the EXIF orientation asks.

    Parameters
    ----------
    image:
        ``(H, W)`` or ``(H, W, C)``, as stored.
    orientation:
        1 to 8; anything else is taken for 1, "as it is".

    Returns
    -------
    The upright picture; ``(W, H, ...)`` for 5 to 8.
    """
    if orientation in (5, 6, 7, 8):
        image = image.swapaxes(0, 1)  # mirror at the diagonal
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


def exif_orientation(data: bytes) -> int:
    """How the bytes of a JPEG, PNG or WebP say that the picture lies.

    Returns
    -------
    1 (upright) to 8, as `turn_upright` takes it; 1 where nothing is said.
    """
    tiff = _exif_part(data) or b""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 10:
        return 1
    (start,) = struct.unpack(order + "I", tiff[4:8])
    entries = tiff[start + 2 :]
    for i in range(0, len(entries) - 11, 12):
        tag, kind, _, value = struct.unpack(order + "HHIH", entries[i : i + 10])
        if (tag, kind) == (0x0112, 3):
            return value if 1 <= value <= 8 else 1
        if tag > 0x0112:  # the tags are in order
            break
    return 1


def _exif_part(data: bytes) -> bytes | None:
    """The EXIF of a JPEG, PNG or WebP, from its TIFF header on.

    b"" where there is none; None for other formats.
    """
    if data[:2] == b"\xff\xd8":
        at = 2
        while data[at : at + 1] == b"\xff" and len(data) > at + 4:
            kind, length = struct.unpack(">xBH", data[at : at + 4])
            if kind == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
                return data[at + 10 : at + 2 + length]
            if kind == _START_OF_SCAN:
                break
            at += 1 if kind == 0xFF else 2 + length  # FF may repeat
        return b""
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        at = 8  # parts: length, name, content, checksum
        while len(data) >= at + 8:
            length, kind = struct.unpack(">I4s", data[at : at + 8])
            if kind == b"eXIf":
                return data[at + 8 : at + 8 + length]
            at += 12 + length
        return b""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        at = 12  # parts: name, length, content, even
        while len(data) >= at + 8:
            kind, length = struct.unpack("<4sI", data[at : at + 8])
            if kind == b"EXIF":
                tiff = data[at + 8 : at + 8 + length]
                return tiff.removeprefix(b"Exif\0\0")
            at += 8 + length + length % 2
        return b""
    return None


def _what_else(data: bytes) -> str:
    """What a file is that OpenCV could not read, and what to do."""
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        if brand in (
            b"heic",
            b"heix",
            b"heim",
            b"heis",
            b"hevc",
            b"hevx",
            b"mif1",
            b"msf1",
        ):
            return (
                "is a HEIC picture, as iPhones take them; OpenCV cannot "
                "read those. Export it as JPEG (on the phone: Settings, "
                "Camera, Formats, Most Compatible)"
            )
        if brand in (b"avif", b"avis"):
            return (
                "is an AVIF picture; this OpenCV cannot read those. "
                "Export it as JPEG or PNG"
            )
        return "is a video, not a picture"
    if data[:4] == b"GIF8":
        return "is a GIF, damaged or of no use to this OpenCV; export it as PNG"
    if data[:4] == b"%PDF":
        return "is a PDF document, not a picture; export it as JPEG or PNG"
    if data[:256].lstrip().startswith(b"<"):
        return (
            "is a web page or a drawing (HTML, SVG), not a picture; was "
            "the page saved instead of the photo?"
        )
    return "is not a picture, or it is damaged"


def _may_be_transparent(data: bytes) -> bool:
    """Whether the header of a PNG or WebP announces transparency."""
    if data[:4] == b"\x89PNG":
        return data[25] in (4, 6) or b"tRNS" in data[: data.find(b"IDAT")]
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kind, flags = data[12:16], data[20] if len(data) > 20 else 0
        return kind == b"VP8L" or (kind == b"VP8X" and bool(flags & 0x10))
    return False


def _check_size(width: int, height: int, name):
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{name} says it has {width} x {height} pixels, more than the "
            f"{MAX_PIXELS:,} that are read; make it smaller first"
        )


def _check_png(data: bytes, name):
    if len(data) < 33 or b"IEND" not in data[-64:]:
        raise ImageError(
            f"{name} breaks off: this PNG has no end; copy or download it again"
        )
    _check_size(*struct.unpack(">II", data[16:24]), name)


_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
# Start of frame: C0 to CF without the tables C4, C8, CC.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# What may follow coded picture data: another scan, its tables, a comment
# or application part, the end.
_AFTER_SCAN = frozenset(
    {0xC4, 0xCC, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)}
)


def _check_jpeg(data: bytes, name):
    """Follow a JPEG's markers to its end (ITU-T T.81, annex B).

    Picture data may contain the byte FF only with 00 or a restart marker
    after it, so anything else there is the next part, or damage.
    """
    stored = np.frombuffer(data, np.uint8)
    marks = np.flatnonzero(stored[:-1] == 0xFF)
    kinds = stored[marks + 1]
    stuffing = (kinds == 0) | (kinds == 0xFF)
    restart = (kinds >= 0xD0) & (kinds <= 0xD7)
    keep = ~(stuffing | restart)
    marks, kinds = marks[keep], kinds[keep]
    position, in_scan = 2, False
    while True:
        i = int(np.searchsorted(marks, position))
        if i == len(marks):
            raise ImageError(
                f"{name} breaks off: this JPEG has no end; copy or download it again"
            )
        mark, kind = int(marks[i]), int(kinds[i])
        if in_scan and kind not in _AFTER_SCAN:
            raise ImageError(
                f"{name} is damaged at byte {mark}: marker "
                f"{kind:02X} inside the JPEG's picture data"
            )
        if kind == _END_OF_IMAGE:
            return
        if len(data) < mark + 9:
            position = len(data)
            continue
        if kind in _FRAMES:
            height, width = struct.unpack(">HH", data[mark + 5 : mark + 9])
            _check_size(width, height, name)
        in_scan = kind == _START_OF_SCAN
        position = mark + 2 + struct.unpack(">H", data[mark + 2 : mark + 4])[0]


class PictureFolder:
    """The pictures of a dataset, by name.

    Looks in a folder and in the zip files beside it whose names begin
    like the folder's: ``images/`` and ``images*.zip``, whose members are
    called ``images/NAME`` or ``NAME``. Members are read in place, nothing
    is unpacked.

    Parameters
    ----------
    folder:
        Path of the folder; it need not exist if there are zip files.

    Examples
    --------
    >>> pictures = PictureFolder("mpii/images")
    >>> pictures.read("005808361.jpg").shape       # doctest: +SKIP
    (720, 1280, 3)
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self._lock = threading.Lock()

    def __reduce__(self):
        # Open zip files and locks cannot travel to another process.
        return PictureFolder, (self.folder,)

    def __repr__(self):
        return f"PictureFolder({str(self.folder)!r})"

    @cached_property
    def _archives(self) -> dict:
        """Where each zipped picture is: ``name -> (archive, member)``."""
        members = {}
        pattern = f"{self.folder.name}*.zip"
        for path in sorted(self.folder.parent.glob(pattern)):
            try:
                archive = zipfile.ZipFile(path)
            except (zipfile.BadZipFile, OSError) as error:
                raise ImageError(
                    f"{path} is not a readable zip file ({error}); download it again"
                ) from None
            prefix = self.folder.name + "/"
            for member in archive.infolist():
                if not member.is_dir():
                    members[member.filename.removeprefix(prefix)] = (archive, member)
        return members

    def _path(self, name: str) -> Path:
        """The file of that name; never one outside the folder."""
        parts = PurePosixPath(str(name).replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in str(name):
            raise ImageError(
                f"picture name {name!r} points outside "
                f"{self.folder}; the annotation file is wrong"
            )
        return self.folder / parts

    def __contains__(self, name: str) -> bool:
        return self._path(name).is_file() or name in self._archives

    def exists(self) -> bool:
        """Whether there is a folder or a zip file at all."""
        return self.folder.is_dir() or bool(self._archives)

    def read_bytes(self, name: str) -> bytes:
        """The file's content, as it is stored."""
        path = self._path(name)
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            pass
        if name not in self._archives:
            raise FileNotFoundError(
                f"picture {name} is neither in {self.folder} nor in {self.folder}*.zip"
            )
        archive, member = self._archives[name]
        if member.file_size > MAX_BYTES:
            raise ImageError(
                f"{name} in {archive.filename} says it has "
                f"{member.file_size:,} bytes; not read"
            )
        try:
            with self._lock:
                return archive.read(member)
        except (zipfile.BadZipFile, OSError) as error:
            raise ImageError(
                f"{name} in {archive.filename} is damaged: {error}"
            ) from None

    def read(self, name: str, reduce: int = 1) -> np.ndarray:
        """The picture, RGB uint8 ``(H, W, 3)``, as it is stored.

        `reduce` as in `decode_image`.
        """
        return decode_image(
            self.read_bytes(name), self.folder / name, exif=False, reduce=reduce
        )
