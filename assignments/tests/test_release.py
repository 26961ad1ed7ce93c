"""The student's version: it holds what it must, nothing that it must not, and it runs up to the first answer."""
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import course
import nbformat
import pytest
import release
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[2]
SMALL = "a0"  # a course of one exercise, which the tests below write; the four real ones join it

CHECKS = '''"Public checks."
import types
from ssnet.checking import CheckFailed, close
SEED = 0
def variant(seed):
    return types.SimpleNamespace(seed=seed, rate=[0.5, 0.25][seed % 2])
V = variant(SEED)
def check_mae(mae):
    try: close(mae([1.0], [0.0]), 1.0, "your MAE")
    except NotImplementedError: raise CheckFailed("your mae is not written yet") from None
'''
HIDDEN = '''"Hidden checks."
from ssnet.checking import close
from checks import V
def check_mae(mae):
    secret_inputs = [V.seed * 0.1, 0.7]
    close(mae(secret_inputs, [0.0, 0.0]), sum(secret_inputs) / 2, "your MAE")
'''
ANSWER = '''# a0-mae: your answer
def mae(pred, truth):
    "The mean absolute error of two lists."
    ### BEGIN SOLUTION
    distance = [abs(p - t) for p, t in zip(pred, truth)]
    return sum(distance) / len(distance)
    ### END SOLUTION'''
HIDDEN_CELL = '''# a0-mae-hidden: 3 points. Hidden checks: other lengths
### BEGIN HIDDEN TESTS
import hidden
hidden.check_mae(mae)
### END HIDDEN TESTS'''


def cell(id, text, kind="code", points=None, **marks):
    "A cell of the small course; with `marks`, one that nbgrader knows."
    made = nbformat.v4.new_code_cell(text, id=id) if kind == "code" else nbformat.v4.new_markdown_cell(text, id=id)
    full = dict(grade=points is not None, solution=False, locked=False, task=False, schema_version=3, cell_type=kind)
    if points is not None: full["points"] = points
    if marks: made.metadata["nbgrader"] = {**full, **marks, "grade_id": id}
    return made


def small_notebook():
    "The notebook of the small course."
    return nbformat.v4.new_notebook(metadata={"kernelspec": {"display_name": "Python 3", "language": "python",
                                                             "name": "python3"}}, cells=[
        cell("a0-text-1", "# MAE\nThe rate is {{rate}} this year, of seed {{seed}}.", "markdown"),
        cell("a0-given-1", "import checks\nfrom checks import V", locked=True),
        cell("a0-mae", ANSWER, solution=True),
        cell("a0-code-1", "print(mae([1.0, 0.0], [0.0, 0.0]))"),
        cell("a0-mae-check", "# a0-mae-check: 2 points\nchecks.check_mae(mae)", points=2.0, locked=True),
        cell("a0-mae-hidden", HIDDEN_CELL, points=3.0, locked=True),
        cell("a0-why",
             "<!-- a0-why: your answer -->\nWhy?\n### BEGIN SOLUTION\n"
             "Because errors of both signs must add up.\n### END SOLUTION",
             "markdown", points=1.0, solution=True)])


def write_small(root):
    "Write the small course below `root`."
    for name in ("source/a0", "hidden"): (root / name).mkdir(parents=True)
    nbformat.write(small_notebook(), root / "source/a0/a0.ipynb")
    (root / "source/a0/checks.py").write_text(CHECKS)
    (root / "hidden/a0.py").write_text(HIDDEN)


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    "The folder of the small course."
    root = tmp_path_factory.mktemp("small")
    write_small(root)
    return root


@pytest.fixture
def in_small(small, monkeypatch):
    "The tools work on the small course."
    monkeypatch.setattr(course, "COURSE", small)
    return small


