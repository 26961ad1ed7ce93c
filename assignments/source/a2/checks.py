"""Public checks of assignment A2: small numbers that you can do by hand. Reading them is allowed."""
import random
from types import SimpleNamespace

import torch

from ssnet.checking import CheckFailed, call, close

SEED = 0


def variant(seed):
    "What changes from year to year."
    rng = random.Random(seed)
    pool = ["aeroplane", "boat", "bottle", "bus", "car", "cat", "cow", "dog", "person", "train"]
    classes = tuple(sorted(rng.sample(pool, rng.choice((4, 5, 6)))))
    photo, wanted = rng.choice((("cat", "Egyptian cat"), ("coffee", "espresso"), ("flower", "daisy")))
    return SimpleNamespace(
        seed=seed,
        classes=classes,                              # foreground classes; class number 1 is the first
        class_names=", ".join(classes),
        count=len(classes),
        example=classes[1],                           # a class that the text speaks of
        ignore_index=(255, 254, 200, 99)[seed % 4],   # number of an undecided pixel
        high=rng.choice((0.5, 0.375, 0.625)),         # seeds: above this is object
        low=rng.choice((0.25, 0.125, 0.1875)),        # seeds: below this is background
        photo=photo, wanted=wanted,                   # a photograph, and the ImageNet class to look for
        edges=rng.choice(((0, 0.05, 0.12, 0.25, 1.01), (0, 0.06, 0.15, 0.3, 1.01))),  # groups of sizes
        factor=rng.choice((1, 2, 3, 5)),              # of the small numbers below
        band=rng.choice((1, 2)),                      # width of the undecided outline, in pixels
    )


V = variant(SEED)
k, I, HIGH, LOW = V.factor, V.ignore_index, V.high, V.low


def tried(hint, answer, *inputs, errors=(IndexError, RuntimeError, ValueError), **named):
    "`call`, with a hint where the answer raised one of `errors`; without them an error of indices or shapes."
    try: return call(answer, *inputs, **named)
    except CheckFailed as failure:
        if not isinstance(failure.__cause__, errors): raise
        raise CheckFailed(f"{str(failure).rstrip('.')}. {hint}") from failure


def small_features():
    "Two pictures, two features at 2×2 places; the means are 3k and 2k, then k and 3k."
    return k * torch.tensor([[[[1., 2.], [3., 6.]], [[0., 3.], [0., 5.]]],
                             [[[1., 1.], [2., 0.]], [[0., 4.], [4., 4.]]]])


WEIGHT = ((1., 0.), (0., 2.), (1., -1.))


def check_gap_logits(gap_logits):
    "Two pictures, two features, three classes."
    weight, bias = torch.tensor(WEIGHT), torch.tensor([0.5, 0., -1.])
    got = call(gap_logits, small_features(), weight, bias)
    right = torch.tensor([[3 * k + 0.5, 4 * k, k - 1], [k + 0.5, 6 * k, -2 * k - 1]])
    close(got, right, "your logit", {
        "you take the sum over the places where the mean is due":
            [[12 * k + 0.5, 16 * k, 4 * k - 1], [4 * k + 0.5, 24 * k, -8 * k - 1]],
        "you take the maximum over the places where the mean is due":
            [[6 * k + 0.5, 10 * k, k - 1], [2 * k + 0.5, 8 * k, -2 * k - 1]],
        "your logits leave out the bias": [[3 * k, 4 * k, k], [k, 6 * k, -2 * k]],
        "you divide the bias by the number of places: it is added once, after the mean":
            [[3 * k + 0.125, 4 * k, k - 0.25], [k + 0.125, 6 * k, -2 * k - 0.25]],
        "you average over the batch: each picture has its own mean": right.mean(0, keepdim=True).expand_as(right),
        "your logits are those of the first picture only": right[:1].expand_as(right),
        "logits are no probabilities: leave out the softmax": right.softmax(1),
        "logits are no probabilities: leave out the sigmoid": right.sigmoid()})
    close(call(gap_logits, small_features(), weight), [[3 * k, 4 * k, k], [k, 6 * k, -2 * k]],
          "your logit without a bias")
    inside = torch.tensor([[[True, True], [True, False]], [[True, True], [False, False]]])
    got = call(gap_logits, small_features(), weight, bias, inside)
    close(got, [[2 * k + 0.5, 2 * k, k - 1], [k + 0.5, 4 * k, -k - 1]], "your logit of a padded picture", {
        "your mean takes in the padding: use `inside`": right,
        "you set the padding to 0, and still divide by all places: divide by the places inside":
            [[1.5 * k + 0.5, 1.5 * k, 0.75 * k - 1], [0.5 * k + 0.5, 2 * k, -0.5 * k - 1]],
        "you use the first picture's places for all: each picture has its own":
            [[2 * k + 0.5, 2 * k, k - 1], [4 * k / 3 + 0.5, 16 * k / 3, -4 * k / 3 - 1]],
        "for a padded picture your logits leave out the bias": [[2 * k, 2 * k, k], [k, 4 * k, -k]]})


