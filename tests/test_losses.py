"Made from nbs/14_losses.ipynb by tools/export.py: change the notebook, then `make export`."
from ssnet.files import InputError
from ssnet.losses import check_same_shape
from ssnet.losses import pooled_tag_loss
from ssnet.losses import pseudo_label_loss
from ssnet.losses import saliency_loss
from ssnet.losses import saliency_loss_of
from ssnet.losses import stage1_loss
from ssnet.losses import stage2_loss
from ssnet.losses import sum_up
from ssnet.losses import tag_loss
from ssnet.model import SSNetOutput
from ssnet.model import build_ssnet
import math
import pytest
import torch


def some_output(tag_logits=False):
    "An SSNetOutput of two pictures and three classes, with random numbers in the right ranges."
    logits, v = torch.randn(2, 3, 8, 8), torch.rand(2, 3)
    H = logits.softmax(1)
    S = (v[:, 1:, None, None] * H[:, 1:]).sum(1)
    return SSNetOutput(logits, H, v, S, torch.randn(2, 3, 4, 4), torch.randn(2, 3) if tag_logits else None)


def who_learns(net, loss):
    "The parts of `net` that get a gradient from `loss`."
    net.zero_grad()
    loss.backward(retain_graph=True)
    def learns(part): return any(p.grad is not None and p.grad.any() for p in part.parameters())
    return {name for name, part in net.named_children() if learns(part)}


def test_shapes_that_differ_are_refused():
    "nbs/14_losses.ipynb, cell 7"
    with pytest.raises(InputError, match=r"The mask has shape \(2, 1, 4, 4\), but the network gives \(2, 4, 4\)"):
        check_same_shape("mask", torch.zeros(2, 1, 4, 4), torch.zeros(2, 4, 4))
    check_same_shape("mask", torch.zeros(2, 4), torch.ones(2, 4))



def test_tag_loss_by_hand():
    "nbs/14_losses.ipynb, cell 10"
    z = torch.tensor([5.0, 0.0, math.log(3)])             # p = 1/2 and 3/4; the background's 5 must not matter
    logits = z.view(1, 3, 1, 1).expand(1, 3, 4, 6)
    wanted = -(math.log(1 / 2) + math.log(1 - 3 / 4)) / 2  # tagged, not tagged
    assert math.isclose(tag_loss(logits, torch.tensor([[1.0, 0]])).item(), wanted, rel_tol=1e-6)
    assert math.isclose(pooled_tag_loss(z[None], torch.tensor([[1.0, 0]])).item(), wanted, rel_tol=1e-6)



def test_tag_loss_sees_the_mean_and_not_the_place():
    "nbs/14_losses.ipynb, cell 11"
    spot = torch.zeros(1, 2, 4, 4)
    spot[0, 1, 2, 3] = 16.0  # one pixel of 16 …
    even = torch.ones(1, 2, 4, 4)  # … or every pixel 1: the same mean
    tags = torch.ones(1, 1)
    assert torch.isclose(tag_loss(spot, tags), tag_loss(even, tags))
    assert tag_loss(1000 * even, tags) == 0 and tag_loss(-1000 * even, 1 - tags) == 0  # perfect
    with pytest.raises(InputError, match=r"tag vector has shape \(1, 2\), but the network gives \(1, 1\)"):
        tag_loss(even, torch.ones(1, 2))



def test_saliency_loss_by_hand():
    "nbs/14_losses.ipynb, cell 17"
    S, y, H0 = torch.tensor([[[0.8, 0.1]]]), torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[0.2, 0.7]]])
    near = {"rel_tol": 1e-5}
    assert math.isclose(saliency_loss(S, y).item(), -(math.log(0.8) + math.log(0.9)) / 2, **near)
    assert math.isclose(saliency_loss(S, y, H0).item(), -(math.log(0.8) + math.log(0.7)) / 2, **near)
    assert math.isclose(saliency_loss(S, y, H0, "authors").item(), -(0.8 + 0.7) / 2, **near)



