"""The hidden checks of A1: other sizes, other parameters, properties. Students never see this file."""
import math

import torch
from checks import V, map_of, pair, results
from torch.nn.functional import avg_pool2d, pad

from ssnet.checking import CheckFailed, as_array, call, close, expect, same


def numbers(shift=0):
    "Random numbers of this year, the same ones in each run."
    return torch.Generator().manual_seed(1000 * V.seed + shift)


def softened(x, sigma):
    "x blurred as a tile by a Gaussian."
    fy, fx = torch.fft.fftfreq(x.shape[0])[:, None], torch.fft.fftfreq(x.shape[1])
    return torch.fft.ifft2(torch.fft.fft2(x) * torch.exp(-2 * (math.pi * sigma) ** 2 * (fy**2 + fx**2))).real


def residual_map(I, k, sigma, level=torch.log, border="circular", power=2,
                 phase=True, mean=True, smooth=True, least=False, small=1e-8):
    "The spectral residual, with a switch for each known mistake."
    spectrum, r = torch.fft.fft2(I.double()), k // 2
    L = level(spectrum.abs() + small)
    usual = avg_pool2d(pad(L[None, None], (r, r, r, r), mode=border), k, 1)[0, 0]
    R = L - usual if mean else L
    back = torch.fft.ifft2(torch.exp(R + 1j * spectrum.angle() * phase)).abs() ** power
    S = softened(back, sigma) if smooth else back
    return (S - S.min()) / (S.max() - S.min()) if least else S / S.max()


RING = ": after the last frequency comes the first"


def residual_mistakes(I, k, sigma):
    "{message: the map which that mistake gives}"
    wrong = {"your map is not squared": dict(power=1), "your map loses the phase": dict(phase=False),
             "your map is made from amplitudes: take their logarithm": dict(level=lambda a: a),
             "your map is made from log(1 + amplitude): take log(amplitude + 1e-8)": dict(level=torch.log1p),
             "your map uses log10: exp undoes the natural logarithm only": dict(level=torch.log10),
             "your map uses log2: exp undoes the natural logarithm only": dict(level=torch.log2),
             "your map takes no local mean off the log spectrum": dict(mean=False),
             "your map is not smoothed": dict(smooth=False),
             "your map is stretched from its least value: only divide by the greatest": dict(least=True),
             "your local mean sees zeros beyond the border" + RING: dict(border="constant"),
             "your local mean repeats the border" + RING: dict(border="replicate"),
             "your local mean mirrors the border" + RING: dict(border="reflect")}
    found = {message: residual_map(I, k, sigma, **switch) for message, switch in wrong.items()}
    if k != 3: found["your local mean has 3×3 frequencies whatever k is"] = residual_map(I, 3, sigma)
    others = {1.5, V.sigma} - {sigma}
    return found | {f"your blur has sigma = {s} whatever sigma is": residual_map(I, k, s) for s in others}


