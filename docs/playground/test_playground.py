"""The playground on the built site, in headless Chromium, against ssnet in Python. Fixtures: docs/conftest.py.

    pytest docs/playground
"""
import io
import json
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import tv_tensors

from ssnet.augment import eval_transform
from ssnet.files import to_rgb
from ssnet.labels import VOC_CLASSES
from ssnet.predict import Segmenter
from ssnet.share import run_onnx

ASSETS = "_static/playground"
DONE = "document.querySelector('[data-pg=status]').textContent.startsWith('Segmented')"
FORGET = "document.querySelector('[data-pg=status]').textContent = ''"
S_CANVAS = """[...document.querySelector('[data-pg=saliency]').getContext('2d').getImageData(0, 0, 96, 96).data]
    .filter((_, k) => k % 4 === 0)"""


def fetch(site, name):
    "The bytes of one of the playground's files."
    with urlopen(f"{site}/{ASSETS}/{name}") as answer: return answer.read()


def opened(page, site):
    "The page, with its first sample segmented."
    page.goto(f"{site}/playground.html")
    done(page)
    return page


def done(page):
    "Wait until the status says that a picture was segmented."
    page.wait_for_function(DONE, timeout=60_000)


def choose(page, name, data, mime="image/png"):
    "Give the page a file, as a visitor does."
    page.evaluate(FORGET)
    page.locator("#playground input[type=file]").first.set_input_files({"name": name, "mimeType": mime, "buffer": data})


def png(picture, kind="PNG", **options):
    "A Pillow picture as the bytes of a file."
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def numbers(page, name):
    "An array of the page's state."
    return np.array(page.evaluate(f"Array.from(window.playground.{name})"), np.float64)


def agreement(page, picture):
    "Share of pixels to which the page and ssnet in Python give the same class."
    theirs = numbers(page, "label").reshape(picture.height, picture.width)
    return (theirs == Segmenter()(picture).label).mean()


def saliency(page):
    "The grey values of the canvas that shows S."
    return np.array(page.evaluate(S_CANVAS))


def drag(page, name, value):
    "Move the slider of a class; `input` is the event of a drag."
    page.get_by_role("slider", name=f"v of {name}", exact=True).evaluate(
        "(e, value) => { e.value = value; e.dispatchEvent(new Event('input', { bubbles: true })) }", value)


def terms(page):
    "v `(C,)` and H `(C, 96·96)` of the page."
    v = numbers(page, "v")
    return v, numbers(page, "H").reshape(len(v), -1)


def test_every_sample_is_segmented_as_in_python(page, site):
    opened(page, site)
    samples = json.loads(fetch(site, "about.json"))["samples"]
    assert len(samples) == 6
    for k, sample in enumerate(samples):
        page.evaluate(FORGET)
        page.locator(".pg-sample").nth(k).click()
        done(page)
        picture = Image.open(io.BytesIO(fetch(site, sample["picture"])))
        assert agreement(page, picture) >= 0.99, sample["name"]


def test_the_network_in_the_browser_gives_the_numbers_of_run_onnx(page, site, tmp_path):
    opened(page, site)
    (tmp_path / "net.onnx").write_bytes(fetch(site, "ssnet.onnx"))
    about = json.loads(fetch(site, "about.json"))
    picture = Image.open(io.BytesIO(fetch(site, about["samples"][0]["picture"]))).convert("RGB")
    ours = run_onnx(tmp_path / "net.onnx", eval_transform(96)({"image": tv_tensors.Image(picture)})["image"][None])
    v, H = terms(page)
    assert np.abs(H - ours["probs"][0].flatten(1).numpy()).max() < 0.05  # the resized pixels may differ by 1 of 255
    assert np.abs(v - ours["v"][0].numpy()).max() < 0.01


def test_pixels_of_the_networks_size_are_not_touched(page, site, tmp_path):
    opened(page, site)
    (tmp_path / "net.onnx").write_bytes(fetch(site, "ssnet.onnx"))
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8))
    choose(page, "noise.png", png(picture))
    done(page)
    ours = run_onnx(tmp_path / "net.onnx", eval_transform(96)({"image": tv_tensors.Image(picture)})["image"][None])
    assert np.abs(terms(page)[1] - ours["probs"][0].flatten(1).numpy()).max() < 1e-3  # only the sums' order differs


@pytest.mark.parametrize("size", [(200, 130), (97, 301), (50, 40), (480, 480)])
def test_resizing_is_torchvisions_to_one_step_of_255(page, site, size):
    page.goto(f"{site}/playground.html")
    pixels = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    theirs = page.evaluate(
        """async ([url, pixels, width, height]) => [...(await import(url)).resize(pixels, width, height, 96)]""",
        [f"{site}/{ASSETS}/maths.js", pixels.ravel().tolist(), *size])
    from torchvision.transforms.v2.functional import resize
    ours = resize(torch.from_numpy(pixels).permute(2, 0, 1), [96, 96], antialias=True).permute(1, 2, 0).numpy()
    done(page)
    assert np.abs(np.array(theirs).reshape(96, 96, 3) - ours.astype(int)).max() <= 1


