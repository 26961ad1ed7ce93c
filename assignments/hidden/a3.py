"""Hidden checks of assignment 3: other sizes, other label spaces, gradients, limits, and references for them."""
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

import checks
from checks import V, random, renamed
from ssnet.checking import call, close, expect, same


def places(maps):
    "Where the background may be among `maps` channels, and None for a label space without one."
    return [V.background % maps, 0, maps - 1, 1, None]


def other(background):
    "Where the background is, in words."
    if background is None: return "in a label space without background, "
    return f"with the background in channel {background}, "


def told_apart(mistakes, want):
    "The mistakes whose value differs from the right one here."
    return {m: x for m, x in mistakes.items() if not same(x.numpy(), want.numpy(), 1e-3)}


def gradients(function, *inputs, what):
    "Gradients of a random mix of the outputs; raises CheckFailed where there is none."
    inputs = [x.clone().requires_grad_() for x in inputs]
    out = call(function, *inputs)
    expect(isinstance(out, torch.Tensor) and out.requires_grad, f"no gradient flows through {what}: do not detach, "
           "and compute with tensors only")
    mix = random(*out.shape, seed=77).to(out.dtype)
    found = torch.autograd.grad((out * mix).sum(), inputs, allow_unused=True)
    for i, g in enumerate(found, 1):
        expect(g is not None, f"through {what}, no gradient reaches argument {i}: it was detached or left out")
    return found


def same_gradients(answer, reference, *inputs, what):
    "The gradients of an answer are those of the reference, in double precision."
    inputs = [x.double() for x in inputs]
    got, want = gradients(answer, *inputs, what=what), gradients(reference, *inputs, what="the reference")
    for i, (g, w) in enumerate(zip(got, want)):
        close(g, w, f"the gradient of {what} with respect to argument {i + 1}", tolerance=1e-5)


# dilate

def check_dilate(dilate):
    "Stacks of other strides, kernels, paddings; a layer dilated before; every output stride."
    a, b = (2, 3) if V.seed % 2 else (3, 2)
    stacks = [
        ((a, 1), (3, 3), (1, 1), None, (1,)),
        ((2, 2, 1), (5, 3, 3), (2, 1, 1), None, (1, 2, 4)),        # two strided layers, one after the other
        ((a, b, 1, 1), (3, 5, 1, 3), (1, 2, 0, 1), None, (1, a, a * b)),
        ((1, 2, 1, 2, 1), (3, 3, 3, 3, 3), (1, 1, 1, 1, 1), (1, 1, 2, 1, 3), (1, 2)),  # layers dilated before
        ((a, 2, 1), (3, 5, 5), (0, 1, 3), None, (1, a)),           # paddings that do not keep the size
        ((2, 1, 2, 1), (4, 2, 3, 2), (1, 1, 1, 0), None, (1, 2)),  # even kernels
    ]
    for seed, (strides, kernels, paddings, dilations, wanted) in enumerate(stacks):
        for output_stride in wanted:
            network = checks.stack(strides, kernels, paddings, dilations, channels=2 + seed % 2, seed=seed)
            checks.expect_same_places(dilate, network, output_stride, 37, 44)
    for output_stride in (1, 2, 4): checks.expect_same_places(dilate, mixed(), output_stride, 37, 44)


def mixed():
    "Layers wider than high, without a bias, of 1×1 with a stride; and others of several kinds between them."
    torch.manual_seed(V.seed)
    return nn.Sequential(nn.Conv2d(2, 3, (3, 5), 2, (1, 2), bias=False), nn.ReLU(), nn.Hardtanh(), nn.Conv2d(3, 2, 1, 2),
                         nn.Conv2d(2, 2, (5, 3), 2, (2, 0), (1, 2)), nn.ReLU(), nn.Conv2d(2, 1, (3, 1), 1, (0, 1)))


# head