@pytest.fixture(params=(SMALL, *course.ASSIGNMENTS))
def a(request, monkeypatch):
    "Each assignment: the small one and the real ones."
    if request.param == SMALL: monkeypatch.setattr(course, "COURSE", request.getfixturevalue("small"))
    return request.param


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    "made(assignment, seed): the folder of a release, made once."
    known = {}
    def make(assignment, seed=0):
        if (assignment, seed) not in known:
            folder = tmp_path_factory.mktemp("course")
            known[assignment, seed] = release.make_course(assignment, seed, folder) / "release" / assignment
        return known[assignment, seed]
    return make


def read(folder, a):
    "The notebook of assignment `a` in a folder."
    return nbformat.read(folder / f"{a}.ipynb", as_version=4)


def marks(notebook):
    "{grade id: nbgrader's metadata without its checksum}, in order."
    found = [c.metadata.nbgrader for c in notebook.cells if "nbgrader" in c.metadata]
    return {m.grade_id: {k: v for k, v in m.items() if k != "checksum"} for m in found}


# What a release holds

def test_a_release_has_no_leak(a, made): assert release.leaks(a, made(a)) == []


def test_a_release_of_another_year_has_no_leak(a, made): assert release.leaks(a, made(a, 2027)) == []


def test_ids_and_points_are_the_sources_in_every_year(a, made):
    wanted = marks(course.notebook(a))
    assert marks(read(made(a), a)) == marks(read(made(a, 2027), a)) == wanted
    assert [c.id for c in read(made(a), a).cells] == [c.id for c in read(made(a, 2027), a).cells]


def test_it_says_its_assignment_and_seed(a, made):
    assert read(made(a, 2027), a).metadata.ssnet == {"assignment": a, "seed": 2027}


def test_it_carries_the_checks_of_its_seed(a, made):
    for seed in (0, 2027): assert re.search(rf"^SEED = {seed}\b", (made(a, seed) / "checks.py").read_text("utf-8"), re.M)


def test_every_code_answer_is_a_stub_and_keeps_its_plumbing(a, made):
    for c in read(made(a), a).cells:
        if not c.metadata.get("nbgrader", {}).get("solution") or c.cell_type != "code": continue
        assert "# YOUR CODE HERE" in c.source and "raise NotImplementedError()" in c.source
        assert c.source.startswith(f"# {c.metadata.nbgrader.grade_id}: your answer")


def test_markdown_is_filled_in(in_small, made):
    assert "The rate is 0.5 this year, of seed 0." in read(made(SMALL), SMALL).cells[0].source
    assert "The rate is 0.25 this year, of seed 2027." in read(made(SMALL, 2027), SMALL).cells[0].source


def test_a_text_answer_is_a_stub(in_small, made):
    assert read(made(SMALL), SMALL).cells[-1].source == "<!-- a0-why: your answer -->\nWhy?\n*Write your answer here.*"


def first_error(folder, a, python_path):
    "The index of the first cell that fails when the notebook in `folder` runs, and its error."
    notebook = read(folder, a)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}})
    try: client.execute(env={**os.environ, "PYTHONPATH": python_path, "OMP_NUM_THREADS": "1"})
    except CellExecutionError as error:
        done = [i for i, c in enumerate(notebook.cells) if any(o.output_type == "error" for o in c.get("outputs", []))]
        return done[0], error
    raise AssertionError("no cell failed")


@pytest.mark.parametrize("hidden", (False, True))
def test_it_runs_up_to_the_first_answer(a, made, hidden, tmp_path):
    folder = shutil.copytree(made(a), tmp_path / "student")
    (tmp_path / "private").mkdir()
    shutil.copy(course.COURSE / f"hidden/{a}.py", tmp_path / "private/hidden.py")
    at, error = first_error(folder, a, os.pathsep.join([str(ROOT), str(tmp_path / "private")][:1 + hidden]))
    answers = [i for i, c in enumerate(read(folder, a).cells) if c.metadata.get("nbgrader", {}).get("solution")]
    assert at >= answers[0]
    assert error.ename == "NotImplementedError" or error.ename == "CheckFailed" and "not written yet" in error.evalue


