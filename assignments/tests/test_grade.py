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
    assert {p.name for p in (folder / "out").iterdir()} <= {".grading", "results", "feedback", "course", "marks.csv", "summary.html", "report.csv"}


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
    ("anna.ipynb", "anna", ""), ("doejane_12345_67890_a1.ipynb", "doejane", "12345"), ("doejane_1_2_a1.pdf", "doejane", "1"),
    ("doejane_LATE_12345_67890_a1-1.ipynb", "doejane", "12345"), ("Jane Doe_7_assignsubmission_file_a1.ipynb", "Jane Doe", "7"),
    ("eve_9_77_x_101_assignsubmission_file_.ipynb", "eve", "9"), ("a1_2027_01_anna.ipynb", "a1_2027_01_anna", ""),
    ("Jo_7_assignsubmission_file_x_8_assignsubmission_file_.ipynb", "Jo", "7"),
    ("../../etc.ipynb", "_.._etc", ""), ("Jürgen.ipynb", "Jürgen", ""), (".ipynb", "unnamed", ""), ("a:b?.zip", "a_b_", "")])
def test_student_of_a_file(name, student, number): assert grade.student_of(name) == (student, number)


@pytest.mark.parametrize("name, student, number", [
    ("anna", "anna", ""), ("Jane Doe_12345_assignsubmission_file_", "Jane Doe", "12345"), ("eve_9_77_x", "eve_9_77_x", ""),
    ("Jane Doe_12345_assignsubmission_file", "Jane Doe", "12345"), ("Jürgen O'Neil_7_assignsubmission_file_", "Jürgen O'Neil", "7")])
def test_student_of_a_folder(name, student, number): assert grade.student_of(name, folder=True) == (student, number)


def test_a_long_name_keeps_its_suffix_and_stays_apart():
    one, other = (grade.safe("ü" * 300 + end + ".ipynb") for end in "ab")
    assert one.endswith(".ipynb") and one != other and len(one.encode()) <= 200


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


def zip_of(path, members):
    "Write a zip file of names, or of {name: (text, year)}."
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in members:
            text, year = members[name] if isinstance(members, dict) else ("x" * 99, 2026)
            archive.writestr(zipfile.ZipInfo(name, (year, 1, 2, 3, 4, 6)), text, zipfile.ZIP_DEFLATED)
    return path


def damaged(path):
    "Spoil the first member of a zip file, so that zlib stumbles."
    data = bytearray(path.read_bytes())
    start = 30 + data[26]
    data[start:start + 6] = b"\xff" * 6
    path.write_bytes(data)


def test_nothing_of_a_class_download_vanishes(tmp_path, monkeypatch):
    monkeypatch.setattr(grade, "BYTES", 500)
    many, long = [f"amy_1_2_x/.venv/{i}.ipynb" for i in range(30)], "z" * 240
    monkeypatch.setattr(grade, "MEMBERS", 20)
    zip_of(tmp_path / "c.zip", dict.fromkeys([*many, "ben_3_4_answers.pdf", "cem/a1.py", "readme.txt", "dan.ipynb", "d?n.ipynb",
                                              "d:n.ipynb", f"{long}.ipynb"], ("x", 2026)) | {"eva/a1.ipynb": ("x" * 999, 2026)})
    entries, passed = grade.collect(tmp_path / "c.zip", tmp_path / "in")
    found = {e.student: [Path(n[0]).stat().st_size for n in e.notebooks] for e in entries}
    assert found.pop("eva") == [501] and found.pop("ben") == found.pop("cem") == []  # too large: repair says so
    assert found.keys() == {"dan", "d_n", grade.safe(f"{long}.ipynb")[:-6]}
    assert passed == ["d:n.ipynb (stands twice)", "readme.txt (no notebook)"]
    monkeypatch.setattr(grade, "MEMBERS", 2)
    with pytest.raises(grade.BadInput, match="more than 2"): grade.collect(tmp_path / "c.zip", tmp_path / "in2")


def test_members_keep_their_time(tmp_path):
    zip_of(tmp_path / "c.zip", {"anna/late.ipynb": ("x", 2026), "anna/early.ipynb": ("x", 2025), "ben/a1.ipynb": ("x", 2024)})
    assert chosen(tmp_path / "c.zip", tmp_path)["anna"][0] == "late.ipynb"


