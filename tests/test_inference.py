"Made from nbs/19_inference.ipynb by tools/export.py: change the notebook, then `make export`."
from ssnet.backbone import recompute_units
from ssnet.backbone import trace
from ssnet.inference import clamp_instead
from ssnet.inference import fast
from ssnet.inference import flops
from ssnet.inference import fold_norms
from ssnet.model import build_ssnet
from torch import nn
import torch


def shaken(network):
    "The network with norms that have seen something: no statistic and no weight is 0 or 1 any more. Ready to predict."
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, -1, 1.5)
            for values in (layer.bias, layer.running_mean): nn.init.normal_(values, 0, 0.3)
            nn.init.uniform_(layer.running_var, 0.5, 2)
    return network.eval()


def difference(a, b):
    "The largest difference between two outputs of SSNet."
    return torch.stack([(x - y).abs().max() for x, y in zip(a, b) if x is not None]).max().item()  # nan stays nan


def test_folding_removes_the_norms_behind_convolutions_and_changes_nothing():
    "nbs/19_inference.ipynb, cell 10"
    torch.manual_seed(0)
    image = torch.randn(2, 3, 16, 16)
    network = shaken(nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(),
                                   nn.Conv2d(4, 4, 3, groups=4, bias=False), nn.BatchNorm2d(4)))
    with torch.no_grad():
        before = network(image)
        fold_norms(network, image)
        assert torch.allclose(network(image), before, atol=1e-5)
    kinds = [type(layer).__name__ for layer in network]
    assert kinds == ["BatchNorm2d", "Conv2d", "Identity", "ReLU", "Conv2d", "Identity"]



def test_norm_relu_and_convolution_are_clamp_and_convolution():
    "nbs/19_inference.ipynb, cell 15"
    torch.manual_seed(0)
    norm, conv, x = shaken(nn.BatchNorm2d(6)), nn.Conv2d(6, 4, 1, bias=False), torch.randn(2, 6, 5, 5)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1, -1, 0, 1e-9, -1e-30, 0]))  # rising, falling, and constants
        norm.bias.copy_(torch.tensor([0.3, 0.3, 0.5, 0.5, 0.5, -0.5]))
        wanted = conv(norm(x).relu())
        clamp = clamp_instead(norm, conv)
        assert torch.allclose(conv(clamp(x)), wanted, atol=1e-5)



def test_fast_gives_the_same_output_for_every_backbone_stage_reading_and_size():
    "nbs/19_inference.ipynb, cell 21"
    torch.manual_seed(0)
    for backbone in ("tiny", "densenet169", "efficientnet_lite0"):
        for stage, reading in ((1, "paper"), (2, "authors"), (1, "authors"), (2, "paper")):
            if backbone == "densenet169" and (stage, reading) == (1, "paper"): continue  # as stage 2, and slow
            net = shaken(build_ssnet(stage, reading, backbone, size=64, sam_kernel=None if stage == 1 else 3))
            quick = fast(net)
            with torch.inference_mode():
                for shape in ((2, 3, 64, 64), (1, 3, 96, 57)):
                    image = torch.randn(shape)
                    plain = net(image)
                    scale = max(1, plain.logits.abs().max().item())  # random norms make large numbers
                    assert difference(plain, quick(image)) < 1e-4 * scale, (backbone, stage, reading, shape)



def test_the_network_itself_stays_and_the_copy_has_no_norms_left_to_compute():
    "nbs/19_inference.ipynb, cell 22"
    net = shaken(build_ssnet(1, backbone="tiny", size=64))
    before = {k: v.clone() for k, v in net.state_dict().items()}
    quick = fast(net.train())
    assert net.training and not quick.training
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert not any(isinstance(m, nn.BatchNorm2d) for m in quick.modules())
    assert not any(p.requires_grad for p in quick.parameters()) and quick.num_classes == 21
    twice = fast(fast(build_ssnet(1, size=64)))
    norms = [n for n, m in twice.named_modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms == ["feature.features.norm5"]  # nothing stands before or behind it that could take it in



def test_a_network_that_trained_in_less_memory_is_made_fast_too():
    "nbs/19_inference.ipynb, cell 23"
    torch.manual_seed(0)
    net = build_ssnet(1, backbone="tiny", size=64)
    recompute_units(net.feature)
    with torch.inference_mode():
        image = torch.randn(1, 3, 64, 64)
        assert difference(net.eval()(image), fast(net)(image)) < 1e-4
    assert not any("forward" in vars(m) for m in fast(net).modules())



def test_flops_are_those_counted_by_hand():
    "nbs/19_inference.ipynb, cell 30"
    def by_hand(conv, side): return 2 * conv.weight.numel() * side**2
    net = build_ssnet(1, backbone="tiny", size=64).eval()
    only_sam = 2 * net.sam.conv.weight.numel()                              # one place
    up = 2 * net.upsample.conv.weight.numel() * 10**2                       # each of (8 + 2)² values spreads its kernel
    head = by_hand(net.head.conv, 8)
    from_strides = sum(2 * layer.weight.numel() * call.after**2 for call in trace(net.feature.features, 64)
                       if isinstance(layer := call.layer, nn.Conv2d))
    assert flops(net, 64) == from_strides + head + up + only_sam
