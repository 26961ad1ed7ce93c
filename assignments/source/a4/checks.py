"""Assignment 4, two stages: this year's variant, the pictures, plumbing, and the public checks."""
import copy
import math
import random
from collections import namedtuple
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ssnet.checking import CheckFailed, call, close, expect
from ssnet.compose import SceneRecipe, Split, photographs, scene_at
from ssnet.cutouts import openmoji_cutouts
from ssnet.labels import VOC_CLASSES, mask_to_tags
from ssnet.show import IMAGENET_MEAN, IMAGENET_STD

SEED = 0


# What changes from year to year

GROUPS = (("bird", "boat"), ("car", "bus"), ("cat", "dog", "cow"), ("train", "bottle"))  # one class of each
BUDGETS = ((200, 90), (190, 95), (205, 85))  # steps of stage 1 and of stage 2


def chance(margin):
    "How often, in percent, three normal differences of mean 0 are clear: P(|t| > margin √3), two degrees of freedom."
    return round(100 * (1 - margin * math.sqrt(3 / (2 + 3 * margin ** 2))))


def variant(seed):
    "What the assignment is about in one year."
    draw = random.Random(seed)
    classes = tuple(draw.choice(group) for group in GROUPS)
    ignore, threshold = draw.choice((254, 200, 99, -1)), draw.choice((0.55, 0.6, 0.65))
    margin, steps, first = draw.choice((1.5, 2.0)), draw.choice(BUDGETS), draw.randrange(50)
    if seed == 0:
        classes, ignore, threshold, margin, steps, first = ("bird", "car", "cat", "train"), 255, 0.6, 1.0, BUDGETS[0], 0
    return SimpleNamespace(
        seed=seed, classes=("background", *classes), num_classes=len(classes) + 1, names=", ".join(classes),
        ignore=ignore, threshold=threshold, margin=margin, chance=chance(margin), steps1=steps[0], steps2=steps[1],
        seeds=(first, first + 1, first + 2), size=48, pictures=400, tests=120, batch=16)


V = variant(SEED)


# Pictures

def compose_set(kind, count):
    'Composed pictures of a kind, "tagged", "salient" or "test": a dictionary of tensors.'
    names = V.classes[1:]
    mine = [replace(c, class_index=1 + names.index(VOC_CLASSES[c.class_index])) for c in openmoji_cutouts("train")
            if VOC_CLASSES[c.class_index] in names]
    split = Split(kind, count, mine, openmoji_cutouts("train", classes=False), 0.5 if kind == "salient" else 0.0)
    scenes = [scene_at(split, i, photographs(), SceneRecipe(size=V.size), V.seed, kind) for i in range(count)]
    image = torch.from_numpy(np.stack([s.image for s in scenes])).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (IMAGENET_MEAN, IMAGENET_STD))
    label = torch.from_numpy(np.stack([s.label for s in scenes])).long()
    saliency = torch.from_numpy(np.stack([s.saliency for s in scenes])).float()
    tags = torch.stack([mask_to_tags(mask, V.num_classes) for mask in label])
    return {"image": (image - mean) / std, "tags": tags, "saliency": saliency, "label": label}


# What you wrote in assignment 3

def tag_loss(out, tags):
    "L_c: binary cross entropy between the tags (B, C - 1) and the spatial mean of the foreground's logits."
    return F.binary_cross_entropy_with_logits(out.logits.mean((2, 3))[:, 1:], tags)


def saliency_loss(out, mask):
    "L_s1 of masks (B, H, W): log S on what stands out, log H_0 on the rest."
    S, rest = out.saliency.clamp(1e-6, 1), out.probs[:, 0].clamp(1e-6, 1)
    return -(mask * S.log() + (1 - mask) * rest.log()).mean()


# Scores

def miou(found, truth):
    "Mean intersection over union of label maps, over the classes of this year."
    ious = []
    for c in range(V.num_classes):
        a, b = found == c, truth == c
        ious.append(((a & b).sum() / (a | b).sum().clamp(min=1)).item())
    return sum(ious) / len(ious)


