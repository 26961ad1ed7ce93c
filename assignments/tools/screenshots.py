"""Make the guide's pictures from the real thing: python assignments/tools/screenshots.py

A released notebook with a wrong and a right answer, run and opened in JupyterLab; a small class, graded; its feedback
and its summary. Needs Chromium, and `playwright` from ssnet[docs]. Takes some minutes; with --only NAME fewer.
"""
import argparse
import io
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import course
import nbformat
import release
from nbclient import NotebookClient
from PIL import Image

IMAGES = course.COURSE / "images"
A, SHOWN = "a1", "f_beta"  # the assignment, and the exercise whose check is shown
CLASS = ["Anna Kim", "Ben Adams", "Chloe Bauer", "Deniz Costa", "Emil Duarte", "Fatima Evans", "Goran Fischer",
         "Hana Garcia", "Ida Haddad", "Jun Ivanova", "Kofi Jensen", "Lea Lopez"]


# Notebooks as students hand them in

def solution(source):
    "An answer cell of the source without its markers: the right answer."
    return re.sub(r"^ *### (BEGIN|END) SOLUTION.*\n?", "", source, flags=re.M)


def handed_in(released, wrong):
    "The released notebook with right answers, but those of `wrong` {exercise: Answer}."
    right = {c.source.split("\n", 1)[0]: solution(c.source) for c in course.notebook(A).cells if "SOLUTION" in c.source}
    made = nbformat.read(released / f"{A}.ipynb", as_version=4)
    for cell in made.cells:
        head = cell.source.split("\n", 1)[0]
        exercise = re.sub(rf"# {A}-|: your answer", "", head)
        if head in right: cell.source = f"{head}\n{wrong[exercise].text}" if exercise in wrong else right[head]
    return made


def mistakes(exercise):
    "The wrong answers to an exercise."
    return [answer for answer in course.read_answers(A, exercise) if not answer.right]


def the_class(released, folder):
    "A folder of submissions: everybody has other mistakes, some have none, and two have the same answers."
    names = course.exercises(A)
    for n, student in enumerate(CLASS):
        wrong = {e: mistakes(e)[n % len(mistakes(e))] for i, e in enumerate(names) if (n * 7 + i * 3) % 5 < n % 4}
        (folder / student).mkdir(parents=True)
        nbformat.write(handed_in(released, wrong), folder / student / f"{A}.ipynb")
    (folder / "Mia Meyer").mkdir()
    (folder / "Mia Meyer/notes.txt").write_text("My notebook is at home.")
    return folder


# Pictures

@contextmanager
def chromium():
    "A page of Chromium, light, sharp."
    from playwright.sync_api import sync_playwright
    path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 1000, "height": 1000}, device_scale_factor=1.5, color_scheme="light")
        browser.close()


def save(name, data):
    "Write a PNG of few colours."
    small = Image.open(io.BytesIO(data)).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    IMAGES.mkdir(exist_ok=True)
    small.save(IMAGES / f"{name}.png", optimize=True)
    print(f"{name}.png: {(IMAGES / f'{name}.png').stat().st_size / 1000:.0f} kB")


def below(pictures):
    "Pictures (PNG) below each other, as PNG."
    images, file = [Image.open(io.BytesIO(data)).convert("RGB") for data in pictures], io.BytesIO()
    whole = Image.new("RGB", (max(i.width for i in images), sum(i.height for i in images)), "white")
    for n, image in enumerate(images): whole.paste(image, (0, sum(i.height for i in images[:n])))
    whole.save(file, format="PNG")
    return file.getvalue()


@contextmanager
def lab(folder):
    "JupyterLab on a folder; its address."
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--no-browser", f"--port={port}", "--IdentityProvider.token=", "--ServerApp.allow_root=True",
             f"--notebook-dir={folder}"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *words], **quiet)
    try:
        for _ in range(120):
            try: urllib.request.urlopen(f"http://127.0.0.1:{port}/api")
            except urllib.error.URLError: time.sleep(0.5)
            else: break
        yield f"http://127.0.0.1:{port}/doc/tree"
    finally:
        server.kill()
        server.wait()


def shoot_cells(page, address, name, back):
    "A check and the code cell `back` cells before it, as JupyterLab shows them."
    page.goto(address)
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60000)
    page.add_style_tag(content=".jp-toast-container, .Toastify { display: none !important }")
    check, pictures = page.locator(".jp-CodeCell", has_text=f"{A}-{SHOWN}-check:").first, []
    check.scroll_into_view_if_needed(timeout=60000)
    page.wait_for_timeout(3000)
    every = "const all = [...document.querySelectorAll('.jp-CodeCell')]"
    before = check.evaluate_handle(f"(cell, n) => {{ {every}; return all[all.indexOf(cell) - n] }}", back)
    for cell in (before.as_element(), check.element_handle()):
        cell.scroll_into_view_if_needed()
        page.wait_for_timeout(1500)
        pictures.append(cell.screenshot())
    save(name, below(pictures))


def shoot_notebooks(page, released, work):
    "failed.png: a wrong answer and its check; passed.png: what a right one draws, and its check."
    wrong = next(answer for answer in mistakes(SHOWN) if "β" in answer.says)
    for name, given, back in (("failed", {SHOWN: wrong}, 2), ("passed", {}, 1)):
        folder = shutil.copytree(released, work / name)
        made = handed_in(released, given)
        place = {"metadata": {"path": str(folder)}}
        NotebookClient(made, timeout=300, allow_errors=True, resources=place).execute()
        nbformat.write(made, folder / f"{A}.ipynb")
        with lab(folder) as address: shoot_cells(page, f"{address}/{A}.ipynb", name, back)


def shoot_grading(page, released, work):
    "feedback.png and summary.png of a class."
    folder, out = the_class(released, work / "submissions"), work / "grading"
    subprocess.run([sys.executable, str(course.COURSE / "tools/grade.py"), A, str(folder), "--out", str(out)], check=True)
    page.goto(f"file://{out}/summary.html")
    save("summary", page.screenshot(clip={"x": 0, "y": 0, "width": 1000, "height": 900}))
    shoot_feedback(page, out / f"feedback/{CLASS[1]}.html")


def shoot_feedback(page, file):
    "feedback.png: the points, and the first check that failed."
    page.goto(f"file://{file}")
    top = page.get_by_text("✗").first.bounding_box()["y"]
    clips = ({"x": 0, "y": 0, "width": 1000, "height": 285}, {"x": 0, "y": top - 90, "width": 1000, "height": 160})
    save("feedback", below([page.screenshot(clip=c, full_page=True) for c in clips]))


def main():
    "Make all pictures, or some."
    parser = argparse.ArgumentParser(description="Make the pictures of the instructor's guide.")
    parser.add_argument("--only", choices=("notebooks", "grading"))
    only = parser.parse_args().only
    with tempfile.TemporaryDirectory() as work, chromium() as page:
        released = release.release(A, 0, Path(work) / "release")
        if only != "grading": shoot_notebooks(page, released, Path(work))
        if only != "notebooks": shoot_grading(page, released, Path(work))


if __name__ == "__main__":
    main()
