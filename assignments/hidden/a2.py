"""Hidden checks of assignment A2: other shapes, other label spaces, and properties. Never handed out."""
import torch
from checks import V, tried

from ssnet.checking import as_array, call, close, expect, same

ANY = "It must work for any number of classes and features, any height and any width."


def drawn(salt):
    "A generator that depends on the year and on the place where it is used."
    return torch.Generator().manual_seed(1000 * V.seed + salt)


# gap_logits

def logits_of(features, weight, bias=None, inside=None):
    "Reference: the mean over the places inside, then the linear layer."
    m = torch.ones_like(features[:, 0]) if inside is None else inside.to(features)
    pooled = (features * m[:, None]).sum((2, 3)) / m.sum((1, 2))[:, None]
    return pooled @ weight.T + (0 if bias is None else bias)


def layer(salt, B, C, D, h, w):
    "Random features `(B, D, h, w)`, weight `(C, D)` and bias `(C,)`."
    g = drawn(salt)
    return torch.randn(B, D, h, w, generator=g) + 0.5, torch.randn(C, D, generator=g), torch.randn(C, generator=g)


def gap_mistakes(f, w, b, inside):
    "Values of known mistakes, for padded pictures."
    m = inside.to(f)[:, None]
    M, total = m.sum((2, 3)), (f * m).sum((2, 3))
    one, all_of_them = total / M.mean(), total / M.sum()
    return {"your mean takes in the padding": logits_of(f, w, b),
            "you divide by all places: divide by the places inside": total / f[0, 0].numel() @ w.T + b,
            "you divide every picture by the same number: each has its own number of places": one @ w.T + b,
            "you divide by the places of the whole batch: each picture has its own": all_of_them @ w.T + b,
            "you use the first picture's places for all": logits_of(f, w, b, inside[:1].expand_as(inside)),
            "your padded logits leave out the bias": logits_of(f, w, None, inside)}


def check_gap_logits(gap_logits):
    "Another number of classes, maps that are not square, padding, gradients."
    f, w, b = layer(1, 3, 2 + V.count, 7, 4, 9)
    right = logits_of(f, w, b)
    close(tried(ANY, gap_logits, f, w, b), right, "for a batch of maps 4 high and 9 wide your logit", {
        "you average over the batch: each picture has its own mean": right.mean(0, keepdim=True).expand_as(right),
        "your logits are those of the first picture only": right[:1].expand_as(right),
        "your number of places is wrong for maps that are not square (height²)": logits_of(f * 9 / 4, w, b),
        "your number of places is wrong for maps that are not square (width²)": logits_of(f * 4 / 9, w, b)})
    close(call(gap_logits, f, w), logits_of(f, w), "without a bias your logit")
    f, w, b = layer(2, 2, 5, 5, 3, 2)
    close(call(gap_logits, f, w, b), logits_of(f, w, b), "for as many classes as features your logit", {
        "your weights are transposed: row c of `weight` belongs to class c": logits_of(f, w.T, b)})
    f, w, b = layer(3, 3, 3, 4, 4, 5)
    inside = torch.zeros(3, 4, 5, dtype=torch.bool)
    for picture, (high, wide) in enumerate(((4, 3), (2, 5), (1, 1))): inside[picture, :high, :wide] = True
    close(call(gap_logits, f, w, b, inside), logits_of(f, w, b, inside),
          "for padded pictures of three sizes your logit", gap_mistakes(f, w, b, inside))
    hint = "Without a bias nothing is added, and a padded picture may come without one."
    close(tried(hint, gap_logits, f, w, None, inside, errors=Exception), logits_of(f, w, None, inside),
          "for padded pictures without a bias your logit")
    for salt, (B, C, D) in enumerate(((2, 3, 1), (1, 1, 4)), 5):
        f, w, b = layer(salt, B, C, D, 2, 3)
        hint = "An axis may have the length 1, and stays: squeeze() without care drops it."
        for inside in (None, torch.ones(B, 2, 3, dtype=torch.bool)):
            close(tried(hint, gap_logits, f, w, b, inside), logits_of(f, w, b),
                  f"for {B} pictures, {C} classes and {D} features your logit")
    check_gap_gradient(gap_logits)