def check_spectral_residual(spectral_residual):
    "Sizes, k, sigma; then moved, turned, darker, flat and large pictures, and other number types."
    random = numbers(1)
    for (h, w), k, sigma in (((17, 24), 3, 2.0), ((32, 21), 5, V.sigma), ((25, 25), 7, 1.5), ((20, 30), V.k, 4.0)):
        I = torch.rand(h, w, generator=random)
        close(map_of(call(spectral_residual, I, k, sigma), I), residual_map(I, k, sigma),
              f"your map of a {h}×{w} picture (k = {k}, sigma = {sigma})", residual_mistakes(I, k, sigma), 2e-3)
    S = map_of(call(spectral_residual, I, V.k, 2.0), I)
    close(call(spectral_residual, I.roll((3, 5), (0, 1)), V.k, 2.0), S.roll((3, 5), (0, 1)),
          "your map of a picture that was moved (the map must move with it)", {}, 2e-3)
    close(call(spectral_residual, I.T.contiguous(), V.k, 2.0), S.T,
          "your map of a picture whose rows became columns", {}, 2e-3)
    close(call(spectral_residual, I / 50, V.k, 2.0), S, "your map of a picture 50 times darker", {}, 2e-3)
    dark = I * 1e-5  # its strengths are still a thousand times 1e-8
    close(call(spectral_residual, dark, V.k, 2.0), residual_map(dark, V.k, 2.0), "your map of a nearly black picture", {
        f"your map of a nearly black picture has {small:g} in the logarithm: take log(amplitude + 1e-8)":
            residual_map(dark, V.k, 2.0, small=small) for small in (1e-4, 1e-5, 1e-6)}, 1e-3)
    close(call(spectral_residual, I.double(), V.k, 2.0), S, "your map of a picture of type float64", {}, 2e-3)
    for flat in (torch.zeros(16, 12), torch.full((16, 12), 0.5)): map_of(call(spectral_residual, flat, 3, 2.0), flat)
    large = torch.rand(120, 160, generator=random)
    greatest = map_of(call(spectral_residual, large, V.k, 4.0), large).max()
    close(greatest, 1, "the greatest value of your map of a large picture (divide by the greatest value alone)")


def mean_error(S, G, distance=torch.abs, unsure=None, picture=True, share=False):
    "MAE of maps `(B, H, W)`, with a switch for each known mistake."
    y, known = (G == 255).double(), G != V.unsure
    if unsure is not None: y[~known], known = unsure, torch.ones_like(known)
    error, n = distance(S.double() - y) * known, known.sum((1, 2))
    if share: n = torch.full_like(n, G[0].numel())
    return (error.sum((1, 2)) / n).mean() if picture else error.sum() / n.sum()


def check_mae(mae):
    "Batches of other sizes, with many or no unsure pixels, without salient pixels, without background."
    random, kinds = numbers(2), torch.tensor([0, 255, V.unsure], dtype=torch.uint8)
    for shape in ((3, 5, 7), (1, 6, 4), (4, 4, 4), (2, 30, 20)):
        S = torch.rand(shape, generator=random)
        G = kinds[torch.randint(3, shape, generator=random)]
        G[0, 1:] = V.unsure  # the first picture has few pixels that count
        G[:, 0, 0], G[:, 0, 1] = 0, 255
        close(call(mae, S, G), mean_error(S, G), f"your MAE of {tuple(shape)} maps", mae_mistakes(S, G))
    close(call(mae, S.double(), G), mean_error(S, G), "your MAE of maps of type float64")
    G = kinds[torch.randint(2, shape, generator=random)]
    close(call(mae, S, G), mean_error(S, G), "your MAE where no pixel is unsure", mae_mistakes(S, G))
    close(call(mae, (G == 255).float(), G), 0, "your MAE of a perfect map")
    close(call(mae, (G == 0).float(), G), 1, "your MAE of a map that is wrong everywhere")
    S, none = torch.rand(2, 6, 5, generator=random), torch.zeros(2, 6, 5, dtype=torch.uint8)
    S[0] = 0
    close(call(mae, S, none), S.mean(), "your MAE of two pictures without salient pixels", {
        "your MAE takes the greatest value in the batch for salient: salient is 255": 1 - S.mean(),
        "your MAE divides the masks by their greatest value, which can be 0: salient is 255": math.nan,
        "your MAE leaves out a picture without salient pixels when its map is black: it counts": S[1].mean(),
        "your MAE leaves out pictures without salient pixels: they count": 0})
    close(call(mae, S, none + 255), 1 - S.mean(), "your MAE of two pictures without background", {
        "your MAE takes the least value in the batch for background: background is 0": S.mean()})