# Small networks for the checks

Output = namedtuple("Output", "logits probs v saliency")


class Says(nn.Module):
    "A network that gives the same maps (B, C, h, w) for any picture; in training mode it turns them upside down."

    def __init__(self, maps):
        super().__init__()
        self.maps = nn.Parameter(maps)

    def forward(self, image):
        maps = self.maps.flip(1) if self.training else self.maps.clone()
        return Output(maps, maps.softmax(1), None, None)

    def __repr__(self): return "net"


class Little(nn.Module):
    "One 1x1 convolution from a picture to C maps of logits; v = 1 for all classes."

    def __init__(self, num_classes, seed=None, scale=1.0):
        super().__init__()
        weight = torch.zeros(num_classes, 3, 1, 1)
        if seed is not None: weight = scale * torch.randn(weight.shape, generator=torch.Generator().manual_seed(seed))
        self.weight, self.modes = nn.Parameter(weight), []

    def forward(self, image):
        self.modes.append(self.training)
        logits = F.conv2d(image, self.weight)
        H = logits.softmax(1)
        return Output(logits, H, torch.ones(H.shape[:2]), H[:, 1:].sum(1))


PARTS = ("model", "backbone", "heads", "sam")  # parts of ssnet that an answer may call: the network


# Exercise 1

def labels_from(answer, net, image, tags, **named):
    "The labels that an answer makes, once they are of the right kind."
    before = copy.deepcopy(net.state_dict())
    net.train()
    got = call(answer, net, image, tags, allow=PARTS, **named)
    expect(isinstance(got, torch.Tensor) and got.dtype == torch.int64,
           "pseudo labels are class numbers: return one tensor of type torch.int64")
    size = (len(image), *image.shape[-2:])
    expect(got.shape == size, f"your pseudo labels have shape {tuple(got.shape)}; one label for each pixel of the "
                              f"picture, {size}, is expected")
    expect(not got.is_inference(), "your labels were made under torch.inference_mode and cannot be trained on: "
                                   "use torch.no_grad")
    expect(all(torch.equal(before[k], v) for k, v in net.state_dict().items()),
           "your pseudo_labels changes the network of stage 1: put it in evaluation mode before it sees a picture")
    expect(all(p.grad is None for p in net.parameters()),
           "your pseudo_labels leaves gradients in the network of stage 1")
    return got


def check_pseudo_labels(pseudo_labels):
    "Four pixels by hand, then with the other tag and without a background, then two that are stretched to four."
    x = V.ignore
    maps = torch.tensor([[3.0, 1, 2, 8], [1, 9, 3, 1], [4, 20, 1, 1]]).log().view(1, 3, 1, 4)
    picture, tags = torch.zeros(1, 3, 1, 4), torch.tensor([[1.0, 0.0]])
    close(labels_from(pseudo_labels, Says(maps), picture, tags, threshold=0.65, ignore_index=x), [[[0, 1, x, 0]]],
          "the row of pseudo labels", {
        "your labels come from a network in training mode: call net.eval() before it sees the picture":
            [[[0, 0, 1, x]]],
        "your labels use class 2, which is not among the tags: rule it out before you take the maximum":
            [[[x, 2, x, 0]]],
        "your labels hold classes that are not among the tags": [[[2, 2, 1, 0]]],
        "place 0 of the tags is class 1, not class 0: label 0 is the background": [[[0, 0, 0, 0]]],
        "you rule out class i for tag i; place i of the tags is class i + 1, because label 0 is the background":
            [[[x, 2, 0, 0]]],
        "a class that is ruled out still takes a share of the probability: its logit must be -inf, not 0":
            [[[x, 1, x, 0]]],
        "the background is always allowed, also where it is no tag": [[[1, 1, 1, 1]]],
        "your confidence is taken before the tags had their say: rule the other classes out, then take the softmax":
            [[[x, x, x, 0]]],
        f"pixels less sure than the threshold must get the ignore index, {x}": [[[0, 1, 1, 0]]],
        "you ignore the sure pixels and keep the others": [[[x, x, 1, x]]]})
    two, pictures = Says(maps.repeat(2, 1, 1, 1)), picture.repeat(2, 1, 1, 1)
    got = labels_from(pseudo_labels, two, pictures, torch.eye(2), threshold=0.65, ignore_index=x)
    close(got, [[[0, 1, x, 0]], [[x, 2, 0, 0]]], "the labels of two pictures with different tags", {
        "each picture has its own tags: you use those of the first picture for all": [[[0, 1, x, 0]]] * 2,
        "each picture has its own tags: you use those of the whole batch": [[[x, 2, x, 0]]] * 2})
    tags = torch.tensor([[0.0, 1, 1], [0, 0, 0]])
    got = labels_from(pseudo_labels, two, pictures, tags, threshold=0.65, ignore_index=x, background=False)
    expect((got[1] == x).all(), "without a background and without a tag no class is allowed: ignore the whole picture")
    close(got[0], [[2, 2, 1, x]], "the row of labels without a background", {
        "without a background place i of the tags is class i: you count from 1": [[3, 3, 2, x]],
        "without a background class 0 is a class like the others: you always allow it": [[x, 2, x, 0]]})
    maps = torch.tensor([[0.0, 0], [-1, 5]]).view(1, 2, 1, 2)
    got = labels_from(pseudo_labels, Says(maps), picture, torch.ones(1, 1), threshold=0.5, ignore_index=x)
    close(got, [[[0, 1, 1, 1]]], "the row of labels from two map pixels", {
        "stretch the logits, bilinear, before the softmax and the maximum": [[[0, 0, 1, 1]]]})