def reference_head(one, threes, features, factor):
    "(logits, H), and the values of known mistakes."
    near = F.conv2d(features, one.weight, one.bias)
    around = [F.conv2d(features, c.weight, c.bias, padding=c.dilation, dilation=c.dilation) for c in threes]
    z = near + sum(around)
    large = lambda x, **how: F.interpolate(x, scale_factor=factor, **how)
    up = large(z, mode="bilinear", align_corners=False)
    wrong = {
        "your logits are a mean over the convolutions; they are a sum": large(z / (1 + len(threes)), mode="bilinear"),
        "your Head leaves out the 1×1 convolution": large(z - near, mode="bilinear"),
        "your Head leaves out the dilated convolutions": large(near, mode="bilinear"),
        "your Head enlarges with align_corners=True; False is expected": large(z, mode="bilinear", align_corners=True),
        "your Head repeats the nearest value; bilinear is expected": large(z, mode="nearest"),
        "your Head cuts negative logits off: no ReLU at its end": large(z.relu(), mode="bilinear"),
        "your Head gives probabilities where logits are due": up.softmax(1),
    }
    return up, up.softmax(1), wrong, large(z.softmax(1), mode="bilinear")


def check_head(Head):
    "Values, for other channels, maps, dilations and factors; double precision; gradients; each picture by itself."
    for channels, maps, dilations, factor, shape in ((5, V.maps + 2, (1, 2, 4), 2, (3, 5, 7)), (3, 2, (), 3, (1, 4, 6)),
                                                     (4, 21, (6,), 8, (2, 8, 8)), (2, 1, (2, 5), 1, (2, 9, 11))):
        head = call(Head, channels, maps, dilations, factor)
        one, threes = checks.convolutions(head, channels, maps, dilations)
        for i, p in enumerate(head.parameters()): p.data = random(*p.shape, seed=30 + i)
        features = random(shape[0], channels, *shape[1:], seed=40)
        logits, H = checks.run_head(head, features, maps, factor)
        with torch.no_grad(): z, want, wrong, early = reference_head(one, threes, features, factor)
        at = f"for {channels} features, {maps} maps, dilations {dilations} and factor {factor}, "
        close(logits, z, at + "your logits", wrong)
        close(H, want, at + "your H", {
            "your H is the softmax of the small maps, enlarged afterwards: first enlarge, then the softmax": early,
            "your H is a sigmoid: the classes do not share 1": z.sigmoid(),
            "your H is a softmax over the pictures": z.softmax(0),
            "your H is a softmax over the rows": z.softmax(2),
            "your H is a softmax over the columns": z.softmax(3),
            "your H is in logarithms": z.log_softmax(1),
        })
        head_learns(head, features, maps, factor)


def head_learns(head, features, maps, factor):
    "Double precision works, and every weight gets a gradient, from the logits and from H."
    head.double()
    for which in (0, 1):
        x = checks.run_head(head, features.double(), maps, factor)[which]
        head.zero_grad()
        expect(x.dtype == torch.float64, "from features and weights in double precision, your Head makes other numbers")
        expect(x.requires_grad, "no gradient flows through your Head: do not detach")
        (x * random(*x.shape, seed=41)).sum().backward()
        expect(all(p.grad is not None for p in head.parameters()), "some weights of your Head get no gradient")


# aggregate_loop and aggregate

def reference_sum(v, H, background):
    "S = Σ v_i H_i."
    kept = [i for i in range(H.shape[1]) if i != background]
    return torch.einsum("bc,bchw->bhw", v[:, kept], H[:, kept])


def with_zeros(v, H, background):
    "The same, with a gradient of 0 for the background."
    return reference_sum(v, H, background) + 0 * (v.sum() + H.sum())


def sum_mistakes(v, H, background):
    "Values of known mistakes."
    total = torch.einsum("bc,bchw->bhw", v, H)
    zero = lambda i: total - v[:, i, None, None] * H[:, i]
    kept = [i for i in range(H.shape[1]) if i != background]
    if background is None: return {
        "your S leaves out channel 0; with background None every channel counts": zero(0),
        "your S leaves out the last channel; with background None every channel counts": zero(-1)}
    return {
        "your S counts the background": total,
        "your S does not use v": H[:, kept].sum(1),
        "your S always leaves out channel 0, but the background is elsewhere": zero(0),
        "your S always leaves out the last channel, but the background is elsewhere": zero(-1),
        f"your S always leaves out channel {V.background}; `background` says which": zero(V.background % H.shape[1]),
        "your S uses the scores of the first picture for all": torch.einsum("c,bchw->bhw", v[0, kept], H[:, kept]),
        "your S is divided by a sum: S = Σ v_i H_i and nothing else":
            reference_sum(v, H, background) / v[:, kept].sum(1)[:, None, None],
        "your S is a mean over the classes; it is a sum": reference_sum(v, H, background) / len(kept),
        "your S is a mean over all channels; it is a sum": reference_sum(v, H, background) / H.shape[1],
        "your S takes the largest class; it is a sum": (v[:, kept, None, None] * H[:, kept]).amax(1),
        "your S mixes up height and width": reference_sum(v, H, background).transpose(1, 2),
    }


