"Fixtures for tests of the built site: `site`, its address on this machine, and `page`, which fails on errors."
import contextlib
import functools
import http.server
import shutil
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "_docs"


class Quiet(http.server.SimpleHTTPRequestHandler):
    "Serves files below /ssnet/, as GitHub Pages does, and prints nothing."

    def translate_path(self, path):
        "The file of an address; a file that is not there for an address above /ssnet/."
        if not path.startswith("/ssnet/"): return str(ROOT / "nowhere")
        return super().translate_path(path.removeprefix("/ssnet"))

    def copyfile(self, source, outputfile):
        "As its parent, and nothing is said where the browser has left the page already."
        with contextlib.suppress(ConnectionError): super().copyfile(source, outputfile)

    def log_message(self, *args):
        "Nothing."


@pytest.fixture(scope="session")
def site():
    "The address of the built site, without a slash at its end."
    if not (BUILT / "index.html").exists(): pytest.fail("There is no built site in _docs/: run `make docs` first.")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(BUILT)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/ssnet"
    server.shutdown()


def chromium(playwright):
    "The path of Chromium: playwright's own, or the one on PATH."
    own = playwright.chromium.executable_path
    found = own if own and Path(own).exists() else shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        pytest.fail("The tests of the site need Chromium: `playwright install chromium`, or your system's package.")
    return found


@pytest.fixture(scope="session")
def browser():
    "A headless Chromium."
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(playwright), args=["--no-sandbox"])
        yield started
        started.close()


def watch(opened, site, wrong):
    "Note every error on the console and every request to another host in `wrong`."
    own = (site.rsplit("/", 1)[0], "data:", "blob:")
    opened.on("console", lambda m: wrong.append(f"{opened.url}: {m.text}") if m.type == "error" else None)
    opened.on("pageerror", lambda e: wrong.append(f"{opened.url}: {e}"))
    opened.on("request", lambda r: None if r.url.startswith(own) else wrong.append(f"foreign: {r.url}"))


@pytest.fixture
def page(browser, site):
    "A page of 1280 × 900 pixels; after the test it must have no console error and no foreign request."
    context, wrong = browser.new_context(viewport={"width": 1280, "height": 900}), []
    opened = context.new_page()
    watch(opened, site, wrong)
    yield opened
    context.close()
    assert not wrong, "\n".join(wrong)
