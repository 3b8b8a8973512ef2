"""Pictures of every kind come out as RGB uint8; broken ones say so."""

import io
import os
import pickle
import struct
import zipfile
import zlib

import cv2
import numpy as np
import pytest
from pose_samples import exif, picture, with_exif, write_picture

from posecourse.images import (
    ImageError,
    PictureFolder,
    decode,
    decode_image,
    exif_orientation,
    picture_size,
    read_image,
    turn_upright,
)
from posecourse.images.decode import open_picture
from posecourse.images.headers import read_header
from posecourse.images.pixels import blend


def encode(suffix, image) -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


@pytest.fixture
def rgb():
    return picture(0)


@pytest.fixture
def jpeg(rgb):
    return encode(".jpg", rgb[..., ::-1])


def is_close(a, b, mean=3.0):
    assert a.dtype == np.uint8 and a.shape == b.shape
    assert np.abs(a.astype(float) - b).mean() < mean


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp"])
def test_colours_are_rgb(rgb, suffix):
    is_close(decode_image(encode(suffix, rgb[..., ::-1])), rgb)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_grey_becomes_three_equal_channels(rgb, suffix):
    grey = rgb[..., 0]
    image = decode_image(encode(suffix, grey))
    is_close(image, np.stack([grey] * 3, -1))
    assert (image[..., 0] == image[..., 2]).all()


def test_cmyk_jpeg(rgb):
    pil = pytest.importorskip("PIL.Image")
    stream = io.BytesIO()
    pil.fromarray(rgb).convert("CMYK").save(stream, "JPEG", quality=95)
    is_close(decode_image(stream.getvalue()), rgb, 6.0)


def test_transparent_picture_is_laid_on_white():
    bgra = np.zeros((2, 3, 4), np.uint8)
    bgra[..., 0] = 200  # blue
    bgra[0, :, 3] = [255, 0, 51]  # opaque, clear, one fifth
    image = decode_image(encode(".png", bgra))
    assert image[0].tolist() == [[0, 0, 200], [255, 255, 255], [204, 204, 244]]
    assert (image[1] == 255).all()


def test_sixteen_bits_become_eight():
    deep = np.array([[[0, 32896, 65535]]], np.uint16)  # blue, green, red
    assert decode_image(encode(".png", deep)).tolist() == [[[255, 128, 0]]]
    assert decode_image(encode(".png", deep[..., 1])).tolist() == [[[128] * 3]]
    clear = np.concatenate([deep, np.full((1, 1, 1), 65535, np.uint16)], 2)
    assert decode_image(encode(".png", clear)).tolist() == [[[255, 128, 0]]]


def test_exif_orientation_is_applied_unless_told_not_to(rgb, jpeg):
    lying = with_exif(jpeg, 6)  # to be turned clockwise
    is_close(decode_image(lying), np.rot90(rgb, -1))
    is_close(decode_image(lying, exif=False), rgb)


# What the upright picture [[1, 2, 3], [4, 5, 6]] is stored as, by hand:
# "the stored first row is at the ..., the stored first column at the ..."
# of the upright one (EXIF 2.3).
STORED = {
    1: [[1, 2, 3], [4, 5, 6]],
    2: [[3, 2, 1], [6, 5, 4]],
    3: [[6, 5, 4], [3, 2, 1]],
    4: [[4, 5, 6], [1, 2, 3]],
    5: [[1, 4], [2, 5], [3, 6]],
    6: [[3, 6], [2, 5], [1, 4]],
    7: [[6, 3], [5, 2], [4, 1]],
    8: [[4, 1], [5, 2], [6, 3]],
}


@pytest.mark.parametrize("orientation", STORED)
def test_the_eight_orientations(orientation, rgb):
    stored = np.array(STORED[orientation])
    assert turn_upright(stored, orientation).tolist() == STORED[1]
    for kept in (0, 9, 65535):
        assert turn_upright(stored, kept).tolist() == stored.tolist()
    # as OpenCV turns a JPEG, in both byte orders
    for order in "<>":
        data = with_exif(encode(".jpg", rgb), orientation, order)
        assert exif_orientation(data) == orientation
        theirs = cv2.imdecode(np.frombuffer(data, np.uint8), 1)
        assert (decode_image(data) == theirs[..., ::-1]).all()


def in_png(png: bytes, orientation: int) -> bytes:
    body = b"eXIf" + exif(orientation)
    part = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:33] + part + png[33:]