def check_sums(answer, what, cases):
    "Values for batches, numbers of classes, and places of the background."
    for B, C, h, w in cases:
        v, H = random(B, C, seed=60 + C).sigmoid(), random(B, C, h, w, seed=61 + C).softmax(1)
        for background in places(C):
            want = reference_sum(v, H, background)
            wrong = told_apart(sum_mistakes(v, H, background), want)
            what_for = other(background) + f"for v {tuple(v.shape)} and H {tuple(H.shape)}, {what}"
            close(call(answer, v, H, background), want, what_for, wrong, 1e-5)


def check_aggregate_loop(aggregate_loop):
    "Batches of several sizes, any place of the background, none, and gradients."
    check_sums(aggregate_loop, "your S", ((1, 3, 2, 5), (3, 3, 3, 4), (2, 7, 4, 4), (4, 4, 4, 4)))
    v, H = random(2, 4, seed=62).sigmoid(), random(2, 4, 3, 5, seed=63).softmax(1)
    same_gradients(renamed(aggregate_loop, lambda v, H: aggregate_loop(v, H, 1)),
                   lambda v, H: with_zeros(v, H, 1), v, H, what="your aggregate_loop")


class Count(TorchDispatchMode):
    "Counts the operations that PyTorch runs."

    def __init__(self):
        super().__init__()
        self.number = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.number += 1
        return function(*args, **(kwargs or {}))


def operations(answer, *inputs):
    "How many operations an answer takes."
    with Count() as count: answer(*inputs)
    return count.number


def check_no_loop(aggregate):
    "More pictures, classes or pixels: not more operations."
    shapes = {"pictures": (9, 4, 5, 5), "classes": (3, 12, 5, 5), "pixels": (3, 4, 15, 15)}
    count = lambda B, C, h, w: operations(aggregate, random(B, C).sigmoid(), random(B, C, h, w).softmax(1), 1)
    few = count(3, 4, 5, 5)
    for name, shape in shapes.items():
        expect(count(*shape) <= few, f"your aggregate takes more operations when there are more {name}: it loops "
               "over them")


def check_aggregate(aggregate):
    "Equal to the sum in all label spaces; gradients; permutations; no loop."
    check_sums(aggregate, "your S", ((1, 3, 2, 5), (3, 3, 3, 3), (2, 7, 4, 6), (5, 21, 3, 2), (2, 2, 1, 1)))
    v, H = random(2, 5, seed=64).sigmoid(), random(2, 5, 3, 4, seed=65).softmax(1)
    for background in (0, 3, None):
        same_gradients(renamed(aggregate, lambda v, H: aggregate(v, H, background)),
                       lambda v, H: with_zeros(v, H, background), v, H, what="your aggregate")
    order = torch.tensor([3, 0, 4, 2, 1])
    moved = call(aggregate, v[:, order], H[:, order], order.tolist().index(2))
    close(moved, call(aggregate, v, H, 2), "with the channels in another order, your S")
    check_no_loop(aggregate)


# sam