def check_gap_gradient(gap_logits):
    "The gradient is w / M at every place inside, and 0 on the padding."
    f, w, b = layer(4, 1, 2, 3, 2, 4)
    inside = torch.ones(1, 2, 4, dtype=torch.bool)
    inside[0, :, 3] = False
    f.requires_grad_(), w.requires_grad_(), b.requires_grad_()
    z = call(gap_logits, f, w, b, inside)
    expect(isinstance(z, torch.Tensor) and z.requires_grad,
           "your logits carry no gradient, so no classifier can be trained through them: leave out detach, item, numpy")
    found = torch.autograd.grad(z[0, 1], (f, w, b), allow_unused=True)
    names = ("the features", "the weight", "the bias")
    for name, gradient in zip(names, found): expect(gradient is not None, f"no gradient reaches {name}")
    want = (w[1] / 6)[None, :, None, None] * inside[:, None]
    close(found[0], want, "the gradient of your logit by the features")


# cam

def maps_of(features, weight):
    "Reference: the linear layer at every place."
    return torch.einsum("cd,bdhw->bchw", weight, features)


def check_cam(cam):
    "Its mean and the bias make the logit: any number of classes, any shape of map, a batch."
    for salt, (B, C, D, h, w) in enumerate(((3, 2 + V.count, 5, 4, 9), (2, 1, 6, 5, 3), (1, 4, 4, 1, 7)), 10):
        f, weight, bias = layer(salt, B, C, D, h, w)
        right = maps_of(f, weight)
        got = tried(ANY, cam, f, weight)
        what = f"for {C} classes, {D} features and {B} maps of {h}×{w} places your map"
        close(got, right, what, cam_mistakes(right) | ({} if C != D else {
            "your weights are transposed: row c of `weight` belongs to class c": maps_of(f, weight.T)}))
        mean = as_array(got, "your map").mean((2, 3))
        close(mean + bias.numpy(), logits_of(f, weight, bias), "the mean of your map plus the bias")
    check_cam_locally(cam)


def cam_mistakes(right):
    "Values of known mistakes."
    return {"a map that is negative everywhere became 0: negative values stay":
                right * (right.amax((2, 3), keepdim=True) > 0),
            "your map is cut at 0: then its mean is no longer the logit": right.clamp(min=0),
            "your map is that of the first picture only": right[:1].expand_as(right),
            "your map is divided by the number of places": right / right[0, 0].numel(),
            "your maps are divided by their maxima: that comes in the next exercise":
                right / right.amax((2, 3), keepdim=True),
            "your map takes the absolute value": right.abs(),
            "your map is averaged over the batch": right.mean(0, keepdim=True).expand_as(right)}


def check_cam_locally(cam):
    "One place of the map depends on the features of that place alone."
    f, weight, bias = layer(20, 1, 3, 4, 3, 5)
    moved = f.clone()
    moved[0, :, 2, 1] += 1
    change = abs(as_array(call(cam, moved, weight), "your map") - as_array(call(cam, f, weight), "your map"))
    expect(change[0, :, 2, 1].max() > 1e-3, "a change of the features at one place does not change your map there")
    change[0, :, 2, 1] = 0
    expect(change.max() < 1e-4, "a change of the features at one place changes your map elsewhere")
    close(call(cam, torch.zeros_like(f), weight), torch.zeros(1, 3, 3, 5), "where all features are 0 your map")
    right = maps_of(f.abs(), -weight.abs())
    close(call(cam, f.abs(), -weight.abs()), right, "where all evidence is against the classes your map",
          cam_mistakes(right))
    grown = as_array(call(cam, 1024 * f, weight), "your map") / 1024
    expect(same(grown, as_array(maps_of(f, weight), ""), 1e-4),
           "for large features your map is no longer the sum: nothing is cut off, neither below nor above")


# seeds

def labels_of(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index, axes=(2, 3), scores=lambda x: x.clamp(min=0),
              added=0):
    "Reference; `axes`, `scores` and `added` make known mistakes."
    x = scores(cams)
    top = x.amax(axes, keepdim=True)
    x = x / (torch.where(top > 0, top, 1) + added) * tags.to(x)[..., None, None]
    best, c = x.max(1)
    return torch.where(best > high, c + 1, torch.where(best < low, 0, ignore))


