"""The public checks of A1, and what changes from year to year. Leave this file beside the notebook."""
import random
from types import SimpleNamespace

import numpy as np
import torch

from ssnet.checking import as_array, call, close, expect, unchanged

SEED = 0  # the year's variant


def variant(seed):
    "What changes from year to year."
    rng = random.Random(seed)
    strict, empty = rng.choice([(True, 0), (True, 1), (False, 1)])
    return SimpleNamespace(
        seed=seed,
        k=rng.choice([5, 7]),                                  # side of the local mean h
        sigma=rng.choice([2.0, 2.5, 3.0]),                     # of the blur g, in pixels
        photo=rng.choice(["flower", "coffee", "astronaut"]),   # the photograph of exercises 1 to 4
        side=rng.choice([56, 64, 72]),                         # its longer side in pixels
        unsure=rng.choice([100, 127, 128, 200]),               # value of unsure pixels in a mask file
        strict=strict,                                         # salient is S > t, or else S >= t
        rule="above" if strict else "at or above",
        sign=">" if strict else r"\ge",
        empty=empty,                                           # what 0/0 counts as in precision and recall
        beta2=rng.choice([0.2, 0.4, 0.5, 2.0]),                # β²
        steps=rng.choice([16, 20, 24]),                        # thresholds 0, 1/steps, …, 1
        pictures=rng.choice([60, 64, 70]))                     # of the last exercise


V = variant(SEED)


def map_of(got, picture):
    "What spectral_residual gave, as a tensor; raises CheckFailed where it is no map of that picture."
    complex_map = isinstance(got, torch.Tensor) and got.is_complex()
    expect(not complex_map, "your map is complex: take the absolute value after the way back")
    S, want = torch.as_tensor(as_array(got, "your map")), tuple(picture.shape)
    expect(S.shape == want, f"your map has shape {tuple(S.shape)} for a picture of {want}: keep the size")
    expect(S.isfinite().all(), "your map holds nan or infinity: mind the logarithm of 0, and 0/0")
    return S


def pair(got, what):
    "The two things that an answer returned; raises CheckFailed otherwise."
    many = isinstance(got, (tuple, list)) or isinstance(got, (torch.Tensor, np.ndarray)) and got.ndim > 0
    expect(many and len(got) == 2, f"your answer must return two things: {what}")
    return got


def results(fair_comparison, P, R, off):
    "What fair_comparison gives; raises CheckFailed where an entry is missing, or where it changes P or R."
    before = [{name: x.clone() for name, x in X.items()} for X in (P, R)]
    got = call(fair_comparison, P, R, off)
    for X, old in zip((P, R), before):
        expect(set(X) == set(old) and all(unchanged(X[name], old[name]) for name in old),
               "your fair_comparison changes P or R in place: work on copies")
    expect(isinstance(got, dict) and set(got) == set(P),
           f"your fair_comparison must return a dict with the keys {', '.join(P)}")
    for one in got.values():
        expect(isinstance(one, dict) and set(one) == {"score", "gain", "centred", "off"},
               "your result for a method must be a dict with the keys score, gain, centred, off")
    return got


