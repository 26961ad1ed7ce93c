"Made from nbs/16_recipe.ipynb by tools/export.py: change the notebook, then `make export`."
from ssnet.files import InputError
from ssnet.recipe import PAPER
from ssnet.recipe import PAPER2
from ssnet.recipe import PRESETS
from ssnet.recipe import TINY
from ssnet.recipe import build
from ssnet.recipe import make_recipe
from ssnet.recipe import rate_at
import pytest
import torch


def test_text_from_a_command_line_becomes_the_type_of_the_field():
    "nbs/16_recipe.ipynb, cell 14"
    recipe = make_recipe("tiny", 1, steps="300", rate="0.01", dilations="1,2")
    assert (recipe.steps, recipe.rate, recipe.dilations) == (300, 0.01, (1, 2))



def test_a_switch_understands_words_and_refuses_others():
    "nbs/16_recipe.ipynb, cell 16"
    with pytest.raises(InputError, match="compile or recompute"): make_recipe("tiny", 1, compile=True, recompute=True)
    for word in ("false", "False", "no", "off", "0", 0, False): assert make_recipe("tiny", 1, compile=word).compile is False
    for word in ("true", "TRUE", "yes", "on", "1", 1, True): assert make_recipe("tiny", 1, compile=word).compile is True
    for word in ("", "maybe", "2"):
        with pytest.raises(InputError, match="'compile' cannot be"): make_recipe("tiny", 1, compile=word)



def test_bad_recipes_are_refused_by_name():
    "nbs/16_recipe.ipynb, cell 17"
    with pytest.raises(InputError, match="no preset 'huge'"): make_recipe("huge", 1)
    with pytest.raises(InputError, match="no stage 3"): make_recipe("tiny", 3)
    with pytest.raises(InputError, match="no setting 'learning_rate'"): make_recipe("tiny", 1, learning_rate=1)
    with pytest.raises(InputError, match="'steps' cannot be 'many'"): make_recipe("tiny", 1, steps="many")
    with pytest.raises(InputError, match="'reading' cannot be 'mine'"): make_recipe("tiny", 1, reading="mine")
    with pytest.raises(InputError, match="'crop' is 1.5"): make_recipe("tiny", 1, crop=1.5)
    with pytest.raises(InputError, match="'rate' is nan"): make_recipe("tiny", 1, rate="nan")
    with pytest.raises(InputError, match="'rate' is inf"): make_recipe("tiny", 1, rate="inf")
    with pytest.raises(InputError, match="'batch' cannot be 4.5"): make_recipe("tiny", 1, batch=4.5)
    with pytest.raises(InputError, match="Dilations must be at least 1"): make_recipe("tiny", 1, dilations=())
    with pytest.raises(InputError, match=r"'dilations' cannot be \(1, 2.5\)"): make_recipe("tiny", 1, dilations=(1, 2.5))
    with pytest.raises(InputError, match="'seed' is -1"): make_recipe("tiny", 1, seed=-1)
    with pytest.raises(InputError, match="authors' reading takes the background"): make_recipe("authors", 1, not_salient="rest")
    with pytest.raises(InputError, match="'passes' cannot be '3'; choose 1 or 2"): make_recipe("tiny", 1, passes=3)
    with pytest.raises(InputError, match="'snapshot_every' is -1"): make_recipe("tiny", 1, snapshot_every=-1)
    with pytest.raises(InputError, match="'accumulate' is 0"): make_recipe("tiny", 1, accumulate=0)
    with pytest.raises(InputError, match="batch of 16 cannot be cut into 3"): make_recipe("tiny", 1, accumulate=3)
    for preset in PRESETS: assert [make_recipe(preset, stage).stage for stage in (1, 2)] == [1, 2]



def test_the_rate_follows_its_schedule():
    "nbs/16_recipe.ipynb, cell 22"
    assert rate_at(TINY, 0) == TINY.rate and rate_at(TINY, TINY.steps) == 0
    assert rate_at(TINY, TINY.steps // 2) == pytest.approx(TINY.rate * 0.5 ** 0.9)
    assert [rate_at(PAPER, k) for k in (0, 1999, 2000, 4000)] == pytest.approx([1e-4, 1e-4, 1e-5, 1e-6])
    assert rate_at(PAPER2, 3000) == pytest.approx(2.5e-6)



def test_the_same_seed_gives_the_same_network():
    "nbs/16_recipe.ipynb, cell 26"
    a, b, c = (build(make_recipe("tiny", 1, seed=seed)).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(a[k], b[k]) for k in a)
    assert any(not torch.equal(a[k], c[k]) for k in a)



def test_computing_features_twice_changes_memory_and_not_the_network():
    "nbs/16_recipe.ipynb, cell 27"
    image = torch.randn(2, 3, 96, 96)
    once, twice = (build(make_recipe("tiny", 1, recompute=again)) for again in (False, True))
    assert once.state_dict().keys() == twice.state_dict().keys()
    for net in (once, twice): net(image).logits.square().mean().backward()
    for a, b in zip(once.parameters(), twice.parameters()):
        assert (a.grad is None) == (b.grad is None) and (a.grad is None or torch.allclose(a.grad, b.grad, atol=1e-6))
