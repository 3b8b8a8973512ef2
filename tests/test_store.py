"""Prepared stores: right, resumable, never half-finished."""

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn_people import Drawn
from pose_samples import people, picture, write_mpii, write_picture

from posecourse import files, skeletons
from posecourse.datasets import (
    MPII,
    CropDataset,
    CropsError,
    DatasetWarning,
    build_crops,
    check,
    crop_in_memory,
    open_crops,
    open_dataset,
    prepare,
)
from posecourse.evaluation import pck_normalizer
from posecourse.files import DiskFullError
from posecourse.geometry import Crop, affine_points

# What is said is looked for where it is expected.
pytestmark = pytest.mark.filterwarnings("ignore::posecourse.datasets.DatasetWarning")

SIZE, MARGIN = 56, 1.75
TESTS = Path(__file__).resolve().parent
# Programs that are started find the package and the samples.
ENV = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}


def build(dataset, path, **options):
    return prepare(
        dataset, path, SIZE, MARGIN, progress=False, **{"chunk": 5, **options}
    )


@pytest.fixture
def dataset(tmp_path):
    return MPII(write_mpii(tmp_path / "data", count=24))


@pytest.fixture
def store(dataset, tmp_path):
    return build(dataset, tmp_path / "store")


def content(folder) -> dict:
    return {p.name: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


# --- what is in it --------------------------------------------------------


def test_crops_are_the_windows_with_margin(dataset, store):
    assert len(store) == len(store.crops) == 24
    assert store.crops.shape == (24, SIZE, SIZE, 3)
    assert store.window == SIZE / MARGIN == 32
    for i, person in enumerate(dataset):
        window, expected = by_hand(store, i, dataset)
        difference = np.abs(store.crops[i].astype(float) - expected)
        assert difference.mean() < 1.5
        np.testing.assert_allclose(
            store.keypoints[i], window.apply(person.keypoints), atol=1e-3
        )
        standard = person.crop(SIZE)
        assert window.size == tuple(MARGIN * s for s in standard.size)
        np.testing.assert_allclose(window.center, standard.center)


def test_windows_that_are_enlarged_move_by_half_a_pixel_at_most(dataset):
    large = crop_in_memory(dataset, 256, MARGIN)  # zoom 256 / 175
    moved = []
    for i, person in enumerate(dataset):
        window, expected = by_hand(large, i, dataset)
        moved.append(np.subtract(window.center, person.crop().center))
        inside = expected.any(-1)
        difference = np.abs(large.crops[i].astype(float) - expected)
        assert difference[inside].mean() < 1.5
        np.testing.assert_allclose(
            large.keypoints[i], window.apply(person.keypoints), atol=1e-3
        )
    assert 0.1 < np.abs(moved).max() <= 0.5 + 1e-9


def by_hand(store, i, dataset):
    """A person's window, and it cut out of the whole picture by
    resampling: the turn is none, but `warp` does not know that."""
    person, size = dataset[i], store.size
    center = affine_points([[(size - 1) / 2] * 2], store.to_image[i])[0]
    side = store.margin * person.crop().size[0]
    window = Crop(tuple(center), side, size)
    return window, replace(window, rotation=1e-9).warp(dataset.read_image(person))


def test_labels(dataset, store):
    assert store.skeleton == skeletons.MPII
    assert store.keypoints.dtype == np.float32
    zoom = 32 / (250 * 0.4)  # store pixels per pixel
    np.testing.assert_allclose(store.head_size, 10 * zoom, rtol=1e-6)
    assert np.isnan(store.area).all()
    for i, person in enumerate(dataset):
        assert (store.images[i], store.ids[i]) == (person.image, person.id)
        assert (store.visible[i] == person.visible).all()
        assert (np.isnan(store.keypoints[i]).any(1) == (person.visible == 0)).all()
        assert tuple(store.center[i]) == person.center
        assert store.scale[i] == person.scale
    back = affine_points(store.keypoints, store.to_image)
    np.testing.assert_allclose(back, [p.keypoints for p in dataset], atol=1e-3)


def test_box_size(dataset, store, tmp_path):
    """Of the person's own box, in pixels of the crop; MPII has none."""
    assert store.box_size.dtype == np.float32 and np.isnan(store.box_size).all()
    dataset.people[0].box = (3.0, 4.0, 50.0, 70.0)
    dataset.people[2].box = (0.0, 0.0, float("nan"), 5.0)
    boxes = crop_in_memory(dataset, SIZE, MARGIN).box_size
    assert boxes[0] == pytest.approx(70 * 32 / 100, rel=1e-6)
    assert np.isnan(boxes[1:]).all()
    built = build(dataset, tmp_path / "boxes")
    np.testing.assert_array_equal(built.box_size, boxes)
    np.testing.assert_array_equal(built.subset([5, 0]).box_size, boxes[[5, 0]])
    assert np.isnan(replace(built, box_size=None).box_size).all()


def test_without_boxes_the_joints_own_is_what_pck_divides_by(dataset):
    """And is called so, as `metrics.report` calls it."""
    for person in dataset.people:
        person.head_size = float("nan")
    hand = [(j, n) for j, n in enumerate(skeletons.MPII.joints) if "hip" not in n]
    store = crop_in_memory(dataset, SIZE, MARGIN).as_skeleton(
        skeletons.Skeleton("no_torso", [name for _, name in hand])
    )
    found = pck_normalizer(store)
    assert found.name == "PCK (joints)"
    labelled = dataset[0].keypoints[[j for j, _ in hand]]
    span = np.nanmax(labelled, 0) - np.nanmin(labelled, 0)
    assert found.size[0] == pytest.approx(span.max() * 32 / 100 + 1, rel=1e-4)


def test_open_gives_the_same(store, tmp_path):
    again = CropDataset.open(tmp_path / "store")
    assert (again.crops == store.crops).all()
    np.testing.assert_array_equal(again.keypoints, store.keypoints)
    assert again.source == store.source and "24 people" in repr(again)
    assert isinstance(again.crops, np.memmap)


def test_in_memory_is_the_same(dataset, store):
    memory = crop_in_memory(dataset, SIZE, MARGIN)
    assert (memory.crops == store.crops).all()
    for name in (
        "keypoints",
        "visible",
        "head_size",
        "area",
        "to_image",
        "center",
        "scale",
        "images",
        "ids",
    ):
        np.testing.assert_array_equal(getattr(memory, name), getattr(store, name))
    assert memory.source == store.source


@pytest.mark.parametrize("workers, chunk", [(1, 5), (3, 4), (2, 100)])
def test_workers_and_chunks_do_not_matter(dataset, store, tmp_path, workers, chunk):
    build(dataset, tmp_path / "other", workers=workers, chunk=chunk)
    assert content(tmp_path / "other") == content(tmp_path / "store")


def test_large_crops_take_smaller_chunks(dataset, tmp_path, monkeypatch):
    chunks = []
    cut = build_crops.cut_all

    def watch(dataset, todo, *more):
        chunks.extend(map(len, todo))
        return cut(dataset, todo, *more)

    monkeypatch.setattr(build_crops, "cut_all", watch)
    monkeypatch.setattr(build_crops, "_CHUNK_BYTES", 3 * SIZE * SIZE * 3 + 1)
    build(dataset, tmp_path / "other", chunk=256)
    assert chunks == [3] * 8


def test_reading_rows(store):
    indices = [7, 2, 2, 23, 0]
    rows = store.read(indices)
    assert rows.flags.owndata and (rows == store.crops[indices]).all()
    assert store.read([]).shape == (0, SIZE, SIZE, 3)
    with pytest.raises(IndexError):
        store.read([24])


@pytest.mark.parametrize(
    "indices", [[5, 1, 9], slice(3, 8), np.arange(24) % 2 == 0, np.arange(4, 9), []]
)
def test_subset(store, indices):
    part = store.subset(np.arange(24)[indices])
    if isinstance(indices, np.ndarray) and indices.dtype == bool:
        np.testing.assert_array_equal(store.subset(indices).ids, part.ids)
    chosen = np.arange(24)[indices]
    assert len(part) == len(chosen) and part.window == store.window
    assert part.ids.tolist() == store.ids[chosen].tolist()
    assert (part.crops == store.crops[chosen]).all()
    np.testing.assert_array_equal(part.keypoints, store.keypoints[chosen])


def test_opencv_gets_its_threads_back(dataset, tmp_path, monkeypatch):
    """A pool with a thread per core needs none of OpenCV's."""
    inside = []
    read = type(dataset.pictures).read_bytes
    monkeypatch.setattr(
        type(dataset.pictures),
        "read_bytes",
        lambda *arguments: inside.append(cv2.getNumThreads()) or read(*arguments),
    )
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(3)
        build(dataset, tmp_path / "some", workers=2)
        assert set(inside) == {1} and cv2.getNumThreads() == 3
        (tmp_path / "data" / "images" / "000001.jpg").unlink()
        with pytest.raises(CropsError):
            build(dataset, tmp_path / "more", workers=2)
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)


