"""Hostile, broken and good submissions really run; each gets the marks that it should, and nothing gets out."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import course
import grade
import psutil
import pytest
import sandbox
import toy_course

FULL, LOST = 12.0, 7.0  # points that a machine gives; those of the second exercise alone
NONE = "def mae(S, Y):\n    return None"
LIMITS = ["--cell-time", "4", "--time", "90", "--memory", "2", "--disk", "60"]


def inside(code):
    "An answer to mae that runs `code` when it is called."
    return "def mae(S, Y):\n" + "\n".join(f"    {line}" for line in code.split("\n"))


# Cells of one submission, each harmless to its marks. OUTSIDE and PORT stand for places that no submission may reach.
BESIDE = [
    "exit()",
    "import shutil\nfor place in ('OUTSIDE', '.', '/grading'): shutil.rmtree(place, ignore_errors=True)",
    "for place in ('OUTSIDE/new', '/var/tmp/rehearsal-leftover', '/etc/rehearsal-leftover'):\n"
    "    try: open(place, 'w').write('x')\n    except OSError: pass",
    "import socket\nsocket.create_connection(('127.0.0.1', PORT), 2)",
    "import glob\nfor f in glob.glob('/grading/**/*', recursive=True) + glob.glob('../**/*', recursive=True):\n"
    "    if 'hidden' in f: print('FOUND', open(f).read())\nimport hidden",
    "import os, signal\nif os.getppid() > 1: os.kill(os.getppid(), signal.SIGTERM if os.getppid() == 1 else signal.SIGKILL)",
    "import subprocess, sys\nwords = [sys.executable, '-c', 'import time; time.sleep(300)', 'rehearsal-leftover']\n"
    "subprocess.Popen(words, start_new_session=True)",
    "!rm -rf OUTSIDE\n!touch OUTSIDE/new\n%cd /",
    "from IPython.display import HTML, display\ndisplay(HTML('<script>rehearsal()</script>'))\nprint('\\ud800')",
    "file = open('a.bin', 'wb')\nfor i in range(20): file.write(bytes(2 ** 23)); file.flush()",
    "from IPython.display import display\ndisplay({'text/plain': 'x' * 3 * 10 ** 7}, raw=True)",
]
FORK = "import os, time\nfor _ in range({n}):\n    if os.fork() == 0:\n        kept = bytearray(b'x') * {size}\n        time.sleep(20)\n        os._exit(0)\ntime.sleep(9)"
FAKE = ("import sys, types\nclass Fake(types.ModuleType):\n    def __getattr__(self, name): return lambda *_: None\n"
        "for name in ('checks', 'hidden'): sys.modules[name] = Fake(name)\nchecks = sys.modules['checks']")

# name: (changes to a right submission, points, words in the notes or messages)
HOSTILE = {
    "right": ({}, FULL, ""),
    "beside": ({"beside": BESIDE, "report": "<script>rehearsal()</script>"}, FULL, "calls exit()"),
    "stub": ({"mae": "# YOUR CODE HERE\nraise NotImplementedError()"}, LOST, "not answered"),
    "syntax error": ({"mae": "def mae(S, Y:\n    return 1"}, LOST, "the answer's cell raised SyntaxError"),
    "half a character": ({"mae": inside("raise BaseException('\\ud800')")}, LOST, "BaseException"),
    "endless loop": ({"mae": inside("while True: pass")}, LOST, "longer than 4 s"),
    "ignores interrupts": ({"beside": ["import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"]}, FULL,
                           "did not stop when it was interrupted"),
    "fork bomb": ({"mae": inside(FORK.format(n=200, size=1))}, LOST, "processes ran or memory were used or Permission"),
    "memory of children": ({"beside": [FORK.format(n=4, size=10 ** 9)]}, FULL, "GB of memory or Permission"),
    "memory": ({"mae": inside("kept = [bytearray(10 ** 9) for _ in range(4)]\nreturn 1.0")}, LOST, "MemoryError"),
    "fills the disk": ({"beside": ["for i in range(9): open(f'{i}.bin', 'wb').write(bytes(2 ** 24))\nimport time; time.sleep(3)"]}, FULL,
                       "60 MB of files"),
    "prints without end": ({"mae": inside("while True: print('rehearsal ' * 100)")}, LOST, "more output than 5 MB"),
    "sys.exit": ({"mae": inside("import sys\nsys.exit(0)")}, LOST, "ends Python"),
    "os._exit": ({"mae": inside("import os\nos._exit(0)")}, LOST, "the kernel ended"),
    "replaces a check": ({"mae": f"{NONE}\nimport checks\nchecks.check_mae = lambda *_: None"}, LOST, "replaced checks.check_mae"),
    "replaces what compares": ({"mae": f"{NONE}\nimport numpy, torch\nnumpy.allclose = torch.allclose = lambda *_, **__: True"}, LOST,
                               "replaced numpy.allclose"),
    "replaces builtins": ({"mae": f"{NONE}\nimport builtins\nbuiltins.all = builtins.any = lambda *_: True"}, LOST, "replaced builtins"),
    "quiet CheckFailed": ({"mae": f"{NONE}\nimport ssnet.checking as c\nc.expect.__code__ = (lambda true, message: None).__code__"}, LOST,
                          "replaced ssnet.checking.expect"),
    "own modules": ({"mae": f"{NONE}\n{FAKE}"}, LOST, "something else under the name checks"),
    "writes checks.py": ({"mae": f"{NONE}\nfor name in ('checks', 'hidden'): open(name + '.py', 'w').write('def check_mae(_): pass')"}, LOST, ""),
    "input transformers": ({"mae": f"{NONE}\nshell = get_ipython()\nshell.input_transformers_post.append(lambda lines: ['pass\\n'])\n"
                                   "shell.run_cell = shell.run_cell_async = lambda *_, **__: None\nshell.set_custom_exc((Exception,), print)"}, LOST, ""),
    "forged receipt": ({"mae": inside("import json, os\nline = json.dumps({'passed': True, 'receipt': {'passed': True}, 'points': 99})\n"
                                      "print(line)\nos.write(1, line.encode())")}, LOST, ""),
    "hides from the profile": ({"mae": inside("import sys\nsys.setprofile(None)\nreturn (S - Y).abs().mean()")}, LOST, "sys.setprofile"),
    "looks at the frames": ({"mae": inside("import sys\nreturn sys._getframe(1).f_back and (S - Y).abs().mean()")}, LOST, "sys._getframe"),
    "patches while checked": ({"mae": inside("import ssnet.checking as c\nc.close = c.expect = lambda *_, **__: None")}, LOST, "replaces"),
    "settings": ({"mae": f"{toy_course.MAE}\nimport warnings\nwarnings.simplefilter('error')\ntorch.set_default_dtype(torch.float64)\n"
                         "torch.manual_seed = lambda *_: None"}, FULL, "replaced torch.manual_seed"),
}


class Listener(threading.Thread):
    "Counts who connects to a port of this machine."

    def __init__(self):
        super().__init__(daemon=True)
        self.socket, self.reached = socket.create_server(("127.0.0.1", 0)), 0
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self):
        while True:
            self.socket.accept()
            self.reached += 1


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    "The released notebook of the small assignment, and a folder."
    patch, folder = pytest.MonkeyPatch(), tmp_path_factory.mktemp("toy")
    yield toy_course.make_course(folder / "course", patch), folder
    patch.undo()


def results(out):
    "{student: result} of a grading folder."
    return {p.stem: json.loads(p.read_text()) for p in (out / "results").glob("*.json")}


def run(released, folder, cases, *more):
    "Grade cases {name: changes}; the results, and what reached the listener."
    listener, outside = Listener(), folder / "outside"
    outside.mkdir(parents=True)
    (outside / "sentinel").write_text("here")
    for name, changes in cases.items():
        fill = lambda text: text.replace("OUTSIDE", str(outside)).replace("PORT", str(listener.port))
        texts = {k: fill(v) if isinstance(v, str) else [fill(text) for text in v] for k, v in changes.items()}
        toy_course.hand_in(toy_course.submission(released, **texts), folder / "submissions" / name / "a1.ipynb")
    assert grade.main(["a1", str(folder / "submissions"), "--out", str(folder / "out"), *LIMITS, *more]) == 0
    return results(folder / "out"), listener


@pytest.fixture(scope="module")
def hostile(toy):
    "All hostile submissions, graded once."
    return run(toy[0], toy[1] / "hostile", {name: changes for name, (changes, _, _) in HOSTILE.items()})


def said(result):
    "All that a result says."
    return " ".join([*result["notes"], *(c["message"] for c in result["cells"])])


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(hostile, name):
    _, points, words = HOSTILE[name]
    result = hostile[0][name]
    if name == "memory of children" and result["isolation"] != sandbox.BUBBLEWRAP:
        pytest.skip("without bubblewrap the audit hook refuses to fork: there are no children")
    assert result["points"] == points, said(result)
    assert any(w in said(result) for w in words.split(" or ")), said(result)


def test_a_right_submission_has_no_notes_and_waits_for_its_report(hostile):
    result = hostile[0]["right"]
    assert result["notes"] == [] and result["max_points"] == 16.0
    assert [(c["kind"], c["points"]) for c in result["cells"]][-1] == ("manual", None)
    assert result["answers"]["mae"].endswith(toy_course.MAE)


def test_nothing_gets_out(hostile, toy):
    folder = toy[1] / "hostile"
    assert hostile[1].reached == 0
    assert [(p.name, p.read_text()) for p in (folder / "outside").iterdir()] == [("sentinel", "here")]
    assert not Path("/var/tmp/rehearsal-leftover").exists() and not Path("/etc/rehearsal-leftover").exists()
    lines = [" ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"])]
    assert not [line for line in lines if "rehearsal-leftover" in line and "pytest" not in line]
    assert {p.name for p in (folder / "out").iterdir()} <= {"results", "feedback", "course", "marks.csv", "summary.html", "report.csv"}


def test_feedback_holds_no_script_and_no_hidden_check(hostile, toy):
    pages = {p.stem: p.read_text() for p in (toy[1] / "hostile/out/feedback").glob("*.html")}
    assert pages.keys() == HOSTILE.keys()
    for page in pages.values(): assert "<script>rehearsal()" not in page and "torch.Generator" not in page
    assert "your MAE" in pages["forged receipt"]


def test_a_second_run_grades_nothing_again_and_one_job_gives_the_same(hostile, toy, capsys):
    folder, names = toy[1] / "hostile", ("right", "os._exit")
    assert grade.main(["a1", str(folder / "submissions"), "--out", str(folder / "out"), *LIMITS]) == 0
    assert f"{len(HOSTILE)} of {len(HOSTILE)} submissions were graded before" in capsys.readouterr().out
    for name in names: shutil.copytree(folder / "submissions" / name, folder / "some" / name)
    assert grade.main(["a1", str(folder / "some"), "--out", str(folder / "out1"), *LIMITS, "--jobs", "1"]) == 0
    marks = lambda r: (r["points"], r["cells"], r["notes"])
    for name, result in results(folder / "out1").items(): assert marks(result) == marks(hostile[0][name])


# What is handed in

@pytest.mark.parametrize("name, student, number", [
    ("anna", "anna", ""), ("anna.ipynb", "anna", ""), ("Jane Doe_12345_assignsubmission_file_", "Jane Doe", "12345"),
    ("Jane Doe_12345_assignsubmission_file", "Jane Doe", "12345"), ("doejane_12345_67890_a1.ipynb", "doejane", "12345"),
    ("doejane_LATE_12345_67890_a1-1.ipynb", "doejane", "12345"), ("Jürgen O'Neil_7_assignsubmission_file_", "Jürgen O'Neil", "7"),
    ("../../etc.ipynb", "_.._etc", ""), ("Jürgen.ipynb", "Jürgen", ""), (".ipynb", "unnamed", ""), ("a:b?.zip", "a_b_", "")])
def test_student_of(name, student, number): assert grade.student_of(name) == (student, number)


def chosen(folder, tmp_path):
    "{student: (name of the chosen notebook, notes)}."
    entries, _ = grade.collect(folder, tmp_path / "incoming")
    return {e.student: (Path(file).name if file else "", notes) for e in entries for file, notes in [grade.choose(e, "a1")]}


def test_collect(tmp_path):
    (folder := tmp_path / "from").mkdir()
    for name in ("anna/a1.ipynb", "anna/draft.ipynb", "ben.ipynb", "cem/deep/down/my a1 (1).ipynb", "dan/a1.py", "eva/__MACOSX/._a1.ipynb",
                 "eva/.ipynb_checkpoints/a1.ipynb", "Jane Doe_1_assignsubmission_file_/x.ipynb", "Jane Doe_2_assignsubmission_file_/x.ipynb"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "fay").mkdir()
    (folder / "fay/a1.ipynb").symlink_to(tmp_path)
    (folder / "gus").symlink_to(tmp_path)
    with zipfile.ZipFile(folder / "hal.zip", "w") as archive:
        for name in ("../../a1.ipynb", "/etc/other.txt"): archive.writestr(name, "x")
    (folder / "ida.zip").write_bytes(b"no zip")
    if hasattr(os, "mkfifo"): (folder / "jon").mkdir() or os.mkfifo(folder / "jon/a1.ipynb")
    found = chosen(folder, tmp_path)
    assert found["anna"][0] == "a1.ipynb" and "more than one notebook" in found["anna"][1][0]
    assert found["ben"] == ("ben.ipynb", []) and found["cem"] == ("my a1 (1).ipynb", [])
    assert "no notebook" in found["dan"][1][0] and "no notebook" in found["eva"][1][0]
    assert "link" in found["fay"][1][0] and "link" in found["gus"][1][0] and found["hal"] == ("a1.ipynb", [])
    assert "cannot be unpacked" in found["ida"][1][0] and "not a file" in found.get("jon", ("", ["not a file"]))[1][0]
    assert {"Jane Doe 1", "Jane Doe 2"} <= found.keys()
    assert not (tmp_path.parent / "a1.ipynb").exists()


def test_a_class_download_is_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "download.zip", "w") as archive:
        for name in ("doejane_1_2_a1.ipynb", "Jim Ray_7_assignsubmission_file_/a1.ipynb", "../up.ipynb"): archive.writestr(name, "x")
    assert {s: f for s, (f, _) in chosen(tmp_path / "download.zip", tmp_path).items()} == {
        "doejane": "doejane_1_2_a1.ipynb", "Jim Ray": "a1.ipynb", "up": "up.ipynb"}


def test_bad_input_is_one_sentence(toy, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    for words in (["a9", "."], ["a1", str(tmp_path / "none")], ["a1", str(tmp_path / "empty")], ["a1", str(tmp_path), "--out", str(tmp_path / "out")]):
        assert grade.main(["--out", str(tmp_path / "x"), *words]) == 1
        assert capsys.readouterr().err.startswith("Nothing was graded: ")


def test_broken_files_give_a_result(toy, tmp_path):
    released, _ = toy
    for name, data in {"empty": b"", "text": b"sorry", "cut": b'{"cells": ['}.items():
        (tmp_path / "from" / name).mkdir(parents=True)
        (tmp_path / "from" / name / "a1.ipynb").write_bytes(data)
    (tmp_path / "from/nothing").mkdir()
    assert grade.main(["a1", str(tmp_path / "from"), "--out", str(tmp_path / "out"), *LIMITS]) == 0
    for name, result in results(tmp_path / "out").items(): assert result["points"] == 0 and len(result["notes"]) == 1, name
    assert (tmp_path / "out/feedback/nothing.html").exists()


@pytest.mark.skipif(os.name == "nt", reason="os.fork is of POSIX")
def test_without_bubblewrap_the_audit_hook_holds(toy, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sandbox, "probe", lambda hide: (sandbox.AUDIT_HOOK, "bwrap is not installed"))
    cases = {name: HOSTILE[name][0] for name in ("right", "fork bomb", "replaces what compares")} | {"beside": {"beside": BESIDE[:7]}}
    found, listener = run(toy[0], tmp_path, cases)
    assert "Isolation: audit hook (bwrap is not installed)" in capsys.readouterr().out
    assert {name: (r["points"], r["isolation"]) for name, r in found.items()} == {
        name: (LOST if name in ("fork bomb", "replaces what compares") else FULL, "audit hook") for name in cases}
    assert listener.reached == 0 and [p.name for p in (tmp_path / "outside").iterdir()] == ["sentinel"]
    assert "Permission" in said(found["fork bomb"])


def test_a_killed_run_goes_on(toy, tmp_path):
    released, folder = toy
    for name in ("anna", "ben"): toy_course.hand_in(toy_course.submission(released), tmp_path / "from" / f"{name}.ipynb")
    toy_course.hand_in(toy_course.submission(released, beside=["import time\ntime.sleep(100)"]), tmp_path / "from/cem.ipynb")
    code = (f"import sys; sys.path[:0] = {[str(Path(p).parent) for p in (grade.__file__,)]!r}\nimport course, grade\nfrom pathlib import Path\n"
            f"course.COURSE, course.ASSIGNMENTS = Path({str(course.COURSE)!r}), ('a1',)\nif __name__ == '__main__': grade.main(sys.argv[1:])")
    (tmp_path / "go.py").write_text(code)
    words = [sys.executable, str(tmp_path / "go.py"), "a1", str(tmp_path / "from"), "--out", str(tmp_path / "out"), "--jobs", "1", "--cell-time", "8"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while len(list((tmp_path / "out/results").glob("*.json")) if (tmp_path / "out/results").exists() else []) < 2 and time.monotonic() < end: time.sleep(0.2)
    below = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    assert set(results(tmp_path / "out")) == {"anna", "ben"}
    assert not psutil.wait_procs(below, timeout=30)[1]
    process = subprocess.run(words, capture_output=True, text=True)
    assert process.returncode == 0 and "2 of 3 submissions were graded before" in process.stdout and results(tmp_path / "out")["cem"]["points"] == FULL
