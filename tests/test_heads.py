"Made from nbs/11_heads.ipynb by tools/export.py: change the notebook, then `make export`."
from ssnet.backbone import Features
from ssnet.files import InputError
from ssnet.heads import ConvHead
from ssnet.heads import DilatedHead
from ssnet.heads import READINGS
from ssnet.heads import SkipHead
from ssnet.heads import Upsample
from ssnet.heads import bilinear_kernel
from ssnet.heads import check_reading
from ssnet.heads import new_layer
from ssnet.heads import resize
from torch import nn
import pytest
import torch
import torch.nn.functional as F


def test_a_reading_that_does_not_exist_is_refused():
    "nbs/11_heads.ipynb, cell 7"
    assert [check_reading(r) for r in READINGS] == ["paper", "authors"]
    with pytest.raises(InputError, match="no reading 'code': it is 'paper' or 'authors'"): check_reading("code")



def test_new_layers_start_small_and_without_bias():
    "nbs/11_heads.ipynb, cell 11"
    torch.manual_seed(0)
    layer = new_layer(nn.Conv2d(1664, 21, 1))
    assert abs(layer.weight.std() - 0.02) < 0.001 and abs(layer.weight.mean()) < 0.001
    assert not layer.bias.any()



def test_stage_1_asks_the_same_question_at_every_place():
    "nbs/11_heads.ipynb, cell 14"
    head = ConvHead(1664, 21)
    assert sum(p.numel() for p in head.parameters()) == 1664 * 21 + 21
    features = Features(torch.randn(2, 1664, 16, 16), {})
    fine, coarse = head(features)
    assert fine.shape == (2, 21, 16, 16) and torch.equal(fine, coarse)
    by_hand = head.conv.weight[5, :, 0, 0] @ features.last[1, :, 3, 7] + head.conv.bias[5]
    assert torch.allclose(fine[1, 5, 3, 7], by_hand, atol=1e-5)



def test_stage_2_sums_four_distances():
    "nbs/11_heads.ipynb, cell 20"
    head = DilatedHead(1664, 21)
    assert sum(p.numel() for p in head.parameters()) == 4 * (9 * 1664 * 21 + 21)
    assert [conv.dilation for conv in head.convs] == [(6, 6), (12, 12), (18, 18), (24, 24)]
    head = DilatedHead(1, 1)
    for conv in head.convs: nn.init.ones_(conv.weight)
    spot = torch.zeros(1, 1, 64, 64)
    spot[..., 32, 32] = 1
    answer = head(Features(spot, {})).fine[0, 0]
    assert answer.shape == (64, 64)
    assert answer[32, 32] == 4                                             # the middle taps of all four
    assert all(answer[32 + d, 32] == 1 for d in (-24, -18, -12, -6, 6, 12, 18, 24))
    assert answer.sum() == 4 * 9



def test_the_bilinear_kernel_by_hand():
    "nbs/11_heads.ipynb, cell 27"
    assert torch.allclose(bilinear_kernel(4)[0], torch.tensor([1, 3, 3, 1]) / 4 * (1 / 4))
    assert torch.allclose(bilinear_kernel(3), torch.outer(*[torch.tensor([0.5, 1, 0.5])] * 2))
    # stamps set 8 apart add up to 1 everywhere: a constant stays a constant
    kernel = bilinear_kernel(16)
    assert torch.allclose(kernel[:8, :8] + kernel[8:, :8] + kernel[:8, 8:] + kernel[8:, 8:], torch.ones(8, 8))



def test_upsampling_starts_as_bilinear_interpolation():
    "nbs/11_heads.ipynb, cell 32"
    x = torch.randn(2, 3, 7, 5)
    wanted = F.interpolate(x, scale_factor=8, mode="bilinear", align_corners=False)
    assert torch.allclose(Upsample(3, 8)(x), wanted, atol=1e-5)
    theirs = Upsample(3, 8, "authors")
    nn.init.zeros_(theirs.conv.bias)
    inside = (..., slice(4, -4), slice(4, -4))
    assert torch.allclose(theirs(x)[inside], wanted[inside], atol=1e-5)
    assert torch.allclose(theirs(torch.ones(1, 3, 4, 4))[inside], torch.ones(1))
    assert theirs(torch.ones(1, 3, 4, 4))[0, 0, 0, 0] < 0.5  # at the corner: (4.5 / 8) squared



def test_upsampling_has_the_kernels_of_its_reading():
    "nbs/11_heads.ipynb, cell 33"
    ours, theirs = Upsample(21, 16), Upsample(21, 8, "authors")
    assert sum(p.numel() for p in ours.parameters()) == 21 * 32 * 32
    assert sum(p.numel() for p in theirs.parameters()) == 21 * 21 * 16 * 16 + 21
    assert (theirs.conv.kernel_size, theirs.conv.stride, theirs.conv.padding) == ((16, 16), (8, 8), (4, 4))
    assert torch.equal(theirs.conv.weight[4, 4], bilinear_kernel(16)) and not theirs.conv.weight[4, 5].any()
    maps = torch.zeros(1, 21, 5, 3)
    assert ours(maps).shape == (1, 21, 5 * 16, 3 * 16) and theirs(maps).shape == (1, 21, 5 * 8, 3 * 8)
    with pytest.raises(InputError, match="Cannot up-sample by 3: the factor must be even"): Upsample(21, 3)



def test_maps_that_fit_are_left_alone():
    "nbs/11_heads.ipynb, cell 36"
    x = torch.randn(1, 2, 6, 8)
    assert resize(x, (6, 8)) is x
    assert resize(x, (7, 9)).shape == (1, 2, 7, 9)
    assert torch.allclose(resize(torch.full((1, 1, 3, 3), 5.0), (4, 7)), torch.tensor(5.0))



def test_skip_head_computes_the_equation():
    "nbs/11_heads.ipynb, cell 40"
    head = SkipHead(8, (4, 2), 3)
    f, t3, t2 = torch.randn(2, 8, 5, 6), torch.randn(2, 4, 5, 6), torch.randn(2, 2, 10, 12)
    fine, coarse = head(Features(f, {"t3": t3, "t2": t2}))
    P = [lambda x, c=conv: torch.einsum("oi,bihw->bohw", c.weight[..., 0, 0], x) for conv in head.convs]
    up = F.conv_transpose2d(P[0](f) + P[1](t3), head.upsample.conv.weight, head.upsample.conv.bias, stride=2, padding=1)
    assert torch.allclose(fine, up + P[2](t2), atol=1e-6)
    assert torch.allclose(coarse, P[0](f), atol=1e-6)
    assert head.upsample.conv.kernel_size == (4, 4)



def test_skip_head_takes_maps_that_do_not_quite_meet():
    "nbs/11_heads.ipynb, cell 41"
    head = SkipHead(8, (4, 2), 3)
    fine, _ = head(Features(torch.randn(1, 8, 6, 6), {"t3": torch.randn(1, 4, 6, 6), "t2": torch.randn(1, 2, 13, 12)}))
    assert fine.shape == (1, 3, 13, 12)



def test_every_parameter_of_every_head_learns():
    "nbs/11_heads.ipynb, cell 42"
    features = Features(torch.randn(1, 8, 6, 6), {"t3": torch.randn(1, 4, 6, 6), "t2": torch.randn(1, 2, 12, 12)})
    for head in (ConvHead(8, 3), DilatedHead(8, 3, (1, 2)), SkipHead(8, (4, 2), 3)):
        head(features).fine.square().sum().backward()
        assert all(p.grad.any() for p in head.parameters())