def test_dragging_v_changes_s_as_the_formula_says(page, site):
    opened(page, site)
    before = saliency(page)
    drag(page, "horse", 0.25)
    v, H = terms(page)
    assert v[VOC_CLASSES.index("horse")] == 0.25
    assert np.abs(saliency(page) - 255 * (v[1:] @ H[1:])).max() <= 1
    assert np.abs(saliency(page) - before).max() > 100
    mark = page.evaluate("playground.mark.y * 96 + playground.mark.x")
    assert page.locator("[data-pg=formula]").inner_text().endswith(f"=\N{NO-BREAK SPACE}{v[1:] @ H[1:, mark]:.2f}")
    page.get_by_role("button", name="Back to the network").click()
    assert (saliency(page) == before).all()


def test_a_slider_moves_with_the_keyboard(page, site):
    opened(page, site)
    page.get_by_role("slider", name="v of bird", exact=True).focus()
    page.keyboard.press("Home")
    assert terms(page)[0][VOC_CLASSES.index("bird")] == 0
    page.keyboard.press("ArrowRight")
    assert terms(page)[0][VOC_CLASSES.index("bird")] == 0.01


def test_a_class_that_is_switched_off_leaves_the_sum_and_nothing_else(page, site):
    opened(page, site)
    labels, horse = numbers(page, "label"), VOC_CLASSES.index("horse")
    page.get_by_role("switch", name="horse in S").uncheck()
    v, H = terms(page)
    v[horse] = 0
    assert np.abs(saliency(page) - 255 * (v[1:] @ H[1:])).max() <= 1
    assert (numbers(page, "label") == labels).all()


def test_classes_are_sorted_by_what_they_give_and_the_rest_is_one_button_away(page, site):
    opened(page, site)
    v, H = terms(page)
    order = [VOC_CLASSES[i] for i in sorted(range(1, 21), key=lambda i: -v[i] * H[i].mean())]
    names = page.locator(".pg-row [data-pg=name]")
    assert names.all_inner_texts()[:2] == order[:2] == ["horse", "bird"]
    assert names.filter(visible=True).count() < 20
    page.get_by_role("button", name="Show all 20 classes").click()
    assert names.filter(visible=True).all_inner_texts() == order


def test_the_truth_is_shown_for_samples_only(page, site):
    opened(page, site)
    assert page.locator("[data-pg=truth-legend]").inner_text().split() == ["bird", "18", "%", "horse", "13", "%"]
    choose(page, "grey.png", png(Image.new("RGB", (120, 80), "grey")))
    done(page)
    assert page.locator("[data-pg=truth]").is_hidden()


def test_own_picture_turned_by_exif_and_other_shapes(page, site):
    opened(page, site)
    picture = Image.open(io.BytesIO(fetch(site, "samples/ship.jpg"))).convert("RGB").crop((0, 0, 288, 200))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees
    lying = picture.transpose(Image.Transpose.ROTATE_90)
    choose(page, "turned.png", png(lying, exif=exif.tobytes()))
    done(page)
    assert agreement(page, picture) >= 0.99
    assert page.evaluate("playground.picture.width") == 288


def test_transparency_becomes_white(page, site):
    opened(page, site)
    clear = Image.new("RGBA", (150, 150))
    clear.paste("red", (40, 40, 110, 110))
    choose(page, "clear.png", png(clear))
    done(page)
    assert agreement(page, to_rgb(clear)) >= 0.99


def test_a_large_photograph_is_scaled_and_its_labels_stay(page, site):
    from skimage.data import chelsea
    opened(page, site)
    picture = Image.fromarray(chelsea()).resize((4510, 3000))
    choose(page, "cat.jpg", png(picture, "JPEG", quality=92, subsampling=0), "image/jpeg")
    done(page)
    assert page.evaluate("[playground.picture.width, playground.picture.height]") == [480, 319]
    theirs = numbers(page, "label").reshape(319, 480)
    ours = np.asarray(Image.fromarray(Segmenter()(picture).label).resize((480, 319), Image.Resampling.NEAREST))
    assert (theirs == ours).mean() >= 0.97  # scaled twice, so not the same pixels


def test_a_file_that_is_no_picture_gets_one_sentence_and_the_page_goes_on(page, site):
    opened(page, site)
    choose(page, "notes.png", b"this is no picture")
    page.wait_for_selector(".pg-wrong")
    assert page.locator(".pg-wrong").inner_text() == (
        "“notes.png” is no picture that this browser can read: choose a JPEG, PNG or WebP file.")
    page.locator(".pg-sample").nth(1).click()
    done(page)
    assert page.locator(".pg-wrong").count() == 0