def whole_maps(salt, B, C, h, w):
    """CAMs of whole numbers; each has its own maximum, a power of two, so that every division is exact.

    The minimum of each map is twice as far from 0 as its maximum.
    """
    g = drawn(salt)
    maps = torch.randint(-24, 32, (B, C, h * w), generator=g).float()
    at = torch.randint(h * w, (B, C, 1), generator=g)
    maps = maps.scatter(2, at, 32.0).scatter(2, (at + 1) % (h * w), -64.0).view(B, C, h, w)
    tags = (torch.rand(B, C, generator=g) < 0.5).float()
    tags[:, 1], tags[:, -1], tags[:, 0] = 1, 1, 0
    strength = 5 + (3 * torch.arange(B)[:, None] + torch.arange(C)) % 7
    return maps * 2.0 ** strength[..., None, None], tags


def late_tags(x, t, high, low, ignore):
    "The labels of one who chooses the strongest class first and looks at the tags later."
    chosen = labels_of(x, torch.ones_like(t), high, low, ignore)
    here = torch.cat([torch.ones(len(t), 1), t], 1)
    number = torch.where(chosen == ignore, 0, chosen)
    present = here.gather(1, number.flatten(1)).view(chosen.shape) > 0
    return torch.where(present, chosen, 0), torch.where(present, chosen, ignore)


def last_of_equals(x, t, high, low, ignore):
    "The labels of one who takes the highest number of equally strong classes."
    label = labels_of(x.flip(1), t.flip(1), high, low, ignore)
    return torch.where((label == 0) | (label == ignore), label, x.shape[1] + 1 - label)


def seed_mistakes(x, t, high, low, ignore):
    "Values of known mistakes; the maps are multiples of 1/32 of their maxima."
    levels, right = (high, low, ignore), labels_of(x, t, high, low, ignore)
    as_0, as_ignored = late_tags(x, t, *levels)
    least = lambda x: x - x.amin((2, 3), keepdim=True)
    late = "you remove the absent classes after the strongest was chosen: remove them before"
    batch = "you normalise over the batch: each map of each picture has its own maximum"
    return {"a pixel exactly at `high` became object: only above it is object":
                labels_of(x, t, high - 1 / 64, low, ignore),
            "a pixel exactly at `low` became background: only below it is":
                labels_of(x, t, high, low + 1 / 64, ignore),
            "you divide all classes of a picture by one maximum": labels_of(x, t, *levels, axes=(1, 2, 3)),
            batch: labels_of(x, t, *levels, axes=(0, 2, 3)),
            batch + " (and class)": labels_of(x, t, *levels, axes=(0, 1, 2, 3)),
            "you stretch each map from its minimum: cut it at 0, then divide by its maximum":
                labels_of(x, t, *levels, scores=least),
            "you take the absolute value: evidence against a class is none for it; cut at 0":
                labels_of(x, t, *levels, scores=torch.abs),
            "you divide by the largest absolute value: divide by the maximum of the map that is cut at 0":
                labels_of(x, t, 2 * high, 2 * low, ignore),
            "you chose a class that the tags exclude": labels_of(x, torch.ones_like(t), *levels),
            "of equally strong classes you take the last: take the lower number": last_of_equals(x, t, *levels),
            late: as_0, late + ".": as_ignored,
            "your labels are those of the first picture only": right[:1].expand_as(right),
            f"your labels are uint8, which holds no {ignore}": right % 256,
            f"your `ignore` has no effect: it is {ignore} here": labels_of(x, t, high, low, V.ignore_index),
            "your `high` and `low` have no effect": labels_of(x, t, V.high, V.low, ignore)}


def check_seeds(seeds):
    "Several pictures and classes, other thresholds, ties, maps that are nowhere positive, no tags."
    every = (V.high, V.low, V.ignore_index), (0.75, 0.0625, 77), (0.5, 0.25, -1), (0.625, 0.25, 0), (0.5, 0.5, 33)
    for salt, levels in enumerate(every, 30):
        x, t = whole_maps(salt, 3, V.count + 2, 6, 7)
        got = call(seeds, x, t) if salt == 30 else call(seeds, x, t, high=levels[0], low=levels[1], ignore=levels[2])
        close(got, labels_of(x, t, *levels), "for three pictures your label", seed_mistakes(x, t, *levels))
    check_seed_weak(seeds)
    check_seed_ties(seeds)
    check_seed_limits(seeds)