def in_webp(orientation: int, picture, alpha: bool) -> bytes:
    plain = encode(".webp", picture)
    height, width = picture.shape[:2]
    tiff = exif(orientation)
    head = struct.pack("<4sIB3x", b"VP8X", 10, 0x08 | 0x10 * alpha)
    head += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + head + plain[12:] + struct.pack("<4sI", b"EXIF", len(tiff)) + tiff
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("alpha", [False, True])
def test_png_and_webp_are_turned_too(rgb, alpha):
    """Also transparent ones, which OpenCV leaves lying."""
    bgr = rgb[..., ::-1]
    if alpha:
        bgr = np.dstack([bgr, np.full(bgr.shape[:2], 255, np.uint8)])
    png = in_png(encode(".png", bgr), 6)
    assert (decode_image(png) == np.rot90(rgb, -1)).all()
    assert (decode_image(png, exif=False) == rgb).all()
    webp = in_webp(6, bgr, alpha)
    assert exif_orientation(webp) == 6
    is_close(decode_image(webp), np.rot90(rgb, -1))
    is_close(decode_image(webp, exif=False), rgb)


def saved(image, form, **options) -> bytes:
    """As Pillow writes it; skipped where it cannot."""
    pil = pytest.importorskip("PIL.Image")
    stream = io.BytesIO()
    try:
        pil.fromarray(image).save(stream, form, **options)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow writes no {form}")
    return stream.getvalue()


def with_orientation(orientation: int):
    exif = pytest.importorskip("PIL.Image").Exif()
    exif[0x0112] = orientation
    return exif


def needs_avif():
    if "AVIF:                        avif" not in cv2.getBuildInformation():
        pytest.skip("this OpenCV reads no AVIF")


def needs_opencv_5(form, *forms):
    if form in forms and int(cv2.__version__.split(".")[0]) < 5:
        pytest.skip(f"this OpenCV does not read such a {form}")


def upright(stored, orientation):
    """By the definition in EXIF 2.3, worked out pixel by pixel."""
    height, width = stored.shape[:2]
    shape = (width, height) if orientation > 4 else (height, width)
    row, column = np.indices(shape)
    bottom, right = height - 1, width - 1
    row, column = {
        1: (row, column),
        2: (row, right - column),
        3: (bottom - row, right - column),
        4: (bottom - row, column),
        5: (column, row),
        6: (bottom - column, row),
        7: (bottom - column, right - row),
        8: (column, right - row),
    }[orientation]
    return stored[row, column]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("alpha", [False, True])
def test_avif_is_turned_by_its_properties(rgb, orientation, alpha):
    """irot and imir; OpenCV 5 passes over both."""
    needs_avif()
    image = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)]) if alpha else rgb
    data = saved(image, "AVIF", quality=95, exif=with_orientation(orientation))
    assert (b"irot" in data or b"imir" in data) == (orientation > 1)
    assert exif_orientation(data) == orientation
    is_close(decode_image(data), upright(rgb, orientation))
    is_close(decode_image(data, exif=False), rgb)


def test_avif_with_exif_is_turned_once(rgb):
    needs_avif()
    both = with_orientation(6)
    both[0x0128] = 8  # becomes a second orientation, which must not count
    unit, turn = (struct.pack(">HHI", tag, 3, 1) for tag in (0x0128, 0x0112))
    data = saved(rgb, "AVIF", quality=95, exif=both).replace(unit, turn)
    assert b"irot" in data and turn in data
    is_close(decode_image(data), np.rot90(rgb, -1))
    only_exif = pytest.importorskip("PIL.Image").Exif()
    only_exif[0x0128] = 8
    data = saved(rgb, "AVIF", quality=95, exif=only_exif).replace(unit, turn)
    assert b"irot" not in data and turn in data
    is_close(decode_image(data), np.rot90(rgb))
    is_close(decode_image(data, exif=False), rgb)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["rgb", "rgba", "grey", "rgb16"])
def test_tiff_is_turned(rgb, orientation, kind):
    """libtiff turns some kinds by itself, whatever it is asked."""
    image = {
        "rgb": rgb,
        "rgba": np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)]),
        "grey": rgb[..., 0],
        "rgb16": rgb.astype(np.uint16) * 257,
    }[kind]
    data = tiff(image, orientation=orientation)
    stored = np.stack([rgb[..., 0]] * 3, -1) if kind == "grey" else rgb
    assert exif_orientation(data) == orientation
    assert (decode_image(data) == upright(stored, orientation)).all()
    assert (decode_image(data, exif=False) == stored).all()


