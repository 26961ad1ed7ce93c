"""Whatever students hand in becomes a notebook that can be graded, or one clear sentence."""
import json
import random

import course
import nbformat
import pytest
import release
import repair
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from repair import Unreadable, read_submission

STUB = "    # YOUR CODE HERE\n    raise NotImplementedError()"
MAE = f'# a1-mae: your answer\ndef mae(pred, truth):\n    "The mean absolute error."\n{STUB}'
TWO = f'# a1-two: your answer\ndef one(x):\n    "One."\n{STUB}\n\nclass Two:\n    "Two."\n{STUB}'
SETUP = "import torch\nfrom checks import V\nimport checks\nsize = 4"
SOLVED_MAE = MAE.replace(STUB, "    return abs(pred - truth).mean()")
SOLVED_TWO = TWO.replace(STUB, "    return x", 1).replace(STUB, "    x = 2")
WHY = "<!-- a1-why: your answer -->\n**Why?**\n\n*Write your answer here.*"
IDS = ["a1-given-1", "a1-mae", "a1-mae-check", "a1-mae-hidden", "a1-two", "a1-two-check", "a1-two-hidden", "a1-why"]


def cell(id, text, kind="code", points=None, **marks):
    "A released cell; with `marks`, one that nbgrader knows."
    made = new_code_cell(text, id=id) if kind == "code" else new_markdown_cell(text, id=id)
    full = dict(grade=points is not None, solution=False, locked=False, task=False, schema_version=3, cell_type=kind,
                checksum="0")
    if points is not None: full["points"] = points
    if marks: made.metadata.update(nbgrader={**full, **marks, "grade_id": id}, deletable=False)
    return made


def released():
    "The notebook that students got."
    return new_notebook(metadata={"ssnet": {"assignment": "a1", "seed": 0},
                                  "kernelspec": {"name": "python3", "display_name": "Python 3"}}, cells=[
        cell("a1-text-1", "# MAE", "markdown"),
        cell("a1-given-1", SETUP, locked=True),
        cell("a1-mae", MAE, solution=True),
        cell("a1-code-1", "print(mae(torch.ones(2), torch.zeros(2)))"),
        cell("a1-mae-check", "# a1-mae-check: 2 points\nchecks.check_mae(mae)", points=2, locked=True),
        cell("a1-mae-hidden", "# a1-mae-hidden: 3 points. Hidden checks: sizes", points=3, locked=True),
        cell("a1-text-2", "# Two", "markdown"),
        cell("a1-two", TWO, solution=True),
        cell("a1-two-check", "# a1-two-check: 2 points\nchecks.check_two(one, Two)", points=2, locked=True),
        cell("a1-two-hidden", "# a1-two-hidden: 3 points. Hidden checks: sizes", points=3, locked=True),
        cell("a1-why", WHY, "markdown", points=4, solution=True)])


def solved():
    "A correct submission, as Jupyter saves it."
    notebook = released()
    notebook.cells[2].source, notebook.cells[7].source = SOLVED_MAE, SOLVED_TWO
    notebook.cells[10].source = WHY.replace("*Write your answer here.*", "Because.")
    notebook.cells[3].outputs.append(nbformat.v4.new_output("stream", text="1.0"))
    notebook.cells[3].execution_count = 7
    return notebook


def bare(notebook, first_lines=True):
    "A notebook as some editors leave it: no ids, no metadata, format 4.0; perhaps the first lines are gone as well."
    notebook.metadata, notebook.nbformat_minor = {}, 0
    for c in notebook.cells:
        c.metadata = nbformat.NotebookNode()
        c.pop("id", None)
        if not first_lines and repair.MARK.match(c.source): c.source = c.source.partition("\n")[2]
    return notebook


def sources(notebook):
    "{grade id: source}, in order; each id must stand once."
    marked = [c for c in notebook.cells if "nbgrader" in c.metadata]
    found = {c.metadata.nbgrader.grade_id: c.source for c in marked}
    assert len(found) == len(marked)
    return found


def own(notebook):
    "The student's own cells."
    return [c.source for c in notebook.cells if "nbgrader" not in c.metadata]


def order(notebook):
    "The grade ids, in order."
    return list(sources(notebook))


def find(notebook, id):
    "The index of a submitted cell."
    return next(i for i, c in enumerate(notebook.cells) if c.get("id") == id)


