"""Assignment 3: the variant of the year, the pictures, and the public checks. Read it, and leave it as it is."""
import copy
from functools import lru_cache
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import ssnet.backbone
from ssnet.checking import call, close, expect, own_work
from ssnet.compose import SceneRecipe, Split, photographs, scene_at
from ssnet.cutouts import openmoji_cutouts
from ssnet.labels import VOC_CLASSES
from ssnet.metrics import ConfusionMatrix
from ssnet.show import COLORS, IMAGENET_MEAN, IMAGENET_STD, new_figure

SEED = 0


def variant(seed):
    "What changes from year to year."
    rng = np.random.default_rng([3, seed])
    pools = [("cat", "cow", "dog", "horse"), ("aeroplane", "bus", "car", "train"), ("boat", "bottle", "sheep")]
    names = tuple(str(rng.choice(pool)) for pool in pools)
    v = SimpleNamespace(seed=seed, names=names, maps=len(names) + 1, size=64, steps=180)
    v.background = int(rng.choice([0, len(names)]))
    v.channels = names[:v.background] + ("background",) + names[v.background:]
    v.strides = tuple(int(s) for s in rng.choice([(2, 1, 2, 1), (3, 1, 2, 1), (2, 1, 3, 1)]))
    v.kernel = int(rng.choice([3, 5]))
    v.dilations = tuple(int(d) for d in rng.choice([(1, 2), (1, 3), (2, 3)]))
    v.factor = int(rng.choice([2, 4]))
    v.sam_size = tuple(int(s) for s in rng.choice([(2, 3), (3, 2), (2, 4)]))
    v.salient_weight = float(rng.choice([1.25, 1.5, 2.0]))
    v.weights = (float(rng.choice([4, 5, 6])), 1.0)
    v.miou, v.mae = 0.45, 0.9  # at least; at most, as a share of the MAE of a black map
    return v


V = variant(SEED)


# The pictures, the trunk, and what a network gives

class Output(NamedTuple):
    "What a network of this assignment says of a batch of pictures."
    logits: Tensor  # `(B, C, height, width)`
    H: Tensor       # `(B, C, height, width)`: probability maps
    v: Tensor       # `(B, C)`: saliency scores
    S: Tensor       # `(B, height, width)`: saliency map


class Pictures(NamedTuple):
    "Composed pictures, and the truth about them."
    image: Tensor     # `(N, 3, size, size)`, normalised
    tags: Tensor      # `(N, classes)` of 0 and 1, in the order of V.names
    label: Tensor     # `(N, size, size)`: channel of each pixel, in the order of V.channels
    saliency: Tensor  # `(N, size, size)` of 0 and 1


@lru_cache(maxsize=8)
def pictures(count, seed, kind="tags"):
    "`count` scenes. kind 'tags': objects of V.names; kind 'masks': half of the objects are of no class."
    glyphs = [c for c in openmoji_cutouts("train") if VOC_CLASSES[c.class_index] in V.names]
    others = openmoji_cutouts("train", classes=False)
    split = Split("train", count, glyphs, others, 0.5 if kind == "masks" else 0.0)
    recipe = SceneRecipe(size=V.size, two_objects=0.25, rotate=10, clutter=(0, 3))
    found = [scene_at(split, i, photographs(), recipe, seed, kind) for i in range(count)]
    image = torch.stack([torch.from_numpy(s.image) for s in found]).permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (IMAGENET_MEAN, IMAGENET_STD))
    channel = np.full(256, V.background)
    for i, name in enumerate(V.channels): channel[VOC_CLASSES.index(name)] = i
    label = torch.from_numpy(np.stack([channel[s.label] for s in found]))
    tags = [[float((one == V.channels.index(name)).any()) for name in V.names] for one in label]
    saliency = torch.from_numpy(np.stack([s.saliency for s in found])).float()
    return Pictures((image - mean) / std, torch.tensor(tags), label, saliency)


