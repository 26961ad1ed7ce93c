"Made from nbs/37_checking.ipynb by tools/export.py: change the notebook, then `make export`."
from ssnet.checking import CheckFailed
from ssnet.checking import call
from ssnet.checking import close
from ssnet.checking import expect
from ssnet.checking import own_work
import numpy as np
import pytest
import torch


def test_a_failed_check_shows_its_message_alone():
    "nbs/37_checking.ipynb, cell 8"
    with pytest.raises(CheckFailed, match="too large") as failed:
        expect(False, "too large")
    assert failed.value._render_traceback_() == ["✗ too large"]
    assert expect(True, "never shown") is None



def test_a_wrong_result_is_named_by_the_mistake_that_gives_it():
    "nbs/37_checking.ipynb, cell 12"
    close(torch.tensor([1.0, 2.0]), [1, 2], "x")
    with pytest.raises(CheckFailed, match="β where β² is due"):
        close(0.61, 0.58, "F", {"β where β² is due": 0.61})
    with pytest.raises(CheckFailed, match=r"x is 3 at \(0, 1\); 2 is expected"):
        close([[1, 3]], [[1, 2]], "x")
    with pytest.raises(CheckFailed, match=r"x is 3 at \(1,\); 2 is expected"):  # nan where nan is right is no mistake
        close([float("nan"), 3], [float("nan"), 2], "x")



def test_shape_type_and_finiteness_are_said():
    "nbs/37_checking.ipynb, cell 13"
    for got, says in ((torch.zeros(2, 3), r"shape \(2, 3\); \(3, 2\)"), (None, "NoneType"), (torch.full((3, 2), float("nan")), "nan")):
        with pytest.raises(CheckFailed, match=says):
            close(got, torch.zeros(3, 2), "x")



def test_only_numbers_tensors_and_arrays_are_values():
    "nbs/37_checking.ipynb, cell 14"
    class Liar:
        "Claims to be whatever is compared with it."
        def __array__(self, *args, **named): return np.ones(2)
        def __float__(self): return 1.0

    class Answer(torch.Tensor):
        "A tensor that would have a say in every operation."
        @classmethod
        def __torch_function__(cls, *args, **named): raise AssertionError("asked")

    for value in (Liar(), [Liar()], np.array([Liar()], dtype=object), "1", None, [[1], [1, 2]], 10**400):
        with pytest.raises(CheckFailed, match="a number or a tensor is expected"): close(value, 1, "x")
    for value in (1, True, 1.0, np.float32(1), np.array(1), torch.tensor(1), torch.tensor(1.0).as_subclass(Answer)):
        close(value, 1, "x")
    close([torch.tensor(1.0), 2], (1, np.int64(2)), "x")



def test_the_package_s_own_answer_is_noticed_under_any_name():
    "nbs/37_checking.ipynb, cell 18"
    from ssnet.metrics import mae
    S, G = np.array([[[0.5]]]), np.array([[[1]]])
    renamed = {"f": mae}
    for answer in (mae, lambda S, G: renamed["f"](S, G)):
        with pytest.raises(CheckFailed, match="calls ssnet.metrics.mae"):
            with own_work("answer"): answer(S, G)
    with pytest.raises(CheckFailed, match="calls ssnet.metrics.mae"):  # rather than the error that it raises
        with own_work("answer"): mae(S, None)
    with own_work("answer", allow=("metrics",)): mae(S, G)
    with own_work("answer"): abs(S - G).mean()



def test_a_call_says_what_an_answer_may_not_do():
    "nbs/37_checking.ipynb, cell 23"
    S = torch.tensor([0.5, 0.5])
    def in_place(S): S += 1; return S
    def missing(S): raise NotImplementedError
    def broken(S): return S.no_such_thing
    for answer, says in ((in_place, "in place"), (missing, "not written yet"), (broken, r"AttributeError for inputs \(2,\)")):
        with pytest.raises(CheckFailed, match=f"your {answer.__name__} .*{says}"):
            call(answer, S.clone())
    assert call(torch.add, S, 1).tolist() == [1.5, 1.5]
