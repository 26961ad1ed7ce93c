"Made from nbs/25_share.ipynb by tools/export.py: change the notebook, then `make export`."
from pathlib import Path
from ssnet.authors import NAMES
from ssnet.authors import load_authors_checkpoint
from ssnet.checkpoint import load_checkpoint
from ssnet.checkpoint import load_network
from ssnet.checkpoint import save_checkpoint
from ssnet.files import InputError
from ssnet.files import write_whole
from ssnet.labels import VOC_CLASSES
from ssnet.model import SSNet
from ssnet.model import build_ssnet
from ssnet.recipe import build
from ssnet.recipe import make_recipe
from ssnet.share import AnySize
from ssnet.share import convert
from ssnet.share import export_onnx
from ssnet.share import largest_difference
from ssnet.share import pool
from ssnet.share import pooling_matrix
from ssnet.share import run_onnx
from torch.nn import functional as F
from unittest.mock import patch
import functools
import json
import os
import pytest
import ssnet
import sys
import tempfile
import torch


@functools.cache
def authors_state(stage):
    "Tensors under the authors' names: random, as many as their network has."
    net = build_ssnet(stage, "authors", num_classes=5, size=64)
    back = {ours: theirs for theirs, ours in NAMES[stage].items()}
    starts = {name: next(s for s in back if name.startswith(s)) for name in net.state_dict()}
    return {back[starts[n]] + n.removeprefix(starts[n]): x for n, x in net.state_dict().items()}


def settled(stage, reading, backbone="tiny", size=64):
    "A random network whose batch norms have seen something, so that its outputs differ from place to place."
    torch.manual_seed(stage)
    net = build_ssnet(stage, reading, backbone, 5, size).train()
    with torch.no_grad():
        for _ in range(3): net(torch.randn(4, 3, size, size))
    return net.eval()


def hub_is_there():
    "Does the package lie in a repository? Where not, pytest reports the test as skipped, and a notebook says so."
    if (Path(ssnet.__file__).parents[1] / "hubconf.py").is_file(): return True
    if "PYTEST_CURRENT_TEST" in os.environ: pytest.skip("the package is installed without its repository: there is no hubconf.py")
    print("The package is installed without its repository: there is no hubconf.py to load from.")
    return False


def hub(*words, **options):
    "`torch.hub.load` from the repository in which the package lies."
    return torch.hub.load(str(Path(ssnet.__file__).parents[1]), *words, source="local", **options)


def test_a_checkpoint_becomes_a_folder_and_computes_the_same():
    "nbs/25_share.ipynb, cell 11"
    recipe = make_recipe("tiny", 2, size=64, seed=3)
    net, image = build(recipe, num_classes=4).eval(), torch.randn(1, 3, 64, 64)
    adam = torch.optim.Adam(net.parameters())
    net(image).logits.mean().backward()
    adam.step()
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(f"{folder}/run/checkpoint.safetensors", net, recipe, tuple("abcd"), 7, adam, scores={"miou": 0.5})
        made = convert(f"{folder}/run", f"{folder}/made")
        assert sorted(p.name for p in made.iterdir()) == ["config.json", "model.safetensors"]
        assert torch.equal(SSNet.from_pretrained(made)(image).probs, net(image).probs)
        about = load_checkpoint(made)
        assert (about.recipe.seed, about.step, about.classes, about.scores) == (3, 7, tuple("abcd"), {"miou": 0.5})
        assert about.optimizer == {} and (made / "model.safetensors").stat().st_size < 1.01 * 4 * sum(
            x.numel() for x in net.state_dict().values())
        again = convert(made, f"{folder}/again")            # a folder for sharing may be converted, too
        assert (again / "config.json").read_text() == (made / "config.json").read_text()
        with pytest.raises(InputError, match="is of stage 2, not of stage 1"): convert(f"{folder}/run", f"{folder}/no", 1)
        assert not Path(f"{folder}/no").exists()



def test_the_authors_files_become_folders_and_their_stage_is_seen():
    "nbs/25_share.ipynb, cell 14"
    image, names = torch.randn(1, 3, 64, 64), tuple("abcde")
    for stage in (1, 2):
        state = authors_state(stage)
        assert "pred_sal.weight" in state and ("cls_fc.weight" in state) == (stage == 2)
        with tempfile.TemporaryDirectory() as folder:
            torch.save({f"module.{n}": x for n, x in state.items()}, f"{folder}/theirs.pth")  # from several GPUs
            made = convert(f"{folder}/theirs.pth", f"{folder}/made", classes=names)
            nets = [load_authors_checkpoint(f"{folder}/theirs.pth", stage), SSNet.from_pretrained(made)]
            about = load_checkpoint(made)
        assert (about.recipe.stage, about.recipe.reading, about.recipe.steps, about.classes) == (stage, "authors", 0, names)
        with torch.no_grad(): a, b = [net(image) for net in nets]
        assert torch.equal(a.logits, b.logits) and torch.equal(a.v, b.v)



def test_files_that_cannot_be_converted_leave_nothing_behind():
    "nbs/25_share.ipynb, cell 15"
    state = authors_state(1)
    with tempfile.TemporaryDirectory() as folder:
        bad, out = Path(folder) / "bad.pth", Path(folder) / "out"
        def refused(message, **options):
            with pytest.raises(InputError, match=message): convert(bad, out, **options)
            assert not out.exists()
        refused("There is no file of weights")
        torch.save(state, bad)
        refused("stage 1, not of stage 2", stage=2)
        refused("21 class names were given for a network of 5")
        bad.write_bytes(bad.read_bytes()[:5000])
        refused("cannot be read as weights")
        torch.save({n: x for n, x in state.items() if n != "upsample.1.bias"}, bad)
        refused("another network: 1 of its tensors")
        torch.save({"net": state}, bad)
        refused("something else than named tensors")
        class Trap:
            def __reduce__(self): return (os.mkdir, (f"{folder}/sprung",))
        torch.save(Trap(), bad)
        refused("cannot be read as weights")
        assert not Path(f"{folder}/sprung").exists()
        with pytest.raises(InputError, match="There is no checkpoint"): convert(f"{folder}/none.safetensors", out)