def test_saliency_loss_in_its_limits():
    "nbs/14_losses.ipynb, cell 18"
    y = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    assert saliency_loss(y, y) < 1e-5                                    # perfect
    assert saliency_loss(y, y, 1 - y, "authors") == -1                   # perfect, without a logarithm
    assert saliency_loss(y + 0.001, y).isfinite()                        # rounding may lift a sum above 1
    with pytest.raises(InputError, match="divide it by 255"): saliency_loss(y, 255 * y)
    with pytest.raises(InputError, match="give background_prob"): saliency_loss(y, y, reading="authors")
    with pytest.raises(InputError, match="map of the background"): saliency_loss(y, y, y[:, None])
    wrong = saliency_loss(1 - y, y)
    assert wrong.isfinite() and math.isclose(wrong.item(), -math.log(1e-6), rel_tol=1e-3)
    S = torch.zeros(1, 2, 2, requires_grad=True)
    saliency_loss(S, torch.ones(1, 2, 2)).backward()
    assert (S.grad < 0).all() and S.grad.isfinite().all()                # the worst pixel still learns
    with pytest.raises(InputError, match="The saliency mask has shape"): saliency_loss(S, torch.ones(1, 1, 2, 2))
    with pytest.raises(InputError, match="no reading 'log'"): saliency_loss(S, torch.ones(1, 2, 2), reading="log")



def test_pseudo_label_loss_by_hand():
    "nbs/14_losses.ipynb, cell 21"
    probs = torch.tensor([[0.5, 0.2, 0.9], [0.25, 0.7, 0.05], [0.25, 0.1, 0.05]])  # a column for each pixel
    logits = probs.log().view(1, 3, 1, 3)
    label = torch.tensor([[[0, 1, 255]]])
    assert math.isclose(pseudo_label_loss(logits, label).item(), -(math.log(0.5) + math.log(0.7)) / 2, rel_tol=1e-5)
    assert pseudo_label_loss(logits, torch.full_like(label, 255)) == 0
    assert pseudo_label_loss(1000 * torch.eye(3).view(1, 3, 1, 3), torch.tensor([[[0, 1, 2]]])) == 0  # perfect
    with pytest.raises(InputError, match="The pseudo label has shape"): pseudo_label_loss(logits, label[:, :, :2])



def test_ignored_pixels_teach_nothing():
    "nbs/14_losses.ipynb, cell 22"
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    pseudo_label_loss(logits, torch.tensor([[[0, 255], [255, 2]]])).backward()
    assert logits.grad[0, :, 0, 0].any() and not logits.grad[0, :, 0, 1].any()
    blank = torch.full((1, 2, 2), 255)
    grad = torch.autograd.grad(pseudo_label_loss(logits, blank), logits)[0]
    assert not grad.any()



def test_mixed_precision_does_not_reach_the_losses():
    "nbs/14_losses.ipynb, cell 23"
    S, y = torch.rand(2, 8, 8), torch.randint(0, 2, (2, 8, 8))
    logits, tags, label = torch.randn(2, 5, 8, 8), torch.ones(2, 4), torch.randint(0, 5, (2, 8, 8))
    def all_losses(): return torch.stack([saliency_loss(S, y), tag_loss(logits, tags), pseudo_label_loss(logits, label)])
    plain = all_losses()
    with torch.autocast("cpu", dtype=torch.bfloat16): assert torch.equal(all_losses(), plain)
    assert saliency_loss(S.bfloat16(), y).dtype == tag_loss(logits.bfloat16(), tags).dtype == torch.float32



def test_each_loss_pulls_where_it_was_told_something():
    "nbs/14_losses.ipynb, cell 28"
    z = torch.zeros(1, 3, 2, 2, requires_grad=True)  # H = 1/3 everywhere
    def pull(loss): return -torch.autograd.grad(loss, z)[0][0, 1]
    assert torch.allclose(pull(tag_loss(z, torch.tensor([[1.0, 0]]))), torch.tensor(0.5 / 2 / 4))  # (1 - p) / (C - 1) / M
    mask, label = torch.tensor([[[1.0, 0], [0, 0]]]), torch.tensor([[[1, 0], [255, 255]]])
    assert torch.equal(pull(saliency_loss(z.softmax(1)[:, 1], mask)) > 0, mask[0] > 0)
    assert torch.allclose(pull(pseudo_label_loss(z, label)), torch.tensor([[1 - 1 / 3, -1 / 3], [0, 0]]) / 2)