def mended(change):
    "What repair makes of the solved notebook after `change`; the result is always valid and whole."
    submission = solved()
    submission = change(submission) or submission
    before = nbformat.from_dict(json.loads(json.dumps(submission)))
    notebook, notes = repair.repair(released(), submission)
    assert submission == before, "repair changed its input"
    nbformat.validate(notebook)
    assert sorted(order(notebook)) == sorted(IDS)
    for c in notebook.cells:
        original = next((r for r in released().cells if r.id == c.id and "nbgrader" in r.metadata), None)
        if original and not original.metadata.nbgrader.solution: assert c == original
        assert c.cell_type != "code" or c.outputs == [] and c.execution_count is None
    return notebook, notes


def says(notes, *words):
    "Whether one note holds all the words."
    return any(all(w in note for w in words) for note in notes)


# Nothing to do

def test_a_good_submission_stays_as_it_is():
    notebook, notes = mended(lambda nb: None)
    assert notes == [] and [c.source for c in notebook.cells] == [c.source for c in solved().cells]
    assert order(notebook) == IDS and notebook.metadata == released().metadata


def test_an_untouched_release_gives_its_stubs():
    notebook, notes = repair.repair(released(), released())
    assert notes == [] and sources(notebook)["a1-mae"] == MAE


def test_own_cells_stay_where_they_are():
    def change(nb):
        nb.cells.insert(3, new_code_cell("mine = 1"))
        nb.cells.insert(0, new_markdown_cell("Anna Arendt"))
    notebook, notes = mended(change)
    assert notes == [] and notebook.cells[0].source == "Anna Arendt" and notebook.cells[4].source == "mine = 1"


def test_blanks_and_our_own_metadata_are_no_edit():
    def change(nb):
        nb.cells[1].source = SETUP.replace("\n", "  \r\n") + "\n\n"
        nb.cells[4].metadata.nbgrader.update(points=100, locked=False, checksum="x")
        nb.cells[4].metadata["tags"] = ["raises-exception"]
    assert mended(change)[1] == []


# Locked cells

def test_an_edited_locked_cell_is_replaced():
    def change(nb): nb.cells[4].source = "# a1-mae-check: 2 points\nprint('passed')"
    notebook, notes = mended(change)
    assert notes == ["You changed the locked cell a1-mae-check; the original was graded."]
    assert "print('passed')" not in "".join(c.source for c in notebook.cells)


def test_an_import_added_to_the_setup_still_counts():
    def change(nb): nb.cells[1].source += "\nimport numpy as np\neps = 1e-6\nsize = 5"
    notebook, notes = mended(change)
    assert says(notes, "changed the locked cell a1-given-1", "np, eps")
    assert notebook.cells[2].source == "import numpy as np\neps = 1e-06"  # and not `size`, which the original sets


def test_an_answer_written_into_its_check_cell_counts():
    def change(nb):
        nb.cells[2].source = MAE
        nb.cells[4].source = "# a1-mae-check: 2 points\ndef mae(pred, truth):\n    return 1\nchecks.check_mae(mae)"
    notebook, notes = mended(change)
    assert sources(notebook)["a1-mae"] == "def mae(pred, truth):\n    return 1"
    assert order(notebook) == IDS and says(notes, "changed the locked cell a1-mae-check")


def test_code_above_a_locked_cells_first_line_is_kept():
    def change(nb): nb.cells[4].source = "helper = 1\n" + nb.cells[4].source
    notebook, notes = mended(change)
    assert "helper = 1" in own(notebook) and says(notes, "taken apart")


def test_a_dropped_check_comes_back_below_the_answer():
    notebook, notes = mended(lambda nb: nb.cells.pop(4) and None)
    assert order(notebook) == IDS and notes == ["Locked cells were missing and were put back: a1-mae-check."]


def test_all_locked_cells_dropped():
    def change(nb): nb.cells = [c for c in nb.cells if not c.metadata.get("nbgrader", {}).get("locked")]
    notebook, notes = mended(change)
    assert order(notebook) == IDS and len(notes) == 1
    assert sources(notebook)["a1-two"] == SOLVED_TWO


def test_a_check_put_back_runs_after_helpers_below_the_answer():
    def change(nb):
        del nb.cells[4:6]
        nb.cells.insert(3, new_code_cell("def helper(x): return x"))
    notebook, _ = mended(change)
    assert [c.source for c in notebook.cells].index("def helper(x): return x") < find(notebook, "a1-mae-check")