def check_spectral_residual(spectral_residual):
    "A dot, a picture of 6×8 pixels, and one of 7×9 with another k."
    dot = torch.zeros(9, 12)
    dot[2, 7] = 1
    S = map_of(call(spectral_residual, dot, 3, 1.5), dot)
    at = divmod(int(S.argmax()), 12)
    expect(at != (0, 0), "your map moves a single dot to the corner: the phase is lost on the way back")
    expect(at != (6, 1), "your map moves a single dot by half a picture: an fftshift is not undone")
    expect(at == (2, 7), f"your map has its maximum at {at}; a single dot at (2, 7) must stay where it is")
    close(S[2, 7], 1, "the greatest value of your map", {"your map is not divided by its greatest value": 0.0707356})
    close(S[2, 9], 0.411112, "your map two pixels beside a single dot", {
        "your map is not smoothed: blur it with sigma": 0,
        "your map is blurred before it is squared: square first": 0.169013}, 1e-3)
    small = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6], [5, 3, 5, 8, 9, 7, 9, 3], [2, 3, 8, 4, 6, 2, 6, 4],
                          [3, 3, 8, 3, 2, 7, 9, 5], [0, 2, 8, 8, 4, 1, 9, 7], [1, 6, 9, 3, 9, 9, 3, 7]]) / 10
    S = map_of(call(spectral_residual, small, 3, 1.5), small)
    close(S[[0, 1, 4], [0, 4, 2]], [0.638725, 0.967105, 0.78815],
          "your map of the 6×8 picture at (0, 0), (1, 4), (4, 2)", SMALL, 1e-3)
    close(call(spectral_residual, 4 * small, 3, 1.5), S, "your map of a picture four times as bright", {}, 2e-3)
    odd = torch.tensor([[5, 2, 1, 6, 3, 7, 7, 9, 8], [1, 8, 1, 8, 7, 2, 0, 6, 2], [3, 8, 6, 0, 5, 1, 8, 8, 3],
                        [7, 0, 8, 1, 0, 6, 3, 5, 6], [6, 7, 5, 0, 9, 1, 4, 2, 2], [1, 4, 8, 2, 2, 9, 9, 7, 3],
                        [0, 7, 0, 5, 2, 2, 0, 7, 3]]) / 10
    S = map_of(call(spectral_residual, odd, 5, 1.0), odd)
    close(S[[0, 3, 6], [0, 5, 2]], [0.579151, 0.593203, 0.532612],
          "your map of the 7×9 picture (k = 5) at (0, 0), (3, 5), (6, 2)", ODD, 1e-3)


SMALL = {  # {message: the map of the 6×8 picture at (0, 0), (1, 4), (4, 2) which that mistake gives}
    "your map is not squared": [0.789928, 0.987417, 0.882037],
    "your map is made from amplitudes: take their logarithm": [1, 1, 1],
    "your map is made from log(1 + amplitude): take log(amplitude + 1e-8)": [0.552648, 0.924386, 0.733414],
    "your map takes no local mean off the log spectrum": [0.598931, 0.95279, 0.782457],
    "your map uses log10: exp undoes the natural logarithm only": [0.480217, 0.874103, 0.646819],
    "your map is stretched from its least value: only divide by the greatest": [0.039521, 0.912546, 0.436778],
    "your local mean sees zeros beyond the border: after the last frequency comes the first": [
        0.614997, 0.956221, 0.782471],
    "your local mean repeats the border: after the last frequency comes the first": [0.528317, 0.918029, 0.730433],
    "your local mean mirrors the border: after the last frequency comes the first": [0.659056, 0.959659, 0.805168]}

ODD = {  # the same for the 7×9 picture at (0, 0), (3, 5), (6, 2)
    "your local mean has 3×3 frequencies whatever k is": [0.6407, 0.640578, 0.603442],
    "your local mean divides by 9 whatever k is: it is a mean over k × k": [0.556424, 0.586365, 0.52077],
    "your local mean is off the middle: as many frequencies before as after": [0.5998, 0.603393, 0.54849],
    "your local mean starts at the frequency: put it in the middle": [0.604379, 0.607975, 0.53904],
    "your local mean takes k frequencies in one direction only": [0.614273, 0.6158, 0.579191],
    "your local mean takes k frequencies in the other direction only": [0.615278, 0.616374, 0.546138],
    "your fftshift is undone by a second one, which is wrong for odd sizes: take ifftshift": [
        0.671354, 0.848737, 0.797442],
    "your blur has sigma = 1.5 whatever sigma is": [0.797415, 0.801961, 0.71367]}