# Exercise 2

def loss_from(answer, logits, label, **named):
    "The loss that an answer gives, once it is one number that can be differentiated."
    got = call(answer, logits, label, **named)
    expect(isinstance(got, torch.Tensor) and got.shape == (),
           "your segmentation_loss must return one number, as a tensor")
    expect(got.requires_grad, "your loss has no gradient: it must stay connected to the logits, also where it is 0")
    return got


def check_segmentation_loss(segmentation_loss):
    "Two pictures of two pixels; the true class has the probabilities 1/2, (ignored), 1/4 and 1/8."
    p = torch.tensor([[[0.5, 0.6], [0.25, 0.5]], [[0.25, 0.2], [0.25, 0.125]], [[0.25, 0.2], [0.5, 0.375]]])
    logits = p.log().permute(1, 0, 2).unsqueeze(2).contiguous().requires_grad_()  # (B, C, H, W) = (2, 3, 1, 2)
    label = torch.tensor([[[0, V.ignore]], [[0, 1]]])
    bit = math.log(2)
    got = loss_from(segmentation_loss, logits, label, ignore_index=V.ignore)
    along = lambda d: F.nll_loss(logits.log_softmax(d), label, ignore_index=V.ignore).item()
    close(got, 2 * bit, "your loss of three labelled pixels", {
        "you divide by all pixels: ignored ones must not count in the mean": 1.5 * bit,
        "you take the mean of each picture, then the mean of these: take one mean over all labelled pixels": 1.75 * bit,
        "you return the sum: divide by the number of labelled pixels": 6 * bit,
        "you divide the sum by the number of pictures: divide by the number of labelled pixels": 3 * bit,
        "your loss has the wrong sign": -2 * bit,
        "your softmax runs over the columns: it must run over the classes, dimension 1": along(3),
        "your softmax runs over the pictures: it must run over the classes, dimension 1": along(0),
        "you take a softmax twice: F.cross_entropy and log_softmax want logits":
            F.cross_entropy(logits.softmax(1), label, ignore_index=V.ignore).item(),
        "you give the mean probability: take its logarithm": -(0.5 + 0.25 + 0.125) / 3,
        "you use a logarithm to base 2: the natural one is meant": 2.0})


# Exercise 3