def tiff(image, tile=None, order="<", **tags) -> bytes:
    """A TIFF file, uncompressed; tags as ``extra=2`` or ``orientation=6``."""
    height, width = image.shape[:2]
    samples = 1 if image.ndim == 2 else image.shape[2]
    if tile:
        rows, columns = -(-height // tile), -(-width // tile)
        padding = [(0, rows * tile - height), (0, columns * tile - width), (0, 0)]
        padded = np.pad(image.reshape(height, width, samples), padding)
        parts = [
            padded[y * tile : (y + 1) * tile, x * tile : (x + 1) * tile]
            for y in range(rows)
            for x in range(columns)
        ]
    else:
        parts = [image]
    parts = [part.astype(image.dtype.newbyteorder(order)).tobytes() for part in parts]
    photometric = tags.pop("photometric", 1 if samples == 1 else 2)
    entries = {
        256: [width],
        257: [height],
        258: [image.itemsize * 8] * samples,
        259: [1],
        262: [photometric],
        277: [samples],
        **({278: [height]} if not tile else {322: [tile], 323: [tile]}),
    }
    numbers = {"orientation": 274, "extra": 338, "width": 256, "tile_width": 322}
    entries |= {numbers[name]: [value] for name, value in tags.items()}
    where, sizes = (324, 325) if tile else (273, 279)
    entries[where], entries[sizes] = [0] * len(parts), [len(p) for p in parts]
    at = 8 + 2 + 12 * len(entries) + 4
    lists = {tag: v for tag, v in sorted(entries.items()) if len(v) > 1}
    begin = at + 4 * sum(map(len, lists.values()))
    entries[where] = (begin + np.cumsum([0, *entries[sizes][:-1]])).tolist()
    directory, rest = b"", b""
    for tag, values in sorted(entries.items()):
        # SHORT for what has several values by nature, LONG otherwise
        form, kind = ("H", 3) if tag == 258 else ("I", 4)
        content = struct.pack(f"{order}{len(values)}{form}", *values)
        if len(content) > 4:
            place = struct.pack(order + "I", at + len(rest))
            rest += content.ljust(4 * len(values), b"\0")
        else:
            place = content.ljust(4, b"\0")
        directory += struct.pack(order + "HHI", tag, kind, len(values)) + place
    head = b"II*\0" if order == "<" else b"MM\0*"
    head += struct.pack(order + "IH", 8, len(entries)) + directory + bytes(4)
    return (head + rest).ljust(begin, b"\0") + b"".join(parts)


@pytest.mark.parametrize("tile", [None, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_of_every_build(rgb, tile, order):
    deep = rgb.astype(np.uint16) * 257
    assert (decode_image(tiff(rgb, tile, order)) == rgb).all()
    assert (decode_image(tiff(deep, tile, order)) == rgb).all()
    grey = np.stack([rgb[..., 1]] * 3, -1)
    assert (decode_image(tiff(rgb[..., 1], tile, order)) == grey).all()
    assert (decode_image(tiff(deep[..., 1], tile, order)) == grey).all()
    inks = np.dstack([255 - rgb, np.zeros(rgb.shape[:2], np.uint8)])
    assert (decode_image(tiff(inks, tile, order, photometric=5)) == rgb).all()


@pytest.mark.parametrize("tile", [None, 64])
@pytest.mark.parametrize("deep", [False, True])
def test_transparent_tiff_is_laid_on_white(rgb, deep, tile):
    """8 bits come multiplied by alpha from libtiff, 16 bits as stored."""
    alpha = np.tile(np.linspace(0, 255, 160).round(), (120, 1))
    white = rgb * (alpha / 255)[..., None] + 255 - alpha[..., None]
    straight = np.dstack([rgb, alpha.astype(np.uint8)])
    multiplied = np.dstack([(rgb * (alpha / 255)[..., None]).round(), alpha])
    factor, form = (257, np.uint16) if deep else (1, np.uint8)
    for image, extra in ((straight, 2), (multiplied, 1)):
        data = tiff(image.astype(form) * form(factor), tile, extra=extra)
        assert np.abs(decode_image(data) - white).max() <= 1
    # OpenCV writes no word about the fourth channel; "unspecified" is no alpha
    data = tiff(straight.astype(form) * form(factor), tile)
    assert np.abs(decode_image(data) - white).max() <= 1
    if not deep:
        assert (decode_image(tiff(straight, tile, extra=0)) == rgb).all()


def test_tiff_that_is_not_read_says_so(rgb):
    for image, words in (
        (rgb.astype(np.float32), "32-bit"),
        (rgb.astype(np.uint32), "32-bit"),
        (np.dstack([rgb[..., 0], rgb[..., 1]]), "of a rare kind"),
    ):
        tags = {"photometric": 1, "extra": 2} if image.shape[2] == 2 else {}
        with pytest.raises(ImageError, match=words):
            decode_image(tiff(image, **tags), "scan.tif")


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF", "AVIF", "BMP"])
def test_transparency_in_every_format(form):
    """Blue: opaque, clear; where the format has it, one fifth."""
    if form == "AVIF":
        needs_avif()
    needs_opencv_5(form, "GIF", "BMP")
    image = np.zeros((32, 48, 4), np.uint8)
    image[..., 2] = 200
    image[:, :, 3] = np.repeat([255, 0, 51], 16)
    options = {"WEBP": {"lossless": True}, "AVIF": {"quality": 100}}.get(form, {})
    if form == "BMP":
        data = encode(".bmp", image[..., [2, 1, 0, 3]])
    else:
        data = saved(image, form, **options)
    colours = decode_image(data)[16, [8, 24, 40]].astype(int)
    wanted = [[0, 0, 200], [255, 255, 255], [204, 204, 244]]
    count = 2 if form == "GIF" else 3
    assert np.abs(colours - wanted)[:count].max() <= (0 if form != "AVIF" else 4)


@pytest.mark.parametrize("depth", [8, 16])
def test_one_clear_grey_of_a_png(depth):
    form = np.uint16 if depth == 16 else np.uint8
    grey = np.array([[10, 20, 30]], form) * form(257 if depth == 16 else 1)
    png = encode(".png", grey)
    body = b"tRNS" + struct.pack(">H", int(grey[0, 1]))
    part = struct.pack(">I", 2) + body + struct.pack(">I", zlib.crc32(body))
    assert decode_image(png[:33] + part + png[33:])[0, :, 0].tolist() == [10, 255, 30]


def test_blending_takes_little_memory():
    import tracemalloc

    image = np.full((4096, 1024, 4), 128, np.uint8)
    tracemalloc.start()
    blended = blend(image)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (blended == (128 * 128 + 255 * 127 + 127) // 255).all()
    assert peak < 2 * blended.nbytes


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "AVIF", "TIFF"])
def test_of_an_animation_the_first_picture(form, rgb):
    if form == "AVIF":
        needs_avif()
    needs_opencv_5(form, "GIF", "WEBP")
    pil = pytest.importorskip("PIL.Image")
    data = saved(rgb, form, save_all=True, append_images=[pil.fromarray(255 - rgb)])
    is_close(decode_image(data), rgb, 8)


def test_orientation_of_what_says_nothing_or_is_broken(jpeg, rgb):
    assert exif_orientation(jpeg) == 1
    assert exif_orientation(encode(".png", rgb)) == 1
    assert exif_orientation(b"BM") == exif_orientation(b"") == 1
    whole = with_exif(jpeg, 6)
    assert exif_orientation(with_exif(jpeg, 9)) == 1
    for end in range(2, 60):  # it breaks off somewhere
        assert exif_orientation(whole[:end]) in (1, 6)


def test_datasets_read_the_stored_pixels(rgb, jpeg, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(with_exif(jpeg, 6))
    is_close(PictureFolder(tmp_path / "images").read("a.jpg"), rgb)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("factor", [2, 4, 8])
def test_reduced_pixels_are_means(suffix, factor):
    image = picture(1, 8 * 13 + 3, 8 * 9)  # one side is no multiple
    small = decode_image(encode(suffix, image[..., ::-1]), reduce=factor)
    width, height = -(-image.shape[1] // factor), image.shape[0] // factor
    assert small.shape == (height, width, 3)
    inside = (
        image[:, : width // 2 * factor]
        .reshape(height, factor, width // 2, factor, 3)
        .mean((1, 3))
    )
    is_close(small[:, : width // 2], inside)


# --- sizes ----------------------------------------------------------------


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM"])
def test_size_is_read_from_the_header(tmp_path, rgb, form):
    pil = pytest.importorskip("PIL.Image")
    path = tmp_path / "picture"
    exif = pil.Exif()
    exif[0x0112] = 6
    pil.fromarray(rgb).save(path, form, exif=exif)
    lying = form in ("JPEG", "PNG", "WEBP", "TIFF")
    assert picture_size(path) == ((120, 160) if lying else (160, 120))
    assert picture_size(path, exif=False) == (160, 120)
    # of half the file, and as it is decoded
    half = tmp_path / "half"
    half.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert form == "TIFF" or picture_size(half, exif=False) == (160, 120)


def test_size_of_lossless_webp_and_of_a_bitmap_from_the_top(tmp_path, rgb):
    pil = pytest.importorskip("PIL.Image")
    path = tmp_path / "a"
    pil.fromarray(rgb).save(path, "WEBP", lossless=True)
    assert picture_size(path) == (160, 120)
    bitmap = bytearray(encode(".bmp", rgb))
    bitmap[22:26] = struct.pack("<i", -120)
    path.write_bytes(bitmap)
    assert picture_size(path) == (160, 120)


def test_size_of_pictures_of_a_dataset(zipped, jpeg, tmp_path):
    (zipped.folder / "lying.jpg").write_bytes(with_exif(jpeg, 6))
    assert zipped.size("in_zip.jpg") == zipped.size("loose.png") == (160, 120)
    assert zipped.size("lying.jpg") == (160, 120)
    assert zipped.size("lying.jpg", exif=True) == (120, 160)
    with pytest.raises(FileNotFoundError, match="absent.jpg"):
        zipped.size("absent.jpg")


def test_size_reads_little(tmp_path, jpeg, monkeypatch):
    """A quarter of a million pictures are looked at before a training."""
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg + bytes(10_000_000))
    with open_picture(path) as file:
        assert read_header(file, path).width == 160
        assert file.tell() < 1000


# --- what is not a picture ------------------------------------------------


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95, 0.999])
def test_jpeg_that_breaks_off(jpeg, part):
    broken = jpeg[: int(len(jpeg) * part)]
    with pytest.raises(ImageError, match="cut.jpg"):
        decode_image(broken, "cut.jpg")


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart": True}])
def test_jpeg_without_its_middle(rgb, options):
    """The decoder fills up with grey and says nothing."""
    data = encode_jpeg(rgb, **options)
    third = len(data) // 3
    with pytest.raises(ImageError, match="cut.jpg is damaged, parts .* are lost"):
        decode_image(data[:third] + data[2 * third :], "cut.jpg")


def encode_jpeg(rgb, progressive=False, restart=False) -> bytes:
    large = cv2.resize(rgb, (640, 480)) ^ np.uint8(3)
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)]
    options += [cv2.IMWRITE_JPEG_RST_INTERVAL, 10 * restart]
    return cv2.imencode(".jpg", large[..., ::-1], options)[1].tobytes()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart": True}])
def test_jpeg_that_lacks_only_its_end_mark(rgb, options):
    data = encode_jpeg(rgb, **options)
    whole = decode_image(data)
    for end in (b"", b"\xff"):
        assert (decode_image(data[:-2] + end) == whole).all()
    for lost in (12, 100):
        with pytest.raises(ImageError, match="breaks off"):
            decode_image(data[:-lost])


def test_odd_bytes_that_cameras_leave_are_passed_over(jpeg):
    whole = decode_image(jpeg)
    assert (decode_image(jpeg[:-2] + b"\0\0\0" + jpeg[-2:]) == whole).all()
    with pytest.raises(ImageError, match="extraneous"):
        decode_image(jpeg[:-2] + bytes(500) + jpeg[-2:])


def test_film_of_the_moment_behind_a_jpeg(jpeg):
    """Telephones append one; what looks like a scan in it is none."""
    film = b"\xff\xda\0\x0c" * 1000
    assert (decode_image(jpeg + film) == decode_image(jpeg)).all()


def test_jpeg_of_thousands_of_scans(rgb):
    data = encode_jpeg(rgb, progressive=True)
    last = data.rindex(b"\xff\xda")
    with pytest.raises(ImageError, match="3,0.. scans, which takes too long"):
        decode_image(data[:last] + data[last:-2] * 3000 + data[-2:])


def test_jpeg_whose_rest_never_arrived(jpeg):
    """Some programs reserve the file's length and fill it later."""
    half = len(jpeg) // 2
    with pytest.raises(ImageError, match="no end"):
        decode_image(jpeg[:half] + bytes(len(jpeg) - half))


def test_end_mark_of_a_thumbnail_does_not_count(jpeg):
    small = encode(".jpg", picture(2, 16, 16))
    body = b"Exif\0\0" + small
    whole = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]
    assert decode_image(whole).shape == (120, 160, 3)
    with pytest.raises(ImageError, match="no end"):
        decode_image(whole[: len(body) + 4 + len(jpeg) // 2])


def test_jpeg_with_bytes_after_its_end_is_fine(jpeg):
    assert decode_image(jpeg + b"\0" * 100).shape == (120, 160, 3)


def test_jpeg_overwritten_in_the_middle(jpeg):
    junk = np.random.default_rng(0).integers(0, 256, len(jpeg) // 2, np.uint8).tobytes()
    start = len(jpeg) // 3
    with pytest.raises(ImageError, match="is damaged"):
        decode_image(jpeg[:start] + junk + jpeg[start + len(junk) :])


def test_progressive_jpeg(rgb):
    data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[
        1
    ].tobytes()
    is_close(decode_image(data), rgb)
    with pytest.raises(ImageError):
        decode_image(data[: len(data) // 2])


def test_png_that_breaks_off(rgb):
    data = encode(".png", rgb)
    for part in (20, len(data) // 2, len(data) - 12):
        with pytest.raises(ImageError, match="breaks off"):
            decode_image(data[:part])


def test_damaged_png_is_told_by_its_checksum(rgb):
    data = bytearray(encode(".png", rgb))
    data[len(data) // 2] ^= 1
    with pytest.raises(ImageError, match="the checksum of its part IDAT is wrong"):
        decode_image(bytes(data))
    data[33:37] = b"\xff\xff\xff\xbf"  # would reserve 4 GB
    with pytest.raises(ImageError, match="breaks off"):
        decode_image(bytes(data))


@pytest.mark.parametrize("suffix", [".png", ".webp", ".bmp", ".tif", ".ppm"])
@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_other_formats_that_break_off(rgb, suffix, keep):
    data = encode(suffix, rgb)
    third = len(data) // 3
    for broken in (data[: int(len(data) * keep)], data[:third] + data[2 * third :]):
        with pytest.raises(ImageError):
            decode_image(broken)


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "is empty"),
        (b"hello, I am text", "not a picture"),
        (b"\xff\xd8\xff", "header breaks off"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99), "HEIC.*JPEG"),
        (b"\0\0\0\x18ftypavif" + bytes(99), "AVIF|damaged"),
        (b"\0\0\0\x18ftypmp42" + bytes(99), "is a video"),
        (b"GIF89a" + bytes(9), "GIF"),
        (b"\n<!DOCTYPE html>", "web page"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "damaged picture"),
    ],
)
def test_not_a_picture(tmp_path, data, message):
    path = tmp_path / "thing.jpg"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=message) as error:
        read_image(path)
    assert "thing.jpg" in str(error.value)


def claims(form: str, side: int) -> bytes:
    """The beginning of a picture that says it is `side` pixels wide and high."""
    png = struct.pack(">II5B", side, side, 8, 6, 0, 0, 0)
    frame = struct.pack(">BHH", 8, min(side, 65535), min(side, 65535))
    size = (min(side, 2**24) - 1).to_bytes(3, "little")
    box = lambda kind, content: struct.pack(">I4s", 8 + len(content), kind) + content  # noqa: E731
    ispe = box(b"ispe", struct.pack(">III", 0, side, side))
    ipma = box(b"ipma", struct.pack(">IIHBB", 0, 1, 1, 1, 1))
    pitm = box(b"pitm", struct.pack(">IH", 0, 1))
    iprp = box(b"iprp", box(b"ipco", ispe) + ipma)
    avif = box(b"ftyp", b"avif" + bytes(4)) + box(b"meta", bytes(4) + pitm + iprp)
    return {
        "png": b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + png + bytes(4),
        "jpeg": b"\xff\xd8\xff\xc0\0\x11" + frame + bytes(10) + b"\xff\xda\0\x0c\3",
        "webp": b"RIFF\0\0\0\0WEBPVP8X\n\0\0\0" + bytes(4) + size * 2,
        "gif": b"GIF89a" + struct.pack("<HH", min(side, 65535), min(side, 65535)),
        "bmp": b"BM" + bytes(12) + struct.pack("<Iii", 40, side, -side) + bytes(40),
        "tiff": tiff(np.zeros((1, 1, 3), np.uint8))
        .replace(
            struct.pack("<HHII", 256, 4, 1, 1), struct.pack("<HHII", 256, 4, 1, side)
        )
        .replace(
            struct.pack("<HHII", 257, 4, 1, 1), struct.pack("<HHII", 257, 4, 1, side)
        ),
        "netpbm": b"P6 # wide\n%d %d 255\n" % (side, side),
        "avif": avif,
    }[form]


@pytest.mark.parametrize(
    "form", ["png", "jpeg", "webp", "gif", "bmp", "tiff", "netpbm", "avif"]
)
def test_size_is_checked_before_decoding_in_every_format(form, monkeypatch):
    for decoder in ("imdecode", "imdecodemulti"):
        monkeypatch.setattr(cv2, decoder, lambda *_: pytest.fail("it was decoded"))
    for side in (16384, 65535):
        with pytest.raises(ImageError, match=f"{side} x {side} pixels, more than"):
            decode_image(claims(form, side))


def test_memory_is_checked_before_decoding(rgb, monkeypatch):
    """Deep pictures, AVIF and tiles take more than their pixels tell."""
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    deep_png = claims("png", 14000).replace(b"\x08\x06", b"\x10\x06")
    tiled = tiff(rgb, 64)
    one = struct.pack("<HHII", 322, 4, 1, 64)
    two = one.replace(b"B\x01", b"C\x01")
    assert one in tiled and two in tiled
    for size in (65536, 2**31):
        tiled_huge = tiled.replace(one, one[:8] + struct.pack("<I", size))
        tiled_huge = tiled_huge.replace(two, two[:8] + struct.pack("<I", size))
        for data in (deep_png, claims("avif", 14000), tiled_huge):
            with pytest.raises(ImageError, match="B of memory, more than"):
                decode_image(data)


def test_longest_side(rgb):
    png = struct.pack(">II5B", 1, 2_000_000, 8, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + png + bytes(4)
    with pytest.raises(ImageError, match="1 x 2000000 pixels, .* in one direction"):
        decode_image(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff" + b"\xff" * 3_000_000,
        b"\xff\xd8" + b"\xff\xfe\0\2" * 300_000,
        b"\xff\xd8" + b"\xff\xfe\0\0" * 300_000,
        b"\0\0\0\x18ftypavif" + bytes(12) + b"\0\0\0\x08free" * 200_000,
        b"\0\0\0\x18ftypavif" + bytes(12) + b"\0\0\0\1meta" + bytes(8),
        b"\0\0\0\x18ftypavif" + bytes(12) + b"\0\0\0\4meta",
        b"II*\0\x08\0\0\0\xff\xff" + struct.pack("<HHII", 256, 4, 1, 5) * 65535,
        b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**63) + bytes(2000),
        b"II+\0\x08\0\0\0" + struct.pack("<QQ", 2**63, 1),
        b"P6 " + b"9" * 5000,
        b"P6 #" + b"x" * 100_000,
        b"P6 -5 5 255\n",
        b"BM" + bytes(12) + struct.pack("<Iii", 40, -5, 5) + bytes(40),
    ],
)
def test_headers_made_to_keep_a_reader_busy(data, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(data)
    for read in (read_image, picture_size):
        with pytest.raises(ImageError, match="damaged"):
            read(path)


def test_enormous_files_are_refused_before_reading(tmp_path, monkeypatch):
    path = tmp_path / "film.jpg"
    write_picture(path, picture(0))
    monkeypatch.setattr(decode, "MAX_BYTES", 1000)
    with pytest.raises(ImageError, match=f"{path.stat().st_size:,} bytes"):
        read_image(path)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1)])
def test_tiny_and_thin_pictures(shape):
    image = np.full((*shape, 3), (10, 20, 30), np.uint8)
    for suffix in (".png", ".jpg"):
        is_close(decode_image(encode(suffix, image)), image[..., ::-1])


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="no picture .*absent.jpg"):
        read_image(tmp_path / "absent.jpg")
    with pytest.raises(ImageError, match="is a folder"):
        read_image(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="only POSIX systems have these")