def test_a_setup_that_was_moved_down_comes_up():
    def change(nb): nb.cells.append(nb.cells.pop(1))
    notebook, notes = mended(change)
    assert order(notebook) == IDS and notes == ["Locked cells were moved to where they can run: a1-given-1."]


def test_a_check_above_its_answer_goes_below_it():
    def change(nb): nb.cells.insert(2, nb.cells.pop(4))
    notebook, notes = mended(change)
    assert find(notebook, "a1-mae-check") > find(notebook, "a1-mae") and says(notes, "moved", "a1-mae-check")


def test_all_answers_first_and_all_checks_last_is_left_alone():
    def change(nb): nb.cells = [nb.cells[i] for i in (0, 1, 2, 7, 3, 4, 5, 6, 8, 9, 10)]
    notebook, notes = mended(change)
    assert notes == [] and order(notebook)[1:3] == ["a1-mae", "a1-two"]


def test_exercises_in_another_order_are_left_alone():
    def change(nb): nb.cells = [nb.cells[i] for i in (0, 1, 6, 7, 8, 9, 2, 3, 4, 5, 10)]
    notebook, notes = mended(change)
    assert notes == [] and order(notebook)[1] == "a1-two"


# Answers

def test_a_dropped_answer_is_the_stub():
    notebook, notes = mended(lambda nb: nb.cells.pop(2) and None)
    assert sources(notebook)["a1-mae"] == MAE and order(notebook) == IDS
    assert notes == ["Your answer a1-mae was missing; it counts as not written."]


def test_of_copies_the_last_changed_one_counts():
    def change(nb):
        for text in (SOLVED_MAE.replace("abs", "sum"), SOLVED_MAE, MAE):
            copy = nbformat.from_dict(nb.cells[2])
            nb.cells.insert(find(nb, "a1-code-1"),
                            nbformat.from_dict({**copy, "source": text, "id": f"c{len(nb.cells)}"}))
        nb.cells[2].source = MAE
    notebook, notes = mended(change)
    assert sources(notebook)["a1-mae"] == SOLVED_MAE
    assert SOLVED_MAE.replace("abs", "sum") in own(notebook) and MAE not in own(notebook)
    assert notes == ["The cell a1-mae stood 4 times in your notebook; the last one that you changed was graded."]


def test_a_copied_check_stands_once():
    def change(nb): nb.cells.append(nbformat.from_dict({**nb.cells[4], "id": "copy"}))
    notebook, notes = mended(change)
    assert order(notebook) == IDS and says(notes, "a1-mae-check stood 2 times", "original")


def test_an_answer_split_into_two_cells_runs_whole():
    def change(nb):
        head, tail = SOLVED_MAE, "scale = 1  # the second half, with the same metadata"
        nb.cells.insert(3, nbformat.from_dict({**nb.cells[2], "source": tail, "id": "half"}))
    notebook, _ = mended(change)
    assert sources(notebook)["a1-mae"] == SOLVED_MAE and any(text.startswith("scale = 1") for text in own(notebook))


@pytest.mark.parametrize("below", (False, True))
def test_a_function_in_an_own_cell_counts_where_the_answer_was_left(below):
    def change(nb):
        nb.cells[2].source = MAE
        nb.cells.insert(5 if below else 2, new_code_cell("def mae(a, b): return (a - b).abs().mean()"))
    notebook, notes = mended(change)
    assert sources(notebook)["a1-mae"].startswith("def mae(a, b)") and MAE not in own(notebook)
    assert find(notebook, "a1-mae") < find(notebook, "a1-mae-check")
    assert says(notes, "a1-mae was left as it was", "mae was graded as your answer")


def test_own_cells_that_define_parts_of_an_answer_run_after_its_stub():
    def change(nb):
        nb.cells[7].source = TWO
        nb.cells[7:7] = [new_code_cell("def one(x): return x"), new_code_cell("class Two: x = 2")]
    notebook, notes = mended(change)
    texts = [c.source for c in notebook.cells]
    places = [texts.index(t) for t in (TWO, "def one(x): return x", "class Two: x = 2")]
    assert places == sorted(places) and places[-1] < find(notebook, "a1-two-check")
    assert says(notes, "a1-two was left as it was", "counts")