def check_sam(SAM):
    "Values from the module's own weights, for other sizes; one picture; one class; gradients; double precision."
    cases = ((1, 3, 5, (4, 4)), (1, 2, 1, (2, 3)), (4, 6, 21, (3, 5)), (2, 4, V.maps + 3, (1, 1)), (3, 1, 2, (5, 2)))
    for B, D, maps, size in cases:
        sam, features = call(SAM, D, maps, size), random(B, D, *size, seed=70)
        count, want = sum(p.numel() for p in sam.parameters()), maps * (D * size[0] * size[1] + 1)
        expect(count == want, f"for {D} features, {maps} classes and a map of {size}, your SAM has {count} "
               f"weights; {want} are expected")
        v, z = call(sam, features), score(sam, features)
        at = f"for {B} pictures, {D} features, {maps} classes and a map of {size}, "
        expect(tuple(v.shape) == (B, maps), at + f"v has shape {tuple(v.shape)}; {(B, maps)} is expected: a "
               "squeeze without an axis also removes a batch or a class of one")
        close(v, z.sigmoid(), at + "your v", {
            "your v has not been through a sigmoid": z,
            "your v comes from a softmax: the classes compete": z.softmax(1),
            "your v has been through a sigmoid twice": z.sigmoid().sigmoid(),
            "your v is cut off at 0 or 1; a sigmoid is smooth": z.clamp(0, 1),
        }, 1e-4)
    check_sam_learns(SAM)


def score(sam, features):
    "The sum before the sigmoid, from the module's one layer."
    weight, bias = (next((p for p in sam.parameters() if (p.ndim > 1) == many), None) for many in (True, False))
    expect(weight is not None and bias is not None, "your SAM needs one convolution with a bias")
    with torch.no_grad(): return features.flatten(1) @ weight.reshape(len(weight), -1).T + bias


def check_sam_learns(SAM):
    "Gradients to features and weights, and double precision."
    sam, features = call(SAM, 3, 4, (2, 5)).double(), random(2, 3, 2, 5, seed=71).double().requires_grad_()
    v = call(sam, features)
    expect(v.requires_grad, "no gradient flows through your SAM: do not detach")
    v[0, 1].backward()
    expect(features.grad is not None and all(p.grad is not None for p in sam.parameters()), "through your SAM, "
           "gradients must reach the features and all weights")
    expect((features.grad[1] == 0).all(), "in your SAM, the score of one picture depends on another picture of the "
           "batch")
    expect((features.grad[0] != 0).all(), "the score of a class must depend on every feature at every place")


# tag_loss

def reference_tags(logits, tags, background):
    "L_c."
    kept = [i for i in range(logits.shape[1]) if i != background]
    return F.binary_cross_entropy_with_logits(logits.mean((2, 3))[:, kept], tags)


def tag_mistakes(z, t, background):
    "Values of known mistakes."
    kept = [i for i in range(z.shape[1]) if i != background]
    mean, bce, log = z.mean((2, 3))[:, kept], F.binary_cross_entropy, F.binary_cross_entropy_with_logits
    whole, n = z.mean((2, 3)), t.numel()
    return {
        "your L_c is a sum over the classes and a mean over the pictures": log(mean, t) * t.shape[1],
        "your L_c is a sum over the pictures; divide by their number, too": log(mean, t) * t.shape[0],
        "your L_c is a sum; it is a mean": log(mean, t) * n,
        "your L_c takes the sigmoid twice: logits or probabilities, not both": log(mean.sigmoid(), t),
        "your L_c averages probabilities; first the mean of the logits, then the sigmoid":
            bce(z.sigmoid().mean((2, 3))[:, kept], t),
        "your L_c averages H, the softmax; it needs the logits": bce(z.softmax(1).mean((2, 3))[:, kept], t),
        "your L_c takes the largest logit; it needs the mean over the pixels": log(z.amax((2, 3))[:, kept], t),
        "your L_c adds the logits of the pixels up; it needs their mean": log(z.sum((2, 3))[:, kept], t),
        "your L_c lets the classes compete: a softmax allows one tag only":
            F.cross_entropy(mean, t / t.sum(1, keepdim=True).clamp(min=1)),
        "your L_c reads the tags as the number of one class; a picture may have several":
            F.cross_entropy(whole, t.argmax(1)),
        "your L_c leaves out the classes that are not tagged": -(t * mean.sigmoid().log()).mean(),
        "your L_c asks every pixel for the tag; the tag speaks of their mean":
            log(z[:, kept], t[:, :, None, None].expand_as(z[:, kept])),
    }