def check_mae(mae):
    "Three pictures of 2×2 pixels: the errors are 0.1, 0.6, 0.2 in the first, 0.5 in the second, 0.4, 0.1 in the third."
    U, u = V.unsure, V.unsure / 255
    S = torch.tensor([[[0.9, 0.4], [0.2, 0.7]], [[0.5, 0.3], [0.8, 0.6]], [[0.6, 0.1], [0.1, 0.8]]])
    G = torch.tensor([[[255, 255], [0, U]], [[0, U], [U, U]], [[255, U], [0, U]]], dtype=torch.uint8)
    a, b, c, d, e = (abs(s - u) for s in (0.7, 0.3, 0.8, 0.6, 0.1))  # errors of unsure pixels, counted by their value
    close(call(mae, S, G), 0.35, "your MAE of the three small pictures", {
        "your MAE is one mean over all pixels: take the mean of each picture first, then the pictures' mean": 1.9 / 6,
        "your MAE leaves the unsure pixels out of the sum, but divides by them too": 0.158333,
        "your MAE counts unsure pixels as background": 0.433333,
        "your MAE counts unsure pixels as salient": 0.383333,
        f"your MAE counts unsure pixels as {U}/255":
            ((0.9 + a) / 4 + (0.5 + b + c + d) / 4 + (0.5 + e + c) / 4) / 3,
        "your MAE leaves out what has 255: 255 is salient here, not 'ignore'": 0.8 / 3,
        f"your MAE leaves out 255 in place of {U}: 255 is salient here, not 'ignore'":
            ((0.2 + a) / 2 + (0.5 + b + c + d) / 4 + (0.1 + e + c) / 3) / 3,
        "your MAE squares the errors: take absolute values": 0.157222,
        "your MAE is the root of a mean of squares: take absolute values": 0.387077,
        "your MAE lets errors of different signs cancel: take absolute values": 0.272222,
        "your MAE lets errors of different signs cancel: take absolute values first": 0.061111,
        "your MAE takes the mask as it is: salient is 255 there, and 1 in the map": 99.127778,
        "your MAE is a sum over the pictures: take the mean": 1.05,
        "your MAE is the median of the pictures: take their mean": 0.3,
        "your MAE is the middle between the best and the worst picture: take the mean of all": 0.375,
        "your MAE leaves out the last picture: the first dimension is the batch": 0.4,
        "your MAE takes the first and the last picture only": 0.275,
        "your MAE divides by the height: divide by the number of pictures": 0.525,
        "your MAE halves at each picture: divide the sum by the number of pictures": 0.325,
        "your MAE takes the mean of each row first: take one mean over the picture's pixels that count": 0.258333,
        "your MAE stretches the maps: take them as they are": 0.260317,
        "your MAE subtracts in uint8, which has no negative numbers: make floats first": 0.450327,
        "your MAE gives one number a picture: the mean over the pictures is missing": [0.3, 0.5, 0.25]})


def check_precision_recall(precision_recall):
    "Eight pixels, four of them salient; three thresholds, then one."
    S = torch.tensor([[0.75, 0.5, 0.5, 0.25], [0.5, 0.25, 0, 0.75]])
    G = torch.tensor([[True] * 4, [False] * 4])
    tables = {True: ([3 / 5, 1 / 2, V.empty], [3 / 4, 1 / 4, 0]), False: ([4 / 7, 3 / 5, V.empty], [1, 3 / 4, 0])}
    got = pair(call(precision_recall, S, G, [0.25, 0.5, 1.0]), "P, R")
    (P, R), (other_P, other_R) = tables[V.strict], tables[not V.strict]
    rule = f"your rule for the threshold is the wrong one: salient is what is {V.rule} it"
    close(got[0], P, "your precision at 0.25, 0.5, 1", {
        rule: other_P, "your precision and recall are exchanged": R,
        "your precision is nan where nothing is chosen: say what 0/0 counts as": [P[0], P[1], float("nan")],
        f"your precision counts 0/0 as {1 - V.empty}; this course counts it as {V.empty}": [P[0], P[1], 1 - V.empty]})
    close(got[1], R, "your recall at 0.25, 0.5, 1", {rule: other_R, "your recall is precision": P})
    P, R = pair(call(precision_recall, S, G, 0.5), "P, R")
    close(P, tables[V.strict][0][1], "your precision at the one threshold 0.5")
    close(R, tables[V.strict][1][1], "your recall at the one threshold 0.5")