def test_the_reading_chooses_what_is_not_salient():
    "nbs/14_losses.ipynb, cell 32"
    output, y = some_output(), torch.randint(0, 2, (2, 8, 8)).float()
    S, H0 = output.saliency, output.probs[:, 0]
    assert torch.isclose(saliency_loss_of(output, y, "paper"), torch.nn.functional.binary_cross_entropy(S, y), rtol=1e-4)
    assert torch.isclose(saliency_loss_of(output, y, "authors"), -torch.where(y == 1, S, H0).mean())
    pair = -torch.where(y == 1, S, H0).log().mean()
    assert torch.isclose(saliency_loss_of(output, y, "paper", "background"), pair, rtol=1e-4)
    with pytest.raises(InputError, match="but this is 'all'"): saliency_loss_of(output, y, "paper", "all")
    assert sum_up({"a": torch.tensor(1.0), "b": torch.tensor(2.0)})["total"] == 3



def test_stage_1_adds_tags_and_saliency():
    "nbs/14_losses.ipynb, cell 35"
    torch.manual_seed(0)
    a, b, tags, y = some_output(), some_output(), torch.tensor([[1.0, 0], [0, 1]]), torch.randint(0, 2, (2, 8, 8)).float()
    ours, theirs = (stage1_loss(a, tags, b, y, reading) for reading in ("paper", "authors"))
    assert set(ours) == set(theirs) == {"total", "L_c", "L_s1"}
    assert ours["L_c"] == tag_loss(a.logits, tags) and ours["L_s1"] == saliency_loss(b.saliency, y)
    assert theirs["L_c"] == tag_loss(a.logits, tags) + tag_loss(a.coarse_logits, tags)
    assert theirs["L_s1"] == saliency_loss(b.saliency, y, b.probs[:, 0], "authors")
    for losses in (ours, theirs): assert losses["total"] == losses["L_c"] + losses["L_s1"]



def test_stage_2_adds_saliency_and_pseudo_labels():
    "nbs/14_losses.ipynb, cell 38"
    torch.manual_seed(0)
    a, b = some_output(tag_logits=True), some_output(tag_logits=True)
    tags, y = torch.tensor([[1.0, 0], [0, 1]]), torch.randint(0, 2, (2, 8, 8)).float()
    label = torch.randint(0, 3, (2, 8, 8))
    ours, theirs = (stage2_loss(a, label, tags, b, y, reading) for reading in ("paper", "authors"))
    assert set(ours) == {"total", "L_s1", "L_s2"} and set(theirs) == {*ours, "L_c"}
    assert ours["L_s2"] == theirs["L_s2"] == pseudo_label_loss(a.logits, label)
    assert theirs["L_c"] == pooled_tag_loss(a.tag_logits, tags)
    for losses in (ours, theirs):
        assert torch.isclose(losses["total"], sum(v for name, v in losses.items() if name != "total"))



def test_each_loss_teaches_its_parts_and_no_others():
    "nbs/14_losses.ipynb, cell 42"
    torch.manual_seed(0)
    net = build_ssnet(1, backbone="tiny", size=64)
    output, tags, y = net(torch.randn(2, 3, 64, 64)), torch.zeros(2, 20), torch.ones(2, 64, 64)
    assert who_learns(net, tag_loss(output.logits, tags)) == {"feature", "head", "upsample"}
    assert not net.head.conv.weight.grad[0].any() and net.head.conv.weight.grad[1:].any()  # not the background
    assert who_learns(net, pseudo_label_loss(output.logits, y.long())) == {"feature", "head", "upsample"}
    assert net.head.conv.weight.grad[0].any()
    assert who_learns(net, saliency_loss(output.saliency, y)) == {"feature", "head", "upsample", "sam"}
    assert net.head.conv.weight.grad[0].any() and not net.sam.conv.weight.grad[0].any()