def background_mistakes(z, t, background):
    "Values of known mistakes with the background."
    if background is None: return {}
    whole, log = z.mean((2, 3)), F.binary_cross_entropy_with_logits
    padded = torch.cat([t[:, :background], 0 * t[:, :1], t[:, background:]], 1)
    return {
        "your L_c always leaves out channel 0, but the background is elsewhere": log(whole[:, 1:], t),
        "your L_c always leaves out the last channel, but the background is elsewhere": log(whole[:, :-1], t),
        "your L_c counts the background: nobody tags it": log(whole, padded),
    }


def check_tag_loss(tag_loss):
    "Values in several label spaces; large logits; gradients."
    for B, C, h, w in ((1, 3, 2, 3), (4, 6, 3, 3), (2, 21, 4, 5), (3, 2, 2, 2)):
        for background in places(C):
            z = 2 * random(B, C, h, w, seed=80)
            t = (random(B, C - (background is not None), seed=81) > 0).float()
            t[0, 0] = 1
            want = reference_tags(z, t, background)
            wrong = told_apart(background_mistakes(z, t, background) | tag_mistakes(z, t, background), want)
            what = other(background) + f"for logits {tuple(z.shape)}, your L_c"
            close(call(tag_loss, z, t, background), want, what, wrong)
    check_tag_limits(tag_loss)


def check_tag_limits(tag_loss):
    "Logits of 1000, constant logits, and gradients."
    z, t = torch.full((1, 3, 2, 2), 1000.0), torch.tensor([[0.0, 1.0]])
    got = call(tag_loss, z, t, 1)
    expect(bool(torch.isfinite(torch.as_tensor(got))), "for logits of 1000, your L_c is not finite: take sigmoid "
           "and logarithm in one go")
    cut = "where the network is sure and wrong, your L_c is cut off: take sigmoid and logarithm in one go"
    close(got, 500.0, "for logits of 1000, your L_c", {cut: 0.0, f"{cut} (binary_cross_entropy ends at 100)": 50.0})
    close(call(tag_loss, torch.zeros(2, 4, 3, 3), torch.ones(2, 3), 0), math.log(2), "where all logits are 0, your L_c")
    close(call(tag_loss, -z, 0 * t, 0), 0.0, "where the network is sure and right, your L_c")
    z, t = random(3, 4, 2, 5, seed=82), (random(3, 3, seed=83) > 0).double()
    same_gradients(renamed(tag_loss, lambda z: tag_loss(z, t, 2)), lambda z: reference_tags(z, t, 2), z,
        what="your tag_loss")


# saliency_loss

def reference_saliency(S, y, weight):
    "L_s1, for S inside (0, 1)."
    return -(weight * y * S.log() + (1 - y) * (1 - S).log()).mean()


def saliency_mistakes(S, y, w):
    "Values of known mistakes."
    B, n = len(S), S[0].numel()
    good, each = reference_saliency(S, y, w), -(w * y * S.log() + (1 - y) * (1 - S).log())
    return {
        "your L_s1 is a sum over the pixels of a picture; it is a mean": good * n,
        "your L_s1 is a sum over the pictures; divide by their number, too": good * B,
        "your L_s1 is a sum; it is a mean": good * n * B,
        "your L_s1 does not use `weight`": reference_saliency(S, y, 1.0),
        f"your L_s1 always uses the weight {V.salient_weight}; `weight` says which":
            reference_saliency(S, y, V.salient_weight),
        "your L_s1 weights every pixel": w * reference_saliency(S, y, 1.0),
        "your L_s1 weights the pixels that are not salient": -(y * S.log() + w * (1 - y) * (1 - S).log()).mean(),
        "your L_s1 divides by the sum of the weights; it is a mean over the pixels": each.sum() / (w * y + 1 - y).sum(),
        "your L_s1 takes a sigmoid of S: S is a probability already, not a logit":
            reference_saliency(S.sigmoid(), y, w),
        "your L_s1 exchanges S and y": reference_saliency(1 - S, y, w),
        "your L_s1 leaves out the pixels that are not salient": -(w * y * S.log()).mean(),
        "your L_s1 takes a mean over each kind of pixel; it is one mean over all":
            w * -(y * S.log()).sum() / y.sum() - ((1 - y) * (1 - S).log()).sum() / (1 - y).sum(),
        "your L_s1 rounds S to 0 or 1 first": reference_saliency((S > 0.5).float().clamp(1e-6, 1 - 1e-6), y, w),
        "your L_s1 has another logarithm than the natural one": good / math.log(2),
        "your L_s1 has the logarithm of base 10": good / math.log(10),
        "your L_s1 is a squared difference": (S - y).square().mean(),
    }


