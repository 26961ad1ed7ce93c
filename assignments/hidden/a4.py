"""Hidden checks of assignment 4: other networks, other label spaces, limits, and what a step may not touch."""
import copy
import inspect
import math
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import nn

from checks import (Little, Output, V, example, labels_from, loss_from, losses_from, saliency_loss, table_from)
from ssnet.checking import CheckFailed, close, expect


# Exercise 1

def ruled_out(maps, tags, background, value):
    "Logits of absent classes replaced by `value`; with a background, channel 0 is always allowed."
    allowed = F.pad(tags.to(maps), (1, 0), value=1.0) if background else tags.to(maps)
    return torch.where(allowed[:, :, None, None] > 0.5, maps, torch.tensor(value).to(maps))


def probabilities(maps, tags, size, background=True, **how):
    "The probabilities of the labels of each pixel; `how` names a mistake."
    stretch = lambda x: F.interpolate(x, size, mode=how.get("mode", "bilinear"), **how.get("corners", {}))
    if how.get("late"): return stretch(ruled_out(maps, tags, background, -1e9).softmax(1))
    if how.get("shared"): tags = tags[:1].expand_as(tags)
    if how.get("early"): return ruled_out(stretch(maps).softmax(1), tags, background, 0.0)
    return ruled_out(stretch(maps), tags, background, how.get("value", -1e9)).softmax(1)


def labels(maps, tags, size, threshold, ignore, background=True, **how):
    "The right labels (B, H, W), or those of a known mistake."
    confidence, label = probabilities(maps, tags, size, background, **how).max(1)
    label = torch.where(confidence < threshold, ignore, label)
    if background: return label
    return torch.where(tags.sum(1)[:, None, None] == 0, ignore, label)


def maps_of(size, shape, tags, threshold, background=True):
    "Random maps of a shape, drawn until no pixel is so close to call that rounding could decide."
    draw = torch.Generator().manual_seed(100 + V.seed)
    for _ in range(200):
        maps = 2 * torch.randn(shape, generator=draw)
        best = probabilities(maps, tags, size, background).topk(2, 1).values
        sure = (best[:, 0] - threshold).abs().min() > 2e-4
        if sure and (best[:, 0] - best[:, 1])[tags.sum(1) > 0].min() > 2e-4: return maps
    raise RuntimeError("no maps are clear enough")


class Body(nn.Module):
    "Given maps behind a batch norm and a dropout, which differ between training and evaluation."

    def __init__(self, maps):
        super().__init__()
        self.maps, self.norm, self.drop = maps, nn.BatchNorm2d(maps.shape[1], eps=1e-12), nn.Dropout(0.3)

    def forward(self, image):
        maps = self.drop(self.norm(self.maps[:len(image)]))
        return Output(maps, maps.softmax(1), None, None)

    def __repr__(self): return "net"


def compare(answer, shape, tags, size, what, background=True):
    "The answer's labels of random maps against the right ones, and against the known mistakes."
    tau, x = V.threshold - 0.05, -7
    maps = maps_of(size, shape, tags, tau, background)
    named = {"threshold": tau, "ignore_index": x} | ({} if background else {"background": False})
    got = labels_from(answer, Body(maps), torch.zeros(len(tags), 3, *size), tags, **named)
    mistakes = {message: labels(maps, tags, size, tau, x, background, **how) for message, how in MISTAKES.items()}
    mistakes |= {
        f"you write the ignore index {V.ignore} into the code: take the one that is given":
            labels(maps, tags, size, tau, V.ignore, background),
        f"you write the threshold {V.threshold} into the code: take the one that is given":
            labels(maps, tags, size, V.threshold, x, background),
        "your labels hold classes that are not among the tags":
            labels(maps, torch.ones_like(tags), size, tau, x, background),
        "no pixel is ignored: those less sure than the threshold must be": labels(maps, tags, size, 0.0, x, background)}
    what = f"{what} with threshold {tau:.2f} and ignore index {x}"
    close(got, labels(maps, tags, size, tau, x, background), what, mistakes)


MISTAKES = {
    "each picture has its own tags: you use those of the first picture for all": {"shared": True},
    "you stretch probabilities: stretch the logits, then rule out, then take the softmax": {"late": True},
    "your confidence is taken before the tags had their say": {"early": True},
    "you stretch by the nearest pixel: bilinear is asked for": {"mode": "nearest"},
    "you stretch with align_corners=True: it must be False": {"corners": {"align_corners": True}},
    "a class that is ruled out must have the logit -inf, not 0": {"value": 0.0},
}