F_TABLE = {  # β²: F of P = 1/2, R = 4/5; with β, exchanged, without 1 + β², with β⁴; best of four; of the best P and R
    0.2: (0.533333, 0.565535, 0.727273, 0.444444, 0.507317, 0.626087, 0.915254),
    0.4: (0.56, 0.58499, 0.682927, 0.4, 0.527273, 0.646154, 0.926471),
    0.5: (0.571429, 0.591947, 0.666667, 0.380952, 0.540541, 0.654545, 0.931034),
    2.0: (0.666667, 0.640754, 0.571429, 0.222222, 0.714286, 0.72, 0.964286)}


def check_f_beta(f_beta, best_f):
    "P = 1/2 and R = 4/5; then four thresholds; both also with another β²."
    right, root, swapped, unscaled, fourth, best, apart = F_TABLE[V.beta2]
    close(call(f_beta, torch.tensor(0.5), torch.tensor(0.8)), right, f"your F_β of P = 0.5, R = 0.8 (β² = {V.beta2})", {
        "your F_β uses β where β² is due": root, "your F_β uses β⁴: the argument is β² already": fourth,
        "your F_β has precision and recall exchanged: β² stands beside P below the line": swapped,
        "your F_β lacks the factor 1 + β²": unscaled, "your F_β is the one with β² = 0.3": 0.547368,
        "your F_β is F₁: β² is missing": 0.615385, "your F_β is the plain mean of P and R": 0.65})
    close(call(f_beta, torch.tensor(0.5), torch.tensor(0.8), 0.8), 0.6, "your F_β of P = 0.5, R = 0.8 for β² = 0.8", {
        "your f_beta ignores its argument beta2": right, "your F_β lacks a factor 1 + β²": 1 / 3,
        "your f_beta has this year's number in place of 1 + beta2": (1 + V.beta2) / 3})
    zero = torch.tensor([0.0, 0.5])
    close(call(f_beta, zero, zero), [0, 0.5], "your F_β of P = R = 0 and of P = R = 0.5",
          {"your F_β is nan for P = R = 0: it counts as 0 there": [float("nan"), 0.5]})
    P, R, thresholds = torch.tensor([0.6, 0.4, 0.9, 0]), torch.tensor([0.8, 1, 0.2, 0]), [0.2, 0.4, 0.6, 0.8]
    got = pair(call(best_f, P, R, thresholds), "the best F, its threshold")
    close(got[0], best, "your best F of four", {
        "your best F takes the best P and the best R of different thresholds": apart})
    close(got[1], 0.2, "your best threshold of 0.2, 0.4, 0.6, 0.8",
          {"your best_f returns the place in the list: return the threshold": 0})
    got = pair(call(best_f, P, R, thresholds, 5), "the best F, its threshold")
    close(got[0], 0.8, "your best F of four for β² = 5", {
        "your best_f ignores its argument beta2": best,
        "your best_f does not take the place where F is best for the β² that it is given": 0.757895})
    close(got[1], 0.4, "your best threshold for β² = 5", {
        "your best threshold is not that of the best F for the β² that it is given": 0.2})


def check_fair_comparison(fair_comparison):
    "The hand example: three pictures, the last one off-centre; P = R, so F is the same number. Then five pictures."
    F = {"centre": torch.tensor([[0.8, 0.5], [0.6, 0.7], [0.1, 0.0]]),
         "mine": torch.tensor([[0.5, 0.6], [0.3, 0.8], [0.2, 0.7]])}
    R = {name: f.clone() for name, f in F.items()}
    got = results(fair_comparison, F, R, torch.tensor([False, False, True]))
    close(got["centre"]["score"], 0.5, "your score of the centre map", {
        "your score takes another threshold for each picture: average over the pictures first, best then": 1.6 / 3,
        "your score is the mean over the thresholds: take the best": 0.45,
        "your score is a median over the pictures: take the mean": 0.6})
    close(got["mine"]["score"], 0.7, "your score of the method")
    close(got["centre"]["gain"], [0, 0, 0], "your gain of the centre map over itself")
    close(got["mine"]["gain"], [-0.2, 0.2, 0.6], "your gain of the method", {
        "your gain has the wrong sign: the method less the centre map": [0.2, -0.2, -0.6],
        "your gain reads the centre map at the method's threshold: each has its own": [0.1, 0.1, 0.7],
        "your gain reads the method at the centre map's threshold: each has its own": [-0.3, -0.3, 0.1]})
    close(got["mine"]["centred"], 0, "your gain on the centred pictures", {
        "your centred and off-centre pictures are exchanged": 0.6})
    close(got["mine"]["off"], 0.6, "your gain on the off-centre pictures",
          {"your gain on a group divides by all pictures": 0.2})
    check_five_pictures(fair_comparison)