def mae_mistakes(S, G):
    "{message: the value which that mistake gives}"
    wrong = {"your MAE is one mean over all pixels: average each picture first": dict(picture=False),
             "your MAE divides by the unsure pixels too": dict(share=True),
             "your MAE counts unsure pixels as background": dict(unsure=0),
             "your MAE counts unsure pixels as salient": dict(unsure=1),
             "your MAE counts unsure pixels by their value": dict(unsure=V.unsure / 255),
             "your MAE squares the errors": dict(distance=torch.square)}
    cancelled = mean_error(S, G, distance=lambda e: e)
    return {message: mean_error(S, G, **switch) for message, switch in wrong.items()} | {
        "your MAE lets errors of different signs cancel: take absolute values first": cancelled,
        "your MAE lets errors of different signs cancel: take absolute values of each pixel": cancelled.abs()}


def precision_recall_of(S, G, thresholds, strict=V.strict, empty=V.empty):
    "P and R, with a switch for the two conventions."
    P, R = [], []
    for t in thresholds:
        chosen = S > t if strict else S >= t
        tp = int((chosen & G).sum())
        P.append(tp / int(chosen.sum()) if chosen.any() else empty)
        R.append(tp / int(G.sum()) if G.any() else empty)
    return P, R


def check_precision_recall(precision_recall):
    "Ties with the threshold, lists in any order, nothing chosen, empty and full masks, one pixel."
    random, levels = numbers(3), torch.tensor([0.875, 0.125, 0.5, 0.0, 1.0, 0.5, 0.25])
    for h, w in ((6, 7), (7, 5), (7, 7), (1, 1)):
        S = torch.randint(0, 8, (h, w), generator=random) / 8  # 0, 1/8, …, 7/8: many ties, and none above 7/8
        some = torch.rand(h, w, generator=random) < 0.4
        for G, what in ((some, ""), (some & False, ", an empty mask"), (some | True, ", a full mask")):
            compare_pr(precision_recall, S, G, levels.tolist(), f"{h}×{w} pixels{what}")
    compare_pr(precision_recall, S.double(), G, levels, "a tensor of thresholds, a map of type float64")
    S = 0.25 + torch.randint(0, 4, (8, 9), generator=random) / 8
    G = torch.rand(8, 9, generator=random) < 0.5
    stretched, _ = precision_recall_of((S - S.min()) / (S.max() - S.min()), G, [0.375, 0.5])
    P, _ = pair(call(precision_recall, S, G, [0.375, 0.5]), "P, R")
    close(P, precision_recall_of(S, G, [0.375, 0.5])[0], "your precision for a dull map",
          {"your precision_recall stretches the map: take it as it is": stretched})
    compare_pr(precision_recall, S, G, [0.375], "a list of one threshold")
    one = pair(call(precision_recall, S, G, 0.5), "P, R")
    for number, want, what in zip(one, precision_recall_of(S, G, [0.5]), ("precision", "recall")):
        close(number, want[0], f"your {what} at one threshold")
    check_thresholds(precision_recall)


def check_thresholds(precision_recall):
    "Thresholds as whole numbers and as a tensor without dimensions; pixels just above and just below one."
    S = torch.tensor([[0.25, 0.5, 0.75], [1, 0.75, 0.5]])
    G = torch.tensor([[True, False, True], [True, False, False]])
    for thresholds in ([0, 1], torch.tensor([0, 1])):
        got, right = pair(call(precision_recall, S, G, thresholds), "P, R"), precision_recall_of(S, G, [0, 1])
        for i, what in enumerate(("precision", "recall")):
            close(got[i], right[i], f"your {what} at the whole thresholds 0, 1", {
                f"your {what} is cut to whole numbers where the thresholds are whole: make floats": [
                    int(x) for x in right[i]]})
    for t, kind in ((0, "the whole number 0"), (torch.tensor(0.5), "a tensor of shape ()")):
        try: one = call(precision_recall, S, G, t)
        except CheckFailed as failure: raise CheckFailed(f"{failure} (one threshold may be {kind})") from None
        for got, want, what in zip(pair(one, "P, R"), precision_recall_of(S, G, [t]), ("precision", "recall")):
            close(got, want[0], f"your {what} at one threshold that is {kind}")
    levels = [0.25, 0.5, 0.75]
    S = torch.tensor([[t + step for t in levels for step in (-1 / 1024, 1 / 1024)]])
    G = torch.tensor([[True, False] * 3])
    both = pair(call(precision_recall, S, G, levels), "P, R")
    where = "where pixels lie 0.001 above and below the threshold (take the map as it is, without steps or margins)"
    for got, right, what in zip(both, precision_recall_of(S, G, levels), ("precision", "recall")):
        close(got, right, f"your {what} {where}")