def check_seed_weak(seeds):
    "A weak map counts like a strong one: its maximum is between 1e-5 and 1e-3 here."
    x, t = whole_maps(40, 3, 4, 6, 7)
    x = x / 2**26
    right = labels_of(x, t, V.high, V.low)
    close(call(seeds, x, t), right, "where the maps are weak your label", {
        "a weak map became background: divide it by its maximum, however small that is": torch.zeros_like(right),
        **{f"you add {e:g} to the maximum, so a weak map shrinks: divide by the maximum alone":
           labels_of(x, t, added=e) for e in (1e-5, 1e-6, 1e-8)},
        **seed_mistakes(x, t, V.high, V.low, V.ignore_index)})


def check_seed_ties(seeds):
    "Of equally strong classes the one with the lower number is taken."
    one = 1024 * torch.tensor([[1., 0.125], [0.5, -0.25]])
    x = torch.stack([one, 4 * one, 2 * one])[None]
    for tags, number in (((1, 1, 1), 1), ((0, 1, 1), 2)):
        right = labels_of(x, torch.tensor([tags]))
        got = tried("The tags are whole numbers here.", seeds, x, torch.tensor([tags]), errors=Exception)
        close(got, right, "where classes are equally strong your label", {
            "where classes are equally strong you take the last: take the lower number":
                torch.where(right == number, 3, right),
            "where classes are equally strong you mark the pixel as undecided: take the lower number":
                torch.where(right == number, V.ignore_index, right),
            "you divide all classes by one maximum": labels_of(x, torch.tensor([tags]), axes=(1, 2, 3))})


def check_seed_limits(seeds):
    "A map that is nowhere positive marks nothing, and without a tag all is background; one class alone works."
    x = torch.tensor([[[[-2., -1.], [-4., -3.]], [[0., 0.], [0., 0.]], [[1024., 1024.], [1024., 1024.]]]])
    got = call(seeds, x, torch.tensor([[1., 1., 0.]]))
    close(got, torch.zeros(1, 2, 2), "where no map of a tagged class is positive your label", {
        "a map that is 0 everywhere gives 0/0, and nan passes no threshold: its maximum needs care":
            torch.full((1, 2, 2), V.ignore_index),
        "a map that is negative everywhere became object: cut at 0 before you divide by the maximum":
            torch.ones(1, 2, 2)})
    got = tried("Without any tag all is background.", seeds, x, torch.zeros(1, 3), errors=Exception)
    close(got, torch.zeros(1, 2, 2), "without any tag your label")
    got = call(seeds, x[:, 2:], torch.ones(1, 1))
    flat = "a map that is equally strong everywhere fills the picture: divide by its maximum, and leave its minimum"
    close(got, torch.ones(1, 2, 2), "for one class that fills the picture your label", {
        flat: torch.zeros(1, 2, 2), f"{flat} (0/0 is nan)": torch.full((1, 2, 2), V.ignore_index)})
    one = "a map of zeros spoils the whole picture: it marks nothing, and the maps of the other tags count as ever"
    got = call(seeds, x, torch.ones(1, 3))
    close(got, torch.full((1, 2, 2), 3), "beside two maps without a positive value your label", {
        one: torch.zeros(1, 2, 2), f"{one} (0/0 is nan)": torch.full((1, 2, 2), V.ignore_index)})


# confusion

def counts_of(prediction, truth, num_classes, ignore=V.ignore_index):
    "Reference: one pixel after the other."
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for p, t in zip(prediction.flatten().tolist(), truth.flatten().tolist()):
        if ignore not in (p, t): matrix[t, p] += 1
    return matrix


def label_maps(salt, K, shape, ignore):
    "A prediction and its truth with undecided pixels in both; the last class never occurs."
    g = drawn(salt)
    truth, other = torch.randint(0, K - 1, (2, *shape), generator=g)
    prediction = torch.where(torch.rand(shape, generator=g) < 0.6, truth, other)
    truth[torch.rand(shape, generator=g) < 0.2] = ignore
    prediction[torch.rand(shape, generator=g) < 0.2] = ignore
    return prediction, truth