def test_a_value_with_the_answers_name_is_not_taken_for_the_answer():
    def change(nb):
        nb.cells[2].source = MAE
        nb.cells.insert(3, new_code_cell("mae = mae(1, 2)"))
    notebook, _ = mended(change)
    assert sources(notebook)["a1-mae"] == MAE and "mae = mae(1, 2)" in own(notebook)


def test_a_written_answer_is_not_replaced_by_another_definition():
    def change(nb): nb.cells.insert(2, new_code_cell("def mae(a, b): return 0"))
    notebook, notes = mended(change)
    assert sources(notebook)["a1-mae"] == SOLVED_MAE and notes == []


def test_an_answer_and_its_check_in_one_cell_are_taken_apart():
    def change(nb):
        nb.cells[2].source += "\n\n" + nb.cells[4].source
        del nb.cells[3:5]
    notebook, notes = mended(change)
    assert sources(notebook)["a1-mae"] == SOLVED_MAE and order(notebook) == IDS
    assert notes == ["One cell held a1-mae and a1-mae-check; they were taken apart."]


def test_the_setup_and_an_answer_in_one_cell_are_taken_apart():
    def change(nb):
        nb.cells[1].source += "\n" + nb.cells[2].source
        del nb.cells[2]
    notebook, notes = mended(change)
    assert sources(notebook)["a1-mae"] == SOLVED_MAE and says(notes, "a1-given-1 and a1-mae")


@pytest.mark.parametrize("comment", ["    # a1-mae: there I used abs", "# a1-mae: there I used abs", "    # a1-mae: your answer"])
def test_a_comment_that_names_an_exercise_cuts_nothing(comment):
    answer = SOLVED_TWO.replace("    return x", f"{comment}\n    return x", 1)
    def change(nb): nb.cells[7].source = answer
    notebook, notes = mended(change)
    assert sources(notebook)["a1-two"] == answer and sources(notebook)["a1-mae"] == SOLVED_MAE and notes == []


def test_a_magic_above_an_answer_stays_with_it():
    def change(nb): nb.cells[2].source = "%%time\n" + SOLVED_MAE
    notebook, notes = mended(change)
    assert sources(notebook)["a1-mae"] == "%%time\n" + SOLVED_MAE and notes == []


def test_an_answer_without_its_first_line_is_known_by_its_metadata():
    def change(nb): nb.cells[2].source = "mae = lambda a, b: 0"
    notebook, notes = mended(change)
    assert sources(notebook)["a1-mae"] == "mae = lambda a, b: 0" and notes == []


@pytest.mark.parametrize("kind", ("markdown", "raw"))
def test_an_answer_turned_into_text_is_code_again(kind):
    def change(nb):
        nb.cells[2] = nbformat.from_dict({**nb.cells[2], "cell_type": kind})
        for name in ("outputs", "execution_count"): del nb.cells[2][name]
    notebook, notes = mended(change)
    assert notebook.cells[2].cell_type == "code" and sources(notebook)["a1-mae"] == SOLVED_MAE
    assert notes == [f"You turned the cell a1-mae into {kind}; it was graded as code."]


def test_a_text_answer_keeps_its_pictures():
    picture = {"plot.png": {"image/png": "aGk="}}
    def change(nb): nb.cells[10]["attachments"] = picture
    assert mended(change)[0].cells[10].attachments == picture


# Metadata gone

def test_colab_took_the_metadata():
    notebook, notes = mended(bare)
    assert [c.source for c in notebook.cells] == [c.source for c in solved().cells]
    assert says(notes, "8 cells had lost nbgrader's metadata", "Colab") and len(notes) == 1


def test_metadata_and_first_lines_gone():
    notebook, notes = mended(lambda nb: bare(nb, first_lines=False))
    found = sources(notebook)
    assert order(notebook) == IDS
    assert found["a1-mae"] == SOLVED_MAE.partition("\n")[2] and found["a1-two"] == SOLVED_TWO.partition("\n")[2]
    assert "Because." in found["a1-why"] and says(notes, "lost nbgrader's metadata")


def test_a_function_renamed_after_all_marks_were_lost_is_found_by_its_lines():
    def change(nb):
        bare(nb, first_lines=False)
        nb.cells[7].source = nb.cells[7].source.replace("class Two", "class Zwei")
    assert "class Zwei" in sources(mended(change)[0])["a1-two"]


def test_a_text_answer_without_any_mark_is_found_by_its_place():
    def change(nb):
        bare(nb)
        nb.cells[10].source = "Two sentences of my own."
    notebook, notes = mended(change)
    assert sources(notebook)["a1-why"] == "Two sentences of my own." and not says(notes, "missing")