def check_pseudo_labels(pseudo_labels):
    "Another stride, another number of classes, no tag, no background, a tie at the threshold."
    tags = torch.tensor([[1.0, 0, 0, 1, 0], [0, 1, 0, 0, 0], [1, 1, 1, 1, 1]])
    compare(pseudo_labels, (3, 6, 5, 4), tags, (20, 12), "your labels of six classes, maps of another stride,")
    tags = torch.tensor([[0.0, 1], [0, 0]])
    compare(pseudo_labels, (2, 3, 4, 4), tags, (8, 8), "your labels where a picture has no tag")
    compare(pseudo_labels, (2, 3, 4, 6), tags, (10, 6), "your labels of maps that are coarser in height alone, by 2.5,")
    check_no_background(pseudo_labels)
    tie = torch.zeros(1, 2, 2, 2)
    picture, one = torch.zeros(1, 3, 2, 2), torch.ones(1, 1)
    got = labels_from(pseudo_labels, Body(tie), picture, one, threshold=0.5, ignore_index=9)
    expect((got != 9).all(), "a pixel exactly as sure as the threshold keeps its label: ignore what is below it")
    check_extremes(pseudo_labels)
    maps = maps_of((6, 6), (2, 4, 6, 6), torch.ones(2, 3), V.threshold)
    got = labels_from(pseudo_labels, Body(maps), torch.zeros(2, 3, 6, 6), torch.ones(2, 3))
    close(got, labels(maps, torch.ones(2, 3), (6, 6), V.threshold, V.ignore),
          f"your labels with the threshold {V.threshold} and the ignore index {V.ignore} of the signature")


def check_extremes(pseudo_labels):
    "A threshold below 1/2; a network that is very sure of a class that the tags exclude."
    picture = torch.zeros(1, 3, 1, 1)
    one = lambda z, tags, tau: labels_from(pseudo_labels, Body(torch.tensor(z).view(1, -1, 1, 1)), picture,
                                           torch.tensor([tags]), threshold=tau, ignore_index=9)
    close(one([0.5, 0.0, 1.0, 0.0], [1.0, 1.0, 1.0], 0.3), [[[2]]], "the label of a pixel that is sure by 0.43", {
        "a threshold below 1/2 is a threshold, too: your label is ignored": [[[9]]]})
    close(one([0.0, 300.0, 2.0], [0.0, 1.0], 0.6), [[[2]]],
          "where the network is very sure of a class that the tags exclude, your label", {
              "where the network is very sure of a class that the tags exclude, your probabilities are 0/0: rule out "
              "before the softmax": [[[9]]]})


def check_no_background(pseudo_labels):
    "A label space in which class i is tag i."
    tags = torch.tensor([[1.0, 0, 1], [0, 1, 1], [0, 0, 0]])
    maps = maps_of((6, 9), (3, 3, 3, 3), tags[:2].repeat(2, 1)[:3], 0.5, False)
    named = {"threshold": 0.5, "ignore_index": -7, "background": False}
    got = labels_from(pseudo_labels, Body(maps), torch.zeros(3, 3, 6, 9), tags, **named)
    close(got[:2], labels(maps, tags, (6, 9), 0.5, -7, False)[:2], "your labels without a background", {
        "without a background class 0 is tag 0: you shift the tags, or always allow class 0":
            labels(maps, torch.cat([torch.ones(3, 1), tags[:, 1:]], 1), (6, 9), 0.5, -7, False)[:2]})
    for tau in (0.5, 0.0):
        got = labels_from(pseudo_labels, Body(maps), torch.zeros(3, 3, 6, 9), tags, **named | {"threshold": tau})
        expect((got[2] == -7).all(), "without a background and without a tag no class is allowed: ignore the whole "
               "picture, whatever the threshold")


# Exercise 2

def scores(shape, seed=0):
    "Random logits that take gradients, in double precision."
    draw = torch.Generator().manual_seed(200 + V.seed + seed)
    return (2 * torch.randn(shape, generator=draw, dtype=torch.float64)).requires_grad_()


def half_ignored(shape, classes, ignore):
    "Labels with an uneven share of ignored pixels in each picture."
    draw = torch.Generator().manual_seed(300 + V.seed)
    label = torch.randint(classes, shape, generator=draw)
    label[0, :, 0], label[-1, 1:] = ignore, ignore
    return label


def gradient(value, logits):
    "Backward through an answer's loss, with a sentence where that fails."
    try: return torch.autograd.grad(value, logits)[0]
    except RuntimeError as error: raise CheckFailed(f"no gradient of your loss reaches the logits: {error}") from None


