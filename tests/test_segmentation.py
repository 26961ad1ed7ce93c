"Made from nbs/primers/2_segmentation.ipynb by tools/export.py: change the notebook, then `make export`."
from PIL import Image
from ssnet.backbone import Features
from ssnet.backbone import build_backbone
from ssnet.backbone import layer_table
from ssnet.heads import DilatedHead
from ssnet.labels import IGNORE_INDEX
from ssnet.metrics import ConfusionMatrix
from ssnet.samples import photo_mask
from torch import nn
import math
import numpy as np
import torch
import torch.nn.functional as F


def resized(x, resample):
    "A picture or mask, 384×256 pixels: sides that can be halved six times."
    return np.array(Image.fromarray(x).resize((384, 256), resample))


def iou(a, b):
    "Intersection over union of two masks, in [0, 1]."
    return float((a & b).sum() / (a | b).sum())


def survives(mask, stride, cut=0.5):
    "A mask `(H, W)` of bool, averaged over squares of side `stride`, enlarged, and cut at `cut`."
    shares = F.avg_pool2d(torch.as_tensor(mask)[None, None].float(), stride)
    return (F.interpolate(shares, size=mask.shape, mode="bilinear")[0, 0] >= cut).numpy()


def chain(strides, dilations):
    "3×3 convolutions in a row, one channel each, all weights 1."
    layers = [nn.Conv2d(1, 1, 3, s, padding=d, dilation=d, bias=False) for s, d in zip(strides, dilations)]
    for layer in layers: nn.init.ones_(layer.weight)
    return nn.Sequential(*layers)


def seen_by(network, image, place):
    "How much the output in row and column `place` changes with each pixel: `(H, W)`, summed over colours and channels."
    image = image.clone().requires_grad_()
    network(image)[..., place, place].sum().backward()
    return image.grad.abs().sum(1)[0]


def add_up(convs, features):
    "The equation, but for the last up-sampling: predictions from each depth, the coarsest first, added on the way up."
    z = convs[0](features[0])
    for conv, f in zip(convs[1:], features[1:]):
        z = F.interpolate(z, size=f.shape[-2:], mode="bilinear") + conv(f)
    return z


TRUTH = np.array([[0, 0, 0, 0, 0, 0],
                  [0, 1, 1, 255, 0, 0],
                  [1, 1, 1, 255, 2, 2],
                  [1, 1, 1, 255, 2, 2],
                  [0, 1, 1, 255, 2, 2],
                  [0, 0, 0, 0, 0, 0]])
GUESS = np.array([[0, 0, 0, 0, 0, 0],
                  [0, 1, 1, 1, 0, 0],
                  [0, 1, 1, 1, 1, 2],
                  [1, 1, 1, 2, 2, 2],
                  [1, 1, 1, 2, 2, 0],
                  [0, 1, 0, 0, 0, 0]])


def count(truth, guess, num_classes=3):
    "The confusion matrix, one pixel after the other."
    matrix = np.zeros((num_classes, num_classes), dtype=int)
    for t, p in zip(truth.ravel(), guess.ravel()):
        if t != IGNORE_INDEX: matrix[t, p] += 1
    return matrix


TRUTH2 = np.zeros((6, 6), dtype=int)
TRUTH2[2:4, 2:4] = 1
GUESS2 = TRUTH2.copy()
GUESS2[3, 3] = 2


def test_an_undecided_pixel_costs_nothing_and_teaches_nothing():
    "nbs/primers/2_segmentation.ipynb, cell 13"
    scores = torch.tensor([[[2.0, 0.0, -5.0]], [[0.0, 1.0, 7.0]]])[None].requires_grad_()  # 2 classes, 1×3 pixels
    target = torch.tensor([[[0, 1, 255]]])
    loss = F.cross_entropy(scores, target, ignore_index=255)
    by_hand = (math.log(1 + math.exp(-2)) + math.log(1 + math.exp(-1))) / 2  # the third pixel does not occur
    assert abs(float(loss.detach()) - by_hand) < 1e-6
    loss.backward()
    assert scores.grad[..., 2].eq(0).all() and scores.grad[..., :2].ne(0).all()



def test_what_survives_by_hand():
    "nbs/primers/2_segmentation.ipynb, cell 20"
    block = np.zeros((8, 8), dtype=bool)
    block[:, :4] = True                                            # the left half
    assert all(iou(survives(block, s), block) == 1 for s in (1, 2, 4))  # its edge lies between two squares
    dot = np.zeros((8, 8), dtype=bool)
    dot[3, 3] = True
    assert survives(dot, 1).sum() == 1 and survives(dot, 2).sum() == 0  # a quarter of its square: less than one half