def test_edited_setup_without_metadata_is_still_known():
    def change(nb):
        bare(nb)
        nb.cells[1].source += "\nimport numpy as np"
    notebook, notes = mended(change)
    assert says(notes, "changed the locked cell a1-given-1", "np") and "import numpy as np" in own(notebook)


def test_another_assignment_is_told():
    def change(nb):
        nb.metadata.ssnet = {"assignment": "a2", "seed": 0}
        for c in nb.cells:
            c.source = c.source.replace("a1-", "a2-").replace("mae", "cam")
            c.id = c.id.replace("a1", "a2")
            if "nbgrader" in c.metadata:
                c.metadata.nbgrader.grade_id = c.metadata.nbgrader.grade_id.replace("a1-", "a2-")
    notebook, notes = mended(change)
    assert says(notes, "handed out for a2, not for a1") and says(notes, "no exercise of this assignment",
                                                                 "a2-mae-check")
    assert sources(notebook)["a1-mae"] == MAE and says(notes, "a1-mae was missing")


def test_one_cell_of_another_assignment_is_told():
    notebook, notes = mended(lambda nb: nb.cells.append(new_code_cell("# a2-cam: your answer\ndef cam(): pass")))
    assert notes == ["These cells belong to no exercise of this assignment and were not graded: a2-cam."]
    assert "# a2-cam: your answer\ndef cam(): pass" in own(notebook)


def test_another_year_is_told():
    def change(nb): nb.metadata.ssnet["seed"] = 2026
    notebook, notes = mended(change)
    assert sources(notebook)["a1-mae"] == SOLVED_MAE and notes == [
        "This notebook is variant 2026; variant 0 was graded, so numbers in its text may differ."]


def test_an_empty_notebook_gives_the_release():
    notebook, notes = mended(lambda nb: new_notebook())
    assert sources(notebook) == {i: t for i, t in sources(released()).items()} and order(notebook) == IDS
    assert says(notes, "a1-mae was missing") and says(notes, "put back", "a1-given-1", "a1-two-hidden")


def test_code_that_is_no_python_is_kept():
    def change(nb):
        nb.cells[2].source = SOLVED_MAE + "\n    return (("
        nb.cells.insert(3, new_code_cell("!ls\n%%bash\n\x00 (((" + "(" * 5000))
    notebook, notes = mended(change)
    assert sources(notebook)["a1-mae"].endswith("((") and notes == []


# Any sequence of edits

EXTRA = ["x = 1", MAE, SOLVED_TWO, "# a1-mae-check: 2 points", "def mae(a, b): return 0", "class Two: pass", "", "((",
         "# a2-cam: your answer"]


def edit(cells, dice):
    "One random edit of a list of cells."
    at, to = (dice.randrange(len(cells) + 1) for _ in range(2))
    what = dice.choice("delete copy move strip edit empty merge swap insert type unmark append".split())
    if what == "insert" or at == len(cells): return cells.insert(to, new_code_cell(dice.choice(EXTRA)))
    c = cells[at]
    if what == "delete": del cells[at]
    elif what == "copy": cells.insert(to, nbformat.from_dict(json.loads(json.dumps(c))))
    elif what == "move": cells.insert(min(to, len(cells) - 1), cells.pop(at))
    elif what == "strip": c.metadata = nbformat.NotebookNode()
    elif what == "edit": c.source = c.source.replace("return", "return 1 +").replace("check_", "check")
    elif what == "empty": c.source = ""
    elif what == "merge" and at: cells[at - 1].source += "\n" + cells.pop(at).source
    elif what == "swap": c.metadata, cells[to % len(cells)].metadata = cells[to % len(cells)].metadata, c.metadata
    elif what == "type":
        cells[at] = nbformat.from_dict({"cell_type": dice.choice(["code", "markdown", "raw"]), "id": c.id,
                                        "source": c.source, "metadata": c.metadata})
    elif what == "unmark": c.source = c.source.partition("\n")[2]
    elif what == "append": c.source += "\n" + dice.choice(EXTRA)