def test_nbdevs_cleaning_keeps_the_marks_and_the_ids(a, made, tmp_path):
    shutil.copy(ROOT / "settings.ini", tmp_path / "settings.ini")
    (tmp_path / "nbs").mkdir()
    shutil.copy(course.COURSE / f"source/{a}/{a}.ipynb", tmp_path / "nbs/source.ipynb")
    shutil.copy(made(a) / f"{a}.ipynb", tmp_path / "nbs/release.ipynb")
    before = [nbformat.read(p, as_version=4) for p in sorted((tmp_path / "nbs").glob("*.ipynb"))]
    code = "from nbdev.clean import nbdev_clean; nbdev_clean('nbs')"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    after = [nbformat.read(p, as_version=4) for p in sorted((tmp_path / "nbs").glob("*.ipynb"))]
    for old, new in zip(before, after):
        assert [c.id for c in new.cells] == [c.id for c in old.cells]
        assert [c.metadata.get("nbgrader") for c in new.cells] == [c.metadata.get("nbgrader") for c in old.cells]
        assert not any("deletable" in c.metadata for c in new.cells), "nothing was cleaned"


# Writing it

def everything(folder):
    "{path: bytes} of a folder."
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_input_gives_the_same_bytes(a, made, tmp_path):
    first = everything(release.release(a, 0, tmp_path)), (tmp_path / f"{a}.zip").read_bytes()
    assert first[0] == everything(made(a))
    release.pack(shutil.copytree(made(a), tmp_path / "again" / a), tmp_path / "again.zip")
    assert first[1] == (tmp_path / "again.zip").read_bytes()


def test_a_release_replaces_the_old_one_whole(in_small, tmp_path):
    release.release(SMALL, 1, tmp_path)
    (tmp_path / "a0/left_over.txt").write_text("old")
    assert release.release(SMALL, 2, tmp_path) == tmp_path / "a0"
    assert sorted(everything(tmp_path)) == ["a0.zip", "a0/a0.ipynb", "a0/checks.py"]
    assert b"SEED = 2\n" in (tmp_path / "a0/checks.py").read_bytes()


def test_the_zip_holds_the_folder(in_small, tmp_path):
    folder = release.release(SMALL, 0, tmp_path)
    with zipfile.ZipFile(tmp_path / "a0.zip") as archive:
        assert {n: archive.read(n) for n in archive.namelist()} == {f"a0/{n}": b for n, b in everything(folder).items()}


def test_other_files_go_along_and_private_ones_stay(in_small, made, tmp_path):
    again = shutil.copytree(in_small, tmp_path / "course")
    for name in ("report.md", ".secret", "other.ipynb", "__pycache__/checks.pyc"):
        (again / "source/a0" / name).parent.mkdir(exist_ok=True)
        (again / "source/a0" / name).write_text("{}")
    course.COURSE = again  # the fixture puts it back
    assert sorted(everything(release.release(SMALL, 0, tmp_path / "out"))) == ["a0.ipynb", "checks.py", "report.md"]


def spoil(small, tmp_path, change, file="source/a0/a0.ipynb"):
    "A copy of the small course, in which `change` has edited the text of one file; the tools work on it."
    course.COURSE = shutil.copytree(small, tmp_path / "spoilt")  # the fixture in_small puts it back
    path = course.COURSE / file
    path.write_text(change(path.read_text()))


def test_a_leak_stops_the_release(in_small, tmp_path):
    spoil(in_small, tmp_path,
          lambda text: text.replace("print(mae([1.0, 0.0]", "# see /home/me/work\\nprint(mae([1.0, 0.0]"))
    with pytest.raises(ValueError, match="a path of a machine: /home/me/work"):
        release.release(SMALL, 0, tmp_path / "out")
    assert everything(tmp_path / "out") == {} and list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("words, says", [
    (["a9"], "there is no assignment a9; there are: a0"),
    (["../a0"], "there is no assignment ../a0"),
    (["a0", "--seed", "x"], "the seed x is no whole number"),
    (["a0", "--seed", "-1"], "the seed -1 is no whole number"),
    (["a0", "--seed", "1.5"], "the seed 1.5 is no whole number"),
    (["a0", "--out", "/proc/x"], "/proc/x cannot be read or written")])