def test_people_of_one_picture_share_its_decoding(dataset, tmp_path, monkeypatch):
    reads = []
    read = type(dataset.pictures).read_bytes
    monkeypatch.setattr(
        type(dataset.pictures),
        "read_bytes",
        lambda self, name, *more: reads.append(name) or read(self, name, *more),
    )
    build(dataset, tmp_path / "once", chunk=24)
    assert len(reads) == len(set(reads)) == 12


def test_large_people_are_cut_from_a_reduced_picture(tmp_path):
    """Decoding at half or a quarter must not move or change anything."""
    root = write_mpii(tmp_path / "data", count=4, per_picture=1)
    dataset = MPII(root)
    small = crop_in_memory(dataset, 32, 1.0)  # zoom 32 / 100
    for i in range(len(dataset)):
        _, expected = by_hand(small, i, dataset)
        difference = np.abs(small.crops[i].astype(float) - expected)
        inside = expected.any(-1)
        assert difference[inside].mean() < 2.5


# --- the same store again, another store ----------------------------------


def test_finished_store_is_not_built_again(dataset, store, tmp_path, monkeypatch):
    monkeypatch.setattr(type(dataset.pictures), "read_bytes", None)
    assert len(build(dataset, tmp_path / "store")) == 24


@pytest.mark.parametrize("change", ["size", "labels", "fewer"])
def test_another_store_is_refused(dataset, store, tmp_path, change):
    size = SIZE
    if change == "size":
        size = 48
    elif change == "labels":
        dataset.people[3].keypoints[8] += 0.5
    else:
        dataset.people.pop()
    with pytest.raises(CropsError, match="store of something else"):
        prepare(dataset, tmp_path / "store", size, MARGIN, progress=False)


