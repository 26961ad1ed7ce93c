"""A small assignment, `a1`, with two exercises and a text, for tests that grade submissions."""
import copy

import course
import nbformat

CHECKS = '''"Public checks."
import types

import torch

from ssnet.checking import CheckFailed, call, close

SEED = 0


def variant(seed): return types.SimpleNamespace(seed=seed, S=torch.tensor([0.0, 1.0, 0.5, 0.5]), Y=torch.tensor([0.0, 1.0, 1.0, 0.0]))


V = variant(SEED)


def check_mae(mae): close(call(mae, V.S, V.Y), 0.25, "your MAE")


def check_double(double): close(call(double, torch.ones(2)), torch.tensor([2.0, 2.0]), "your double")
'''
HIDDEN = '''"Hidden checks."
import torch

from checks import V
from ssnet.checking import call, close


def check_mae(mae):
    S, Y = torch.rand(7, generator=torch.Generator().manual_seed(V.seed)), torch.ones(7)
    close(call(mae, S, Y), torch.mean(torch.abs(S - Y)), "your MAE of seven pixels")


def check_double(double): close(call(double, torch.arange(5.0)), 2 * torch.arange(5.0), "your double of five numbers")
'''
MAE = "def mae(S, Y):\n    return (S - Y).abs().mean()"
DOUBLE = "def double(x):\n    return 2 * x"


def cell(source, id=None, kind="code", **marks):
    "A cell of the source notebook."
    made = nbformat.v4.new_code_cell(source) if kind == "code" else nbformat.v4.new_markdown_cell(source)
    if id:
        made.id = id
        made.metadata["nbgrader"] = {"grade": "points" in marks, "solution": False, "locked": True, "task": False, "schema_version": 3,
                                     "grade_id": id, "cell_type": kind} | marks
    return made


def exercise(name, text, points):
    "The cells of an exercise."
    body = text.split("\n")[1]
    answer = f"# a1-{name}: your answer\n{text.splitlines()[0]}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"
    hidden = f"# a1-{name}-hidden: {points} points\n### BEGIN HIDDEN TESTS\nimport hidden\nhidden.check_{name}({name})\n### END HIDDEN TESTS"
    return [cell(f"## {name}", kind="markdown"), cell(answer, f"a1-{name}", solution=True, locked=False), cell(f"print('{name}')"),
            cell(f"# a1-{name}-check: {points} points\nchecks.check_{name}({name})", f"a1-{name}-check", points=points),
            cell(hidden, f"a1-{name}-hidden", points=points + 1)]


def make_course(folder, monkeypatch):
    "Write the assignment below `folder` and let `course` find it there; returns the released notebook."
    cells = [cell("import torch\n\nimport checks", "a1-given-1"), *exercise("mae", MAE, 2.0), *exercise("double", DOUBLE, 3.0),
             cell("<!-- a1-report: your answer -->\nBecause.", "a1-report", "markdown", points=4.0, solution=True, locked=False)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    for i, c in enumerate(cells): c.id = c.metadata.get("nbgrader", {}).get("grade_id", f"plain-{i}")
    (folder / "source/a1").mkdir(parents=True)
    (folder / "hidden").mkdir()
    nbformat.write(notebook, folder / "source/a1/a1.ipynb")
    (folder / "source/a1/checks.py").write_text(CHECKS)
    (folder / "hidden/a1.py").write_text(HIDDEN)
    monkeypatch.setattr(course, "COURSE", folder)
    monkeypatch.setattr(course, "ASSIGNMENTS", ("a1",))
    import release
    made = release.make_course("a1", 0, folder / "made")
    return nbformat.read(made / "release/a1/a1.ipynb", as_version=4)


def submission(released, mae=MAE, double=DOUBLE, beside=(), report="Because the mean."):
    "A submission with these answers; `beside`: the text of cells below the answer to mae."
    notebook = copy.deepcopy(released)
    texts = {"a1-mae": f"# a1-mae: your answer\n{mae}", "a1-double": f"# a1-double: your answer\n{double}",
             "a1-report": f"<!-- a1-report: your answer -->\n{report}"}
    for c in notebook.cells:
        id = c.metadata.get("nbgrader", {}).get("grade_id")
        if id in texts: c.source = texts[id]
    below = 1 + [c.id for c in notebook.cells].index("a1-mae")
    notebook.cells[below:below] = [nbformat.v4.new_code_cell(text) for text in beside]
    return notebook


def hand_in(notebook, path):
    "Write a submission to a file."
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