def confusion_mistakes(p, t, K, ignore):
    "Values of known mistakes, for an undecided number that is no class."
    p_0, t_0 = (torch.where(x == ignore, 0, x) for x in (p, t))
    right = counts_of(p, t, K, ignore)
    return {"rows and columns are exchanged: the row is the true class": right.T,
            "you count undecided pixels as background": counts_of(p_0, t_0, K, ignore),
            "you count a pixel whose prediction is undecided as background": counts_of(p_0, t, K, ignore),
            "you count a pixel whose truth is undecided as background": counts_of(p, t_0, K, ignore),
            "your matrix leaves out a class that does not occur": right[:-1, :-1],
            "your matrix leaves out class 0: it is a class like the others": right[1:, 1:],
            "you leave out the pixels that are truly class 0: it is a class like the others":
                right * (torch.arange(K) > 0)[:, None],
            "your matrix says only whether a pair occurs: count the pixels": right.clamp(max=1)}


def check_confusion(confusion):
    "Another number of classes, batches, bytes, other label spaces; the matrix of a set is the sum over its parts."
    for salt, (K, shape, ignore) in enumerate(((V.count + 1, (3, 6, 5), V.ignore_index), (3, (4, 9), 77)), 50):
        p, t = label_maps(salt, K, shape, ignore)
        hint = "Take any shape, leave out the pixels that are `ignore`, and count into num_classes × num_classes."
        got = tried(hint, confusion, p, t, K, ignore)
        close(got, counts_of(p, t, K, ignore), f"for {K} classes and {ignore} as undecided your matrix",
              confusion_mistakes(p, t, K, ignore))
    p, t = label_maps(60, 5, (4, 6, 5), V.ignore_index)
    parts = sum(counts_of(p[i], t[i], 5) for i in range(4))
    close(call(confusion, p, t, 5), parts, "the matrix of four pictures", {
        "your matrix is the mean over the pictures: the sum is due": parts / 4,
        "your matrix is that of the first picture only": counts_of(p[0], t[0], 5)})
    check_confusion_bytes(confusion)
    check_confusion_spaces(confusion)
    check_confusion_types(confusion)


def check_confusion_bytes(confusion):
    "uint8, as label masks are read from files; 150 classes, so that K² is above 256 and a class above 127."
    K = 150
    p, t = (x.to(torch.uint8) for x in label_maps(61, K, (8, 9), 255))
    pair = (t.long() * K + p.long())[(p != 255) & (t != 255)]
    hint = "The inputs are uint8 here, as label masks come from files: convert to long before you compute with them."
    right = counts_of(p, t, K, 255)
    close(tried(hint, confusion, p, t, K, 255), right, f"for uint8 inputs and {K} classes your matrix", {
        "for uint8 inputs K · truth overflows at 256: convert to long before you multiply":
            torch.bincount(pair % 256, minlength=K * K).view(K, K),
        "your matrix loses the classes above 127: int8 is too small for them, convert to long":
            right * (torch.arange(K) < 128) * (torch.arange(K) < 128)[:, None]})
    p, t = (torch.full((20, 20), number, dtype=torch.uint8) for number in (1, 2))
    right, over = counts_of(p, t, 3), "a count ran over, since your matrix is {}: count in whole numbers of 64 bits"
    close(call(confusion, p, t, 3), right, "for 400 pixels of one pair of classes your matrix", {
        over.format("uint8"): right % 256, over.format("int8"): (right + 128) % 256 - 128})


def check_confusion_spaces(confusion):
    "Label spaces without a background: 0 may be a class or the undecided number, and so may −1."
    for salt, ignore in ((62, 0), (63, -1)):
        p, t = label_maps(salt, 4, (6, 7), ignore)
        hint = f"In other sets {ignore} is the undecided number: compare with `ignore`, in a type that holds {ignore}."
        every = {} if ignore < 0 else {
            "`ignore=0` has no effect: 0 is the undecided number here": counts_of(p, t, 4, -7)}
        close(tried(hint, confusion, p, t, 4, ignore), counts_of(p, t, 4, ignore),
              f"with {ignore} as undecided number your matrix", every)
    p, t = torch.tensor([2, 2]), torch.tensor([0, 0])
    close(call(confusion, p, t, 4), counts_of(p, t, 4), "for classes that do not occur your matrix")
    t = torch.full((2,), V.ignore_index)
    got = tried("Where all pixels are undecided the matrix holds zeros.", confusion, p, t, 4, errors=Exception)
    close(got, torch.zeros(4, 4), "where all pixels are undecided your matrix")


