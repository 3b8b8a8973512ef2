"""Pictures of every kind come out as RGB uint8; broken ones say so."""

import io
import pickle
import struct
import zipfile
import zlib

import cv2
import numpy as np
import pytest
from pose_samples import picture, write_picture

from posecourse.images import (
    MAX_PIXELS,
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


def exif(orientation: int, order="<") -> bytes:
    """An EXIF part with a camera's name and how the picture lies."""
    return (
        (b"II*\0" if order == "<" else b"MM\0*")
        + struct.pack(order + "IH", 8, 2)
        + struct.pack(order + "HHI4s", 0x010F, 2, 4, b"Cam\0")
        + struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
        + b"\0" * 4
    )


def with_exif(jpeg: bytes, orientation: int, order="<") -> bytes:
    """The JPEG with an EXIF part that says how it lies."""
    body = b"Exif\0\0" + exif(orientation, order)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


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


def test_huge_pictures_are_refused_before_decoding(jpeg):
    side = int(MAX_PIXELS**0.5) + 1
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", side, side)
    with pytest.raises(ImageError, match=f"{side} x {side} pixels"):
        decode_image(header + b"\x08\x02\0\0\0" + bytes(20) + b"IEND")
    frame = jpeg.index(b"\xff\xc0")
    size = struct.pack(">HH", 60000, 60000)
    with pytest.raises(ImageError, match="60000 x 60000"):
        decode_image(jpeg[: frame + 5] + size + jpeg[frame + 9 :])


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
    "name", ["../evil.jpg", "/etc/passwd", "a/../../b", "..\\evil.jpg", "C:\\evil.jpg"]
)
def test_names_that_point_outside(zipped, name):
    with pytest.raises(ImageError, match="points outside"):
        zipped.read(name)


def test_damaged_zip(tmp_path):
    (tmp_path / "images.zip").write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(ImageError, match="images.zip is not a readable zip"):
        PictureFolder(tmp_path / "images").read("a.jpg")


def test_damaged_zip_member(tmp_path, jpeg):
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jpg", jpeg)
    data = bytearray(path.read_bytes())
    data[len(jpeg) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ImageError, match="a.jpg in .*images.zip is damaged"):
        PictureFolder(tmp_path / "images").read("a.jpg")


def test_real_pictures_are_whole(shared_data):
    for path in sorted(shared_data.rglob("*.jp*g")):
        assert read_image(path).shape[2] == 3