def test_dilation_keeps_what_an_output_sees_and_the_formula_agrees():
    "nbs/primers/2_segmentation.ipynb, cell 25"
    halved, dilated = chain((2, 2, 1, 1), (1, 1, 1, 1)), chain((1, 1, 1, 1), (1, 2, 4, 4))
    blank = torch.zeros(1, 1, 64, 64)
    few, many = seen_by(halved, blank, 8), seen_by(dilated, blank, 32)
    assert torch.equal(few, many)
    assert int((many.sum(0) > 0).sum()) == 1 + 2 * 1 + 2 * 2 + 2 * 4 + 2 * 4 == layer_table(dilated, 64)[-1].receptive_field
    photo_like = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(dilated(photo_like)[..., ::4, ::4], halved(photo_like))



def test_the_dilated_backbone_repeats_the_features_of_the_classifier():
    "nbs/primers/2_segmentation.ipynb, cell 33"
    image = torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        coarse, fine = (build_backbone("efficientnet_lite0", s, "imagenet").eval()(image).last for s in (32, 8))
    assert fine.shape[-1] == 4 * coarse.shape[-1]
    assert torch.allclose(fine[..., 3::4, 3::4], coarse, atol=1e-3)



def test_equal_dilations_leave_gaps_and_mixed_ones_close_them():
    "nbs/primers/2_segmentation.ipynb, cell 37"
    middle = torch.zeros(1, 1, 33, 33)
    equal, mixed = (seen_by(chain((1, 1, 1), d), middle, 16) > 0 for d in ((2, 2, 2), (1, 2, 3)))
    assert equal.sum() == 7 * 7 and mixed.sum() == 13 * 13
    assert not (equal & equal.roll(1, dims=1)).any()



def test_the_skips_add_predictions_on_the_way_up():
    "nbs/primers/2_segmentation.ipynb, cell 49"
    convs = [nn.Conv2d(1, 1, 1) for _ in range(3)]
    for conv, weight in zip(convs, (1.0, 10.0, 100.0)):
        nn.init.constant_(conv.weight, weight)
        nn.init.zeros_(conv.bias)
    features = [torch.ones(1, 1, side, side) for side in (2, 4, 8)]
    z = add_up(convs, features)
    assert z.shape == (1, 1, 8, 8) and torch.allclose(z, torch.tensor(111.0))
    assert torch.allclose(add_up(convs[:1], features[:1]), torch.tensor(1.0))
    features[2][0, 0, 5, 3] = 2  # one fine place more: the answer changes there, and only there
    changed = add_up(convs, features) != z
    assert changed.sum() == 1 and changed[0, 0, 5, 3]



def test_the_deeplab_head_is_the_sum_of_its_four_branches():
    "nbs/primers/2_segmentation.ipynb, cell 54"
    head = DilatedHead(3, 2)
    f = torch.randn(1, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    one_by_one = [F.conv2d(f, c.weight, c.bias, padding=d, dilation=d) for c, d in zip(head.convs, (6, 12, 18, 24))]
    assert torch.allclose(head(Features(f, {})).fine, sum(one_by_one), atol=1e-5)



def test_the_table_by_hand_is_what_ssnet_computes():
    "nbs/primers/2_segmentation.ipynb, cell 63"
    scores = ConfusionMatrix(3)
    scores.update(GUESS, TRUTH)
    assert (scores.matrix == count(TRUTH, GUESS)).all()
    assert scores.matrix.tolist() == [[14, 2, 0], [1, 9, 0], [1, 1, 4]]
    assert np.allclose(scores.iou(), [14 / 18, 9 / 13, 4 / 6])
    assert abs(scores.miou() - (14 / 18 + 9 / 13 + 4 / 6) / 3) < 1e-12



def test_one_matrix_over_the_set_is_not_the_mean_over_pictures():
    "nbs/primers/2_segmentation.ipynb, cell 70"
    both = ConfusionMatrix(3)
    for truth, guess in ((TRUTH, GUESS), (TRUTH2, GUESS2)): both.update(guess, truth)
    assert both.matrix.tolist() == [[46, 2, 0], [1, 12, 1], [1, 1, 4]]
    whole = (46 / 50 + 12 / 17 + 4 / 7) / 3
    mean = ((14 / 18 + 9 / 13 + 4 / 6) / 3 + (1 + 3 / 4 + 0) / 3) / 2
    assert abs(both.miou() - whole) < 1e-12 and whole - mean > 0.08



def test_the_answers_hold():
    "nbs/primers/2_segmentation.ipynb, cell 72"
    mask = resized(photo_mask("rocket"), Image.NEAREST) > 0
    nothing = ConfusionMatrix(2)
    nothing.update(np.zeros(mask.shape, dtype=int), mask.astype(int))
    assert round(nothing.accuracy(), 2) == 0.98 and round(nothing.miou(), 2) == 0.49
    blank = torch.zeros(1, 1, 64, 64)
    assert (seen_by(chain((1, 1, 1, 1), (1, 2, 4, 8)), blank, 32) > 0).sum() == 31 * 31
    assert (seen_by(chain((1, 1, 1), (2, 4, 8)), blank, 32) > 0).sum() == 15 * 15  # of 29×29
