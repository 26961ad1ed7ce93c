"""A course of one small assignment in a temporary folder, and results as grading writes them."""
import json

import course
import nbformat

REFERENCE = '''# a1-mae: your answer
def mae(S, Y):
    "Mean absolute error."
    ### BEGIN SOLUTION
    total = 0.0
    for s, y in zip(S.flatten().tolist(), Y.flatten().tolist()):
        total = total + abs(s - y)
    count = max(S.numel(), 1)
    return round(total / count, 12)
    ### END SOLUTION
'''
OTHER = '''# a1-mae: your answer
def mae(S, Y):
    difference = S.double() - Y.double()
    positive = difference.where(difference > 0, -difference)
    weights = positive.new_ones(positive.shape) / positive.numel()
    return (positive * weights).sum().item()
'''
PACKAGE = "def error(a, b):\n" + "".join(OTHER.splitlines(keepends=True)[2:]).replace("S.", "a.").replace("Y.", "b.") \
    .replace("difference", "d").replace("weights", "w").replace("positive", "p")


def cell(kind, source, **nbgrader):
    "A notebook cell with nbgrader's metadata."
    made = nbformat.v4.new_markdown_cell(source) if kind == "markdown" else nbformat.v4.new_code_cell(source)
    made.metadata["nbgrader"] = {"grade": False, "solution": False, "locked": True, "task": False, "schema_version": 3,
                                 "cell_type": kind} | nbgrader
    return made


def make_course(folder, monkeypatch, manual=None, package=""):
    "A course with the assignment a1 in `folder`; `manual`: points of a part that people grade."
    cells = [cell("code", REFERENCE, grade_id="a1-mae", solution=True, locked=False),
             cell("code", "checks.check_mae(mae)", grade_id="a1-mae-check", grade=True, points=2.0),
             cell("code", "import hidden\nhidden.check_mae(mae)", grade_id="a1-mae-hidden", grade=True, points=3.0)]
    if manual: cells.append(cell("markdown", "Why?", grade_id="a1-report", grade=True, solution=True, points=manual))
    notebook = nbformat.v4.new_notebook(cells=cells)
    (folder / "assignments/source/a1").mkdir(parents=True)
    nbformat.write(notebook, folder / "assignments/source/a1/a1.ipynb")
    (folder / "ssnet").mkdir()
    (folder / "ssnet/scores.py").write_text(package)
    monkeypatch.setattr(course, "COURSE", folder / "assignments")
    return folder / "grading/a1"


def result(student, check=2.0, hidden=3.0, manual=None, notes=(), answer=OTHER, message="your mae is the sum", **more):
    "A result as grading writes it."
    kinds = [("a1-mae-check", "check", check, 2.0), ("a1-mae-hidden", "hidden", hidden, 3.0)]
    if manual: kinds.append(("a1-report", "manual", None, manual))
    cells = [{"id": i, "exercise": i.split("-")[1], "kind": k, "points": p, "max": m,
              "message": "" if p in (m, None) else message} for i, k, p, m in kinds]
    return {"student": student, "assignment": "a1", "seed": 0, "points": check + hidden,
            "max_points": 5.0 + (manual or 0), "cells": cells, "notes": list(notes), "isolation": "bubblewrap",
            "seconds": 1.0, "answers": {"mae": answer}, "key": "0"} | more


def ungraded(student, **more):
    "A result where the grader itself failed."
    made = result(student, notes=["The grader failed here (OSError)"], answer="", **more)
    for c in made["cells"]: c["points"] = None
    return made | {"points": None}


def write_results(out, *results):
    "Write results into the grading folder `out`."
    (out / "results").mkdir(parents=True, exist_ok=True)
    for n, r in enumerate(results): (out / f"results/{n}.json").write_text(json.dumps(r), encoding="utf-8")
    return out