def to_voc(label):
    "Channels to VOC's class numbers, for the colours."
    return np.array([VOC_CLASSES.index(name) for name in V.channels], np.uint8)[np.asarray(label)]


def trunk():
    "A small residual network with new weights: pictures to 192 features, output stride 8."
    return ssnet.backbone.dilate(ssnet.backbone.tiny(), 8)


def random(*shape, seed=0):
    "Normal numbers, the same for the same seed."
    return torch.randn(shape, generator=torch.Generator().manual_seed(1000 * V.seed + seed))


def show_taps():
    "Where two layers of three taps look: with a stride, without it, and without it but dilated."
    figure, axes = new_figure(9, 2.6, 1, 3)
    cases = ("stride 2", 2, 1), ("stride 1", 1, 1), ("stride 1, then dilation 2", 1, 2)
    for axis, (title, s, d) in zip(axes[0], cases):
        for row, places in ((0, range(17)), (1, range(0, 17, s)), (2, range(0, 17, s))):
            axis.plot(list(places), [row] * len(places), "o", color="0.75", markersize=5)
        middle = [8 + k * s * d for k in (-1, 0, 1)]
        for place in middle:
            axis.plot([8, place], [2, 1], color=COLORS["blue"])
            for k in (-1, 0, 1): axis.plot([place, place + k], [1, 0], color=COLORS["orange"])
        axis.set(title=title, yticks=[0, 1, 2], xticks=[0, 4, 8, 12, 16], ylim=(-0.4, 2.4))
        axis.set_yticklabels(["input", "layer 1", "layer 2"] if s == 2 else [""] * 3)
    return figure


def renamed(answer, function):
    "`function` under the answer's name, for messages."
    function.__name__ = getattr(answer, "__name__", type(answer).__name__)
    return function


# dilate

def stack(strides, kernels, paddings, dilations=None, channels=3, seed=0):
    "Convolutions with random weights in a row, with a ReLU between two."
    layers = []
    for i, (s, k, p) in enumerate(zip(strides, kernels, paddings)):
        layers += [nn.Conv2d(channels, channels, k, s, p, dilations[i] if dilations else 1), nn.ReLU()]
        for j, x in enumerate(layers[-2].parameters()): x.data = random(*x.shape, seed=100 * seed + 10 * i + j) / k
    return nn.Sequential(*layers[:-1])


def settings(network):
    "What makes a stack: stride, dilation, padding of each convolution, and the weights."
    convs = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    return [(c.stride, c.dilation, c.padding) for c in convs] + [x.sum().item() for x in network.parameters()]


def of_two(value):
    "A setting as PyTorch takes it, one number or two, as two."
    return (value, value) if isinstance(value, int) else tuple(value)


def blame(network, fine, output_stride):
    "Which layer of `fine` is wrong, and in what; for a stack whose outputs differ."
    convs, fines = ([m for m in n.modules() if isinstance(m, nn.Conv2d)] for n in (network, fine))
    expect(len(convs) == len(fines), f"your dilate gives {len(fines)} convolutions for {len(convs)}")
    reached, factor = 1, 1
    for i, (old, new) in enumerate(zip(convs, fines), 1):
        removed = reached >= output_stride
        s, at = old.stride[0], f"layer {i} of your network"
        stride, dilation, padding = map(of_two, (new.stride, new.dilation, new.padding))
        expect(removed or stride == old.stride, f"{at} lost its stride {s}, though an output stride of "
               f"{output_stride} is allowed")
        expect(not removed or stride == (1, 1), f"{at} still has stride {stride[0]}: beyond the output "
               "stride every stride goes")
        expect(torch.equal(old.weight, new.weight), f"{at} has other weights: it must keep the ones it learned")
        want, tap = old.dilation[0] * factor, old.kernel_size == (1, 1)  # of one tap the dilation does nothing
        expect(tap or dilation[0] != want * s or s == 1, f"{at} is dilated by its own stride: only what stood "
               "before it makes its input finer")
        expect(tap or dilation[0] == want, f"{at} has dilation {dilation[0]}: its input is {factor} times "
               f"finer, so its taps, {old.dilation[0]} apart before, must stand {factor} times as far apart")
        expect(padding[0] == factor * old.padding[0], f"{at} has padding {padding[0]}: its input is {factor} "
               f"times finer, and the border of {old.padding[0]} must grow as the taps' distance does")
        grown = zip(dilation + padding, old.dilation + old.padding)
        expect(tap or all(n == factor * o for n, o in grown), f"{at} has dilation {dilation} and padding {padding}: "
               "height and width grow each from their own number")
        expect(old.bias is not None or new.bias is None, f"{at} has a bias, which it had not before")
        if removed: factor *= s
        else: reached *= s


