"""The public checks of A1, and what changes from year to year. Leave this file beside the notebook."""
import random
from types import SimpleNamespace

import torch

from ssnet.checking import as_array, call, close, expect

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
    many = isinstance(got, (tuple, list)) or isinstance(got, torch.Tensor) and got.ndim > 0
    expect(many and len(got) == 2, f"your answer must return two things: {what}")
    return got


def results(got, methods):
    "What fair_comparison gave; raises CheckFailed where an entry is missing."
    expect(isinstance(got, dict) and set(got) == set(methods),
           f"your fair_comparison must return a dict with the keys {', '.join(methods)}")
    for one in got.values():
        expect(isinstance(one, dict) and set(one) == {"score", "gain", "centred", "off"},
               "your result for a method must be a dict with the keys score, gain, centred, off")
    return got


def check_spectral_residual(spectral_residual):
    "A dot, and a picture of 6×8 pixels."
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


def check_mae(mae):
    "Two pictures of 2×2 pixels: the errors are 0.1, 0.6, 0.2 in the first and 0.5 in the second."
    U, u = V.unsure, V.unsure / 255
    S = torch.tensor([[[0.9, 0.4], [0.2, 0.7]], [[0.5, 0.3], [0.8, 0.6]]])
    G = torch.tensor([[[255, 255], [0, U]], [[0, U], [U, U]]], dtype=torch.uint8)
    close(call(mae, S, G), 0.4, "your MAE of the two small pictures", {
        "your MAE is one mean over all pixels: take the mean of each picture first, then the pictures' mean": 0.35,
        "your MAE leaves the unsure pixels out of the sum, but divides by them too": 0.175,
        "your MAE counts unsure pixels as background": 0.475,
        "your MAE counts unsure pixels as salient": 0.375,
        f"your MAE counts unsure pixels as {U}/255":
            ((0.9 + abs(0.7 - u)) / 4 + (0.5 + abs(0.3 - u) + abs(0.8 - u) + abs(0.6 - u)) / 4) / 2,
        "your MAE squares the errors: take absolute values": 0.193333,
        "your MAE is the root of a mean of squares: take absolute values": 0.434845,
        "your MAE lets errors of different signs cancel: take absolute values": 0.166667,
        "your MAE lets errors of different signs cancel: take absolute values first": -0.166667,
        "your MAE takes the mask as it is: salient is 255 there, and 1 in the map": 85.066667,
        "your MAE is a sum over the pictures: take the mean": 0.8,
        "your MAE stretches the maps: take them as they are": 0.319048,
        "your MAE subtracts in uint8, which has no negative numbers: make floats first": 0.5,
        "your MAE gives one number a picture: the mean over the pictures is missing": [0.3, 0.5]})


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
    "P = 1/2 and R = 4/5; then four thresholds."
    right, root, swapped, unscaled, fourth, best, apart = F_TABLE[V.beta2]
    close(call(f_beta, torch.tensor(0.5), torch.tensor(0.8)), right, f"your F_β of P = 0.5, R = 0.8 (β² = {V.beta2})", {
        "your F_β uses β where β² is due": root, "your F_β uses β⁴: the argument is β² already": fourth,
        "your F_β has precision and recall exchanged: β² stands beside P below the line": swapped,
        "your F_β lacks the factor 1 + β²": unscaled, "your F_β is the one with β² = 0.3": 0.547368,
        "your F_β is F₁: β² is missing": 0.615385, "your F_β is the plain mean of P and R": 0.65})
    zero = torch.tensor([0.0, 0.5])
    close(call(f_beta, zero, zero), [0, 0.5], "your F_β of P = R = 0 and of P = R = 0.5",
          {"your F_β is nan for P = R = 0: it counts as 0 there": [float("nan"), 0.5]})
    got = pair(call(best_f, torch.tensor([0.4, 0.6, 0.9, 0]), torch.tensor([1, 0.8, 0.2, 0]), [0.2, 0.4, 0.6, 0.8]),
               "the best F, its threshold")
    close(got[0], best, "your best F of four", {
        "your best F takes the best P and the best R of different thresholds": apart})
    close(got[1], 0.4, "your best threshold of 0.2, 0.4, 0.6, 0.8",
          {"your best_f returns the place in the list: return the threshold": 1})


def check_fair_comparison(fair_comparison):
    "Three pictures, the last one off-centre; two thresholds. P = R, so F is the same number."
    F = {"centre": torch.tensor([[0.8, 0.5], [0.6, 0.7], [0.1, 0.0]]),
         "mine": torch.tensor([[0.5, 0.6], [0.3, 0.8], [0.2, 0.7]])}
    got = call(fair_comparison, F, {name: f.clone() for name, f in F.items()}, torch.tensor([False, False, True]))
    results(got, F)
    close(got["centre"]["score"], 0.5, "your score of the centre map", {
        "your score takes another threshold for each picture: average over the pictures first, best then": 1.6 / 3,
        "your score is the mean over the thresholds: take the best": 0.45})
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