def test_bad_input_is_one_sentence_and_exit_1(in_small, tmp_path, capsys, words, says):
    assert release.main(["--out", str(tmp_path / "out"), *words]) == 1
    told = capsys.readouterr()
    assert says in told.err and len(told.err.strip().split("\n")) == 1 and not told.out


@pytest.mark.parametrize("change, file, says", [
    (lambda text: text.replace("{{rate}}", "{{speed}}"), "source/a0/a0.ipynb",
     "cell a0-text-1: {{speed}} is no value of the variant"),
    (lambda text: text.replace("SEED = 0\n", ""), "source/a0/checks.py", "holds 0 lines `SEED = number`"),
    (lambda text: text.replace("### END SOLUTION", ""), "source/a0/a0.ipynb",
     "nbgrader refuses a0: no end solution statement found")])
def test_a_broken_source_is_one_sentence_and_exit_1(in_small, tmp_path, capsys, change, file, says):
    spoil(in_small, tmp_path, change, file)
    assert release.main(["a0", "--out", str(tmp_path / "out")]) == 1
    assert says in capsys.readouterr().err and not (tmp_path / "out/a0").exists()


def test_the_command_says_what_it_wrote(in_small, tmp_path, capsys):
    assert release.main(["a0", "--seed", "5", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "a0.ipynb, checks.py" in said and "Hand out a0.zip" in said and "variant 5" in said


def test_a_folder_that_nbgrader_cannot_read_is_refused(in_small, tmp_path):
    with pytest.raises(ValueError, match="nbgrader cannot work in"): release.make_course(SMALL, 0, tmp_path / "a[1]")


def test_a_folder_with_blanks_and_accents_works(in_small, tmp_path):
    assert (release.make_course(SMALL, 0, tmp_path / "mein Kurs é") / "release/a0/a0.ipynb").is_file()
    assert (tmp_path / "mein Kurs é/gradebook.db").is_file()


# Each kind of leak is planted, and named

def cells_of(notebook, what):
    "The cells that are graded, answers or not nbgrader's."
    wanted = {"graded": lambda m: m.get("grade"), "answer": lambda m: m.get("solution"), "plain": lambda m: not m}[what]
    return [c for c in notebook.cells if wanted(c.metadata.get("nbgrader", {})) and c.cell_type == "code"]


def secret_line(a, kind):
    "A line that no student may see."
    return next(line for line, what in release.secrets(a).items() if what == kind)


def add_output(nb): cells_of(nb, "graded")[0].outputs.append(nbformat.v4.new_output("stream", text="0.4"))


def add_count(nb): cells_of(nb, "graded")[0].execution_count = 3


def repeat_id(nb):
    cells_of(nb, "graded")[1].metadata.nbgrader.grade_id = cells_of(nb, "graded")[0].metadata.nbgrader.grade_id


def drop_id(nb): del cells_of(nb, "graded")[0].metadata.nbgrader["grade_id"]


def rename_id(nb): cells_of(nb, "graded")[0].metadata.nbgrader.grade_id = "another"


def drop_marks(nb): del cells_of(nb, "graded")[0].metadata["nbgrader"]


def drop_points(nb): del cells_of(nb, "graded")[0].metadata.nbgrader["points"]


def drop_name(nb): cells_of(nb, "answer")[0].source = "pass"


def rename_cell(nb): nb.cells[0].id = "another"


def drop_cell(nb): del nb.cells[0]


def forget(nb): del nb.metadata["ssnet"]


def add_text(text):
    "A change that adds a line to the first answer."
    def change(nb): cells_of(nb, "answer")[0].source += f"\n    {text}"
    return change


def add_metadata(nb): nb.cells[0].metadata["note"] = "BEGIN SOLUTION"


def add_place(nb): nb.cells[0].source += "\n{{rate}}"


PLANTED = {
    "output": (add_output, "has an output"), "count": (add_count, "has an execution count"),
    "repeated id": (repeat_id, "stands twice"), "no id": (drop_id, "no id"),
    "renamed id": (rename_id, "ids differ from the source's"),
    "no marks": (drop_marks, "ids differ from the source's"), "no points": (drop_points, "has no points"),
    "no name": (drop_name, "does not begin with a line that names it"),
    "other cell id": (rename_cell, "cell ids differ"),
    "dropped cell": (drop_cell, "cell ids differ"), "no seed": (forget, "does not say that it is"),
    "begin": (add_text("### BEGIN SOLUTION"), "BEGIN SOLUTION"),
    "hidden tests": (add_text("# END HIDDEN TESTS"), "HIDDEN TESTS"),
    "import": (add_text("import hidden"), "the hidden module"),
    "from": (add_text("from hidden import x"), "the hidden module"),
    "call": (add_text("hidden.check_mae(mae)"), "the hidden module"), "metadata": (add_metadata, "BEGIN SOLUTION"),
    "home": (add_text("open('/home/anna/a.txt')"), "a path of a machine"),
    "windows": (add_text(r"open('C:\Users\anna')"), "a path of a machine"),
    "placeholder": (add_place, "is not filled in")}


@pytest.mark.parametrize("kind", PLANTED)
def test_each_planted_fault_is_named(a, made, kind, tmp_path):
    folder, (change, says) = shutil.copytree(made(a), tmp_path / "copy"), PLANTED[kind]
    notebook = read(folder, a)
    change(notebook)
    (folder / f"{a}.ipynb").write_text(nbformat.v4.writes(notebook), encoding="utf-8")
    assert any(says in leak for leak in release.leaks(a, folder)), release.leaks(a, folder)


@pytest.mark.parametrize("file", ("notebook", "checks.py"))
@pytest.mark.parametrize("kind", ("solution", "hidden check"))
def test_each_secret_line_is_found(a, made, kind, file, tmp_path):
    folder = shutil.copytree(made(a), tmp_path / "copy")
    for line in [line for line, what in release.secrets(a).items() if what == kind][::7][:5]:
        path = folder / (f"{a}.ipynb" if file == "notebook" else file)
        before = path.read_text(encoding="utf-8")
        notebook = read(folder, a)
        notebook.cells[0].source += f"\n{line}"
        path.write_text(nbformat.writes(notebook) if file == "notebook" else f"{before}\n    {line}", encoding="utf-8")
        assert any(f"a line of a {kind}: {line}" in leak for leak in release.leaks(a, folder))
        path.write_text(before, encoding="utf-8")


def test_every_secret_line_of_the_small_course_is_known(in_small):
    found = release.secrets(SMALL)
    assert found["distance = [abs(p - t) for p, t in zip(pred, truth)]"] == "solution"
    assert found["Because errors of both signs must add up."] == "solution"
    assert found["hidden.check_mae(mae)"] == "hidden test" and found["import hidden"] == "hidden test"
    assert found["secret_inputs = [V.seed * 0.1, 0.7]"] == "hidden check"
    assert "def check_mae(mae):" not in found and "from checks import V" not in found  # public as well


@pytest.mark.parametrize("name", ("hidden.py", "notes.txt", "a0.db", "sub/a0.ipynb"))
def test_a_file_that_is_not_the_sources_is_named(in_small, made, name, tmp_path):
    folder = shutil.copytree(made(SMALL), tmp_path / "copy")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"\xff\x00text")
    assert release.leaks(SMALL, folder) == [f"{name}: no file of source/a0"]


def test_a_release_without_its_notebook_is_named(in_small, tmp_path):
    assert release.leaks(SMALL, tmp_path) == ["a0.ipynb is missing"]