def expect_same_places(dilate, network, output_stride, height, width):
    "The dilated stack gives, at the kept places, what the stack gives; and nothing is changed in the stack itself."
    before, x = settings(network), random(2, network[0].in_channels, height, width, seed=7)
    fine = call(renamed(dilate, lambda stride: dilate(network, stride)), output_stride)
    expect(isinstance(fine, nn.Module), f"your dilate gives a {type(fine).__name__}; a network is expected")
    expect(settings(network) == before, "your dilate changes the network that it was given: change a copy")
    with torch.no_grad(): want = network(x)
    try:
        with torch.no_grad(): got = fine(x)
    except RuntimeError:
        blame(network, fine, output_stride)
        raise
    whole = int(np.prod([m.stride[0] for m in network if isinstance(m, nn.Conv2d)]))
    kept = got[..., ::whole // output_stride, ::whole // output_stride]
    if kept.shape != want.shape or not torch.allclose(kept, want, atol=1e-4): blame(network, fine, output_stride)
    close(kept, want, "at the kept places, the output of your network")


def check_dilate(dilate):
    "The stack of the text: at the kept places the same numbers."
    k, n = V.kernel, len(V.strides)
    network = stack(V.strides, (k,) * n, (k // 2,) * n)
    expect_same_places(dilate, network, 1, 24, 24)
    expect_same_places(dilate, network, V.strides[0], 24, 24)


# head

def convolutions(head, channels, maps, dilations):
    "The 1×1 convolution of a head, and its 3×3 ones in the order of `dilations`."
    convs = [m for m in head.modules() if isinstance(m, nn.Conv2d)]
    ones, threes = ([c for c in convs if c.kernel_size == (k, k)] for k in (1, 3))
    expect(convs, "your Head holds no convolution that PyTorch knows of: keep them in an nn.ModuleList, not in a list")
    expect(len(ones) == 1, f"your Head has {len(ones)} convolutions of 1×1; it needs one")
    expect(len(threes) == len(dilations), f"for dilations {dilations}, your Head has {len(threes)} convolutions of "
           "3×3 that PyTorch knows of: one for each dilation, in an nn.ModuleList")
    for c in convs:
        expect(c.bias is not None, "a convolution of your Head has no bias")
        expect((c.in_channels, c.out_channels) == (channels, maps), f"a convolution of your Head goes from "
               f"{c.in_channels} to {c.out_channels} channels; {channels} to {maps} is expected")
    found = sorted(c.dilation[0] for c in threes)
    expect(found == sorted(dilations), f"your Head has dilations {found}; {sorted(dilations)} is expected")
    return ones[0], sorted(threes, key=lambda c: c.dilation[0])


def run_head(head, features, maps, factor):
    "Logits and probabilities of a head, of the right shape."
    got = call(head, features)
    expect(isinstance(got, tuple) and len(got) == 2, "your Head must give two things: (logits, H)")
    (B, _, h, w), shape = features.shape, None
    for name, x in zip(("logits", "H"), got):
        shape = (B, maps, factor * h, factor * w)
        expect(isinstance(x, Tensor) and tuple(x.shape) == shape, f"your {name} must have shape {shape} for "
               f"features of {tuple(features.shape)} and factor {factor}, but {tuple(getattr(x, 'shape', ()))} came")
    return got


def check_head(Head):
    "Sizes; probabilities; and one dot of features, which a dilated tap must move."
    d, maps, factor = V.dilations[-1], V.maps, V.factor
    head = call(Head, 2, maps, V.dilations, factor)
    one, threes = convolutions(head, 2, maps, V.dilations)
    logits, H = run_head(head, random(2, 2, 8, 9), maps, factor)
    for axis, name in ((0, "pictures"), (2, "rows"), (3, "columns")):
        expect(not torch.allclose(H.sum(axis), torch.ones(())), f"your H adds up to 1 over the {name}: "
               "the softmax runs over the classes")
    close(H.sum(1), torch.ones(2, 8 * factor, 9 * factor), "at each pixel, your H added up over the classes")
    for p in head.parameters(): p.data.zero_()
    one.bias.data[1], threes[-1].weight.data[0, 0, 0, 0] = 1.0, factor**2
    dot = torch.zeros(1, 2, 8, 9)
    dot[0, 0, 2, 3] = 1
    logits, _ = run_head(head, dot, maps, factor)
    close(logits[0, 1], torch.ones(8 * factor, 9 * factor), "with a bias of 1 and weights of 0, your map")
    place = logits[0, 0].reshape(8, factor, 9, factor).mean((1, 3)).flatten().argmax().item()
    at = (place // 9 - 2, place % 9 - 3)
    expect(at == (d, d), f"through the first tap of dilation {d}, a dot must move by {(d, d)}, but yours moves by "
           f"{at}: padding and dilation must be the same")


# aggregate_loop and aggregate

def check_aggregate_loop(aggregate_loop, what="your aggregate_loop"):
    "Two pixels, two classes and a background: sums that can be done by hand."
    b = min(V.background, 2)
    scores, maps = [0.5, 1.0], [[0.2, 0.6], [0.7, 0.1]]
    scores.insert(b, 0.25)
    maps.insert(b, [0.1, 0.3])
    v, H = torch.tensor([scores]), torch.tensor([maps])[:, :, None]
    S = call(aggregate_loop, v, H, b)
    plain = torch.tensor([[[0.8, 0.4]]])
    close(S, plain, f"S of {what}", {
        "your S counts the background: it is not salient, whatever its score": plain + torch.tensor([[[0.025, 0.075]]]),
        "your S does not use v: S = Σ v_i H_i": torch.tensor([[[0.9, 0.7]]]),
        "your S is a mean over the classes; it is a sum": plain / 2,
    })


def check_aggregate(aggregate):
    "The sums of the loop."
    check_aggregate_loop(aggregate, "your aggregate")


# sam

def check_sam(SAM):
    "Shape, range, number of weights; and scores that can be worked out by hand."
    (h, w), maps = V.sam_size, V.maps
    sam = call(SAM, 2, maps, V.sam_size)
    count, want = sum(p.numel() for p in sam.parameters()), maps * (2 * h * w + 1)
    expect(count == want, f"your SAM has {count} weights that PyTorch knows of; a kernel of {h}×{w} over 2 "
           f"features for {maps} classes, with a bias for each, makes {want}")
    v = call(sam, random(3, 2, h, w))
    expect(tuple(v.shape) == (3, maps), f"for a batch of 3 pictures, v has shape {tuple(v.shape)}; (3, {maps}) is "
           "expected")
    for p in sam.parameters(): p.data.fill_(0.1)
    score = 0.1 * 2 * h * w + 0.1
    v = call(sam, torch.ones(3, 2, h, w))
    close(v, torch.full((3, maps), 1 / (1 + np.exp(-score))), "with all weights 0.1 and all features 1, your v", {
        "your v has not been through a sigmoid": torch.full((3, maps), score),
        "your v comes from a softmax: the classes compete, though each has a score of its own":
            torch.full((3, maps), 1 / maps),
        "your v averages over the places, and the sum of the convolution is expected":
            torch.full((3, maps), 1 / (1 + np.exp(-0.3))),
    })


# tag_loss

def one_picture():
    "Logits of one picture of two pixels, two classes and a background; their means are ln 3, 0 and 2."
    z = [[np.log(9), 0.0], [-1.0, 1.0]]
    z.insert(min(V.background, 2), [4.0, 0.0])
    return torch.tensor([z], dtype=torch.float32)[:, :, None]


def check_tag_loss(tag_loss):
    "Two classes with p = 3/4 and 1/2, of which the first is there."
    got = call(tag_loss, one_picture(), torch.tensor([[1.0, 0.0]]), min(V.background, 2))
    a, b = np.log(4 / 3), np.log(2)
    early = [(1 / (1 + np.exp(-x)) + 1 / (1 + np.exp(-y))) / 2 for x, y in ((np.log(9), 0), (-1, 1))]
    close(got, (a + b) / 2, "your L_c", {
        "your L_c is a sum over the classes; it is a mean": a + b,
        "your L_c leaves out the classes that are not tagged: 1 - t has a term too": a / 2,
        "your L_c averages probabilities; first the mean of the logits, then the sigmoid":
            -np.log(early[0] * (1 - early[1])) / 2,
        "your L_c takes the sigmoid twice: a loss 'with logits' wants logits, not probabilities":
            (np.log(1 + np.exp(-0.75)) + np.log(1 + np.exp(0.5))) / 2,
        "your L_c has no minus sign": -(a + b) / 2,
    })


# saliency_loss

def check_saliency_loss(saliency_loss):
    "Two pixels: one salient with S = 1/2, one not, with S = 1/4."
    w, a, b = V.salient_weight, np.log(2), np.log(4 / 3)
    S, y = torch.tensor([[[0.5, 0.25]]]), torch.tensor([[[1.0, 0.0]]])
    sigmoid = [1 / (1 + np.exp(-x)) for x in (0.5, 0.25)]
    close(call(saliency_loss, S, y, w), (w * a + b) / 2, "your L_s1", {
        "your L_s1 is a sum over the pixels; it is a mean": w * a + b,
        "your L_s1 does not use the weight of the salient pixels": (a + b) / 2,
        "your L_s1 weights every pixel; the weight belongs to the salient ones": w * (a + b) / 2,
        "your L_s1 weights the pixels that are not salient": (a + w * b) / 2,
        "your L_s1 leaves out the pixels that are not salient: 1 - y has a term too": w * a / 2,
        "your L_s1 takes a sigmoid of S: S is a probability already, not a logit":
            -(w * np.log(sigmoid[0]) + np.log(1 - sigmoid[1])) / 2,
        "your L_s1 divides by the sum of the weights; it is a mean over the pixels": (w * a + b) / (w + 1),
        "your L_s1 has no minus sign": -(w * a + b) / 2,
        "your L_s1 has no logarithm": -(w * 0.5 + 0.75) / 2,
    })


# train_step

class Toy(nn.Module):
    "A network with one convolution and batch norm, for the checks of a step."

    def __init__(self, maps=3, seed=0):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, maps, 3, padding=1), nn.BatchNorm2d(maps)
        for i, p in enumerate(self.conv.parameters()): p.data = random(*p.shape, seed=50 + 10 * seed + i)

    def forward(self, image):
        logits = self.norm(self.conv(image))
        v = logits.mean((2, 3)).sigmoid()
        return Output(logits, logits.softmax(1), v, (v[:, :, None, None] * logits.softmax(1))[:, 1:].sum(1))


def toy_losses():
    "Two simple losses: (of logits and tags, of S and y)."
    return (lambda logits, tags: F.binary_cross_entropy_with_logits(logits.mean((2, 3)), tags),
            lambda S, y: (S - y).square().mean())


def toy_batches(tagged=2, masked=3, seed=0):
    "A batch of each kind."
    a, b = random(tagged, 3, 6, 6, seed=seed + 20), 2 * random(masked, 3, 6, 6, seed=seed + 21) + 1
    tags, masks = random(tagged, 3, seed=seed + 22) > 0, random(masked, 6, 6, seed=seed + 23) > 0
    return (a, tags.float()), (b, masks.float())


def vector(net):
    "All weights of a network in a row."
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def take_step(train_step, net, optimizer, tagged, masked, losses, weights):
    "Call a train_step; its batches must stay as they are."
    step = lambda a, tags, b, masks: train_step(net, optimizer, (a, tags), (b, masks), losses, weights)
    return call(renamed(train_step, step), *tagged, *masked)


def check_train_step(train_step):
    "One step of plain gradient descent: have the weights moved, was the network in training mode, what comes back?"
    net, (tagged, masked) = Toy(), toy_batches()
    net.eval()
    modes, before, optimizer = [], vector(net), torch.optim.SGD(net.parameters(), lr=0.1)
    net.register_forward_pre_hook(lambda module, _: modes.append(module.training))
    loss = take_step(train_step, net, optimizer, tagged, masked, toy_losses(), V.weights)
    expect(loss is not None, "your train_step must give the total loss")
    expect(not (isinstance(loss, Tensor) and loss.requires_grad), "your train_step gives a loss that drags its "
           "whole graph along: give a number, with .item()")
    expect(all(modes), "your train_step runs the network in evaluation mode: batch norm does not learn there")
    expect(not torch.equal(vector(net), before), "your train_step has not moved the weights: backward, then step")
    with torch.no_grad():
        fresh = Toy()
        parts = [f(out, y).item() for f, out, y in zip(toy_losses(), (fresh(tagged[0]).logits, fresh(masked[0]).S),
                                                       (tagged[1], masked[1]))]
    close(loss, V.weights[0] * parts[0] + V.weights[1] * parts[1], "the loss of your train_step", {
        "the loss of your train_step does not use the weights": sum(parts),
        "your train_step exchanges the two weights": V.weights[1] * parts[0] + V.weights[0] * parts[1],
        "the loss of your train_step is that of the tags alone": V.weights[0] * parts[0],
        "the loss of your train_step is that of the saliency masks alone": V.weights[1] * parts[1],
    })


# training

@torch.no_grad()
def predict(net, image):
    "H, v and S of a network for pictures, 20 at a time."
    with own_work("your network", ("backbone",)): found = [net(part) for part in image.split(20)]
    return tuple(torch.cat([getattr(out, name) for out in found]) for name in ("H", "v", "S"))


def scores(net, data):
    "(mIoU, MAE) of a network on pictures."
    H, _, S = predict(net, data.image)
    matrix = ConfusionMatrix(V.maps)
    matrix.update(H.argmax(1), data.label)
    return matrix.miou(), (S - data.saliency).abs().mean().item()


def expect_scores(trained, data, where):
    "Expect an mIoU and a MAE that only a network reaches which has learned from tags and from masks."
    (miou, mae), black = scores(trained, data), data.saliency.mean().item()
    expect(np.isfinite(miou) and miou >= V.miou, f"on {where} pictures your network reaches an mIoU of {miou:.2f}; "
           f"{V.miou} is asked for")
    expect(mae <= V.mae * black, f"on {where} pictures the mean absolute error of your S is {mae:.3f}; at most "
           f"{V.mae * black:.3f} is asked for, and a black map has {black:.3f}")


def check_training(trained):
    "mIoU and MAE on pictures that were not trained on."
    expect(isinstance(trained, nn.Module), "a trained network is expected")
    expect(not trained.training, "your network is still in training mode: call eval() when the training is over, on "
           "the network that you were given")
    expect_scores(trained, pictures(60, 900 + V.seed), "new")
