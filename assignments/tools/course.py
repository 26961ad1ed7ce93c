"""What the tools and the tests know of an assignment: its notebook, its checks, and the right and wrong answers to it.

source/a1/a1.ipynb    the notebook with solutions; source/a1/checks.py: the public checks, which a student gets too
hidden/a1.py          the hidden checks, never handed out
proof/a1/mae.py       right and wrong answers to the exercise `mae`, which prove the checks
"""
import io
import re
import sys
import types
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import nbformat

from ssnet.checking import CheckFailed

COURSE = Path(__file__).resolve().parents[1]
ASSIGNMENTS = tuple(sorted(p.name for p in (COURSE / "source").glob("a?")))


@dataclass(frozen=True)
class Answer:
    "An answer to an exercise, as a student would write it."
    assignment: str  # "a1"
    exercise: str    # "mae"
    right: bool
    title: str       # what is special about it, or wrong with it
    says: str        # for a wrong one: words that the message must hold
    prelude: str     # what the notebook has defined before it
    text: str        # the answer's source


def with_seed(text, seed):
    "The source of checks.py for the yearly variant `seed`."
    changed, count = re.subn(r"^SEED = \d+", f"SEED = {seed}", text, flags=re.M)
    if count != 1: raise ValueError(f"checks.py holds {count} lines `SEED = number`; it needs one")
    return changed


def load_module(name, text, file):
    "Run `text` as the module `name`, as if it stood in `file`."
    module = types.ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module
    exec(compile(text, str(file), "exec"), module.__dict__)
    return module


def load_checks(assignment, seed=0):
    "The modules `checks` and `hidden` of an assignment, for the variant `seed`; importable under these names."
    public, hidden = COURSE / f"source/{assignment}/checks.py", COURSE / f"hidden/{assignment}.py"
    checks = load_module("checks", with_seed(public.read_text(encoding="utf-8"), seed), public)
    return checks, load_module("hidden", hidden.read_text(encoding="utf-8"), hidden)


def notebook(assignment):
    "The notebook with solutions."
    return nbformat.read(COURSE / f"source/{assignment}/{assignment}.ipynb", as_version=4)


def graded_cells(assignment):
    "{grade id: cell} of the cells that give points, in order."
    cells = notebook(assignment).cells
    return {c.metadata.nbgrader.grade_id: c for c in cells if c.metadata.get("nbgrader", {}).get("grade")}


def exercises(assignment):
    "The names of the exercises that a machine grades, in order."
    ids = [i for i, cell in graded_cells(assignment).items() if cell.cell_type == "code"]
    return list(dict.fromkeys(re.sub(f"^{assignment}-|-(check|hidden)$", "", i) for i in ids))


def read_answers(assignment, exercise):
    "The answers in proof/A/EXERCISE.py: cells `# %% right: title` and `# %% wrong: title | words of the message`."
    text = (COURSE / f"proof/{assignment}/{exercise}.py").read_text(encoding="utf-8")
    prelude, *cells = re.split(r"^# %% ", text, flags=re.M)
    found = []
    for cell in cells:
        head, _, body = cell.partition("\n")
        kind, _, title = head.partition(": ")
        title, _, says = title.partition(" | ")
        if kind not in ("right", "wrong"): raise ValueError(f"proof/{assignment}/{exercise}.py: `# %% {head}`")
        found.append(Answer(assignment, exercise, kind == "right", title.strip(), says.strip(), prelude, body.strip("\n")))
    return found


def judge(answer):
    "The messages {grade id: sentence} of the graded cells that an answer does not pass; load_checks must come first."
    space, failed = {"__name__": "__main__"}, {}
    exec(answer.prelude, space)
    exec(compile(answer.text, f"{answer.exercise}: {answer.title}", "exec"), space)
    for kind in ("check", "hidden"):
        name = f"{answer.assignment}-{answer.exercise}-{kind}"
        cell = graded_cells(answer.assignment).get(name)
        if cell is None: continue
        try:
            with redirect_stdout(io.StringIO()): exec(cell.source, space)
        except CheckFailed as failure: failed[name] = str(failure)
    return failed