def losses_from(answer, net, teacher, optimizer, tagged, salient):
    "The losses that a step returns, once they are plain numbers and the teacher is as it was."
    def stage2_step():
        try: return answer(net, teacher, optimizer, tagged, salient)
        except (CheckFailed, NotImplementedError): raise
        except Exception as error:
            when = "" if salient is not None else " where salient is None"
            raise CheckFailed(f"your stage2_step raised {type(error).__name__}{when}: {error}") from error

    before = copy.deepcopy(teacher.state_dict())
    got = call(stage2_step, allow=PARTS)
    names = {"L_s1", "L_s2"} if salient is not None else {"L_s2"}
    expect(isinstance(got, dict) and set(got) == names,
           f"your stage2_step must return a dictionary with {' and '.join(sorted(names))}"
           + ("" if salient is not None else ", and no L_s1 without saliency pictures"))
    expect(not any(isinstance(v, torch.Tensor) and v.requires_grad for v in got.values()),
           "the losses you return still carry their graph: return plain numbers, with .item()")
    expect(all(torch.equal(before[k], v) for k, v in teacher.state_dict().items()),
           "your stage2_step changes the weights of stage 1: the teacher must stay as it is")
    expect(all(p.grad is None for p in teacher.parameters()),
           "gradients reach the teacher: pseudo labels must carry none")
    expect(not any(teacher.modes), "the teacher makes its labels in training mode: put it in evaluation mode")
    return got


def little_of(columns):
    "A Little that gives column k of `columns` (C, 3) as the logits of a pixel that is 1 in channel k alone."
    net = Little(len(columns))
    net.weight.data = columns[:, :, None, None]
    return net


def check_stage2_step(stage2_step):
    "Three pixels of which the teacher is sure, by hand: with and without old gradients, without salient pictures."
    image, bit = torch.eye(3).view(1, 3, 1, 3), math.log(2)
    tagged = {"image": image, "tags": torch.ones(1, 2), "saliency": torch.zeros(1, 1, 3),
              "label": torch.tensor([[[1, 2, 0]]])}
    salient = {"image": image.flip(3), "saliency": torch.tensor([[[1.0, 1, 0]]])}
    h = torch.tensor([[0.5, 0.5, 0.75], [0.25, 0.25, 0.125], [0.25, 0.25, 0.125]])  # the pupil's, a column a pixel
    want = {"L_s2": 2 * bit, "L_s1": 4 / 3 * bit}  # of 1/2, 1/4, 1/8; of S = 1/4, S = 1/2, H_0 = 1/2
    mistakes = {
        "L_s2": {"your pseudo labels come from the network that learns: take the teacher's": math.log(4 / 3),
                 "your step learns from the true masks: take the teacher's labels": (4 * bit + math.log(4 / 3)) / 3},
        "L_s1": {"your L_s1 looks at the tagged pictures: give the network the salient ones":
                 (2 * bit + math.log(4 / 3)) / 3}}
    moved = []
    for given, old in ((salient, 0.0), (salient, 1.0), (None, 1.0)):
        net, teacher = little_of(h.log()), little_of(9 * torch.eye(3)).eval()
        before, net.weight.grad = net.weight.detach().clone(), torch.full_like(net.weight, old)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        got = losses_from(stage2_step, net, teacher, optimizer, tagged, given)
        for name, value in got.items(): close(value, want[name], f"{name} of three pixels", mistakes[name])
        expect(not torch.equal(net.weight, before), "the network is as before: take a step of the optimiser")
        moved.append(net.weight.detach())
    expect(torch.allclose(moved[0], moved[1]), "gradients left over from before count: clear them before backward")


# Exercise 4

def table_from(answer, runs, **named):
    "The table that an answer builds, once it has the right entries."
    before = copy.deepcopy(runs)
    got = call(answer, runs, **named)
    names = {*named.get("arms", ("joint", "alone")), "difference", "clear"}
    expect(isinstance(got, dict) and set(got) == names, f"your ablation must return a dictionary with {sorted(names)}")
    for name in names - {"clear"}:
        pair = len(np.shape(got[name])) == 1 and len(got[name]) == 2
        expect(pair, f"the entry '{name}' must be a pair: mean and spread")
    expect(isinstance(got["clear"], (bool, np.bool_)) or getattr(got["clear"], "dtype", None) == torch.bool,
           "the entry 'clear' must be True or False")
    same = [(r["arm"], r["seed"], list(r)) for r in runs] == [(r["arm"], r["seed"], list(r)) for r in before]
    expect(same, "your ablation changes the list of runs: leave it as it is")
    return got