def test_what_is_no_ordinary_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "circle.jpg").symlink_to("circle.jpg")
    (tmp_path / "zeros.jpg").symlink_to("/dev/zero")
    (tmp_path / "gone.jpg").symlink_to("nowhere")
    (tmp_path / "folder.jpg").mkdir()
    pictures = PictureFolder(tmp_path)
    for name, words in (
        ("pipe.jpg", "is a pipe, not a picture"),
        ("circle.jpg", "a link that leads in a circle"),
        ("zeros.jpg", "is a device, not a picture"),
        ("folder.jpg", "is a folder, not a picture"),
        ("a" * 300, "longer than this disk allows"),
        ("a\0b.jpg", "cannot be a file's name"),
        ("\ud800.jpg", "cannot be a file's name"),
    ):
        for read in (read_image, picture_size):
            with pytest.raises(ImageError, match=words):
                read(f"{tmp_path}/{name}")
        assert name not in pictures
        with pytest.raises(ImageError, match=words):
            pictures.read(name)
    with pytest.raises(FileNotFoundError, match="link to nowhere"):
        read_image(tmp_path / "gone.jpg")


def test_names_in_any_script(rgb, tmp_path):
    path = tmp_path / "人体 姿态 é.png"
    write_picture(path, rgb)
    assert (read_image(path) == rgb).all()