def check_saliency_loss(saliency_loss):
    "Values, limits and gradients."
    for w in (1.0, 3.0, V.salient_weight):
        for shape in ((1, 4, 6), (3, 5, 5), (2, 1, 7)):
            S, y = random(*shape, seed=90).sigmoid(), (random(*shape, seed=91) > 0.5).float()
            y[:, 0, 0], y[:, 0, 1] = 1, 0
            want = reference_saliency(S, y, w)
            wrong = told_apart(saliency_mistakes(S, y, w), want)
            close(call(saliency_loss, S, y, w), want, f"with weight {w}, for S {shape}, your L_s1", wrong)
    check_saliency_limits(saliency_loss)
    S, y = random(2, 3, 4, seed=92).sigmoid(), (random(2, 3, 4, seed=93) > 0).double()
    same_gradients(renamed(saliency_loss, lambda S: saliency_loss(S, y, 2.5)),
                   lambda S: reference_saliency(S, y, 2.5), S, what="your saliency_loss")


def check_saliency_limits(saliency_loss):
    "S exactly 0 and 1, right and wrong; constant S; small S."
    y = torch.tensor([[[1.0, 0.0, 1.0, 0.0]]])
    for S, right in ((y, True), (1 - y, False)):
        at = "where S = y" if right else "where S is 0 and should be 1, or 1 and should be 0"
        loss = torch.as_tensor(call(saliency_loss, S.clone(), y, 1.5))
        expect(bool(torch.isfinite(loss).all()), f"{at}, your L_s1 is not finite: keep S away from 0 and 1 before "
               "the logarithm")
        if right: close(loss, 0.0, f"{at}, your L_s1", tolerance=1e-3)
        else: expect(loss.item() > 8, f"{at}, your L_s1 is only {loss.item():.2f}: you cut S too far from 0 and 1")
        slope, = gradients(renamed(saliency_loss, lambda S: saliency_loss(S, y, 1.5)), S, what="your saliency_loss")
        expect(bool(torch.isfinite(slope).all()), f"{at}, the gradient of your L_s1 is not finite")
    for c in (0.001, 0.3, 0.999):
        want = -(2 * 0.5 * math.log(c) + 0.5 * math.log(1 - c))
        got = call(saliency_loss, torch.full_like(y, c), y, 2.0)
        close(got, want, f"where S = {c} everywhere, your L_s1", tolerance=1e-3)


# train_step

def reference_step(net, optimizer, tagged, masked, losses, weights):
    "One step as it should be."
    net.train()
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tagged[0]).logits, tagged[1])
    loss = loss + weights[1] * losses[1](net(masked[0]).S, masked[1])
    loss.backward()
    optimizer.step()
    return loss.item()


def wrong_step(tagged, masked, losses, weights, how):
    "The weights of a Toy after a plain step of rate 0.1 with one mistake."
    net = checks.Toy()
    net.train(how != "eval")
    c, s = losses[0](net(tagged[0]).logits, tagged[1]), losses[1](net(masked[0]).S, masked[1])
    both = weights[0] * c + weights[1] * s
    total = {"tags": weights[0] * c, "masks": weights[1] * s, "plain": c + s, "mean": both / 2,
             "swap": weights[1] * c + weights[0] * s}.get(how, both)
    if how == "joined":
        out, n = net(torch.cat([tagged[0], masked[0]])), len(tagged[0])
        total = weights[0] * losses[0](out.logits[:n], tagged[1]) + weights[1] * losses[1](out.S[n:], masked[1])
    grads = torch.autograd.grad(total, list(net.parameters()), allow_unused=True)
    grads = [torch.zeros_like(p) if g is None else g for p, g in zip(net.parameters(), grads)]
    flat = torch.cat([g.flatten() for g in grads])
    flat = {"stale": flat + 1, "none": 0 * flat, "up": -flat}.get(how, flat)
    return checks.vector(checks.Toy()) - 0.1 * flat