def check_cam(cam):
    "The same features and weights: three maps of 2×2 places for each picture."
    got = call(cam, small_features(), torch.tensor(WEIGHT))
    right = k * torch.tensor([[[[1., 2.], [3., 6.]], [[0., 6.], [0., 10.]], [[1., -1.], [3., 1.]]],
                              [[[1., 1.], [2., 0.]], [[0., 8.], [8., 8.]], [[1., -3.], [-2., -4.]]]])
    close(got, right, "your map", {
        "your map is cut at 0: a CAM may be negative, and its mean is the logit only as long as it is":
            right.clamp(min=0),
        "your map is divided by the number of places: the mean comes later": right / 4,
        "rows and columns of your map are exchanged": right.transpose(2, 3),
        "your map is the mean over the features, or divided by the number of pictures: the plain sum is due": right / 2,
        "your map is a softmax over the classes: a CAM is the plain sum": right.softmax(1),
        "your map is divided by its maximum: that comes in the next exercise": right / right.amax((2, 3), keepdim=True),
        "your map is the same everywhere: use the weights at each place, before the mean":
            right.mean((2, 3), keepdim=True).expand_as(right),
        "your map is averaged over the batch: each picture has its own":
            right.mean(0, keepdim=True).expand_as(right),
        "your map is that of the first picture only": right[:1].expand_as(right),
        "your map is squeezed to probabilities: leave out the sigmoid": right.sigmoid()})


def two_maps():
    "CAMs of two classes at 2×3 places; the first has values at both thresholds. The maxima are 1024 and 256."
    first = 1024 * torch.tensor([[1., HIGH, LOW], [(HIGH + LOW) / 2, -0.5, 0.]])
    second = 256 * torch.tensor([[-0.5, 0., 0.], [0., 1., 0.]])
    return torch.stack([first, second])[None]


ZERO = "0/0 is nan: a map that is 0 everywhere, as it is after a product with the tags, must stay 0"


def check_seeds(seeds):
    "One tag, then two."
    got = call(seeds, two_maps(), torch.tensor([[1., 0.]]))
    close(got, [[[1, I, I], [I, 0, 0]]], "your label", {
        "a pixel exactly at `high` became object: only above it is object, so > and not ≥": [[[1, 1, I], [I, 0, 0]]],
        "a pixel exactly at `low` became background: only below it is background, so < and not ≤":
            [[[1, I, 0], [I, 0, 0]]],
        "both thresholds are on the wrong side: only > high is object and only < low is background":
            [[[1, 1, 0], [I, 0, 0]]],
        "your classes begin at 0, but 0 is the background: entry c of the tags is class number c + 1":
            [[[0, I, I], [I, 0, 0]]],
        "background and undecided are exchanged": [[[1, 0, 0], [0, I, I]]],
        "you chose a class that the tags exclude": [[[1, I, I], [I, 2, 0]]],
        ZERO: [[[I, I, I], [I, I, I]]], ZERO + " (nan counts as the largest)": [[[2, 2, 2], [2, 2, 2]]],
        "there is no ignore band: between the thresholds a pixel gets V.ignore_index": [[[1, 0, 0], [0, 0, 0]]],
        "your thresholds cut the raw map: divide each map by its own maximum first": [[[1, 1, 1], [1, 0, 0]]]})
    got = call(seeds, two_maps(), torch.tensor([[1., 1.]]))
    close(got, [[[1, I, I], [I, 2, 0]]], "your label with two tags", {
        "you divide all maps by one maximum: each map has its own": [[[1, I, I], [I, I, 0]]],
        "your labels know one class only: each pixel gets the number of its strongest class": [[[1, I, I], [I, 1, 0]]]})