# --- folders and zip files ------------------------------------------------


@pytest.fixture
def zipped(tmp_path, rgb, jpeg):
    with zipfile.ZipFile(tmp_path / "images_0.zip", "w") as archive:
        archive.writestr("images/in_zip.jpg", jpeg)
        archive.writestr("../evil.jpg", jpeg)
    with zipfile.ZipFile(tmp_path / "images_1.zip", "w") as archive:
        archive.writestr("bare.jpg", jpeg)
    write_picture(tmp_path / "images" / "loose.png", rgb)
    return PictureFolder(tmp_path / "images")


@pytest.mark.parametrize("name", ["in_zip.jpg", "bare.jpg", "loose.png"])
def test_files_and_zip_members(zipped, rgb, name):
    assert name in zipped and zipped.exists()
    is_close(zipped.read(name), rgb)


def test_pictures_travel_to_another_process(zipped, rgb):
    zipped.read("in_zip.jpg")
    is_close(pickle.loads(pickle.dumps(zipped)).read("in_zip.jpg"), rgb)


def test_absent_name(zipped):
    assert "absent.jpg" not in zipped
    with pytest.raises(FileNotFoundError, match="absent.jpg is neither in"):
        zipped.read("absent.jpg")


@pytest.mark.parametrize(
    "name",
    [
        "../evil.jpg",
        "/etc/passwd",
        "a/../../b",
        "..\\evil.jpg",
        "C:\\evil.jpg",
        "\\\\host\\share\\a.jpg",
    ],
)
def test_names_that_point_outside(zipped, name):
    assert name not in zipped
    with pytest.raises(ImageError, match="points outside"):
        zipped.read(name)


