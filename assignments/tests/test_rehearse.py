"""The rehearsal itself: what it makes, what it knows, what it notices; and a small one."""
import ast
import copy
import random
from pathlib import Path

import course
import hostile
import pytest
import rehearse

KINDS = {k.name: k for k in hostile.KINDS}
SMALL = ["right", "wrong", "edits_a_check", "through_colab", "writes_outside", "segfault",
         "syntax_error", "empty_file", "no_notebook", "pdf_renamed", "cut_off", "notebook_is_a_link"]


def contents(folder):
    "{name: bytes} of a folder's files."
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_200_submissions_hold_every_kind():
    plan = rehearse.plan(200, random.Random(0))
    assert len(plan) == 200 and set(plan) == {"right", "wrong", *KINDS} and len(KINDS) == len(hostile.KINDS)


def test_the_same_seed_makes_the_same_submissions(tmp_path):
    only = ["right", "wrong", "edits_a_check", "leaves_a_daemon", "cut_off"]
    made = []
    for seed in (0, 0, 1):
        rehearse.prepare(tmp_path)
        made.append((rehearse.make("a1", tmp_path, 10, seed, only), contents(tmp_path / "submissions")))
    assert made[0] == made[1] != made[2]


def test_known_marks(tmp_path):
    rehearse.prepare(tmp_path)
    cases = rehearse.make("a1", tmp_path, 24, 0, ["right", "wrong", "only_stubs", "endless_loop"])
    all_points = sum(rehearse.machine_cells("a1").values())
    for case in cases:
        got = sum(case.known.values())
        if case.kind == "right": assert got == all_points
        elif case.kind == "only_stubs": assert got == 0
        else: assert 0 <= got < all_points


def test_attacks_are_python():
    exercise, names, notebook = course.exercises("a1")[0], rehearse.checked_names("a1"), course.notebook("a1")
    notebook.metadata["ssnet"] = {"assignment": "a1", "seed": 0}
    answers = hostile.Submission("a1", notebook, exercise, names, Path("/nowhere"), 1)
    for name in KINDS.keys() - {"syntax_error", "tabs_and_spaces", "magics", "colab_with_its_cells"}:
        sub = copy.deepcopy(answers)
        KINDS[name].change(sub)
        ast.parse("\n".join(c.source for c in sub.notebook.cells if c.cell_type == "code"))


def test_what_differs_is_said():
    case = rehearse.Case(0, "wrong", "wrong", {"a1-x-check": 2.0}, "longer than")
    result = {"cells": [{"id": "a1-x-check", "kind": "check", "points": 0.0, "message": ""}], "notes": []}
    assert rehearse.compare(case, result) == ["a1-x-check: 0.0 points, known 2", "no note says 'longer than': []"]
    assert rehearse.compare(case, None) == ["there is no result"]


def test_what_was_touched_is_said(tmp_path):
    before, after = {"/a/x": 1, "/a/y": 1, "/a/z": 1}, {"/a/x": 1, "/a/y": 2, "/a/new": 1, "/b/new": 1}
    assert rehearse.touched(before, after, "/b") == ["/a/new was made", "/a/y was changed", "/a/z was removed"]


@pytest.mark.parametrize("words, says", [
    (["a9"], "there is no assignment a9; there are: a1"), (["a1", "--only", "foo"], "there is no kind foo: give right"),
    (["a1", "--number", "0"], "above 0"), (["a1", "--seed", "-1"], "the seed -1"),
    (["a1", "--out", "/proc/x"], "/proc/x cannot")])
def test_bad_input_is_one_sentence_and_exit_1(words, says, tmp_path, capsys):
    assert rehearse.main(["--out", str(tmp_path / "r"), *words]) == 1
    told = capsys.readouterr().err
    assert says in told and told.count("\n") == 1 and not (tmp_path / "r").exists()


def test_only_a_rehearsals_folder_is_emptied(tmp_path, capsys):
    (tmp_path / "outside").mkdir()
    (tmp_path / "thesis.txt").write_text("mine")
    assert rehearse.main(["a1", "--out", str(tmp_path)]) == 1
    assert "no rehearsal's" in capsys.readouterr().err and (tmp_path / "thesis.txt").read_text() == "mine"
    rehearse.prepare(tmp_path / "new")
    (tmp_path / "new/old.txt").touch()
    rehearse.prepare(tmp_path / "new")
    assert not (tmp_path / "new/old.txt").exists()


def test_the_table_names_what_was_rehearsed():
    report = dict.fromkeys(("seconds", "median", "longest", "second_run", "fresh_seconds"), 1.0)
    report |= {"assignment": "a2", "seed": 2027, "cases": [], "jobs": 2, "machine": "m", "isolation": [], "fresh": 0}
    assert rehearse.table(report).startswith("A2, seed 2027\n")


def test_a_small_rehearsal(tmp_path, capsys):
    words = ["a1", "--number", str(len(SMALL)), "--only", ",".join(SMALL), "--out", str(tmp_path / "r")]
    status = rehearse.main(words)
    said = capsys.readouterr().out
    assert status == 0 and said.startswith("A1, seed 0\n"), said