def test_the_matrices_pool_as_pytorch_does():
    "nbs/25_share.ipynb, cell 20"
    assert torch.equal(pooling_matrix(4, 2), torch.tensor([[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]]))
    assert torch.equal(pooling_matrix(7, 7), torch.eye(7))
    for n, m in ((24, 12), (31, 12), (8, 12), (1, 5), (5, 1), (13, 7)):
        features = torch.randn(2, 3, n, n + 2)
        assert torch.allclose(pool(features, m, m), F.adaptive_avg_pool2d(features, (m, m)), atol=1e-6)



def test_without_questions_the_numbers_are_the_same():
    "nbs/25_share.ipynb, cell 23"
    for stage, reading, background in [(1, "paper", "zero"), (2, "paper", "learned"),
                                       (1, "authors", "learned"), (2, "authors", "learned")]:
        net = build_ssnet(stage, reading, "tiny", 5, 64, background=background).eval()
        for size in ((64, 64), (32, 32), (100, 75), (33, 131)):
            image = torch.randn(2, 3, *size)
            with torch.no_grad(): out, (H, S, v) = net(image), AnySize(net)(image)
            assert torch.allclose(out.probs, H, atol=1e-5) and torch.allclose(out.saliency, S, atol=1e-5)
            assert torch.allclose(out.v, v, atol=1e-5)



def test_onnx_computes_the_same_at_several_sizes_for_both_stages_and_readings():
    "nbs/25_share.ipynb, cell 33"
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    for stage, reading in ((1, "authors"), (2, "paper")):   # both heads, both SAMs, both kinds of up-sampling
        net = settled(stage, reading)
        with tempfile.TemporaryDirectory() as folder:
            path = export_onnx(net, f"{folder}/net.onnx", classes=tuple("abcde"))
            assert largest_difference(net, path, ((64, 64), (96, 160), (33, 75), (32, 32))) < 1e-4
            out = run_onnx(path, torch.randn(1, 3, 64, 96))
        with torch.no_grad(): other = net(torch.zeros(1, 3, 64, 96))
        assert out["probs"].shape == (1, 5, 64, 96) and out["saliency"].shape == (1, 64, 96)
        assert (out["probs"] - other.probs).abs().max() > 1e-3   # it looks at the picture



def test_a_fixed_size_and_the_notes_are_in_the_file():
    "nbs/25_share.ipynb, cell 34"
    onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
    net = build_ssnet(1, backbone="tiny", size=64).half().train()
    with tempfile.TemporaryDirectory() as folder:
        path = export_onnx(net, f"{folder}/net.onnx", size=(64, 96))
        assert net.training and next(net.parameters()).dtype == torch.float16   # the network itself is as it was
        model = onnx.load(path)
        assert run_onnx(path, torch.zeros(3, 3, 64, 96))["v"].shape == (3, 21)
        with pytest.raises(InputError, match="cannot run .*net.onnx' on pictures of"):
            run_onnx(path, torch.zeros(1, 3, 64, 64))
        cut = write_whole(f"{folder}/cut.onnx", path.read_bytes()[:1000])
        with pytest.raises(InputError, match="cannot run .*cut.onnx"): run_onnx(cut, torch.zeros(1, 3, 64, 96))
        with pytest.raises(InputError, match="sides of 32 or more"): export_onnx(net, path, (16, 64))
        with pytest.raises(InputError, match="2 class names"): export_onnx(net, path, classes=("a", "b"))
        with pytest.raises(InputError, match=r"depends on the picture's size: name one, such as \(64, 64\)"):
            export_onnx(build_ssnet(1, backbone="efficientnet_lite0", size=64), path)
    notes = json.loads({p.key: p.value for p in model.metadata_props}["ssnet"])
    assert notes["classes"] == list(VOC_CLASSES) and notes["model"] == net.config and len(notes["input"]["mean"]) == 3
    assert [o.name for o in model.graph.output] == ["probs", "saliency", "v"]



def test_a_missing_package_is_named():
    "nbs/25_share.ipynb, cell 35"
    with patch.dict(sys.modules, {"onnxscript": None}):
        with pytest.raises(InputError, match=r"onnxscript: pip install 'ssnet\[onnx\]'"):
            export_onnx(build_ssnet(1, backbone="tiny", size=32), "never.onnx")



def test_torch_hub_loads_the_shipped_network_a_folder_and_a_new_one():
    "nbs/25_share.ipynb, cell 39"
    image = torch.randn(1, 3, 96, 96)
    shipped, _ = load_network()
    if hub_is_there():
        assert torch.equal(hub("ssnet_tiny")(image).probs, shipped(image).probs)
        with tempfile.TemporaryDirectory() as folder:
            convert(ssnet.checkpoint.SHIPPED, f"{folder}/shared")
            assert torch.equal(hub("ssnet", path=f"{folder}/shared")(image).probs, shipped(image).probs)
        assert hub("ssnet", stage=2, backbone="tiny", num_classes=3, size=64).config["dilations"] == [1, 2, 3, 4]
        with pytest.raises(InputError, match="check the path"): hub("ssnet", path="/no/thing")
        with pytest.raises(InputError, match="either a path or choices"): hub("ssnet", path="a", stage=2)
        with pytest.raises(InputError, match="no stage 3"): hub("ssnet", stage=3)