def check_confusion(confusion):
    "Eight pixels, two of them undecided."
    truth = torch.tensor([[0, 0, 0, 1], [1, 2, I, 2]])
    prediction = torch.tensor([[0, 1, 1, 1], [0, 2, 2, I]])
    right = [[1, 2, 0], [1, 1, 0], [0, 0, 1]]
    hint = f"{I} is no class: leave these pixels out before you count."
    got = tried(hint, confusion, prediction, truth, 3)
    close(got, right, "your matrix", {
        "rows and columns are exchanged: the row is the true class": [[1, 1, 0], [2, 1, 0], [0, 0, 1]],
        "you count undecided pixels as background": [[1, 2, 1], [1, 1, 0], [1, 0, 1]],
        "you count a pixel whose truth is undecided as background": [[1, 2, 1], [1, 1, 0], [0, 0, 1]],
        "you count a pixel whose prediction is undecided as background": [[1, 2, 0], [1, 1, 0], [1, 0, 1]],
        "you leave out the pixels that are truly background: it is a class like the others":
            [[0, 0, 0], [1, 1, 0], [0, 0, 1]],
        "you count a pair of classes once, however often it occurs (an index with += does that)":
            [[1, 1, 0], [1, 1, 0], [0, 0, 1]],
        "you divide the rows by their sums: the matrix holds counts": [[1 / 3, 2 / 3, 0], [0.5, 0.5, 0], [0, 0, 1]],
        "you divide by the number of pixels: the matrix holds counts": torch.tensor(right) / 6})


def check_miou(miou):
    "Two pictures, three classes; class 2 does not occur."
    matrices = k * torch.tensor([[[4, 2, 0], [0, 4, 0], [0, 0, 0]], [[6, 0, 0], [3, 0, 0], [0, 0, 0]]])
    got = call(miou, matrices)
    close(got, 5 / 9, "your mIoU", {
        "your mIoU is the mean over the pictures: add up the matrices first": 1 / 2,
        "a class that occurs nowhere counts as 0 in your mean: leave it out": 10 / 27,
        "a class that occurs nowhere counts as 1 in your mean: leave it out": 19 / 27,
        "your mIoU is nan, from 0/0: leave out a class that occurs nowhere": float("nan"),
        "you divide by the true pixels (recall): the union is due": (10 / 12 + 4 / 7) / 2,
        "you divide by the predicted pixels (precision): the union is due": (10 / 13 + 4 / 6) / 2,
        "your union counts the intersection twice: take it off once": (10 / 25 + 4 / 13) / 2,
        "this is the Dice score, 2 · intersection / (true + predicted): the union is due": (20 / 25 + 8 / 13) / 2,
        "this is the share of right pixels, not the mean of the classes' IoU": 14 / 19})
    close(call(miou, matrices, background=False), 4 / 9, "your mIoU without the background", {
        "`background=False` changes nothing": 5 / 9,
        "you deleted the background's row and column before the unions: its mistakes belong to the other classes too":
            1.0})


def three_pictures():
    "Maps and object masks `(3, 2, 4)`: 1 of 8 pixels, 4 of 7, and 2 of 8, which is a quarter."
    up, at = HIGH + 0.125, HIGH
    maps = [[[up, up, up, 0], [0, 0, 0, 0]], [[up, at, 0, 0], [0, 0, 0, 1]], [[up, 0, 0, 0], [0, at, 0, 1]]]
    objects = [[[1, 0, 0, 0], [0, 0, 0, 0]], [[1, 1, 1, 1], [0, 0, 0, I]], [[1, 1, 0, 0], [0, 0, 0, 0]]]
    return torch.tensor(maps), torch.tensor(objects)


def check_failure(failure):
    "Three pictures in two groups of sizes."
    maps, objects = three_pictures()
    got = call(failure, maps, objects, HIGH, (0, 0.25, 1.01))
    first, n = [1, 1, 1 / 3], float("nan")
    close(got, [first, [2, 2 / 6, 2 / 3]], "your table", {
        "recall and precision are exchanged": [[1, 1 / 3, 1], [2, 2 / 3, 2 / 6]],
        "you take the mean over the pictures of a group: count the pixels of all of them together":
            [first, [2, 3 / 8, 3 / 4]],
        "a pixel exactly at the threshold counts as found: only above it": [first, [2, 3 / 6, 3 / 5]],
        "undecided pixels count as background: leave them out": [first, [2, 2 / 6, 2 / 4]],
        "undecided pixels count as object: leave them out": [first, [2, 3 / 7, 3 / 4]],
        "the object that fills exactly 0.25 is in the wrong group: edges[g] ≤ size < edges[g + 1]":
            [[2, 2 / 3, 2 / 5], [1, 1 / 4, 1]],
        "you group by what the map found: the size is that of the true object": [[1, 1 / 4, 1], [2, 2 / 3, 2 / 5]],
        "your sizes are numbers of pixels: a share of the counted pixels is due":
            [[0, n, n], [1, 1, 1 / 3]]})