@pytest.mark.skipif(os.name == "nt", reason="no such names on Windows")
def test_name_with_a_colon_is_a_name(tmp_path, rgb):
    write_picture(tmp_path / "at 12:30.png", rgb)
    assert "at 12:30.png" in PictureFolder(tmp_path)
    assert (PictureFolder(tmp_path).read("at 12:30.png") == rgb).all()


def test_members_of_a_zip_made_on_windows(tmp_path, jpeg):
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        archive.writestr("images/ab/a.jpg", jpeg)
    path = tmp_path / "images.zip"
    path.write_bytes(path.read_bytes().replace(b"images/ab/a", b"images\\ab\\a"))
    pictures = PictureFolder(tmp_path / "images")
    for name in ("ab/a.jpg", "ab\\a.jpg", "./ab/a.jpg"):
        assert name in pictures and pictures.size(name) == (160, 120)


def test_unreadable_zip_does_not_spoil_the_others(tmp_path, jpeg, rgb):
    (tmp_path / "images_0.zip").write_bytes(b"PK\x03\x04 and then nothing")
    (tmp_path / "images_1.zip").mkdir()
    if os.name != "nt":
        os.mkfifo(tmp_path / "images_2.zip")
    with zipfile.ZipFile(tmp_path / "images_3.zip", "w") as archive:
        archive.writestr("a.jpg", jpeg)
    write_picture(tmp_path / "images" / "loose.png", rgb)
    pictures = PictureFolder(tmp_path / "images")
    is_close(pictures.read("a.jpg"), rgb)
    assert (pictures.read("loose.png") == rgb).all()
    for look in (pictures.read, pictures.__contains__):  # it may be in there
        with pytest.raises(ImageError, match="images_0.zip is not a readable zip"):
            look("b.jpg")