def two_steps(tagged, masked, losses, weights):
    "The weights where each batch has a step of its own."
    net = checks.Toy()
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    for w in ((weights[0], 0.0), (0.0, weights[1])): reference_step(net, optimizer, tagged, masked, losses, w)
    return checks.vector(net)


STEPS = {
    "stale": "your train_step adds its gradients to those of the step before: zero_grad is missing, or comes too late",
    "none": "your train_step does not move the weights: the gradients are zeroed before the step, or there is no step",
    "eval": "your train_step runs the network in evaluation mode",
    "tags": "the loss of the saliency masks does not reach the weights in your train_step",
    "masks": "the loss of the tags does not reach the weights in your train_step",
    "plain": "your train_step does not use `weights`",
    "swap": "your train_step exchanges the two weights",
    "mean": "your train_step takes the mean of the two losses; it is a sum",
    "joined": "your train_step joins the two batches: batch norm then mixes them; pass one after the other",
    "up": "your train_step climbs the loss: the sign is wrong",
}


def check_train_step(train_step):
    "One plain step from stale gradients; two steps; Adam; a frozen layer; the value."
    losses, weights = checks.toy_losses(), (V.weights[0] + 1, 0.5 * V.weights[1])
    tagged, masked = checks.toy_batches(3, 3, seed=100)
    net, twin = checks.Toy(), checks.Toy()
    for p in net.parameters(): p.grad = torch.ones_like(p)
    net.eval()
    loss = checks.take_step(train_step, net, torch.optim.SGD(net.parameters(), 0.1), tagged, masked, losses, weights)
    want = reference_step(twin, torch.optim.SGD(twin.parameters(), 0.1), tagged, masked, losses, weights)
    wrong = {m: wrong_step(tagged, masked, losses, weights, how) for how, m in STEPS.items()}
    twice = "your train_step takes a step for each batch; it is one step down the sum"
    wrong[twice] = two_steps(tagged, masked, losses, weights)
    close(checks.vector(net), checks.vector(twin), "after one step from another network, the weights", wrong, 1e-6)
    close(loss, want, "the loss of your train_step", tolerance=1e-5)
    check_several_steps(train_step)


def check_several_steps(train_step):
    "Adam, three steps, batches of other sizes, a layer that is not the optimiser's."
    losses = checks.toy_losses()
    net, twin = checks.Toy(seed=1), checks.Toy(seed=1)
    net.norm.requires_grad_(False)
    ours, theirs = (torch.optim.Adam(n.conv.parameters(), 0.01) for n in (net, twin))
    for k in range(3):
        batches = checks.toy_batches(2 + k, 4 - k, seed=110 + 10 * k)
        checks.take_step(train_step, net, ours, *batches, losses, (1.0 + k, 2.0))
        reference_step(twin, theirs, *batches, losses, (1.0 + k, 2.0))
    norm = torch.cat([p.detach() for p in net.norm.parameters()])
    expect(torch.equal(norm, torch.cat([p.detach() for p in checks.Toy().norm.parameters()])), "your train_step "
           "changes weights that are not the optimiser's: let the optimiser take the step")
    expect(not any(p.requires_grad for p in net.norm.parameters()), "your train_step thaws frozen weights: leave "
           "requires_grad as it is")
    close(checks.vector(net), checks.vector(twin), "after three steps of Adam, the weights", tolerance=1e-5)


# training

def check_training(trained):
    "mIoU and MAE on other pictures; S is the sum of v and H; a picture does not depend on its neighbours."
    expect(isinstance(trained, nn.Module) and not trained.training, "a trained network in evaluation mode is expected")
    data = checks.pictures(60, 950 + V.seed)
    H, v, S = checks.predict(trained, data.image[:5])
    expect(bool(((v >= 0) & (v <= 1)).all()), "the scores v of your network are not between 0 and 1")
    close(H.sum(1), torch.ones_like(S), "at each pixel, the H of your network added up over the classes")
    close(S, reference_sum(v, H, V.background), "the S of your network", {
        "the S of your network counts the background": torch.einsum("bc,bchw->bhw", v, H)})
    alone = checks.predict(trained, data.image[:1])[0]
    close(alone, H[:1], "for a picture alone and in a batch, your H", tolerance=1e-3)
    checks.expect_scores(trained, data, "other")