def check_segmentation_loss(segmentation_loss):
    "Value and gradient with another ignore index and number of classes; nothing labelled; large logits."
    logits, label = scores((3, 7, 4, 5)), half_ignored((3, 4, 5), 7, -3)
    used = label != -3
    log_p = logits.log_softmax(1).movedim(1, -1)[used]
    pixel = -log_p[torch.arange(len(log_p)), label[used]]
    got = loss_from(segmentation_loss, logits, label, ignore_index=-3)
    close(got, pixel.mean(), "your loss with ignore index -3", {
        "you divide by all pixels: ignored ones must not count in the mean": pixel.sum() / label.numel(),
        "you take the mean of each picture's mean: take one mean over all labelled pixels of the batch":
            sum(pixel[torch.nonzero(used)[:, 0] == n].mean() for n in range(3)) / 3})
    target = torch.zeros_like(logits).movedim(1, -1)
    target[used] = (log_p.exp() - F.one_hot(label[used], 7)) / used.sum()
    slope = gradient(got, logits)
    expect(not slope.movedim(1, -1)[~used].any(), "ignored pixels get a gradient: they must get none")
    close(slope, target.movedim(-1, 1), "the gradient of your loss")
    check_nothing_labelled(segmentation_loss)
    big = torch.tensor([[2000.0, -9.0], [-2000.0, -9.0]]).view(1, 2, 1, 2).requires_grad_()
    got = loss_from(segmentation_loss, big, torch.ones(1, 1, 2, dtype=torch.int64), ignore_index=99)
    close(got, 2000 + math.log(2) / 2, "your loss of a pixel with logits 2000, -2000 and one with -9, -9", {
        "your loss is infinite or nan for large logits: use log_softmax, not the logarithm of a softmax": float("inf")})


def check_nothing_labelled(segmentation_loss):
    "The loss where every pixel, or every pixel of one picture, is ignored."
    logits, label = scores((2, 3, 2, 2), 1), torch.full((2, 2, 2), V.ignore)
    value = loss_from(segmentation_loss, logits, label)
    close(value, 0.0, "your loss where every pixel is ignored")
    slope = gradient(value, logits)
    expect(torch.isfinite(slope).all(), "where every pixel is ignored your loss is 0, but its gradient is nan")
    close(slope, torch.zeros_like(slope), "the gradient where every pixel is ignored")
    label[0] = 1
    value = loss_from(segmentation_loss, logits, label)
    close(value, -logits.log_softmax(1)[0, 1].mean(), "your loss where all of the second picture is ignored", {
        "a picture without labels must not count in the mean": -logits.log_softmax(1)[0, 1].mean() / 2})


# Exercise 3

LEAK = "your step learns from the true masks: in weak supervision there are none, only the teacher's labels"


def right_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    "Pseudo labels that are right, so that a mistake in exercise 1 is not counted twice."
    net.eval()
    with torch.no_grad(): maps = net(image).logits
    return labels(maps, tags, image.shape[-2:], threshold, ignore_index, background)


def right_loss(logits, label, ignore_index=V.ignore):
    "A right L_s2, for the same reason."
    use = label != ignore_index
    chosen = logits.log_softmax(1).gather(1, torch.where(use, label, 0)[:, None])[:, 0]
    return -(chosen * use).sum() / use.sum().clamp(min=1)


@contextmanager
def right_parts(answer):
    "Let an answer use right versions of the functions that it builds on."
    space = getattr(inspect.unwrap(answer), "__globals__", {})
    parts = {"pseudo_labels": right_labels, "segmentation_loss": right_loss, "saliency_loss": saliency_loss}
    before = {name: space[name] for name in parts if name in space}
    space.update({name: parts[name] for name in before})
    try: yield
    finally: space.update(before)


def example_batches(C, seed=0):
    "Tagged and salient pictures; the tagged ones carry truth that a step must not look at."
    draw = torch.Generator().manual_seed(400 + V.seed + seed)
    tags = torch.zeros(3, C - 1)
    tags[range(3), torch.arange(3) % (C - 1)] = 1
    image = lambda *shape: torch.randn(shape, generator=draw)
    mask = lambda *shape: torch.rand(shape, generator=draw).round()
    tagged = {"image": image(3, 3, 6, 5), "tags": tags, "saliency": mask(3, 6, 5),
              "label": torch.randint(C, (3, 6, 5), generator=draw)}
    return tagged, {"image": image(2, 3, 7, 4), "saliency": mask(2, 7, 4)}


