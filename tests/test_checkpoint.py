"Made from nbs/17_checkpoint.ipynb by tools/export.py: change the notebook, then `make export`."
from dataclasses import asdict
from pathlib import Path
from safetensors import safe_open
from safetensors.torch import save
from ssnet.checkpoint import fill
from ssnet.checkpoint import load_checkpoint
from ssnet.checkpoint import load_network
from ssnet.checkpoint import save_checkpoint
from ssnet.checkpoint import snapshot_path
from ssnet.checkpoint import snapshots_in
from ssnet.files import InputError
from ssnet.files import write_whole
from ssnet.recipe import build
from ssnet.recipe import make_recipe
import json
import os
import pytest
import tempfile
import torch


def test_a_network_comes_back_as_it_was_saved():
    "nbs/17_checkpoint.ipynb, cell 16"
    recipe = make_recipe("tiny", 1, size=64, seed=3)
    net, image = build(recipe).eval(), torch.randn(1, 3, 64, 64)
    with tempfile.TemporaryDirectory() as folder:
        path = save_checkpoint(f"{folder}/net.safetensors", net, recipe, step=7, log=[{"step": 7, "L_c": 0.5}])
        again, checkpoint = load_network(path)
    assert torch.equal(net(image).logits, again(image).logits)
    assert (checkpoint.recipe, checkpoint.step, checkpoint.log) == (recipe, 7, [{"step": 7, "L_c": 0.5}])



def test_a_checkpoint_is_found_in_a_run_folder_and_in_a_folder_for_sharing():
    "nbs/17_checkpoint.ipynb, cell 17"
    recipe = make_recipe("tiny", 2, size=64, reading="authors", dilations="1,2", not_salient="background")
    net, image = build(recipe, num_classes=4).eval(), torch.randn(1, 3, 64, 64)
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(f"{folder}/run/checkpoint.safetensors", net, recipe, tuple("abcd"), step=7)
        net.save_pretrained(f"{folder}/shared", tuple("abcd"), recipe=asdict(recipe), scores={"miou": 0.5})
        net.save_pretrained(f"{folder}/bare", tuple("abcd"))
        for place in ("run", "shared", "bare"):
            again, checkpoint = load_network(f"{folder}/{place}")
            assert torch.equal(net(image).logits, again(image).logits) and checkpoint.classes == tuple("abcd")
            assert checkpoint.recipe.steps == (0 if place == "bare" else recipe.steps)
            r = checkpoint.recipe
            assert (r.reading, r.dilations, r.size) == ("authors", (1, 2), 64)
        assert load_checkpoint(f"{folder}/shared").scores == {"miou": 0.5}
        with pytest.raises(InputError, match="There is no checkpoint in .*neither"): load_checkpoint(folder)
        config = Path(f"{folder}/bare/config.json")
        config.write_text(config.read_text().replace('"size": 64', '"size": "big"'))
        with pytest.raises(InputError, match="bare' says of its network makes none"): load_network(f"{folder}/bare")
        Path(f"{folder}/shared/model.safetensors").unlink()
        with pytest.raises(InputError, match="holds no model.safetensors"): load_network(f"{folder}/shared")



def test_what_else_a_training_remembers_comes_back_and_older_files_remember_nothing():
    "nbs/17_checkpoint.ipynb, cell 18"
    recipe = make_recipe("tiny", 1, size=64)
    with tempfile.TemporaryDirectory() as folder:
        path = save_checkpoint(f"{folder}/new.safetensors", build(recipe), recipe, extra={"scale": 65536.0})
        assert load_checkpoint(path).extra == {"scale": 65536.0}
        with safe_open(str(path), framework="pt") as file:
            about, tensors = json.loads(file.metadata()["ssnet"]), {k: file.get_tensor(k) for k in file.keys()}
        for name in ("clip", "snapshot_every"): del about["recipe"][name]  # as a file from before these were thought of
        del about["extra"]
        old = write_whole(f"{folder}/old.safetensors", save(tensors, metadata={"ssnet": json.dumps(about)}))
        assert load_checkpoint(old).extra == {} and load_checkpoint(old).recipe == recipe
        del about["recipe"]["dilations"]
        write_whole(old, save(tensors, metadata={"ssnet": json.dumps(about)}))
        with pytest.raises(InputError, match="old.safetensors' was written by another version"): load_checkpoint(old)



