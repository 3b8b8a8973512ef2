"""The page in a real browser: offline, with a picture and with a camera."""

import functools
import http.server
import threading
from contextlib import contextmanager

import cv2
import numpy as np
import pytest

from posecourse import deploy
from posecourse.authoring import preview
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.deploy import page as pages
from posecourse.deploy.extra import MissingPackageError
from posecourse.inference import Predictor
from posecourse.models import load_model, pretrained

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WAIT = 120_000  # milliseconds; a busy machine is slow, a hanging one never ends


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """`laptop` in 8 bits, and the page that holds it."""
    pytest.importorskip("playwright.sync_api")
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name)
    try:
        preview.find_browser()
        pages.web_runtime()
    except (preview.BrowserError, MissingPackageError) as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("page")
    network = load_model(pretrained("laptop") / "weights.safetensors")
    people = crop_in_memory(SyntheticPeople(60, size=80), 80, 1.25, 1)
    deploy.export_onnx(network, folder / "a.onnx")
    small = deploy.quantise(folder / "a.onnx", people, folder / "a-int8.onnx").path
    return small, deploy.build_page(small, folder / "a.html")


def person(size):
    """A picture with one person, and the network's answer is right about it."""
    return SyntheticPeople(20, size=size, split="test", difficulty="easy").render(3)


@contextmanager
def browser(*arguments):
    """A page of a browser without any network; and what it complains about."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=preview.find_browser(),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                *arguments,
            ],
        )
        try:
            context = chromium.new_context(offline=True)
            page = context.new_page()
            page.set_default_timeout(WAIT)
            wrong, asked = [], []
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("console", lambda m: m.type == "error" and wrong.append(m.text))
            page.on("request", lambda request: asked.append(request.url))
            page.asked, page.wrong = asked, wrong
            yield page
            assert wrong == []
        finally:
            chromium.close()


def joints(page):
    """The page's table, folded or not: names, and ``(K, 3)`` pixels and score."""
    rows = page.locator("#joints tr").all()
    cells = [row.locator("td").all_text_contents() for row in rows]
    return [c[0] for c in cells], np.array([c[1:] for c in cells], float)


def status(page, what):
    page.wait_for_function(
        "what => document.getElementById('status').textContent.includes(what)", arg=what
    )


def test_a_photograph_from_the_disk_without_a_network(exported, tmp_path):
    small, html = exported
    shown = person(160)
    image = np.full((200, 300, 3), 90, np.uint8)
    image[20:180, 100:260] = shown.image
    cv2.imwrite(str(tmp_path / "me.png"), image[..., ::-1])
    truth = shown.person.keypoints + (100, 20)
    predictor = Predictor(deploy.load_exported(small))

    with browser() as page:
        page.goto(html.as_uri())
        status(page, "Ready")
        page.locator("#file").set_input_files(tmp_path / "me.png")
        status(page, "mean score")
        names, found = joints(page)
        page.screenshot(path=tmp_path / "page.png")
        drawn = page.evaluate(
            "() => [...document.getElementById('view').getContext('2d')"
            ".getImageData(0, 0, 300, 200).data]"
        )
        # a box that is drawn by hand
        view = page.locator("#view").bounding_box()
        scale = min(view["width"] / 300, view["height"] / 200)
        corner = (
            view["x"] + view["width"] / 2 - 150 * scale,
            view["y"] + view["height"] / 2 - 100 * scale,
        )
        box = (112, 30, 136, 140)
        before = page.locator("#joints").text_content()
        page.mouse.move(corner[0] + box[0] * scale, corner[1] + box[1] * scale)
        page.mouse.down()
        page.mouse.move(
            corner[0] + (box[0] + box[2]) * scale, corner[1] + (box[1] + box[3]) * scale
        )
        page.mouse.up()
        page.wait_for_function(
            "before => document.getElementById('joints').textContent !== before",
            arg=before,
        )
        _, boxed = joints(page)
        assert [
            url for url in page.asked if not url.startswith(("file:", "blob:"))
        ] == []

    skeleton = [name.replace("_", " ") for name in predictor.skeleton.joints]
    assert names == skeleton
    head = 16  # pixels: a tenth of the crop
    off = np.linalg.norm(found[:, :2] - truth, axis=1)
    assert np.mean(off < head / 2) > 0.85
    # as the package finds them, up to how a browser makes pictures smaller
    mine = predictor(image, search=True)[0]
    assert np.median(np.abs(found[:, :2] - mine.keypoints)) < 1
    assert np.median(np.abs(found[:, 2] - mine.scores)) < 0.05
    theirs = predictor(image, [box])[0]
    assert np.median(np.abs(boxed[:, :2] - theirs.keypoints)) < 1.5
    canvas = np.array(drawn, np.uint8).reshape(200, 300, 4)[..., :3]
    assert 0.01 < (np.abs(canvas.astype(int) - image) > 40).any(-1).mean() < 0.3


def film(path, image, frames):
    """A picture as an uncompressed film, for the fake camera."""
    height, width = image.shape[:2]
    yuv = cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420).tobytes()
    with open(path, "wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C420\n".encode())
        for _ in range(frames):
            file.write(b"FRAME\n" + yuv)


@contextmanager
def served(folder):
    """The folder on this machine's own address: a camera needs one."""
    handler = functools.partial(_Silent, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def test_a_camera_is_followed_and_can_be_stopped(exported, tmp_path):
    _, html = exported
    shown = person(320)
    image = np.full((480, 640, 3), 90, np.uint8)
    image[80:400, 200:520] = shown.image
    truth = shown.person.keypoints + (200, 80)
    film(tmp_path / "camera.y4m", image, 4)
    fake = (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={tmp_path / 'camera.y4m'}",
    )
    with browser(*fake) as page, served(html.parent) as address:
        page.context.set_offline(False)
        page.goto(f"{address}/{html.name}")
        status(page, "Ready")
        page.context.set_offline(True)
        page.get_by_role("button", name="Start the camera").click()
        status(page, "20 pictures")
        _, found = joints(page)
        page.get_by_role("button", name="Stop the camera").click()
        status(page, "The camera is off")
        outside = [url for url in page.asked if not url.startswith(address)]
        assert [url for url in outside if not url.startswith("blob:")] == []
    off = np.linalg.norm(found[:, :2] - truth, axis=1)
    assert np.mean(off < 16) > 0.85  # half a head


def test_the_browser_forbids_the_page_to_connect(exported):
    _, html = exported
    with served(html.parent) as address, browser() as page:
        page.context.set_offline(False)
        page.goto(f"{address}/{html.name}")
        status(page, "Ready")
        reached = page.evaluate(
            "url => fetch(url).then(() => 'reached', error => error.name)", address
        )
        assert reached == "TypeError"
        assert all("Content Security Policy" in text for text in page.wrong)
        assert page.wrong
        page.wrong.clear()


def test_what_is_no_picture_is_said(exported, tmp_path):
    _, html = exported
    (tmp_path / "note.png").write_text("no picture")
    with browser() as page:
        page.goto(html.as_uri())
        status(page, "Ready")
        page.locator("#file").set_input_files(tmp_path / "note.png")
        status(page, "note.png is no picture")