def slopes(net, label, tagged, salient):
    "The gradients of L_s2 and of L_s1, each alone."
    losses = [right_loss(net(tagged["image"]).logits, label)]
    if salient is not None: losses.append(saliency_loss(net(salient["image"]), salient["saliency"]))
    return [torch.autograd.grad(loss, net.weight)[0] for loss in losses], [loss.item() for loss in losses]


def step_of(answer, C, salient_too=True, seed=0):
    "One step of an answer against the same step done here: the losses, the new weights, the mode."
    tagged, salient = example_batches(C, seed)
    net, teacher = Little(C, seed=seed + 1), Little(C, seed=seed + 2, scale=3)
    old, reference = net.weight.detach().clone(), copy.deepcopy(net)
    label = right_labels(copy.deepcopy(teacher), tagged["image"], tagged["tags"])
    own = right_labels(copy.deepcopy(net), tagged["image"], tagged["tags"])
    (g2, *g1), values = slopes(reference, label, tagged, salient if salient_too else None)
    net.weight.grad, net.modes = torch.ones_like(old), []
    net.eval(), teacher.train()
    optimizer, given = torch.optim.SGD(net.parameters(), lr=0.5), salient if salient_too else None
    with right_parts(answer): got = losses_from(answer, net, teacher, optimizer, tagged, given)
    loss = lambda x: right_loss(reference(tagged["image"]).logits, x).item()
    close(got["L_s2"], values[0], "your L_s2", {
        "your pseudo labels come from the network that learns: take the teacher's": loss(own),
        LEAK: loss(tagged["label"])})
    if salient_too: close(got["L_s1"], values[1], "your L_s1", {
        "your L_s1 is of the tagged pictures: they have no saliency masks": saliency_loss(
            reference(tagged["image"]), tagged["saliency"]).item()})
    truth = slopes(reference, tagged["label"], tagged, None)[0][0]
    check_weights(net, old, g2, g1, truth)
    expect(net.modes and all(net.modes[-1 - salient_too:]),
           "the network learns in evaluation mode: call net.train(), after the labels are made")


def check_weights(net, old, g2, g1, truth):
    "The step that the weights have taken; `truth` is the gradient of L_s2 that the true masks would give."
    total, rest = (g2 + g1[0], g1[0]) if g1 else (g2, None)
    moved = lambda g: old - 0.5 * g
    mistakes = {"old gradients are added to the new ones: call optimizer.zero_grad() first": moved(total + 1),
                "the weights have not moved: call optimizer.step()": old,
                "the weights move uphill: minimise the loss": moved(-total),
                LEAK: moved(total - g2 + truth)}
    if g1: mistakes |= {"only L_s2 moves the weights: L_s1 must, too": moved(g2),
                        "only L_s1 moves the weights: L_s2 must, too": moved(rest),
                        "you take the mean of the two losses: take their sum": moved(total / 2)}
    close(net.weight, moved(total), "the weights after your step", mistakes)


def check_stage2_step(stage2_step):
    "Two losses or one, other numbers of classes, stale gradients, and a teacher that is unsure of everything."
    step_of(stage2_step, 4)
    step_of(stage2_step, 6, seed=10)
    step_of(stage2_step, 5, salient_too=False, seed=20)
    tagged, salient = example_batches(4, 30)
    net, teacher = Little(4, seed=31), Little(4)  # undecided: all pixels are ignored
    old = net.weight.detach().clone()
    (_, g1), _ = slopes(copy.deepcopy(net), torch.full((3, 6, 5), V.ignore), tagged, salient)
    assert V.threshold > 0.5
    with right_parts(stage2_step):
        got = losses_from(stage2_step, net, teacher.eval(), torch.optim.SGD(net.parameters(), lr=0.5), tagged, salient)
    expect(not teacher.training, "your stage2_step leaves the teacher in training mode: it must stay as it is")
    close(got["L_s2"], 0.0, "your L_s2 where the teacher is sure of nothing")
    close(net.weight, old - 0.5 * g1, "the weights after a step where the teacher is sure of nothing")


# Exercise 4

def refuses(ablation, runs, why, **named):
    "Expect a ValueError for runs that cannot be compared."
    try: ablation(runs, **named)
    except ValueError: return
    except NotImplementedError: raise CheckFailed("your ablation is not written yet") from None
    except Exception as error:
        raise CheckFailed(f"your ablation must raise ValueError for {why}, not {type(error).__name__}") from None
    raise CheckFailed(f"your ablation accepts {why}: raise ValueError")