def example(scores, seeds=None, **same):
    "Runs with made-up scores: {arm: [score of each seed]}."
    return [{"arm": arm, "seed": s, "steps": 290, "pictures": 400, "miou": x} | same
            for arm, xs in scores.items() for s, x in zip(seeds or range(len(xs)), xs)]


def check_ablation(ablation, runs):
    "Three seeds by hand, the second arm in another order, then your own runs."
    made_up = example({"joint": [0.66, 0.50, 0.34], "alone": [0.45, 0.25, 0.35]})
    made_up = [made_up[i] for i in (0, 1, 2, 4, 3, 5)]
    got = table_from(ablation, made_up, margin=1)
    factors = {"your spread divides by n: divide by n - 1": 2 / 3,
               "your spread is the error of the mean, divided by the root of n: leave that division out": 1 / 3}
    seedwise = "the spread of the difference is that of the differences seed by seed"
    mixed = {f"{seedwise}, not the difference of spreads": 0.06, f"{seedwise}, not the sum of spreads": 0.26,
             seedwise: (0.16 ** 2 + 0.10 ** 2) ** 0.5,
             "pair the runs by seed, not by their place in the list": 0.0516 ** 0.5,
             "your spread is half of the range: take the sample standard deviation": 0.13}
    for name, mean, spread, best in (("joint", 0.5, 0.16, 0.66), ("alone", 0.35, 0.1, 0.45),
                                     ("difference", 0.15, 0.14, 0.25)):
        close(got[name][0], mean, f"the mean of '{name}'", {
            "you report the best seed: report the mean over all seeds": best,
            "your difference has the wrong sign: first arm minus second arm": -mean})
        scaled = {m: spread * f ** 0.5 for m, f in factors.items()}
        close(got[name][1], spread, f"the spread of '{name}'", scaled | {
            "your spread is the variance: take its root": spread ** 2} | (mixed if name == "difference" else {}))
    expect(bool(got["clear"]), "a difference of 0.15 with a spread of 0.14 is clear at margin 1")
    expect(not bool(table_from(ablation, made_up, margin=2)["clear"]),
           "a difference of 0.15 with a spread of 0.14 is not clear at margin 2: it must be larger than 2 times 0.14")
    check_runs(ablation, runs)


def check_runs(ablation, runs):
    "Your own runs are complete and fair, their scores are those of their label maps, and your table fits them."
    expect(runs, "there are no runs of your own: RUNS is empty, run the cells above")
    truth = compose_set("test", V.tests)["label"]
    for stage, steps in ((1, V.steps1), (2, V.steps1 + V.steps2)):
        mine = [r for r in runs if r["stage"] == stage]
        for arm in ("joint", "alone"):
            seeds = sorted(r["seed"] for r in mine if r["arm"] == arm)
            expect(seeds == list(V.seeds), f"stage {stage}, arm '{arm}': your runs have the seeds {seeds}; "
                                           f"{list(V.seeds)}, once each, are expected")
        expect(all(r["steps"] == steps and r["pictures"] == V.pictures for r in mine),
               f"stage {stage}: every run must have {steps} steps and {V.pictures} pictures, the same in both arms")
        for r in mine:
            which = f"the mIoU of arm '{r['arm']}', seed {r['seed']}, stage {stage}"
            close(r["miou"], miou(r["labels"].long(), truth), which)
            expect(r["miou"] < 0.95, "an mIoU above 0.95 on this budget: did the true masks get into training?")
        table = table_from(ablation, mine)
        for arm in ("joint", "alone"):
            mean = sum(r["miou"] for r in mine if r["arm"] == arm) / len(V.seeds)
            close(table[arm][0], mean, f"your own mean of '{arm}', stage {stage}")