def change(dataset, what):
    if what == "labels":
        dataset.people[3].keypoints[8] += 0.5
    elif what == "fewer":
        dataset.people.pop()
    else:
        folder = dataset.pictures.folder
        image = picture(99)
        if what == "same size":  # of the file: only the time tells
            data = (folder / "000002.jpg").read_bytes()
            os.utime(folder / "000002.jpg", ns=(0, 0))
            assert (folder / "000002.jpg").read_bytes() == data
        else:
            write_picture(folder / "000002.jpg", image)


@pytest.mark.parametrize("what", ["labels", "fewer", "picture", "same size"])
def test_a_store_of_other_labels_or_pictures_is_made_anew(
    dataset, store, tmp_path, what
):
    path = tmp_path / "store"
    before = content(path)
    change(dataset, what)
    with pytest.raises(CropsError, match=r"rebuild=True .--rebuild"):
        build(dataset, path)
    assert content(path) == before
    with pytest.warns(DatasetWarning, match="made anew"):
        again = build(dataset, path, rebuild=True)
    build(dataset, tmp_path / "fresh")
    assert content(path) == content(tmp_path / "fresh")
    assert len(again) == len(dataset)
    if what == "picture":
        assert (again.crops[4:6] != store.crops[4:6]).any()
        assert (again.crops[:4] == store.crops[:4]).all()
        assert again.source["fingerprint"] != store.source["fingerprint"]
        assert again.source["labels"] == store.source["labels"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build(dataset, path)


def test_which_picture_is_another(dataset, store, tmp_path):
    change(dataset, "picture")
    with pytest.raises(CropsError, match="000002.jpg was replaced or added since"):
        build(dataset, tmp_path / "store")


def test_a_picture_that_was_added_is_taken_up(tmp_path):
    root = write_mpii(tmp_path / "data", count=101, per_picture=1)
    place = root / "images" / "000100.jpg"
    data = place.read_bytes()
    place.unlink()
    dataset = MPII(root)
    assert len(build(dataset, tmp_path / "store", chunk=50)) == 100
    assert len(build(dataset, tmp_path / "store", chunk=50)) == 100
    place.write_bytes(data)
    with pytest.raises(CropsError, match="000100.jpg was replaced or added"):
        build(dataset, tmp_path / "store")
    with pytest.warns(DatasetWarning, match="made anew"):
        assert len(build(dataset, tmp_path / "store", rebuild=True)) == 101


def test_pictures_that_were_removed_are_not_missed(dataset, store, tmp_path):
    shutil.rmtree(dataset.pictures.folder)
    assert len(build(dataset, tmp_path / "store", rebuild=True)) == 24


def test_zipped_pictures_are_known_by_their_content(dataset, tmp_path):
    folder = dataset.pictures.folder
    names = sorted(folder.iterdir())

    def zipped():
        with zipfile.ZipFile(folder.parent / "images.zip", "w") as archive:
            for path in names:
                archive.write(path, f"images/{path.name}")
        return MPII(folder.parent)

    first = zipped()
    for path in names[1:]:
        path.rename(tmp_path / path.name)
    names = [names[0], *(tmp_path / path.name for path in names[1:])]
    build(first, tmp_path / "store")
    os.utime(folder.parent / "images.zip", ns=(0, 0))
    assert len(build(zipped(), tmp_path / "store")) == 24
    write_picture(names[3], picture(99))
    with pytest.raises(CropsError, match="000003.jpg was replaced"):
        build(zipped(), tmp_path / "store")


def test_a_picture_that_is_replaced_between_two_halves(dataset, tmp_path, monkeypatch):
    """What was cut from the old picture is cut again, the rest is kept."""
    saved = []
    with monkeypatch.context() as patch:
        keep = build_crops._save_part

        def save(*arguments):
            if len(saved) == 3:
                raise KeyboardInterrupt
            saved.append(keep(*arguments))

        patch.setattr(build_crops, "_save_part", save)
        with pytest.raises(KeyboardInterrupt):
            build(dataset, tmp_path / "store")
    change(dataset, "picture")  # person 4 and 5: the end of the first chunk
    reads = []
    read = type(dataset.pictures).read_bytes
    dataset.pictures.read_bytes = lambda *a: (
        reads.append(a) or read(dataset.pictures, *a)
    )
    build(dataset, tmp_path / "store")
    build(dataset, tmp_path / "fresh")
    assert content(tmp_path / "store") == content(tmp_path / "fresh")


@pytest.mark.parametrize("moved", [0, 1, 2, 3])
def test_killed_while_it_takes_the_place_of_another(
    dataset, store, tmp_path, monkeypatch, moved
):
    change(dataset, "labels")
    path, done = tmp_path / "store", []
    with monkeypatch.context() as patch:
        replace_file = os.replace

        def move(source, target):
            if Path(source).parent.name == "rebuild":
                if len(done) == moved:
                    raise KeyboardInterrupt
                done.append(target)
            replace_file(source, target)

        patch.setattr(build_crops.os, "replace", move)
        if moved < 3:
            with pytest.raises(KeyboardInterrupt):
                build(dataset, path, rebuild=True)
    build(dataset, path, rebuild=True)
    build(dataset, tmp_path / "fresh")
    assert content(path) == content(tmp_path / "fresh")


def test_the_old_store_stays_until_the_new_one_is_done(dataset, store, tmp_path):
    before = content(tmp_path / "store")
    change(dataset, "labels")
    (dataset.pictures.folder / "000007.jpg").unlink()
    with pytest.raises(CropsError, match="Get the missing pictures"):
        build(dataset, tmp_path / "store", rebuild=True)
    shutil.rmtree(tmp_path / "store" / "rebuild")
    assert content(tmp_path / "store") == before
    assert len(CropDataset.open(tmp_path / "store")) == 24


def test_a_damaged_store_is_made_anew(dataset, store, tmp_path):
    for damage in (truncate, change_labels, lambda f: (f / "labels.npz").unlink()):
        damage(tmp_path / "store")
        with pytest.raises(CropsError):
            build(dataset, tmp_path / "store")
        with pytest.warns(DatasetWarning, match="made anew"):
            assert len(build(dataset, tmp_path / "store", rebuild=True)) == 24


def test_a_store_of_version_1_is_still_read(store, tmp_path, dataset):
    """It knew no sizes of boxes and nothing about its pictures."""
    path = tmp_path / "store"
    with np.load(path / "labels.npz") as arrays:
        old = {k: arrays[k] for k in arrays.files if k not in ("box_size", "pictures")}
    np.savez(path / "labels.npz", **old)
    about = json.loads((path / "store.json").read_text())
    about["version"] = 1
    about["labels_sha256"] = hashlib.sha256(
        (path / "labels.npz").read_bytes()
    ).hexdigest()
    about["source"] = {"dataset": "data-valid", "fingerprint": "1", "skipped": []}
    del about["skeleton"]["flip_map"]
    (path / "store.json").write_text(json.dumps(about))
    again = CropDataset.open(path)
    assert (again.crops == store.crops).all() and again.skeleton == store.skeleton
    np.testing.assert_array_equal(again.keypoints, store.keypoints)
    assert np.isnan(again.box_size).all() and len(again.box_size) == 24
    with pytest.raises(CropsError, match="earlier version.*--rebuild"):
        build(dataset, path)


def test_a_store_that_lost_what_it_knew_of_its_pictures(store, tmp_path, dataset):
    with np.load(tmp_path / "store" / "labels.npz") as arrays:
        labels = dict(arrays)
    for pictures in ({}, {"pictures": labels.pop("pictures")[:5]}):
        pretend(tmp_path / "store", labels | pictures)
        with pytest.raises(CropsError, match="does not know its pictures"):
            build(dataset, tmp_path / "store")


def test_what_a_store_was_made_from(tmp_path):
    write_mpii(tmp_path, count=40)
    (tmp_path / "annot/valid.json").rename(tmp_path / "annot/mine.json")
    records = json.loads((tmp_path / "annot/mine.json").read_text())
    records[0]["scale"] = None
    records[0]["joints_vis"] = [0] * 16  # neither a scale nor joints
    (tmp_path / "annot/mine.json").write_text(json.dumps(records))
    dataset = open_dataset(tmp_path / "annot/mine.json", "train")
    source = build(dataset, tmp_path / "store").source
    assert source["split"] == "train" and "18 of 20 pictures" in source["split_note"]
    assert source["notes"][0] == f"train is {source['split_note']}"
    assert source["notes"][1].startswith("1 records cannot be used; record 0: neither")


# --- prepared for a network -----------------------------------------------


def test_crops_that_are_kept_follow_labels_and_pictures(dataset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = open_crops(dataset, "valid", (32, 32))
    change(dataset, "labels")
    with pytest.warns(DatasetWarning, match="made anew"):
        again = open_crops(dataset, "valid", (32, 32))
    assert (first.keypoints[3, 8] != again.keypoints[3, 8]).all()
    change(dataset, "picture")
    with pytest.warns(DatasetWarning, match="made anew"):
        again = open_crops(dataset, "valid", (32, 32))
    assert (first.crops[4] != again.crops[4]).any()


def test_people_whose_picture_is_broken_are_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = write_mpii(tmp_path / "data", count=200, per_picture=1)
    (root / "images" / "000120.jpg").write_bytes(b"nothing")
    for _ in range(2):
        with pytest.warns(DatasetWarning, match="1 of 200 people are left out.*000120"):
            assert len(open_crops(root, "valid", (32, 32))) == 199


def test_two_datasets_of_one_name_are_kept_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed, folder in enumerate(("a", "b")):
        write_mpii(tmp_path / folder / "data", count=4, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            stores = [
                open_crops(tmp_path / f / "data", "valid", (32, 32)) for f in ("a", "b")
            ]
    assert not np.allclose(*(s.keypoints for s in stores), equal_nan=True)
    upper = open_crops(
        tmp_path / "a/data", "valid", (32, 32), skeleton=skeletons.UPPER_BODY
    )
    assert upper.keypoints.shape == (4, 5, 2)


def test_a_name_that_leads_elsewhere(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("POSECOURSE_DATA", str(tmp_path / "a" / "b"))
    dataset.name = "../../../dog/cat"
    store = open_crops(dataset, "valid", (32, 32))
    assert Path(store.crops.filename).parents[1] == tmp_path / "a/b/prepared"


def test_folders_of_stores(dataset, store, tmp_path, monkeypatch):
    """A store is of one split; those who validate are not who was trained on."""
    assert len(open_crops(tmp_path / "store", "valid", (32, 32))) == 24
    with pytest.raises(CropsError, match="of the split 'valid' and has no 'train'"):
        open_crops(tmp_path / "store", "train", (32, 32))
    build(dataset, tmp_path / "stores" / "train")
    assert len(open_crops(tmp_path / "stores", "train", (32, 32))) == 24
    with pytest.raises(CropsError, match="no prepared store 'valid'; it has train"):
        open_crops(tmp_path / "stores", "valid", (32, 32))
    prepare(Drawn(4), tmp_path / "drawn", 8, 1.0, progress=False)
    with pytest.warns(DatasetWarning, match="taken for 'test'"):
        open_crops(tmp_path / "drawn", "test", (8, 8))


# --- hostile folders ------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no pipes and devices")
@pytest.mark.parametrize("in_memory", [False, True])
def test_what_is_no_picture_costs_one_person_each(tmp_path, in_memory):
    root = write_mpii(tmp_path / "data", count=520, per_picture=1)
    images = root / "images"
    for i in range(5):
        (images / f"{i:06d}.jpg").unlink()
    (images / "000000.jpg").mkdir()
    os.mkfifo(images / "000001.jpg")
    (images / "000002.jpg").symlink_to("000002.jpg")
    (images / "000003.jpg").symlink_to("/dev/zero")
    (images / "000004.jpg").symlink_to("/dev/stdin")
    dataset = MPII(root)
    report = check(dataset)
    assert len(report.missing_pictures + report.broken_pictures) == 5
    if in_memory:
        store = crop_in_memory(dataset, SIZE, MARGIN)
    else:
        store = build(dataset, tmp_path / "store")
    assert len(store) == 515 and len(store.source["skipped"]) == 5
    reasons = " ".join(p["reason"] for p in store.source["skipped"])
    assert "folder" in reasons and "pipe" in reasons and "device" in reasons


@pytest.mark.parametrize(
    "options, message",
    [
        ({"margin": float("nan")}, "margin nan"),
        ({"margin": float("inf")}, "margin inf"),
        ({"margin": 0}, "margin 0"),
        ({"margin": "wide"}, "margin 'wide'"),
        ({"size": 0}, "size 0"),
        ({"size": 2.5}, "size 2.5"),
        ({"size": 10**9}, "size 1000000000"),
        ({"size": "64"}, "size '64'"),
        ({"workers": 0}, "workers 0"),
        ({"workers": -1}, "workers -1"),
        ({"chunk": 0}, "chunk 0"),
    ],
)
def test_numbers_that_make_no_store(dataset, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        prepare(dataset, tmp_path / "store", progress=False, **options)
    assert not (tmp_path / "store").exists()
    if "chunk" not in options:
        with pytest.raises(ValueError, match=message):
            crop_in_memory(dataset, **options)


def test_a_folder_that_cannot_be_written(dataset, tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "store", tmp_path / "file"):
        with pytest.raises(CropsError, match="cannot be written.*another folder"):
            build(dataset, path)


def test_foreign_folder_is_refused(dataset, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").touch()
    with pytest.raises(CropsError, match="not empty .*chapter.tex"):
        build(dataset, tmp_path / "thesis")


def test_empty_dataset(dataset, tmp_path):
    dataset.people.clear()
    with pytest.raises(ValueError, match="has no people"):
        build(dataset, tmp_path / "store")


# --- damage ---------------------------------------------------------------


def test_no_store(tmp_path):
    with pytest.raises(FileNotFoundError, match="no prepared store"):
        CropDataset.open(tmp_path)


def truncate(folder):
    os.truncate(folder / "crops.npy", 5000)


def change_labels(folder):
    path = folder / "labels.npz"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def change_version(folder):
    path = folder / "store.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 99}))


def say(folder, **changed):
    path = folder / "store.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def pretend(folder, arrays):
    """Other labels, and a checksum that goes with them."""
    path = folder / "labels.npz"
    if isinstance(arrays, bytes):
        path.write_bytes(arrays)
    else:
        np.savez(path, **arrays)
    say(folder, labels_sha256=hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize(
    "damage, message",
    [
        (truncate, "has 5,000 bytes instead of"),
        (lambda f: (f / "crops.npy").unlink(), "has 0 bytes"),
        (change_labels, "labels.npz is missing or was changed"),
        (lambda f: (f / "labels.npz").unlink(), "labels.npz is missing"),
        (change_version, "version 99"),
        (lambda f: (f / "store.json").write_text("{"), "not JSON"),
        (lambda f: (f / "store.json").write_text("[1, 2]"), "does not describe"),
        (lambda f: (f / "store.json").write_text("null"), "does not describe"),
        (lambda f: say(f, people=-1), "'people' is -1"),
        (lambda f: say(f, people="24"), "'people' is '24'"),
        (lambda f: say(f, people=23), "for 23 people"),
        (lambda f: say(f, size=None), "'size' is None"),
        (lambda f: say(f, margin=float("nan")), "'margin' is nan"),
        (lambda f: say(f, margin="x"), "'margin' is 'x'"),
        (lambda f: say(f, source=[]), r"'source' is \[\]"),
        (lambda f: say(f, source={}), "'source' is {}"),
        (lambda f: say(f, labels_sha256=None), "'labels_sha256' is None"),
        (lambda f: say(f, skeleton=None), "described by its 'name'"),
        (lambda f: say(f, skeleton={"name": "x", "joints": ["a"]}), "has the shape"),
        (lambda f: (f / "crops.npy").write_bytes(bytes(24 * 9408 + 128)), "damaged"),
        (lambda f: pretend(f, b"no archive"), "damaged"),
        (lambda f: pretend(f, {"keypoints": 1}), "damaged"),
        (lambda f: pretend(f, {"keypoints": {"a": 1}}), "damaged"),
    ],
)
def test_damaged_store(store, tmp_path, damage, message):
    damage(tmp_path / "store")
    with pytest.raises(ValueError, match=message):
        CropDataset.open(tmp_path / "store")


# --- pictures that cannot be read -----------------------------------------


def test_many_missing_pictures_are_an_error(dataset, tmp_path):
    (dataset.pictures.folder / "000007.jpg").unlink()
    with pytest.raises(CropsError, match="1 of 24 .*more than 1 %"):
        build(dataset, tmp_path / "store")
    with pytest.raises(CropsError, match="not finished"):
        CropDataset.open(tmp_path / "store")
    # once the picture is back, the work goes on
    write_mpii(tmp_path / "data", count=24)
    assert len(build(dataset, tmp_path / "store")) == 24


@pytest.mark.parametrize("in_memory", [False, True])
def test_few_broken_pictures_are_left_out(tmp_path, in_memory):
    root = write_mpii(tmp_path / "data", count=200, per_picture=1)
    broken = root / "images" / "000120.jpg"
    broken.write_bytes(broken.read_bytes()[:-30])
    dataset = MPII(root)
    if in_memory:
        store = crop_in_memory(dataset, SIZE, MARGIN)
    else:
        store = build(dataset, tmp_path / "store", chunk=64)
    assert len(store) == 199 and "valid/120" not in store.ids
    assert store.ids[120] == "valid/121"
    np.testing.assert_allclose(
        affine_points(store.keypoints[120], store.to_image[120]),
        dataset[121].keypoints,
        atol=1e-3,
    )
    (lost,) = store.source["skipped"]
    assert lost["id"] == "valid/120" and "breaks off" in lost["reason"]


def test_chunk_of_which_nobody_can_be_read(tmp_path):
    root = write_mpii(tmp_path / "data", count=101, per_picture=1)
    (root / "images" / "000100.jpg").unlink()
    store = build(MPII(root), tmp_path / "store", chunk=50)
    assert len(store) == 100 and store.source["skipped"][0]["id"] == ("valid/100")


# --- disk full, kill ------------------------------------------------------


def test_disk_full_leaves_a_journal_and_no_store(dataset, tmp_path, monkeypatch):
    written = []

    def full(handle):
        written.append(handle)
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("posecourse.datasets.build_crops.os.fsync", full)
        with pytest.raises(DiskFullError, match="the disk is full"):
            build(dataset, tmp_path / "store")
    assert not (tmp_path / "store" / "store.json").exists()
    with pytest.raises(CropsError, match="not finished"):
        CropDataset.open(tmp_path / "store")
    build(dataset, tmp_path / "store")
    build(dataset, tmp_path / "fresh")
    assert content(tmp_path / "store") == content(tmp_path / "fresh")


def test_too_little_space_is_said_before_the_work(dataset, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DiskFullError, match="are needed in .* 1.0 kB"):
        build(dataset, tmp_path / "store")


SCRIPT = """
import sys, time
from posecourse.datasets import MPII, prepare
class Slow(MPII):
    def __getitem__(self, index):
        time.sleep({delay})
        return super().__getitem__(index)
{before}
if __name__ == "__main__":
    prepare(Slow(sys.argv[1]), sys.argv[2], {size}, {margin}, workers=1,
            chunk=5, progress=False)
"""


def script(tmp_path, delay=0.0, before=""):
    path = tmp_path / "script.py"
    path.write_text(
        textwrap.dedent(SCRIPT).format(
            delay=delay, before=before, size=SIZE, margin=MARGIN
        )
    )
    return [sys.executable, str(path), str(tmp_path / "data"), str(tmp_path / "store")]


@pytest.mark.slow
def test_killed_build_goes_on_and_ends_the_same(dataset, tmp_path):
    process = subprocess.Popen(script(tmp_path, delay=0.02), env=ENV)
    parts = tmp_path / "store" / "parts"
    deadline = time.time() + 60
    while len(list(parts.glob("0*.npz"))) < 2 and time.time() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
    assert process.wait(30) != 0
    done = len(list(parts.glob("0*.npz")))
    assert 2 <= done < 5
    with pytest.raises(CropsError, match=f"not finished .{done} chunks"):
        CropDataset.open(tmp_path / "store")
    reads = []
    read = type(dataset.pictures).read_bytes
    dataset.pictures.read_bytes = lambda *a: (
        reads.append(a) or read(dataset.pictures, *a)
    )
    build(dataset, tmp_path / "store", chunk=9)  # the begun chunks stay
    assert len(reads) <= 3 * (5 - done)  # nothing is done twice
    build(dataset, tmp_path / "fresh")
    assert content(tmp_path / "store") == content(tmp_path / "fresh")


@pytest.mark.skipif(os.name == "nt", reason="needs a limit on file size")
def test_really_full_disk(dataset, tmp_path):
    """The operating system refuses to write on: a limit of 100 kB."""
    before = (
        "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (100_000,) * 2)"
    )
    result = subprocess.run(
        script(tmp_path, before=before),
        env=ENV,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 1
    assert (
        result.stderr.strip()
        .splitlines()[-1]
        .startswith("posecourse.files.DiskFullError")
    )
    assert not (tmp_path / "store" / "store.json").exists()
    build(dataset, tmp_path / "store")
    build(dataset, tmp_path / "fresh")
    assert content(tmp_path / "store") == content(tmp_path / "fresh")


def test_beginning_of_another_store(dataset, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("posecourse.datasets.build_crops._finish", None)
        with pytest.raises(TypeError):
            build(dataset, tmp_path / "store")
    dataset.people.pop()
    with pytest.raises(CropsError, match="beginning of another store"):
        build(dataset, tmp_path / "store")
    for plan in ("[]", '{"source": 5}', '{"source": {}, "chunk": 0}'):
        (tmp_path / "store" / "building.json").write_text(plan)
        with pytest.raises(CropsError, match="beginning of another store"):
            build(dataset, tmp_path / "store")
    assert len(build(dataset, tmp_path / "store", rebuild=True)) == 23


@pytest.mark.skipif(os.name == "nt", reason="locks differ")
def test_two_builders_in_one_folder(dataset, tmp_path):
    import fcntl

    (tmp_path / "store").mkdir()
    with open(tmp_path / "store" / ".lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(CropsError, match="another process"):
            build(dataset, tmp_path / "store")
    assert len(build(dataset, tmp_path / "store")) == 24


# --- pictures drawn by Python ---------------------------------------------


def check_drawn(store):
    assert len(store) == 450 and store.skeleton == skeletons.UPPER_BODY
    middle = store.crops[:, 4, 4, 0]
    assert middle.tolist() == [i % 256 for i in range(450)]
    np.testing.assert_allclose(store.area, 400 * (8 / 32) ** 2, rtol=1e-6)


def test_processes_give_the_same(tmp_path):
    serial = crop_in_memory(Drawn(), 8, 1.0, workers=1)
    check_drawn(serial)
    spread = crop_in_memory(Drawn(), 8, 1.0, workers=2)
    check_drawn(spread)
    stored = prepare(Drawn(), tmp_path / "store", 8, 1.0, workers=1, progress=False)
    check_drawn(stored)
    assert stored.source == serial.source
    with pytest.raises(CropsError, match="something else"):
        prepare(Drawn(449), tmp_path / "store", 8, 1.0)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_their_parent(tmp_path, how):
    path = tmp_path / "script.py"
    path.write_text(
        textwrap.dedent("""
        import sys, time
        from posecourse.datasets import prepare
        from drawn_people import Slow
        if __name__ == "__main__":
            prepare(Slow(2000), sys.argv[1], 8, 1.0, workers=2, progress=False)
        """)
    )
    store = tmp_path / "store"
    process = subprocess.Popen(
        [sys.executable, str(path), str(store)],
        env=ENV,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.time() + 60
    while not list(store.glob("parts/0*.npz")) and time.time() < deadline:
        time.sleep(0.02)
    workers = children(process.pid)
    for pid in [process.pid] + workers * (how == signal.SIGINT):
        os.kill(pid, how)  # Ctrl-C goes to all
    said = process.communicate(timeout=30)[1]
    assert process.returncode != 0 and len(workers) >= 2
    assert said.count("Traceback") == (how == signal.SIGINT)
    while any(map(alive, workers)) and time.time() < deadline:
        time.sleep(0.02)
    assert not any(map(alive, workers))
    assert list(store.glob("parts/0*.npz"))  # and the work goes on from there


def children(pid: int) -> list[int]:
    """Processes that another one has started, and theirs."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *children(child)]
    return found


def alive(pid: int) -> bool:
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        )
    except OSError:
        return False


@pytest.mark.slow
def test_script_without_guard_is_warned(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(
        textwrap.dedent("""
        from posecourse.datasets import crop_in_memory
        from drawn_people import Drawn
        store = crop_in_memory(Drawn(), 8, 1.0, workers=2)
        print(len(store), "people")
        """)
    )
    result = subprocess.run(
        [sys.executable, "-W", "always", str(path)],
        env=ENV,
        text=True,
        capture_output=True,
        timeout=100,
    )
    assert result.stdout == "450 people\n"
    assert 'put what it does under `if __name__ == "__main__":`' in (result.stderr)


# --- the real thing -------------------------------------------------------


def test_real_photographs(shared_data, tmp_path):
    dataset = MPII(shared_data / "lspet", "valid")
    dataset.people = dataset.people[:64]
    store = build(dataset, tmp_path / "store", chunk=32)
    assert len(store) == 64 and not store.source["skipped"]
    back = affine_points(store.keypoints, store.to_image)
    np.testing.assert_allclose(back, [p.keypoints for p in dataset], atol=1e-3)
    labelled = store.visible > 0
    assert (np.abs(store.keypoints[labelled] - SIZE / 2) < SIZE / 2).all()


def test_mpii_without_its_pictures(shared_data, tmp_path):
    with pytest.raises(CropsError, match="Get the missing pictures"):
        build(MPII(shared_data / "mpii"), tmp_path / "store", chunk=64)


def test_sample_people_are_what_they_claim():
    """The samples' scale is a head's, or head sizes would be NaN."""
    record = people(1)[0]
    top, neck = np.array(record["joints"])[[9, 8]]
    assert np.hypot(*(top - neck)) == pytest.approx(100 / 3 * record["scale"], rel=1e-3)
