"Made from nbs/12_sam.ipynb by tools/export.py: change the notebook, then `make export`."
from ssnet.files import InputError
from ssnet.sam import SAM
from ssnet.sam import aggregate
from ssnet.sam import aggregate_loop
import pytest
import torch
import torch.nn.functional as F


def scene():
    "H of one picture with background, a 'cat' and a 'sofa': `(1, 3, 48, 48)`."
    y, x = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing="ij")
    cat = 0.95 * ((x - 20) ** 2 + (y - 20) ** 2 < 100)
    sofa = 0.9 * ((x > 4) & (x < 44) & (y > 24) & (y < 42)) * (cat == 0)
    return torch.stack([1 - cat - sofa, cat, sofa])[None]


def test_no_score_no_saliency():
    "nbs/12_sam.ipynb, cell 11"
    H = scene()
    assert not aggregate_loop(torch.zeros(1, 3), H).any()



def test_aggregate_is_the_loop():
    "nbs/12_sam.ipynb, cell 14"
    torch.manual_seed(0)
    v, H = torch.rand(3, 5), torch.randn(3, 5, 8, 9).softmax(1)
    assert aggregate(v, H).shape == (3, 8, 9)
    assert torch.allclose(aggregate(v, H), aggregate_loop(v, H), atol=1e-6)



def test_aggregate_by_hand_and_in_its_limits():
    "nbs/12_sam.ipynb, cell 15"
    H = torch.tensor([0.2, 0.5, 0.3]).view(1, 3, 1, 1)
    assert torch.isclose(aggregate(torch.tensor([[0.9, 0.4, 1.0]]), H), torch.tensor(0.4 * 0.5 + 1.0 * 0.3))
    assert torch.isclose(aggregate(torch.ones(1, 3), H), torch.tensor(1 - 0.2))   # all scores 1: not background
    assert aggregate(torch.tensor([[1.0, 0, 0]]), H) == 0                          # the background's score counts nothing
    with pytest.raises(InputError, match="v has 2 classes, but H has 3"): aggregate(torch.ones(1, 2), H)



def test_gradients_of_the_sum():
    "nbs/12_sam.ipynb, cell 17"
    v, H = torch.rand(1, 4, requires_grad=True), torch.rand(1, 4, 5, 5, requires_grad=True)
    aggregate(v, H).sum().backward()
    assert torch.allclose(H.grad[0, 1:], v[0, 1:, None, None].expand(3, 5, 5)) and not H.grad[0, 0].any()
    assert torch.allclose(v.grad[0, 1:], H[0, 1:].sum((1, 2))) and v.grad[0, 0] == 0



def test_a_saliency_mask_pulls_every_class_in_proportion_to_its_score():
    "nbs/12_sam.ipynb, cell 22"
    v, H, mask = torch.tensor([[0.5, 0.8, 0.2]]), torch.rand(1, 3, 4, 4).softmax(1).requires_grad_(), torch.eye(4)[None]
    S = aggregate(v, H)
    F.binary_cross_entropy(S, mask, reduction="sum").backward()
    pull = ((mask - S) / (S * (1 - S))).detach()
    assert torch.allclose(-H.grad[0, 1], 0.8 * pull[0]) and torch.allclose(-H.grad[0, 2], 0.2 * pull[0])
    assert (pull[mask == 1] > 0).all() and (pull[mask == 0] < 0).all()



def test_sam_is_one_weighted_sum_of_the_whole_map_and_a_sigmoid():
    "nbs/12_sam.ipynb, cell 26"
    sam = SAM(8, 5, 6)
    assert sum(p.numel() for p in SAM(1664, 21, 16).parameters()) == 16 * 16 * 1664 * 21 + 21
    features = torch.randn(2, 8, 6, 6)
    v = sam(features)
    assert v.shape == (2, 5) and (v > 0).all() and (v < 1).all()
    products = features[1] * sam.conv.weight[3]
    assert torch.allclose(v[1, 3], (products.sum() / 36 + sam.conv.bias[3]).sigmoid(), atol=1e-6)



def test_the_matrix_gives_what_the_convolution_gives():
    "nbs/12_sam.ipynb, cell 27"
    for reading, places in (("paper", 36), ("authors", 1)):
        sam, features = SAM(8, 5, 6, reading), torch.randn(2, 8, 6, 6)
        assert torch.allclose(sam(features), sam.conv(features / places).sigmoid()[..., 0, 0], atol=1e-6)



def test_the_readings_differ_by_a_constant_at_the_training_size():
    "nbs/12_sam.ipynb, cell 30"
    ours, theirs = SAM(8, 5, 6), SAM(8, 5, 6, "authors")
    theirs.load_state_dict(ours.state_dict())
    features = torch.randn(2, 8, 6, 6)
    assert torch.allclose(ours(36 * features), theirs(features), atol=1e-6)   # a mean over 36 places against a sum



def test_other_sizes_by_hand():
    "nbs/12_sam.ipynb, cell 31"
    ours, theirs = SAM(3, 2, 4), SAM(3, 2, 4, "authors")
    features = torch.randn(1, 3, 8, 8)
    averaged = features.view(1, 3, 4, 2, 4, 2).mean((3, 5))  # 2×2 blocks
    assert torch.allclose(ours(features), ours(averaged), atol=1e-6)
    features = features[..., :4, :6]
    by_hand = torch.stack([theirs(features[..., i:i + 4]).logit() for i in range(3)]).mean(0).sigmoid()  # three places
    assert torch.allclose(theirs(features), by_hand, atol=1e-6)
    small = torch.full((1, 3, 2, 2), 0.5)
    assert torch.equal(ours(small), ours(torch.full((1, 3, 4, 4), 0.5)))
    assert torch.equal(theirs(small), theirs(torch.full((1, 3, 4, 4), 0.5)))



def test_sam_learns_and_a_wrong_reading_is_refused():
    "nbs/12_sam.ipynb, cell 32"
    sam = SAM(8, 5, 6)
    aggregate(sam(torch.randn(2, 8, 6, 6)), torch.rand(2, 5, 9, 9)).sum().backward()
    assert sam.conv.weight.grad[1:].abs().sum((1, 2, 3)).all() and not sam.conv.weight.grad[0].any()
    with pytest.raises(InputError, match="no reading 'both'"): SAM(8, 5, 6, "both")