def check_confusion_types(confusion):
    "A mask from a file, uint8, against a prediction in whole numbers of 64 bits, whose undecided number is −1."
    p, t = label_maps(64, 4, (6, 7), -1)
    hint = "One input is uint8 here and the other holds −1: convert both to long."
    for p, t, which in ((p, t.clamp(min=0).byte(), "truth"), (p.clamp(min=0).byte(), t, "prediction")):
        got = tried(hint, confusion, p, t, 4, -1, errors=Exception)
        close(got, counts_of(p, t, 4, -1), f"for a {which} in uint8 and −1 as undecided number your matrix")


# miou

def mean_of(values):
    "The mean without nan."
    return values[~values.isnan()].mean()


def ious_of(matrix):
    "Reference: IoU of each class, nan where the union is empty."
    m = matrix.double()
    return m.diag() / (m.sum(0) + m.sum(1) - m.diag())


def miou_mistakes(matrices, background):
    "Values of known mistakes."
    first, total = 0 if background else 1, matrices.sum(0).double()
    iou, hit = ious_of(total)[first:], total.diag()
    true, found = (total.sum(1) > 0)[first:], (total.sum(0) > 0)[first:]
    return {"your mIoU is the mean over the pictures: add up the matrices first":
                mean_of(torch.stack([mean_of(ious_of(m)[first:]) for m in matrices])),
            "your mIoU is the mean over the pictures' IoU: add up the matrices first":
                mean_of(torch.cat([ious_of(m)[first:] for m in matrices])),
            "your mIoU takes each class's mean over the pictures: add up the matrices first":
                mean_of(torch.stack([ious_of(m)[first:] for m in matrices]).nanmean(0)),
            "a class that occurs nowhere counts as 0 in your mean: leave it out": iou.nan_to_num(0).mean(),
            "a class that occurs nowhere counts as 1 in your mean: leave it out": iou.nan_to_num(1).mean(),
            "you leave out a class that is predicted but never true: its IoU is 0 and counts": iou[true].mean(),
            "you leave out a class that is true but never predicted: its IoU is 0 and counts": iou[found].mean(),
            "you leave out a class whose intersection is empty: an IoU of 0 counts": iou[iou > 0].mean(),
            "you always divide by 21 classes": iou.nan_to_num(0).sum() / 21,
            "you take the mean of the recalls: the union is due": mean_of((hit / total.sum(1))[first:]),
            "this is the Dice score: the union is due": mean_of((2 * hit / (total.sum(0) + total.sum(1)))[first:]),
            "your mIoU is nan, from 0/0: leave out a class that occurs nowhere": torch.tensor(float("nan")),
            "your mIoU counts three classes only": mean_of(ious_of(total[:3, :3])[first:]),
            "`background` is not used as it should be": mean_of(ious_of(total)[1 - first:]),
            "you deleted the background's row and column: its mistakes belong to the other classes too":
                mean_of(ious_of(total[1:, 1:])),
            "you ask one picture alone which classes occur: a class counts if it occurs in any of them":
                mean_of(ious_of(total)[first:][(matrices[-1].sum(0) + matrices[-1].sum(1) > 0)[first:]]),
            "you leave out the pictures with one true class: every picture counts":
                mean_of(ious_of(matrices[(matrices.sum(2) > 0).sum(1) > 1].sum(0))[first:]),
            "you take the first picture only": mean_of(ious_of(matrices[0])[first:])}


def matrices_of(salt, N, K):
    """Matrices of N pictures of different sizes: one class is nowhere, two only true, one only predicted.

    Class 1 is neither in the first picture nor in the last, and the second picture is all background.
    """
    m = torch.randint(0, 9, (N, K, K), generator=drawn(salt)) + 12 * torch.eye(K, dtype=torch.int64)
    m = m * torch.tensor([1, 7, 3, 2, 5])[:N, None, None]
    m[[0, -1], 1], m[[0, -1], :, 1], m[1:2, 1:] = 0, 0, 0
    m[:, 2], m[:, :, 2] = 0, 0  # nowhere
    m[:, :, [3, 5]], m[:, 4] = 0, 0  # 3 and 5 are never predicted, 4 is never true
    return m


