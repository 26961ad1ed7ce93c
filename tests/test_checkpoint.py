"Made from nbs/17_checkpoint.ipynb by tools/export.py: change the notebook, then `make export`."
from pathlib import Path
from safetensors.torch import save
from ssnet.checkpoint import fill
from ssnet.checkpoint import load_checkpoint
from ssnet.checkpoint import load_network
from ssnet.checkpoint import save_checkpoint
from ssnet.files import InputError
from ssnet.files import write_whole
from ssnet.recipe import build
from ssnet.recipe import make_recipe
import os
import pytest
import tempfile
import torch


def test_a_network_comes_back_as_it_was_saved():
    "nbs/17_checkpoint.ipynb, cell 13"
    recipe = make_recipe("tiny", 1, size=64, seed=3)
    net, image = build(recipe).eval(), torch.randn(1, 3, 64, 64)
    with tempfile.TemporaryDirectory() as folder:
        path = save_checkpoint(f"{folder}/net.safetensors", net, recipe, step=7, log=[{"step": 7, "L_c": 0.5}])
        again, checkpoint = load_network(path)
    assert torch.equal(net(image).logits, again(image).logits)
    assert (checkpoint.recipe, checkpoint.step, checkpoint.log) == (recipe, 7, [{"step": 7, "L_c": 0.5}])



def test_adams_state_comes_back_as_it_was_saved():
    "nbs/17_checkpoint.ipynb, cell 14"
    recipe = make_recipe("tiny", 1, size=64)
    net = build(recipe)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    net(torch.randn(2, 3, 64, 64)).logits.mean().backward()
    optimizer.step()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = load_checkpoint(save_checkpoint(f"{folder}/net.safetensors", net, recipe, optimizer=optimizer))
    other = build(recipe)
    fresh = torch.optim.Adam(other.parameters(), lr=1e-3)
    fill(other, checkpoint, fresh)
    old, new = optimizer.state_dict()["state"], fresh.state_dict()["state"]
    assert old.keys() == new.keys() and all(torch.equal(old[i][k], new[i][k]) for i in old for k in old[i])



def test_files_that_are_no_checkpoint_are_refused_in_one_sentence():
    "nbs/17_checkpoint.ipynb, cell 15"
    recipe = make_recipe("tiny", 1, size=64)
    with tempfile.TemporaryDirectory() as folder:
        path = save_checkpoint(f"{folder}/net.safetensors", build(recipe), recipe)
        with pytest.raises(InputError, match="There is no checkpoint"): load_checkpoint(f"{folder}/none.safetensors")
        cut = Path(folder) / "cut.safetensors"
        cut.write_bytes(path.read_bytes()[:1000])
        with pytest.raises(InputError, match="not a whole safetensors file"): load_checkpoint(cut)
        foreign = write_whole(f"{folder}/foreign.safetensors", save({"w": torch.ones(1)}))
        with pytest.raises(InputError, match="not a checkpoint of ssnet"): load_checkpoint(foreign)
        with pytest.raises(InputError, match="do not fit this network"):
            fill(build(recipe, num_classes=5), load_checkpoint(path))



def test_a_pickle_with_code_in_it_is_refused_and_its_code_does_not_run():
    "nbs/17_checkpoint.ipynb, cell 16"
    import pickle
    class Trap:
        def __reduce__(self): return (os.mkdir, (sprung,))
    with tempfile.TemporaryDirectory() as folder:
        bad, sprung = Path(folder) / "bad.safetensors", f"{folder}/sprung"
        bad.write_bytes(pickle.dumps(Trap()))
        with pytest.raises(InputError, match="not a whole safetensors file"): load_checkpoint(bad)
        assert not Path(sprung).exists()
        pickle.loads(bad.read_bytes())
        assert Path(sprung).exists()                       # the trap works, where somebody unpickles it



def test_half_precision_halves_the_file_and_hardly_moves_the_logits():
    "nbs/17_checkpoint.ipynb, cell 18"
    recipe = make_recipe("tiny", 1, size=64)
    net, image = build(recipe).eval(), torch.randn(1, 3, 64, 64)
    with tempfile.TemporaryDirectory() as folder:
        whole, half = (save_checkpoint(f"{folder}/{h}.safetensors", net, recipe, half=h) for h in (False, True))
        assert half.stat().st_size < 0.55 * whole.stat().st_size
        assert torch.allclose(load_network(half)[0](image).logits, net(image).logits, atol=0.01)