def test_one_bad_member_among_many(tmp_path, jpeg, rgb):
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(30):
            archive.writestr(f"{i:02}.jpg", jpeg)
        archive.writestr("bomb.jpg", b"")
    data = bytearray(path.read_bytes())

    def member(name):
        """Where its own and its central header begin."""
        name = name.encode()
        return data.index(name) - 30, data.rindex(name) - 46

    own, central = member("03.jpg")
    data[own + 300] ^= 0xFF  # damaged
    for at, offset in zip(member("04.jpg"), (6, 8), strict=True):
        data[at + offset] |= 1  # encrypted
    for at, offset in zip(member("05.jpg"), (8, 10), strict=True):
        data[at + offset] = 99  # packed in an unknown way
    own, _ = member("06.jpg")
    data[own : own + 4] = b"junk"
    for at, offset in zip(member("07.jpg"), (8, 10), strict=True):
        data[at + offset] = 8  # not deflated
    _, central = member("bomb.jpg")
    data[central + 24 : central + 28] = struct.pack("<I", 2**31)
    path.write_bytes(data)
    pictures = PictureFolder(tmp_path / "images")
    for name, words in (
        ("03.jpg", "03.jpg in .*images.zip is damaged"),
        ("04.jpg", "04.jpg in .*images.zip is protected by a password"),
        ("05.jpg", "05.jpg in .*images.zip is damaged: That compression"),
        ("06.jpg", "06.jpg in .*images.zip is damaged"),
        ("07.jpg", "07.jpg in .*images.zip is damaged"),
        ("bomb.jpg", "bomb.jpg in .*images.zip has 2,147,483,648 bytes"),
    ):
        with pytest.raises(ImageError, match=words):
            pictures.read(name)
    for name in ("00.jpg", "08.jpg", "29.jpg"):
        is_close(pictures.read(name), rgb)


def test_a_forked_process_opens_the_zip_anew(zipped, rgb):
    """It would share the place in the file with its parent."""
    if not hasattr(os, "fork"):
        pytest.skip("no fork")
    zipped.read("in_zip.jpg")
    before = zipped._members["in_zip.jpg"][0]
    read, write = os.pipe()
    if os.fork() == 0:  # pragma: no cover
        os.write(write, b"%d" % (zipped._members["in_zip.jpg"][0] is not before))
        os._exit(0)
    assert os.read(read, 1) == b"1"
    os.wait()
    assert zipped._members["in_zip.jpg"][0] is before


def test_real_pictures_are_whole(shared_data):
    for path in sorted(shared_data.rglob("*.jp*g")):
        assert read_image(path).shape[2] == 3