def compare_pr(precision_recall, S, G, thresholds, what):
    "Compare P and R at a list of thresholds."
    numbers = [float(t) for t in thresholds]
    right = precision_recall_of(S, G, numbers)
    other = precision_recall_of(S, G, numbers, strict=not V.strict)
    empty = precision_recall_of(S, G, numbers, empty=1 - V.empty)
    got = pair(call(precision_recall, S, G, thresholds), "P, R")
    for i, name in enumerate(("precision", "recall")):
        exchanged = right[1 - i] if 0 < G.sum() < G.numel() else math.nan
        close(got[i], right[i], f"your {name} ({what})", {
            f"your {name} uses the wrong rule: salient is what is {V.rule} the threshold": other[i],
            f"your {name} counts 0/0 as {1 - V.empty} ({what}): this course counts it as {V.empty}": empty[i],
            f"your {name} sorts the thresholds: keep their order": precision_recall_of(S, G, sorted(numbers))[i],
            f"your {name} counts 0 of some pixels as {V.empty}: only 0/0 counts as that":
                [x or V.empty for x in right[i]],
            "your precision and recall are exchanged": exchanged})


def f_of(P, R, beta2):
    "F from P and R; 0 where both are 0."
    below = beta2 * P + R
    return torch.where(below > 0, (1 + beta2) * P * R / below.where(below > 0, torch.ones_like(below)), 0.0)


def check_f_beta(f_beta, best_f):
    "Other β² and shapes, the limits, and the best of a curve wherever it lies."
    random = numbers(4)
    for shape, beta2 in (((7,), 0.3), ((3, 4), 1.7), ((2, 3, 5), 0.09), ((), 4.0)):
        P, R = 0.05 + 0.9 * torch.rand(2, *shape, generator=random)
        close(call(f_beta, P, R, beta2), f_of(P, R, beta2), f"your F_β (β² = {beta2}, shape {shape})",
              f_mistakes(P, R, beta2))
    P, R = 0.05 + 0.9 * torch.rand(2, 9, generator=random)
    close(call(f_beta, P, R), f_of(P, R, V.beta2), "your F_β without a given β²", f_mistakes(P, R, V.beta2))
    close(call(f_beta, P, R, 0), P, "your F_β for β² = 0 (it is precision)")
    close(call(f_beta, P, R, 1e6), R, "your F_β for a very large β² (it is recall)")
    close(call(f_beta, P, R, 5), call(f_beta, R, P, 1 / 5), "your F_β for (R, P) and 1/β² (it is that of P, R, β²)")
    P[[1, 4]], R[[1, 4, 6]] = 0, 0
    P[2] = R[3] = 0.01
    close(call(f_beta, P.double(), R.double(), 0.7), f_of(P, R, 0.7), "your F_β where P and R are small or 0")
    for best in (0, 3, 7): check_best(best_f, best, random)
    check_places(best_f)


def check_places(best_f):
    "Three thresholds, of which β² decides; then a curve that is 0."
    P, R, t = torch.tensor([0.95, 0.7, 0.47]), torch.tensor([0.3, 0.75, 0.99]), [0.7, 0.5, 0.3]
    for beta2, place in ((0.05, 0), (V.beta2, 1), (20, 2)):
        F, at = pair(call(best_f, P, R, t, beta2), "the best F, its threshold")
        right, year = f_of(P, R, beta2), f_of(P, R, V.beta2)
        close(F, right[place], f"your best F of three (β² = {beta2})", {
            "your best F has another β² than the one it is given": year[1],
            "your best_f looks for the place with this year's β²: use the one it is given": right[1],
            "your best_f looks for the best mean of P and R: look for the best F": right[2]})
        close(at, t[place], f"your best threshold of three (β² = {beta2})")
    F, at = pair(call(best_f, P * 0, R * 0, t), "the best F, its threshold")
    close(F, 0, "your best F where every F is 0")
    expect(at is not None, "your best_f gives no threshold where every F is 0: any of them is right there")
    at = as_array(at, "your best threshold")
    given = any(same(at, as_array(x, ""), 1e-4) for x in t)
    expect(given, "your best threshold where every F is 0 is none of those given")


