"""Every right answer passes, every wrong one loses points with the message that names its mistake."""
import course
import pytest

SEEDS = (0, 2027)  # the source's variant, and one of another year
PROOFS = [answer for a in course.ASSIGNMENTS for exercise in course.exercises(a) for answer in course.read_answers(a, exercise)]


def name(answer):
    "The test's name of an answer."
    return f"{answer.assignment}-{answer.exercise}-{'right' if answer.right else 'wrong'}-{answer.title}".replace(" ", "_")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("answer", PROOFS, ids=name)
def test_answer(answer, seed):
    course.load_checks(answer.assignment, seed)
    failed = course.judge(answer)
    if answer.right: assert not failed
    else:
        assert failed, "no check caught it"
        assert answer.says in " ".join(failed.values())


@pytest.mark.parametrize("a", course.ASSIGNMENTS)
def test_every_exercise_has_three_right_and_eight_wrong_answers(a):
    for exercise in course.exercises(a):
        rights = [answer.right for answer in course.read_answers(a, exercise)]
        assert sum(rights) >= 3 and len(rights) - sum(rights) >= 8, f"{a}-{exercise}: {sum(rights)} right of {len(rights)}"