def check_ablation(ablation):
    "Runs in any order, other arms and measures, signs, a spread of zero, and comparisons that are not fair."
    five = example({"a": [0.50, 0.62, 0.54, 0.71, 0.58], "b": [0.55, 0.70, 0.52, 0.83, 0.69]}, miou=0.5)
    for r, x in zip(five, [0.50, 0.62, 0.54, 0.71, 0.58, 0.55, 0.70, 0.52, 0.83, 0.69]): r["f"] = x
    runs = [five[i] for i in (7, 0, 9, 3, 1, 5, 2, 8, 6, 4)] + example({"c": [0.1, 0.9]}, steps=7, f=0.3)
    a, b = (torch.tensor([r["f"] for r in five if r["arm"] == arm], dtype=torch.float64) for arm in "ab")
    d = a - b
    got = table_from(ablation, runs, arms=("a", "b"), measure="f", margin=1.0)
    for name, x in (("a", a), ("b", b), ("difference", d)):
        close(got[name][0], x.mean(), f"the mean of '{name}' of five seeds", {"you average another measure": 0.5})
        close(got[name][1], x.std(), f"the spread of '{name}' of five seeds", {
            "your spread divides by n: divide by n - 1": x.std(correction=0),
            "the spread of the difference is that of the differences seed by seed: pair runs by seed, not by place":
                (torch.tensor([0.50, 0.71, 0.62, 0.54, 0.58]) - torch.tensor([0.52, 0.69, 0.55, 0.83, 0.70])).std()})
    expect(bool(got["clear"]), "a difference can be clear in either direction: compare its size with the spread")
    back = table_from(ablation, runs, arms=("b", "a"), measure="f", margin=1.0)
    close(back["difference"][0], -d.mean(), "the difference of ('b', 'a')")
    check_verdicts(ablation)
    check_fairness(ablation)
    check_budgets(ablation)


def check_verdicts(ablation):
    "The verdict at the borders, and at this year's margin."
    pairs = lambda d: example({"joint": [0.25 + x for x in d], "alone": [0.25] * len(d)})
    clear = lambda d, **named: bool(table_from(ablation, pairs(d), **named)["clear"])
    expect(not clear([0.25, 0.5, 0.75], margin=2),
           "a difference equal to margin times the spread is not clear: it must be larger")
    expect(clear([0.25, 0.25], margin=3), "the same difference for all seeds has spread 0, and is clear")
    expect(not clear([0.0, 0.0, 0.0], margin=1), "no difference at all is not clear")
    expect(clear([0.00001, 0.10001, 0.20001], margin=1),
           "the verdict comes from rounded numbers: round only what you print")
    above, below = (0.25 * (V.margin + x) for x in (0.1, -0.1))
    for mean, want in ((above, True), (below, False)):
        expect(clear([mean - 0.25, mean, mean + 0.25]) == want, f"the margin of the signature is {V.margin}")
    expect(not clear([-0.25, 0.0, 0.5], margin=1),
           "the verdict compares the mean difference with the spread of the differences")


def check_fairness(ablation):
    "Comparisons that mean nothing."
    good = {"joint": [0.5, 0.6, 0.7], "alone": [0.4, 0.3, 0.2]}
    runs = lambda **last: [*example(good)[:-1], example(good)[-1] | last]
    refuses(ablation, runs(seed=7), "arms with different seeds")
    refuses(ablation, runs(steps=500), "arms with different numbers of steps")
    refuses(ablation, runs(pictures=3000), "arms that have seen different numbers of pictures")
    refuses(ablation, example(good)[:-1], "a second arm that lacks a seed")
    refuses(ablation, example(good)[1:], "a first arm that lacks a seed")
    refuses(ablation, [*example(good), example(good)[0]], "a seed that stands twice in an arm")
    refuses(ablation, [*example(good), example(good)[0], example(good)[3]], "a seed that stands twice in both arms")
    refuses(ablation, example({"joint": [0.5], "alone": [0.4]}), "one seed, which has no spread")
    refuses(ablation, example(good), "an arm without runs", arms=("joint", "none"))


def check_budgets(ablation):
    "Every run of both arms has the same steps and the same pictures."
    good = example({"joint": [0.5, 0.6, 0.7], "alone": [0.4, 0.3, 0.2]})
    for what in ("steps", "pictures"):
        for other, why in (((0, 4), f"arms whose {what} agree in the sum alone"),
                           ((0, 3), f"a seed with other {what} than the rest, in both arms")):
            refuses(ablation, [r | {what: 777} if i in other else r for i, r in enumerate(good)], why)