def check_best(best_f, best, random):
    "A curve whose best F lies at `best`, over thresholds that fall."
    t = [0.95, 0.83, 0.71, 0.62, 0.44, 0.37, 0.21, 0.08]
    P, R = 0.1 + 0.6 * torch.rand(2, 8, generator=random)
    P[best], R[best] = 0.85, 0.8
    P[5], R[5] = 0, 0
    P[2], R[2], P[4], R[4] = 0.99, 0.05, 0.05, 0.99
    for beta2, thresholds in ((V.beta2, t), (0.15, torch.tensor(t)), (3, t)):
        F, at = pair(call(best_f, P, R, thresholds, beta2), "the best F, its threshold")
        right = f_of(P, R, beta2)
        close(F, right.max(), f"your best F of eight, which lies at place {best} (β² = {beta2})", {
            "your best F takes the best P and the best R of different thresholds": f_of(P.max(), R.max(), beta2),
            "your best F has another β² than the one it is given": f_of(P, R, V.beta2).max(),
            "your best F is the mean over the thresholds": right.mean()})
        close(at, t[best], f"your best threshold of eight that fall (β² = {beta2})", {
            "your best_f returns the place in the list: return the threshold": best,
            "your best threshold is that of the best precision": 0.71,
            "your best threshold is that of the best recall": 0.44})


def f_mistakes(P, R, beta2):
    "{message: the value which that mistake gives}"
    return {"your F_β uses β where β² is due": f_of(P, R, beta2**0.5),
            "your F_β uses β⁴: the argument is β² already": f_of(P, R, beta2**2),
            "your F_β has precision and recall exchanged": f_of(R, P, beta2),
            "your F_β lacks the factor 1 + β²": f_of(P, R, beta2) / (1 + beta2),
            f"your F_β uses β² = {V.beta2} whatever it is given": f_of(P, R, V.beta2),
            "your F_β uses β² = 0.3 whatever it is given": f_of(P, R, 0.3), "your F_β is F₁": f_of(P, R, 1)}


def comparison(P, R, off):
    "{method: score, gain of each picture, gain centred, gain off}"
    F = {name: f_of(P[name], R[name], V.beta2) for name in P}
    at = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    gain = {name: f - at["centre"] for name, f in at.items()}
    return {name: dict(score=at[name].mean(), gain=g, centred=g[~off].mean(), off=g[off].mean())
            for name, g in gain.items()}


def own_thresholds(P, R, group):
    "The gain on a group of pictures when it has thresholds of its own."
    F = {name: f_of(P[name], R[name], V.beta2)[group].mean(0).max() for name in P}
    return {name: f - F["centre"] for name, f in F.items()}


def gain_mistakes(P, R, name):
    "{message: the gain of each picture which that mistake gives}"
    F = {other: f_of(P[other], R[other], V.beta2) for other in P}
    best = {other: f.mean(0).argmax() for other, f in F.items()}
    mine, centre, first = (F[other][:, best[other]] for other in (name, "centre", next(iter(P))))
    return {"your gain has the wrong sign": centre - mine,
            "your gain reads the centre map at the method's threshold": mine - F["centre"][:, best[name]],
            "your gain reads the method at the centre map's threshold": F[name][:, best["centre"]] - centre,
            "your gain is over the first method: the opponent is the one named centre": mine - first,
            "your gain is a ratio: take the difference": mine / centre.clamp(min=1e-6) - 1,
            "your gain is no gain: the centre map's F is not taken off": mine}


