"""The notebook with solutions, graded as a submission, gets every point that a machine gives."""
import json
import os
import subprocess
import sys

import course
import nbformat
import pytest
import release


def solved(assignment, seed, folder):
    "Write the released notebook with the solutions in its answer cells to `folder`."
    released = nbformat.read(release.release(assignment, seed, folder / "release") / f"{assignment}.ipynb", as_version=4)
    solutions = {cell.id: cell.source for cell in course.notebook(assignment).cells}
    for cell in released.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"): cell.source = solutions[cell.id]
    (folder / "submissions/reference").mkdir(parents=True)
    nbformat.write(released, folder / f"submissions/reference/{assignment}.ipynb")


@pytest.mark.parametrize("assignment, path", [*((a, os.environ["PATH"]) for a in course.ASSIGNMENTS), ("a3", "")],
                         ids=[*course.ASSIGNMENTS, "a3 without bubblewrap"])
def test_the_reference_gets_full_marks(assignment, path, tmp_path):
    solved(assignment, 2027, tmp_path)
    command = [sys.executable, course.COURSE / "tools/grade.py", assignment, tmp_path / "submissions",
               "--seed", "2027", "--out", tmp_path / "grading"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PATH": path})
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "grading/results/reference.json").read_text(encoding="utf-8"))
    lost = {c["id"]: c["message"] for c in result["cells"] if c["kind"] != "manual" and c["points"] != c["max"]}
    assert not lost and not result["notes"]
    assert sum(c["points"] for c in result["cells"] if c["kind"] != "manual") > 0