def test_adams_state_comes_back_as_it_was_saved():
    "nbs/17_checkpoint.ipynb, cell 19"
    recipe = make_recipe("tiny", 1, size=64)
    net = build(recipe)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    net(torch.randn(2, 3, 64, 64)).logits.mean().backward()
    optimizer.step()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = load_checkpoint(save_checkpoint(f"{folder}/net.safetensors", net, recipe, optimizer=optimizer))
    other = build(recipe).to(memory_format=torch.channels_last)
    fresh = torch.optim.Adam(other.parameters(), lr=1e-3)
    fill(other, checkpoint, fresh)
    old, new = optimizer.state_dict()["state"], fresh.state_dict()["state"]
    assert old.keys() == new.keys() and all(torch.equal(old[i][k], new[i][k]) for i in old for k in old[i])
    # and its averages lie in memory as the weights do
    assert all(x.stride() == p.stride() for p, state in fresh.state.items() for x in state.values() if x.shape == p.shape)



def test_files_that_are_no_checkpoint_are_refused_in_one_sentence():
    "nbs/17_checkpoint.ipynb, cell 20"
    recipe = make_recipe("tiny", 1, size=64)
    with tempfile.TemporaryDirectory() as folder:
        path = save_checkpoint(f"{folder}/net.safetensors", build(recipe), recipe)
        with pytest.raises(InputError, match="There is no checkpoint"): load_checkpoint(f"{folder}/none.safetensors")
        cut = Path(folder) / "cut.safetensors"
        cut.write_bytes(path.read_bytes()[:1000])
        with pytest.raises(InputError, match="not a whole safetensors file"): load_checkpoint(cut)
        theirs = cut.rename(Path(folder) / "theirs.pth")
        with pytest.raises(InputError, match="turn it into one with `ssnet convert`"): load_checkpoint(theirs)
        foreign = write_whole(f"{folder}/foreign.safetensors", save({"w": torch.ones(1)}))
        with pytest.raises(InputError, match="not a checkpoint of ssnet"): load_checkpoint(foreign)
        with pytest.raises(InputError, match="do not fit this network"):
            fill(build(recipe, num_classes=5), load_checkpoint(path))



def test_a_pickle_with_code_in_it_is_refused_and_its_code_does_not_run():
    "nbs/17_checkpoint.ipynb, cell 21"
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
    "nbs/17_checkpoint.ipynb, cell 27"
    recipe = make_recipe("tiny", 1, size=64)
    net, image = build(recipe).eval(), torch.randn(1, 3, 64, 64)
    with tempfile.TemporaryDirectory() as folder:
        whole, half = (save_checkpoint(f"{folder}/{h}.safetensors", net, recipe, half=h) for h in (False, True))
        assert half.stat().st_size < 0.55 * whole.stat().st_size
        assert torch.allclose(load_network(half)[0](image).logits, net(image).logits, atol=0.01)



def test_snapshots_are_found_in_the_order_of_their_steps():
    "nbs/17_checkpoint.ipynb, cell 30"
    recipe = make_recipe("tiny", 1, size=64)
    net = build(recipe)
    with tempfile.TemporaryDirectory() as folder:
        assert snapshots_in(folder) == {}
        paths = {step: save_checkpoint(snapshot_path(folder, step), net, recipe, step=step) for step in (1_000_000, 20, 3)}
        assert list(snapshots_in(folder).items()) == [(step, paths[step]) for step in (3, 20, 1_000_000)]
        assert paths[20] == Path(folder) / "snapshots/step_000020.safetensors"
        assert load_network(paths[20])[1].step == 20