def check_order(notebook, given):
    "Given cells stand before all that follows them in the release; checks below their answer."
    at = {c.metadata.nbgrader.grade_id: i for i, c in enumerate(notebook.cells) if "nbgrader" in c.metadata}
    ids = [c.metadata.nbgrader.grade_id for c in given.cells if "nbgrader" in c.metadata]
    assert sorted(at) == sorted(ids)
    for k, id in enumerate(ids):
        mark = notebook.cells[at[id]].metadata.nbgrader
        if not mark.grade and not mark.solution: assert all(at[id] < at[later] for later in ids[k + 1:])
        if mark.grade and not mark.solution: assert at[id] > at.get(id.rsplit("-", 1)[0], -1)


def torture(given, answered, seed, edits):
    "Repair a randomly edited submission; the result is whole, valid, in order, and a second repair changes nothing."
    dice = random.Random(seed)
    cells = json.loads(json.dumps(answered.cells))
    submission = new_notebook(cells=[nbformat.from_dict(c) for c in cells])
    for _ in range(edits): edit(submission.cells, dice)
    notebook, notes = repair.repair(given, submission)
    assert repair.repair(given, submission) == (notebook, notes)
    nbformat.validate(notebook)
    check_order(notebook, given)
    for c in notebook.cells:
        if c.metadata.get("nbgrader", {}).get("locked"): assert c in given.cells
    again, _ = repair.repair(given, notebook)
    assert order(again) == order(notebook)


@pytest.mark.parametrize("edits", (1, 2, 4, 8, 30))
def test_any_sequence_of_edits_gives_a_whole_notebook(edits):
    for seed in range(200): torture(released(), solved(), seed, edits)


def answered(a):
    "A real assignment's notebook with its solutions, as a student would hand it in."
    notebook = course.notebook(a)
    for c in notebook.cells:
        keep, text = True, []
        for line in c.source.split("\n"):
            if "HIDDEN TESTS" in line: keep = "END" in line
            elif "SOLUTION" not in line and keep: text.append(line)
        c.source = "\n".join(text)
    return notebook


@pytest.mark.parametrize("a", course.ASSIGNMENTS)
def test_the_real_assignments(a, tmp_path):
    given = nbformat.read(release.make_course(a, 0, tmp_path) / f"release/{a}/{a}.ipynb", as_version=4)
    notebook, notes = repair.repair(given, answered(a))
    assert notes == [] and order(notebook) == order(given)
    for strip in (bare(answered(a)), bare(answered(a), first_lines=False)):
        found = sources(repair.repair(given, strip)[0])
        for c in answered(a).cells:
            if c.metadata.get("nbgrader", {}).get("solution"):
                assert found[c.id] in (c.source, c.source.partition("\n")[2]), c.id
    for seed in range(20): torture(given, answered(a), seed, seed)


# Reading

def write(tmp_path, data, name="a1.ipynb"):
    "A file with bytes, or with an object as JSON."
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
    return path


def minimal(*cells, **more):
    "A notebook as JSON."
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells), **more}


CODE = {"cell_type": "code", "source": "x = 1", "metadata": {}, "outputs": [], "execution_count": None, "id": "one"}
BROKEN = {
    "empty": (b"", "is empty"), "blank": (b"  \n", "is empty"), "text": (b"def mae(): pass", "not in the format JSON"),
    "cut off": (json.dumps(minimal(CODE)).encode()[:60], "not in the format JSON"),
    "pdf": (b"%PDF-1.7 ...", "is a PDF file"),
    "zip": (b"PK\x03\x04abc", "is a zip archive"), "png": (b"\x89PNG\r\n", "is a picture"),
    "html": (b"<!DOCTYPE html>", "is a web page"),
    "gzip": (b"\x1f\x8b\x08", "is a compressed archive"), "latin": ("é".encode("latin-1") * 9, "no text in UTF-8"),
    "utf16": (json.dumps(minimal(CODE)).encode("utf-16"), "no text in UTF-8"),
    "deep": (b"[" * 200_000, "nested too deeply"),
    "list": ([], "no notebook of version 4"), "number": (3, "no notebook of version 4"),
    "null": (None, "no notebook of version 4"),
    "other json": ({"a": 1}, "no notebook of version 4"), "no cells": ({"nbformat": 4}, "no notebook of version 4"),
    "version 5": (minimal(nbformat=5), "no notebook of version 4"),
    "cells no list": ({"nbformat": 4, "cells": {}}, "no notebook of version 4"),
    "bad version 3": ({"nbformat": 3, "worksheets": 7}, "version 3 that cannot be converted"),
    "cell no object": (minimal(CODE, 3), "Cell 2 of the notebook is no cell"),
    "no type": (minimal({"source": ""}), "Cell 1 of the notebook is neither"),
    "type a list": (minimal({**CODE, "cell_type": ["code"]}), "neither code nor text"),
    "odd type": (minimal({**CODE, "cell_type": "sql"}), "neither code nor text"),
    "no source": (minimal({"cell_type": "code"}), "has no text"),
    "source a number": (minimal({**CODE, "source": 3}), "has no text"),
    "source mixed": (minimal({**CODE, "source": ["a", 3]}), "has no text"),
    "surrogate": (minimal({**CODE, "source": "\ud800"}), "has no text"),
    "bad picture": (minimal({"cell_type": "markdown", "source": "", "attachments": {"a": {"image/png": 3}}}),
                    "has no text"),
    "many cells": (minimal(*[CODE] * 5001), "5001 cells"), "big": (b" " * 20_000_001, "20 MB, more than 20"),
    "long number": (b"9" * 5000, "not in the format JSON")}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_cannot_be_read_is_one_sentence(kind, tmp_path):
    data, words = BROKEN[kind]
    with pytest.raises(Unreadable) as error: read_submission(write(tmp_path, data))
    said = str(error.value)
    assert words in said and said.endswith(".") and "\n" not in said and str(tmp_path) not in said