def test_damaged_zip_files(tmp_path):
    (tmp_path / "from").mkdir()
    damaged(zip_of(tmp_path / "from/anna.zip", ["a1.ipynb"]))
    assert "cannot be unpacked (Error -3 while decompressing" in chosen(tmp_path / "from", tmp_path)["anna"][1][0]
    zip_of(tmp_path / "from/ben.zip", ["a1.ipynb"])
    assert chosen(tmp_path / "from", tmp_path)["ben"] == ("a1.ipynb", [])
    damaged(zip_of(tmp_path / "class.zip", ["anna.ipynb"]))
    with pytest.raises(grade.BadInput, match="cannot be unpacked"): grade.collect(tmp_path / "class.zip", tmp_path / "in")


@pytest.mark.parametrize("names, students", [
    (["submissions/anna/a1.ipynb", "submissions/ben/a1.ipynb"], ["anna", "ben"]), (["all/x/an_1_2_a1.ipynb"], ["an"]),
    (["anna/my work/a1.ipynb"], ["anna"]), (["anna/a1.ipynb", "anna/data/b.ipynb", "anna/more/c.ipynb"], ["anna"]),
    (["anna/work/a1.ipynb", "anna/data/x.csv"], ["anna"]), (["Jo_7_assignsubmission_file_/a/a1.ipynb"], ["Jo"])])
def test_what_wraps_the_students_is_taken_off(tmp_path, names, students):
    for name in names:
        (tmp_path / "from" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "from" / name).write_text("x")
    zip_of(tmp_path / "class.zip", names)
    for source in ("from", "class.zip"): assert sorted(chosen(tmp_path / source, tmp_path / source[:1])) == students


def test_a_lone_zip_file_is_a_student_or_a_class(tmp_path):
    for folder in ("one", "class", "named"): (tmp_path / folder).mkdir()
    zip_of(tmp_path / "one/anna.zip", ["a1.ipynb", "draft.ipynb"])
    zip_of(tmp_path / "class/all.zip", ["anna/a1.ipynb", "ben/a1.ipynb"])
    zip_of(tmp_path / "named/doe_1_2_all.zip", ["anna/a1.ipynb", "ben/a1.ipynb"])
    found = {folder: sorted(chosen(tmp_path / folder, tmp_path / f"in {folder}")) for folder in ("one", "class", "named")}
    assert found == {"one": ["anna"], "class": ["anna", "ben"], "named": ["doe"]}


def test_odd_names_and_what_cannot_be_read(tmp_path, monkeypatch):
    for name in (b"J\xfcrgen", b"ben", b"cem"):
        folder = tmp_path / "from" / os.fsdecode(name)
        try: folder.mkdir(parents=True)
        except OSError: pytest.skip("this file system takes UTF-8 alone")
        (folder / os.fsdecode(b"a1\xfc.ipynb")).write_text("x")
    real = grade.seen
    def seen(folder):
        if folder.name == "ben": raise PermissionError(13, "Permission denied")
        return real(folder)
    monkeypatch.setattr(grade, "seen", seen)
    entries, _ = grade.collect(tmp_path / "from", tmp_path / "in")
    assert [(e.student, e.notes) for e in entries] == [
        ("J\ufffdrgen", []), ("ben", ["ben cannot be read (Permission denied)"]), ("cem", [])]
    for entry in entries: grade.digest(entry.student, *grade.choose(entry, "a1")[1], *(n[1] for n in entry.notebooks))
    assert "cannot be read" in grade.contents(tmp_path / "gone.ipynb")[1][0]


def test_a_student_has_twenty_notebooks_at_most(tmp_path):
    names = [f"{i}.ipynb" for i in range(25)]
    zip_of(tmp_path / "anna.zip", [*(f"deep/{n}" for n in names), "a1.ipynb"])
    entry = grade.Entry("anna")
    grade.look_at(tmp_path / "anna.zip", entry, tmp_path / "in")
    assert len(entry.notebooks) == 20 and grade.choose(entry, "a1")[0].endswith("a1.ipynb")
    assert "more than 20 notebooks" in entry.notes[0]