def check_miou(miou):
    "Another number of classes, classes that occur on one side only, with and without background, one picture."
    for salt, (N, K) in enumerate(((4, 6), (5, V.count + 4), (1, 7)), 70):
        m = matrices_of(salt, N, K)
        for background in (True, False):
            want = mean_of(ious_of(m.sum(0))[0 if background else 1:])
            close(call(miou, m, background=background), want,
                  f"for {N} pictures, {K} classes and background={background} your mIoU",
                  miou_mistakes(m, background), tolerance=1e-5)
    m = matrices_of(80, 3, 8)
    order = torch.tensor([0, 7, 6, 5, 4, 3, 2, 1])
    close(call(miou, m[:, order][:, :, order], background=False), mean_of(ious_of(m.sum(0))[1:]),
          "after the classes got other numbers your mIoU")
    close(call(miou, torch.eye(5, dtype=torch.int64)[None]), 1.0, "where every pixel is right your mIoU")
    m, a, b = torch.tensor([[[0, 0, 0], [0, 3, 1], [0, 2, 6]]]), 1 / 2, 2 / 3  # a and b are the IoU of 1 and 2
    close(call(miou, m, background=False), (a + b) / 2, "where the background does not occur your mIoU without it", {
        "without background you leave out the first class that occurs: only class 0 is left out": b,
        "without background you divide by one class less, though the background did not occur": a + b})
    close(call(miou, m), (a + b) / 2, "where the background does not occur your mIoU", {
        "a background that occurs nowhere counts as 0 in your mean: leave it out like any class": (a + b) / 3})


# failure

def number_of(masks):
    "The number of pixels in each mask."
    return masks.sum((1, 2))


def table_of(maps, objects, threshold, edges, size=None, above=torch.gt, number=number_of,
             within=lambda size, low, high: (size >= low) & (size < high)):
    "Reference; `size`, `above`, `number` and `within` make known mistakes."
    counted, obj = objects != V.ignore_index, objects == 1
    found = above(maps, threshold) & counted
    hit, true, all_found = (number(x).double() for x in (found & obj, obj, found))
    size = true / number_of(counted) if size is None else size
    rows = []
    for low, high in zip(edges[:-1], edges[1:]):
        here = within(size, low, high)
        both = hit[here].sum()
        rows.append([here.sum().double(), both / true[here].sum(), both / all_found[here].sum()])
    return torch.tensor(rows)


def mean_table(maps, objects, threshold, edges):
    "The table of one who takes the mean over the pictures of a group."
    sizes = (objects == 1).sum((1, 2)) / (objects != V.ignore_index).sum((1, 2))
    whole = table_of(maps, objects, threshold, edges)
    for row, (low, high) in zip(whole, zip(edges[:-1], edges[1:])):
        here = [i for i, s in enumerate(sizes) if low <= s < high]
        singles = [table_of(maps[i:i + 1], objects[i:i + 1], threshold, (0, 1.01))[0, 1:] for i in here]
        if here: row[1:] = torch.stack(singles).nanmean(0)
    return whole