def test_a_picture_is_dropped_and_pasted(page, site):
    opened(page, site)
    for event, field in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        page.evaluate("""async ([event, field]) => {
            document.querySelector('[data-pg=status]').textContent = '';
            const canvas = new OffscreenCanvas(60, 60); canvas.getContext('2d');
            const transfer = new DataTransfer();
            transfer.items.add(new File([await canvas.convertToBlob()], 'black.png', { type: 'image/png' }));
            const options = { [field]: transfer, bubbles: true, cancelable: true };
            document.getElementById('playground').dispatchEvent(
                new (event === 'drop' ? DragEvent : ClipboardEvent)(event, options));
        }""", [event, field])
        done(page)
        assert page.evaluate("playground.picture.width") == 60


def test_the_mark_moves_by_mouse_and_keys_and_the_formula_follows(page, site):
    opened(page, site)
    page.locator("[data-pg=saliency]").click(position={"x": 1, "y": 50})
    x, y = page.evaluate("[playground.mark.x, playground.mark.y]")
    assert x == 0 and 15 < y < 25
    for key in ("ArrowLeft", "ArrowRight", "ArrowUp"): page.keyboard.press(key)
    assert page.evaluate("[playground.mark.x, playground.mark.y]") == [1, y - 1]
    S = page.evaluate(f"playground.S[{96 * (y - 1) + 1}]")
    assert page.locator("[data-pg=formula]").inner_text().endswith(f"=\N{NO-BREAK SPACE}{S:.2f}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_has_no_horizontal_scrolling_and_text_can_be_read(page, site, scheme):
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme=scheme)
    opened(page, site)
    page.get_by_role("button", name="Show all 20 classes").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.getElementById('playground').getBoundingClientRect().right") <= 390
    ink, paper = page.evaluate("""() => [['.pg-formula', 'color'], ['.pg-panels', 'backgroundColor']].map(([s, what]) =>
        getComputedStyle(document.querySelector(s))[what].match(/\\d+/g).slice(0, 3).map(Number))""")
    assert (sum(ink) > sum(paper)) == (scheme == "dark") and abs(sum(ink) - sum(paper)) > 400


def test_everything_has_a_name_and_status_is_announced(page, site):
    opened(page, site)
    page.get_by_role("button", name="Show all 20 classes").click()
    assert page.locator("[data-pg=status][role=status]").count() == 1
    assert page.locator("#playground canvas:not([aria-label])").count() == 0
    assert page.locator("#playground img:not([alt]), #playground img[alt='']").count() == 0
    assert page.get_by_role("slider").count() == page.get_by_role("switch").count() == 20


def test_without_javascript_or_webassembly_there_is_a_sentence(browser, page, site):
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(f"{site}/playground.html")
    assert "needs JavaScript and WebAssembly" in plain.locator(".pg-status").inner_text()
    context.close()
    page.add_init_script("delete window.WebAssembly")
    page.goto(f"{site}/playground.html")
    page.wait_for_selector(".pg-wrong")
    assert "no WebAssembly" in page.locator(".pg-status").inner_text()


def test_pictures_stay_in_view_while_the_sliders_move(page, site):
    for width, header in ((1280, 0), (390, 40)):
        page.set_viewport_size({"width": width, "height": 900})
        opened(page, site)
        page.get_by_role("button", name="Show all 20 classes").click()
        page.locator(".pg-row").nth(15).scroll_into_view_if_needed()
        top = page.locator(".pg-panels").bounding_box()["y"]
        assert header <= top < 100


def test_a_network_that_does_not_come_gets_one_sentence(browser, site):
    context = browser.new_context()
    page = context.new_page()
    page.route("**/ssnet.onnx", lambda route: route.fulfill(status=404))
    page.goto(f"{site}/playground.html")
    page.wait_for_selector(".pg-wrong", timeout=60_000)
    assert "could not be loaded" in page.locator(".pg-status").inner_text()
    context.close()


def test_nothing_is_sent_anywhere(page, site):
    asked = []
    page.on("request", lambda request: asked.append((request.method, request.url)))
    opened(page, site)
    before = len(asked)
    choose(page, "own.png", png(Image.new("RGB", (120, 80), "orange")))
    done(page)
    assert all(method == "GET" for method, _ in asked)
    assert [url for _, url in asked[before:] if not url.startswith("blob:")] == []


def test_build_says_what_is_missing(tmp_path):
    script = Path(__file__).parent / "build.py"
    told = subprocess.run([sys.executable, script, "--out", tmp_path / "out", "--node-modules", tmp_path],
                          capture_output=True, text=True, check=False)
    assert told.returncode == 1 and not (tmp_path / "out").exists()
    assert "run npm install in docs/ first" in told.stderr and "Traceback" not in told.stderr