def fair_mistakes(P, R, name):
    "{message: the score which that mistake gives}"
    F = f_of(P[name], R[name], V.beta2)
    return {"your score is the F of the mean P and the mean R: average the F of the pictures":
                f_of(P[name].mean(0), R[name].mean(0), V.beta2).max(),
            "your score takes another threshold for each picture": F.max(1).values.mean(),
            "your score is that of the best picture: average over pictures, best over thresholds": F.mean(1).max(),
            "your score is a mean over thresholds: take the best": F.mean(),
            "your score is the best F of any picture": F.max(),
            "your score is a median over the pictures": F.median(0).values.max(),
            "your score uses β where β² is due": f_of(P[name], R[name], V.beta2**0.5).mean(0).max(),
            "your score uses β² = 0.3: f_beta knows this year's": f_of(P[name], R[name], 0.3).mean(0).max(),
            "your score has precision and recall exchanged": f_of(R[name], P[name], V.beta2).mean(0).max(),
            "your score is made of (P + R) / 2: use your f_beta": ((P[name] + R[name]) / 2).mean(0).max()}


def check_fair_comparison(fair_comparison):
    "Other methods, as many pictures as thresholds, pictures in another order, pictures without a gain."
    random = numbers(5)
    for n, t, names in ((12, 7, ("a", "centre")), (8, 8, ("centre", "all", "net")), (40, 9, ("x", "y", "centre", "z"))):
        P = {name: torch.rand(n, t, generator=random) ** 2 for name in names}
        R = {name: torch.rand(n, t, generator=random) ** 0.5 for name in names}
        P[names[0]][1, 2], R[names[0]][1, 2] = 0, 0
        off = torch.arange(n) % 4 == 1
        for X in (*P.values(), *R.values()): X[4:6] = 0.2  # two pictures, one of them off-centre, without any gain
        R = dict(reversed(R.items()))
        got = results(fair_comparison, P, R, off)
        compare_fair(got, P, R, off)
        order = torch.randperm(n, generator=random)
        moved = results(fair_comparison, *({m: x[order] for m, x in X.items()} for X in (P, R)), off[order])
        for name in names:
            close(moved[name]["off"], got[name]["off"], "your gain off-centre for the pictures in another order")


def compare_fair(got, P, R, off):
    "Compare the result with the right one, number by number."
    right, ordered = comparison(P, R, off), dict(zip(P, R.values()))
    own = {flag: own_thresholds(P, R, off == flag) for flag in (False, True)}
    for name in P:
        r, g, what = right[name], got[name], f"of the method '{name}' ({len(off)} pictures)"
        close(g["score"], r["score"], f"your score {what}", fair_mistakes(P, R, name) | {
            "your score pairs P and R by their order in the dicts: pair them by name":
                f_of(P[name], ordered[name], V.beta2).mean(0).max()})
        close(g["gain"], r["gain"], f"your gain {what}", gain_mistakes(P, R, name))
        swap = "your centred and off-centre pictures are exchanged"
        some = "your gain on a group leaves out the pictures whose gain is 0: they count"
        left = {flag: r["gain"][(off == flag) & (r["gain"] != 0)].mean() for flag in (False, True)}
        places = r["gain"][off.long()].mean()
        close(g["centred"], r["centred"], f"your centred gain {what}", {
            swap: r["off"], some: left[False],
            "your centred gain has thresholds of its own: one for a method, found on all pictures": own[False][name],
            "your gain on a group divides by all pictures: divide by those of the group": (r["gain"] * ~off).mean()})
        close(g["off"], r["off"], f"your off-centre gain {what}", {
            swap: r["centred"], some: left[True],
            "your off-centre gain has thresholds of its own: one for a method, found on all pictures": own[True][name],
            "your off-centre gain uses off as a list of places: it says yes or no for each picture": places,
            "your gain on a group divides by all pictures: divide by those of the group": (r["gain"] * off).mean()})