def failure_mistakes(maps, objects, threshold, edges):
    "Values of known mistakes."
    obj, counted = objects == 1, objects != V.ignore_index
    right = table_of(maps, objects, threshold, edges)
    found = ((maps > threshold) & counted).sum((1, 2)) / counted.sum((1, 2))
    own, some = obj.sum((1, 2)) / counted.sum((1, 2)), found > 0
    silent = right.clone()
    silent[:, 1][right[:, 2].isnan()] = float("nan")
    return {"recall and precision are exchanged": right[:, [0, 2, 1]],
            "you take the mean over the pictures of a group: count the pixels of all of them together":
                mean_table(maps, objects, threshold, edges),
            "a pixel exactly at the threshold counts as found: only above it":
                table_of(maps, objects, threshold, edges, above=torch.ge),
            "undecided pixels count as background: leave them out":
                table_of(maps, torch.where(counted, objects, 0), threshold, edges, size=own),
            "undecided pixels count as background: leave them out of the size too":
                table_of(maps, torch.where(counted, objects, 0), threshold, edges),
            "undecided pixels count as object: leave them out":
                table_of(maps, torch.where(counted, objects, 1), threshold, edges),
            "you divide the size by all pixels: divide by the counted pixels":
                table_of(maps, objects, threshold, edges, size=obj.sum((1, 2)) / obj[0].numel()),
            "you group by what the map found: the size is that of the true object":
                table_of(maps, objects, threshold, edges, size=found),
            "0/0 became 0: nothing found is no precision, so it is nan": right.nan_to_num(0),
            "0/0 became 1: nothing found is no precision, so it is nan": right.nan_to_num(1),
            "where nothing is found the recall is 0: the precision alone is nan": silent,
            "you leave out the pictures in which nothing is found: their objects count for the recall":
                table_of(maps[some], objects[some], threshold, edges),
            "an object of size 0 belongs to the group that begins at 0":
                table_of(maps, objects, threshold, edges, size=torch.where(own > 0, own, -1)),
            "an object as large as the last edge is in your last group: it belongs to no group":
                table_of(maps, objects, threshold, (*edges[:-1], edges[-1] + 1e-5)),
            "objects beyond the last edge are in your last group: they belong to no group":
                table_of(maps, objects, threshold, (*edges[:-1], 2)),
            "objects below the first edge are in your first group: they belong to no group":
                table_of(maps, objects, threshold, (-1, *edges[1:])),
            "objects outside all edges are in your outer groups: they belong to no group":
                table_of(maps, objects, threshold, (-1, *edges[1:-1], 2)),
            "your groups hold all smaller objects, too: group g begins at edges[g]":
                table_of(maps, objects, threshold, edges, within=lambda size, low, high: size < high),
            "your groups hold the objects of the groups before them, too: group g begins at edges[g]":
                table_of(maps, objects, threshold, edges,
                         within=lambda size, low, high: (size >= edges[0]) & (size < high)),
            "your numbers of pixels run over at 256: count in whole numbers of 64 bits":
                table_of(maps, objects, threshold, edges, number=lambda x: number_of(x) % 256),
            "your `threshold` has no effect": table_of(maps, objects, V.high, edges)}


def objects_of_sizes(salt):
    "Thirteen maps and masks of 16×32 places; one has no object, some fill exactly an edge; 1/8 is undecided."
    g, maps, objects = drawn(salt), [], []
    for number, share in enumerate((16, 28, 36, 56, 80, 112, 160, 224, 240, 280, 320, 336, 0)):
        obj, order = torch.zeros(512, dtype=torch.int64), torch.randperm(512, generator=g)
        obj[order[:share]] = 1
        obj[order[-64:]] = V.ignore_index
        score = torch.randint(0, 57, (512,), generator=g) + 16 * (obj == 1) * (number % 3 != 1)
        maps.append(score.clamp(max=64).view(16, 32) / 64)
        objects.append(obj.view(16, 32))
    return torch.stack(maps), torch.stack(objects)


def check_failure(failure):
    "Other groups (one of them empty, one in which nothing is found), other thresholds, undecided pixels."
    maps, objects = objects_of_sizes(90)
    for threshold, edges in ((V.high, (0.0625, 0.125, 0.25, 0.5, 0.625, 1.01)), (0.75, (0, 0.125, 1.01)),
                             (0.5, (0.125, 0.25, 0.625))):
        close(call(failure, maps, objects, threshold, edges), table_of(maps, objects, threshold, edges),
              f"for the threshold {threshold} and edges {edges} your table",
              failure_mistakes(maps, objects, threshold, edges))
    edges = (0, 0.01, 0.02, 0.125, 0.5, 1.01)
    quiet = torch.where(objects.flatten(1).eq(1).sum(1)[:, None, None] < 56, maps / 4, maps)
    got = tried("0/0 is nan.", failure, quiet, objects, V.high, edges, errors=ZeroDivisionError)
    close(got, table_of(quiet, objects, V.high, edges),
          "with an empty group, an object of size 0, and pictures in which nothing is found, your table",
          failure_mistakes(quiet, objects, V.high, edges))