@pytest.mark.parametrize("make", (lambda p: None, lambda p: p.mkdir(), lambda p: p.symlink_to(p)))
def test_no_file_is_one_sentence(make, tmp_path):
    make(tmp_path / "a1.ipynb")
    with pytest.raises(Unreadable, match="There is no file a1.ipynb"): read_submission(tmp_path / "a1.ipynb")


def test_outputs_counts_and_other_metadata_are_dropped(tmp_path):
    odd = {**CODE, "outputs": [{"no": "output"}], "execution_count": 3,
           "metadata": {"tags": ["skip-execution"], "nbgrader": {"grade_id": "a1-mae", "points": 9}}}
    data = minimal(odd, metadata={"kernelspec": {"name": "R"}, "ssnet": {"assignment": "a1", "seed": 3, "x": 1}})
    notebook = read_submission(write(tmp_path, data))
    nbformat.validate(notebook)
    assert notebook.metadata == {"ssnet": {"assignment": "a1", "seed": 3}}
    assert notebook.cells[0] == {**CODE, "metadata": {"nbgrader": {"grade_id": "a1-mae"}}}


@pytest.mark.parametrize("metadata", (None, 3, [], {"nbgrader": 3}, {"nbgrader": {"grade_id": 3}}))
def test_odd_metadata_counts_as_none(metadata, tmp_path):
    notebook = read_submission(write(tmp_path, minimal({**CODE, "metadata": metadata}, metadata=metadata)))
    assert notebook.cells[0].metadata == {} and notebook.metadata == {}


def test_lines_ids_and_versions_of_other_editors_are_read(tmp_path):
    data = minimal({"cell_type": "code", "source": ["x = 1\n", "y = 2"], "metadata": {}}, {**CODE, "id": "an id!"},
                   nbformat_minor=0)
    notebook = read_submission(write(tmp_path, b"\xef\xbb\xbf" + json.dumps(data).encode()))
    assert [c.source for c in notebook.cells] == ["x = 1\ny = 2", "x = 1"] and notebook.cells[1].id == "cell-2"
    nbformat.validate(notebook)


def test_version_3_is_converted(tmp_path):
    cells = [{"cell_type": "heading", "level": 1, "source": "Title", "metadata": {}},
             {"cell_type": "code", "input": SOLVED_MAE, "language": "python", "outputs": [], "metadata": {},
              "collapsed": False}]
    data = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""},
            "worksheets": [{"cells": cells, "metadata": {}}]}
    notebook = read_submission(write(tmp_path, data))
    assert [c.source for c in notebook.cells] == ["# Title", SOLVED_MAE]
    assert sources(repair.repair(released(), notebook)[0])["a1-mae"] == SOLVED_MAE


def test_a_saved_submission_is_read_and_repaired(tmp_path):
    nbformat.write(solved(), tmp_path / "a1.ipynb")
    notebook, notes = repair.repair(released(), read_submission(tmp_path / "a1.ipynb"))
    assert notes == [] and sources(notebook)["a1-two"] == SOLVED_TWO and notebook.metadata == released().metadata
