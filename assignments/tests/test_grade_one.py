"""Marks do not depend on how a kernel's messages come in, and what the grader fails at gives no marks and a reason."""
import json
from types import SimpleNamespace

import grade
import grade_one
import pytest
import toy_course

FULL = 12.0
LOUD = "def mae(S, Y):\n    for i in range(2500): print(i, flush=True)\n    return (S - Y).abs().mean()"
SHOWS = "from IPython.display import display\nfor i in range(4000): display(i)"


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    "The released notebook of the small assignment."
    patch = pytest.MonkeyPatch()
    yield toy_course.make_course(tmp_path_factory.mktemp("toy"), patch)
    patch.undo()


def graded(folder, submissions, *more):
    "(exit status, {student: result}) of graded submissions."
    for name, notebook in submissions.items(): toy_course.hand_in(notebook, folder / "from" / f"{name}.ipynb")
    status = grade.main(["a1", str(folder / "from"), "--out", str(folder / "out"), *more])
    return status, {p.stem: json.loads(p.read_text()) for p in (folder / "out/results").glob("*.json")}


def test_many_messages_cost_no_points_and_no_note(toy, tmp_path):
    loud, shows = toy_course.submission(toy, mae=LOUD), toy_course.submission(toy, beside=[SHOWS])
    _, found = graded(tmp_path, {"loud": loud, "shows": shows})
    assert {name: (r["points"], r["notes"]) for name, r in found.items()} == {"loud": (FULL, []), "shows": (FULL, [])}


def test_the_grader_fails_without_marks_and_says_why(toy, tmp_path):
    status, found = graded(tmp_path, {"anna": toy_course.submission(toy)}, "--memory", "0.05")
    assert status == 1 and found["anna"]["points"] is None and {c["points"] for c in found["anna"]["cells"]} == {None}
    assert any(words in found["anna"]["notes"][0] for words in ("Kernel died", "0.05 GB of memory"))


def test_an_unreadable_submission_has_zero_points(toy, tmp_path):
    (tmp_path / "from").mkdir()
    (tmp_path / "from/anna.ipynb").write_text("no notebook")
    status, found = graded(tmp_path, {})
    assert status == 0 and found["anna"]["points"] == 0 and found["anna"]["cells"][0]["points"] == 0


def test_the_reason_is_the_last_error_of_a_log():
    log = "ValueError: first\n  more\njupyter.KernelError: the kernel died: why\n\nNbGraderException: Please see the above traceback\n"
    assert grade_one.reason_in(log) == "jupyter.KernelError: the kernel died: why" and grade_one.reason_in("") == ""


# The start of a kernel

def starting(toy, reason, out_of_time):
    "A Run whose kernel never starts, and how often it was tried."
    run, tries = grade_one.Run(), []
    run.nb, run.notes, run.messages = toy_course.submission(toy), [], {}
    run.watchdog = SimpleNamespace(told=lambda: reason, out_of_time=out_of_time)
    def launch():
        tries.append(1)
        raise RuntimeError("Kernel died")
    run.launch = launch
    return run, tries


def test_the_end_of_the_time_while_a_kernel_starts_costs_the_rest_alone(toy):
    run, tries = starting(toy, "the whole submission took longer than 9 s", True)
    first = [c.id for c in run.nb.cells].index("a1-double")
    assert run.run_from(first) == len(run.nb.cells) and len(tries) == 1
    assert run.notes == ["the whole submission took longer than 9 s"]
    assert set(run.messages) == {"a1-double-check", "a1-double-hidden"}


@pytest.mark.parametrize("reason", ["", "more than 1 GB of memory were used"])
def test_a_kernel_that_does_not_start_gets_one_more_try(toy, reason):
    run, tries = starting(toy, reason, False)
    with pytest.raises(RuntimeError, match=reason or "Kernel died"): run.run_from(0)
    assert len(tries) == 2 and run.messages == {}