FAIR = {  # β²: the score; what the mistakes below give; the gains; on the centred pictures, and with thresholds of
    # their own, and divided by all; the same three off-centre
    0.2: (0.642743, (0.726207, 0.594963, 0.617375, 0.562232, 0.540962, 0.66, 0.713035, 0.727273),
          (-0.364706, -0.2, 0.232609, -0.053801, 0.465882), (0.111262, 0.215248, 0.066757),
          (-0.126901, -0.145671, -0.05076)),
    0.4: (0.600877, (0.692113, 0.578646, 0.617375, 0.562232, 0.545112, 0.66, 0.677897, 0.682927),
          (-0.336842, -0.2, 0.123852, -0.126471, 0.525), (0.104003, 0.179673, 0.062402),
          (-0.163235, -0.177871, -0.065294)),
    0.5: (0.589359, (0.679355, 0.574101, 0.617375, 0.562232, 0.547714, 0.66, 0.666055, 0.675),
          (-0.325, -0.2, 0.091228, -0.144615, 0.541259), (0.102496, 0.165504, 0.061497),
          (-0.172308, -0.190797, -0.068923)),
    2.0: (0.547714, (0.601714, 0.55359, 0.617375, 0.562232, 0.589359, 0.66, 0.64404, 0.7),
          (-0.228571, -0.2, -0.105455, -0.196667, 0.594643), (0.086872, 0.062038, 0.052123),
          (-0.198333, -0.285719, -0.079333))}
FAIR_MISTAKES = (
    "your score is the F of the mean P and the mean R: take the mean of the pictures' F",
    "your score uses β where β² is due", "your score uses β² = 0.3: f_beta knows this year's",
    "your score uses F₁: f_beta knows this year's β²", "your score has precision and recall exchanged",
    "your score is made of (P + R) / 2: use your f_beta",
    "your score pairs P and R by their order in the dicts: pair them by name",
    "your score is a median over the pictures: take the mean")


def check_five_pictures(fair_comparison):
    "Five pictures, the second and the fourth off-centre; three thresholds; P and R differ, also in their order."
    P = {"mine": [[6, 6, 8], [10, 7, 3], [9, 7, 8], [4, 9, 9], [3, 10, 8]],
         "centre": [[2, 9, 10], [10, 3, 9], [1, 4, 1], [6, 2, 7], [9, 3, 7]]}
    R = {"centre": [[7, 8, 10], [9, 4, 9], [8, 8, 9], [10, 4, 4], [1, 5, 2]],
         "mine": [[2, 9, 8], [7, 7, 2], [5, 1, 5], [4, 2, 1], [4, 8, 6]]}
    P, R = ({name: torch.tensor(x) / 10 for name, x in X.items()} for X in (P, R))
    got = results(fair_comparison, P, R, torch.tensor([False, True, False, True, False]))["mine"]
    score, mistakes, gain, centred, aside = FAIR[V.beta2]
    close(got["score"], score, "your score of five pictures", dict(zip(FAIR_MISTAKES, mistakes)))
    close(got["gain"], gain, "your gain on five pictures", {
        "your gain is over the first method: the opponent is the one named centre": [0] * 5})
    for group, title, (right, own, shared), other in (("centred", "centred", centred, aside[0]),
                                                      ("off", "off-centre", aside, centred[0])):
        close(got[group], right, f"your gain on the {title} pictures of five", {
            "your gain on a group has new thresholds: take those found on all pictures": own,
            "your gain on a group divides by all pictures: divide by those of the group": shared,
            "your centred and off-centre pictures are exchanged": other})