def test_names_that_collide_stay_apart():
    found = grade.unlike([grade.Entry(n) for n in ("Anna", "Anna (2)", "anna")])
    assert len({e.student.casefold() for e in found}) == 3


# The grading folder

def refused(capsys, *words):
    "What the grader says when it grades nothing."
    assert grade.main(["a1", *map(str, words)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Nothing was graded: ") and said.count("\n") == 1
    return said


def test_no_folder_of_others_is_touched(toy, tmp_path, capsys):
    (tmp_path / "R/incoming/anna").mkdir(parents=True)
    (tmp_path / "R/incoming/anna/a1.ipynb").write_text("x")
    (tmp_path / "file").write_text("x")
    (tmp_path / "from").mkdir()
    assert "where grading deletes" in refused(capsys, tmp_path / "R/incoming", "--out", tmp_path / "R")
    for out in ("R", "file"): assert "no grading folder" in refused(capsys, tmp_path / "from", "--out", tmp_path / out, "--fresh")
    refused(capsys, tmp_path / "from", "--out", tmp_path / "file/below")
    if sys.platform == "linux": refused(capsys, tmp_path / "from", "--out", "/proc/x")
    assert (tmp_path / "R/incoming/anna/a1.ipynb").read_text() == "x"


@pytest.mark.skipif(grade.fcntl is None, reason="locks are of POSIX")
def test_two_graders_never_share_a_folder(toy, tmp_path, capsys):
    (tmp_path / "from").mkdir()
    with grade.held(tmp_path / "out"):
        (tmp_path / "out/work").mkdir()
        assert "another grader works in" in refused(capsys, tmp_path / "from", "--out", tmp_path / "out")
    assert (tmp_path / "out/work").exists()
    assert "holds no submission" in refused(capsys, tmp_path / "from", "--out", tmp_path / "out")


def test_the_wrong_seed_is_said_at_once(toy, tmp_path, capsys):
    other = toy_course.submission(toy[0])
    other.metadata["ssnet"] = {"assignment": "a1", "seed": 2027}
    for name in ("anna", "ben"): toy_course.hand_in(other, tmp_path / "from" / f"{name}.ipynb")
    (tmp_path / "from/cut.ipynb").write_text((tmp_path / "from/ben.ipynb").read_text()[:-9])
    toy_course.hand_in(toy_course.submission(toy[0]), tmp_path / "from/dan.ipynb")
    (tmp_path / "from/eva.ipynb").write_text('{"ssnet": {"seed": "x"')
    said = refused(capsys, tmp_path / "from", "--out", tmp_path / "out")
    assert "most notebooks are variant 2027 of a1: give SEED=2027 (--seed 2027)" in said
    for name in ("ben", "cut"): (tmp_path / "from" / f"{name}.ipynb").unlink()
    entries, _ = grade.collect(tmp_path / "from", tmp_path / "in")
    grade.check_variant(entries, grade.read_options(["a1", "x"]))  # a single one is no reason to stop


def test_marks_are_kept_where_the_summary_fails_and_others_are_named(toy, tmp_path, capsys, monkeypatch):
    for name in ("anna", "ben"): (tmp_path / name).mkdir() or (tmp_path / name / f"{name}.ipynb").write_text("x")
    words = ["--out", str(tmp_path / "out"), "--jobs", "1"]
    assert grade.main(["a1", str(tmp_path / "anna"), *words]) == 0
    assert "1 student: anna" in capsys.readouterr().out
    (tmp_path / "out/report.csv").write_text("typo")
    assert grade.main(["a1", str(tmp_path / "ben"), *words]) == 1
    said = capsys.readouterr()
    assert "kept from earlier, not in FROM: anna" in said.out and results(tmp_path / "out").keys() == {"anna", "ben"}
    assert said.err.count("Stopped: ") == 1 and "Marks given so far are kept" in said.err


def test_the_key_covers_what_marks_depend_on(toy, monkeypatch):
    names = {p.name for p in grade.tool_files("a1")}
    assert {"losses.py", "checking.py", "kernel.py", "a1.py", "checks.py"} <= names and all(p.is_file() for p in grade.tool_files("a1"))
    monkeypatch.setattr(grade.importlib.metadata, "version", lambda name: f"{name} 1")
    assert grade.versions() == [sys.version, "torch 1", "numpy 1", "nbgrader 1"]


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
