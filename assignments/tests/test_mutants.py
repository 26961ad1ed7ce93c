"""The table of wrong answers says what the checks did."""
import re
import sys

import course
import mutants
import pytest
from small_course import make_course

CHECKS = '''from types import SimpleNamespace
from ssnet.checking import call, expect
SEED = 0
V = SimpleNamespace(seed=SEED)
def check_mae(mae):
    got = call(mae, 3, 1)
    expect(got != -2, "your mae | keeps <the> sign 1.5")
    expect(got == 2, f"your mae is {got}")
'''
HIDDEN = '''from checks import V
from ssnet.checking import call, expect
def check_mae(mae): expect(call(mae, V.seed, 5) == abs(V.seed - 5), "your mae knows only the public numbers")
'''
PROOF = '''import math
import checks
# %% right: abs
def mae(a, b): return abs(a - b)
# %% wrong: the sign stays | sign
def mae(a, b): return b - a
# %% wrong: the public numbers only | public
def mae(a, b): return 2
# %% wrong: not caught
def mae(a, b): return math.sqrt((a - b) ** 2)
# %% wrong: caught with other words | of the square
def mae(a, b): return (a - b) ** 2
'''


@pytest.fixture
def verdicts(tmp_path, monkeypatch):
    "The verdicts on a small exercise."
    make_course(tmp_path, monkeypatch)
    root = tmp_path / "assignments"
    (root / "hidden").mkdir()
    (root / "proof/a1").mkdir(parents=True)
    (root / "source/a1/checks.py").write_text(CHECKS)
    (root / "hidden/a1.py").write_text(HIDDEN)
    (root / "proof/a1/mae.py").write_text(PROOF)
    return mutants.judge_exercise(("a1", "mae"))


def test_an_answer_counts_when_the_checks_say_what_they_should(verdicts):
    assert [v.good for v in verdicts] == [True, True, True, False, False]
    text = mutants.table({"a1": verdicts})
    assert text.startswith("Caught 2 of 4; false alarms 0 of 1 (variants 0 and 2027).")
    assert "| A1 | mae | 1 of 1 | 2 of 4 |" in text and text.count("**not caught**") == 2
    assert r"| your mae \| keeps \<the\> sign 1.5 |" in text


def test_the_guide_lists_the_exercises_and_the_number_of_answers():
    text = mutants.GUIDE.read_text(encoding="utf-8")
    start, end = mutants.between(text)
    row = r"^\| (A\d) \| (\w+) \| \d+ of (\d+) \| \d+ of (\d+) \|$"
    listed = re.findall(row, text[start:end], flags=re.M)
    held = []
    for a, e in ((a, e) for a in course.ASSIGNMENTS for e in course.exercises(a)):
        rights = [answer.right for answer in course.read_answers(a, e)]
        held.append((a.upper(), e, str(rights.count(True)), str(rights.count(False))))
    assert listed == held, "the table in assignments/README.md is old: run `make mutants`"


def test_the_guide_is_written_and_checked(verdicts, tmp_path, monkeypatch, capsys):
    guide = tmp_path / "README.md"
    guide.write_text("# Guide\n<!-- mutants -->\nan earlier table\n<!-- /mutants -->\nrest\n")
    monkeypatch.setattr(mutants, "GUIDE", guide)
    monkeypatch.setattr(mutants, "judge_all", lambda _: {"a1": verdicts})
    run = lambda *words: (monkeypatch.setattr(sys, "argv", ["mutants.py", *words]), mutants.main())  # noqa: E731
    with pytest.raises(SystemExit, match="make mutants"): run("--check")
    assert "earlier" in guide.read_text()
    run()
    run("--check")
    text = guide.read_text()
    assert "earlier" not in text
    assert text.startswith("# Guide\n<!-- mutants -->\nCaught") and text.endswith("<!-- /mutants -->\nrest\n")
    guide.write_text(text.replace("sign 1.5", "sign 1.5000001"))  # another machine
    run("--check")
    guide.write_text(text.replace("2 of 4", "3 of 4"))
    with pytest.raises(SystemExit): run("--check")
    guide.write_text("no markers")
    with pytest.raises(SystemExit): run("--check")
