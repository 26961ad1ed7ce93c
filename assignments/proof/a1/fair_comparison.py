import numpy as np
import torch

import checks
from checks import V


def f_beta(P, R, beta2=V.beta2):
    below = beta2 * P + R
    return torch.where(below > 0, (1 + beta2) * P * R / below, 0)


# %% right: dictionaries
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name]) for name in P}
    at_best = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    gains = {name: f - at_best["centre"] for name, f in at_best.items()}
    return {name: {"score": at_best[name].mean(), "gain": gain, "centred": gain[~off].mean(), "off": gain[off].mean()}
            for name, gain in gains.items()}

# %% right: a loop over pictures, plain floats and lists
def fair_comparison(P, R, off):
    def at_best(name):
        F = f_beta(P[name], R[name]).tolist()
        means = [sum(row[t] for row in F) / len(F) for t in range(len(F[0]))]
        return max(means), [row[means.index(max(means))] for row in F]
    _, centre = at_best("centre")
    result = {}
    for name in P:
        score, mine = at_best(name)
        gain = [a - b for a, b in zip(mine, centre)]
        groups = {flag: [g for g, o in zip(gain, off.tolist()) if o == flag] for flag in (True, False)}
        result[name] = dict(score=score, gain=gain, centred=sum(groups[False]) / len(groups[False]),
                            off=sum(groups[True]) / len(groups[True]))
    return result

# %% right: one stacked tensor, weights for the groups
def fair_comparison(P, R, off):
    names = list(P)
    F = f_beta(*(torch.stack([X[name] for name in names]).double() for X in (P, R)))  # (M, N, T)
    best = F.mean(1).argmax(1)
    at = F[torch.arange(len(names)), :, best]
    gain, w = at - at[names.index("centre")], off.double()
    centred, aside = gain @ (1 - w) / (1 - w).sum(), gain @ w / w.sum()
    return {name: {"score": at[i].mean(), "gain": gain[i], "centred": centred[i], "off": aside[i]}
            for i, name in enumerate(names)}

# %% right: numpy
def fair_comparison(P, R, off):
    at, off = {}, off.numpy()
    for name in P:
        F = f_beta(P[name], R[name]).numpy()
        at[name] = F[:, np.argmax(np.mean(F, axis=0))]
    return {name: {"score": x.mean(), "gain": x - at["centre"], "centred": np.mean((x - at["centre"])[~off]),
                   "off": np.mean((x - at["centre"])[off])} for name, x in at.items()}

# %% right: the formula in line, places of both groups
def fair_comparison(P, R, off):
    tables = {}
    for m in P:
        p, r = P[m], R[m]
        tables[m] = torch.nan_to_num((1 + V.beta2) * p * r / (V.beta2 * p + r), nan=0.0)
    def pick(F): return F[:, torch.argmax(F.sum(0))]
    inside, outside = torch.where(~off)[0], torch.where(off)[0]
    base, result = pick(tables["centre"]), {}
    for m, F in tables.items():
        g = pick(F) - base
        result[m] = {"score": pick(F).mean(), "gain": g, "centred": g[inside].mean(), "off": g[outside].mean()}
    return result

# %% right: stacked, einsum with one-hot thresholds
def fair_comparison(P, R, off):
    names = list(P)
    F = f_beta(torch.stack([P[n] for n in names]), torch.stack([R[n] for n in names]))
    mean = F.mean(1)
    score, t = mean.max(1)
    at = torch.einsum("mnt,mt->mn", F, torch.nn.functional.one_hot(t, F.shape[2]).to(F.dtype))
    gain = at - at[names.index("centre")]
    w = off.to(F.dtype)
    centred, aside = gain @ (1 - w) / (1 - w).sum(), gain @ w / w.sum()
    return {n: {"score": score[i], "gain": gain[i], "centred": centred[i], "off": aside[i]} for i, n in enumerate(names)}

# %% wrong: F of the mean precision and the mean recall | F of the mean P and the mean R
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name]) for name in P}
    mean = {name: f_beta(P[name].mean(0), R[name].mean(0)) for name in P}
    at = {name: f[:, mean[name].argmax()] for name, f in F.items()}
    gains = {name: f - at["centre"] for name, f in at.items()}
    return {name: {"score": mean[name].max(), "gain": g, "centred": g[~off].mean(), "off": g[off].mean()}
            for name, g in gains.items()}

# %% wrong: a threshold for each picture | another threshold for each picture
def fair_comparison(P, R, off):
    at = {name: f_beta(P[name], R[name]).max(1).values for name in P}
    gains = {name: f - at["centre"] for name, f in at.items()}
    return {name: {"score": at[name].mean(), "gain": g, "centred": g[~off].mean(), "off": g[off].mean()}
            for name, g in gains.items()}

# %% wrong: the mean over thresholds and the best over pictures
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name]).T for name in P}
    at = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    gains = {name: f - at["centre"] for name, f in at.items()}
    small = {name: torch.cat([g, g.new_zeros(len(off))])[:len(off)] for name, g in gains.items()}
    return {name: {"score": at[name].mean(), "gain": g, "centred": g[~off].mean(), "off": g[off].mean()}
            for name, g in small.items()}

# %% wrong: the mean over the thresholds | mean over the thresholds
def fair_comparison(P, R, off):
    at = {name: f_beta(P[name], R[name]).mean(1) for name in P}
    gains = {name: f - at["centre"] for name, f in at.items()}
    return {name: {"score": at[name].mean(), "gain": g, "centred": g[~off].mean(), "off": g[off].mean()}
            for name, g in gains.items()}

# %% wrong: the centre map at the method's threshold | centre map at the method's threshold
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name]) for name in P}
    result = {}
    for name, f in F.items():
        best = f.mean(0).argmax()
        gain = f[:, best] - F["centre"][:, best]
        result[name] = {"score": f[:, best].mean(), "gain": gain, "centred": gain[~off].mean(), "off": gain[off].mean()}
    return result

# %% wrong: one threshold for all methods
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name]) for name in P}
    best = torch.stack([f.mean(0) for f in F.values()]).mean(0).argmax()
    gains = {name: f[:, best] - F["centre"][:, best] for name, f in F.items()}
    return {name: {"score": F[name].mean(0).max(), "gain": g, "centred": g[~off].mean(), "off": g[off].mean()}
            for name, g in gains.items()}

# %% wrong: thresholds of their own for the groups | thresholds of its own
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name]) for name in P}
    at = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    best = lambda name, group: F[name][group].mean(0).max()
    gains = {name: f - at["centre"] for name, f in at.items()}
    return {name: {"score": at[name].mean(), "gain": g, "centred": g[~off].mean(),
                   "off": best(name, off) - best("centre", off)} for name, g in gains.items()}

# %% wrong: the gain over another method
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name]) for name in P}
    at = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    first = at[next(iter(at))]
    gains = {name: f - first for name, f in at.items()}
    return {name: {"score": at[name].mean(), "gain": g, "centred": g[~off].mean(), "off": g[off].mean()}
            for name, g in gains.items()}

# %% wrong: the naive answer, the gain over a blank map
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name]) for name in P}
    at = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    blank = at["blank"] if "blank" in at else torch.zeros(len(off))
    gains = {name: f - blank for name, f in at.items()}
    return {name: {"score": at[name].mean(), "gain": g, "centred": g[~off].mean(), "off": g[off].mean()}
            for name, g in gains.items()}

# %% wrong: the groups exchanged | exchanged
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name]) for name in P}
    at = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    gains = {name: f - at["centre"] for name, f in at.items()}
    return {name: {"score": at[name].mean(), "gain": g, "centred": g[off].mean(), "off": g[~off].mean()}
            for name, g in gains.items()}

# %% wrong: the wrong sign | wrong sign
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name]) for name in P}
    at = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    gains = {name: at["centre"] - f for name, f in at.items()}
    return {name: {"score": at[name].mean(), "gain": g, "centred": g[~off].mean(), "off": g[off].mean()}
            for name, g in gains.items()}

# %% wrong: off used as a list of places | list of places
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name]) for name in P}
    at = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    gains = {name: f - at["centre"] for name, f in at.items()}
    return {name: {"score": at[name].mean(), "gain": g, "centred": g[~off].mean(), "off": g[off.long()].mean()}
            for name, g in gains.items()}

# %% wrong: sums over a group divided by all pictures | divides by all pictures
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name]) for name in P}
    at = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    gains = {name: f - at["centre"] for name, f in at.items()}
    return {name: {"score": at[name].mean(), "gain": g, "centred": (g * ~off).mean(), "off": (g * off).mean()}
            for name, g in gains.items()}

# %% wrong: the ratio for the difference
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name]) for name in P}
    at = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    gains = {name: f / at["centre"].clamp(min=1e-6) - 1 for name, f in at.items()}
    return {name: {"score": at[name].mean(), "gain": g, "centred": g[~off].mean(), "off": g[off].mean()}
            for name, g in gains.items()}

# %% wrong: the median over the pictures | median
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name]) for name in P}
    at = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    gains = {name: f - at["centre"] for name, f in at.items()}
    return {name: {"score": F[name].median(0).values.max(), "gain": g, "centred": g[~off].mean(), "off": g[off].mean()}
            for name, g in gains.items()}

# %% wrong: the public names only | dict
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name]) for name in ("centre", "mine") if name in P}
    at = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    gains = {name: f - at["centre"] for name, f in at.items()}
    return {name: {"score": at[name].mean(), "gain": g, "centred": g[~off].mean(), "off": g[off].mean()}
            for name, g in gains.items()}

# %% wrong: the last picture is the one off-centre
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name]) for name in P}
    at = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    gains = {name: f - at["centre"] for name, f in at.items()}
    return {name: {"score": at[name].mean(), "gain": g, "centred": g[:-1].mean(), "off": g[-1]}
            for name, g in gains.items()}

# %% wrong: β² = 0.3 of the literature | 0.3
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name], 0.3) for name in P}
    at = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    gains = {name: f - at["centre"] for name, f in at.items()}
    return {name: {"score": at[name].mean(), "gain": g, "centred": g[~off].mean(), "off": g[off].mean()}
            for name, g in gains.items()}

# %% wrong: β for β² | β where β² is due
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name], V.beta2**0.5) for name in P}
    at = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    gains = {name: f - at["centre"] for name, f in at.items()}
    return {name: {"score": at[name].mean(), "gain": g, "centred": g[~off].mean(), "off": g[off].mean()}
            for name, g in gains.items()}

# %% wrong: precision in place of F, in place | in place
def fair_comparison(P, R, off):
    F = {}
    for name in P:
        F[name] = f_beta(P[name], R[name])
        P[name] *= 0
    at = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    gains = {name: f - at["centre"] for name, f in at.items()}
    return {name: {"score": at[name].mean(), "gain": g, "centred": g[~off].mean(), "off": g[off].mean()}
            for name, g in gains.items()}

# %% wrong: the package's own F | ssnet.metrics.f_measure
def fair_comparison(P, R, off):
    from ssnet.metrics import f_measure
    F = {name: f_measure(P[name].numpy(), R[name].numpy(), V.beta2) for name in P}
    at = {name: torch.tensor(f[:, f.mean(0).argmax()]) for name, f in F.items()}
    gains = {name: f - at["centre"] for name, f in at.items()}
    return {name: {"score": at[name].mean(), "gain": g, "centred": g[~off].mean(), "off": g[off].mean()}
            for name, g in gains.items()}

# %% wrong: a tuple for the dictionary | dict
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name]) for name in P}
    at = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    return {name: (f.mean(), f - at["centre"]) for name, f in at.items()}

# %% wrong: precision and recall are paired by their order in the dicts | pair them by name
def fair_comparison(P, R, off):
    F = {m: f_beta(p, r) for (m, p), r in zip(P.items(), R.values())}
    own = {m: F[m][:, int(F[m].mean(0).argmax())] for m in F}
    g = {m: own[m] - own["centre"] for m in F}
    return {m: {"score": own[m].mean(), "gain": g[m], "centred": g[m][~off].mean(), "off": g[m][off].mean()} for m in F}

# %% wrong: a group's mean over the pictures whose gain is not 0 | whose gain is 0
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name]) for name in P}
    at = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    gains = {name: f - at["centre"] for name, f in at.items()}
    def mean(g): return g.sum() / (g != 0).sum().clamp(min=1)
    return {name: {"score": at[name].mean(), "gain": g, "centred": mean(g[~off]), "off": mean(g[off])}
            for name, g in gains.items()}

# %% wrong: new best thresholds for each group | new thresholds
def fair_comparison(P, R, off):
    F = {m: f_beta(P[m], R[m]) for m in P}
    def best(f): return f[:, int(f.mean(0).argmax())]
    result = {}
    for m in F:
        result[m] = {"score": F[m].mean(0).max(), "gain": best(F[m]) - best(F["centre"])}
        for name, group in (("centred", ~off), ("off", off)):
            result[m][name] = best(F[m][group]).mean() - best(F["centre"][group]).mean()
    return result

# %% wrong: precision and recall exchanged in f_beta | precision and recall exchanged
def fair_comparison(P, R, off):
    F = {m: f_beta(R[m], P[m]) for m in P}
    own = {m: F[m][:, int(F[m].mean(0).argmax())] for m in F}
    g = {m: own[m] - own["centre"] for m in F}
    return {m: {"score": own[m].mean(), "gain": g[m], "centred": g[m][~off].mean(), "off": g[m][off].mean()} for m in F}

# %% wrong: mean of P and R instead of F | (P + R) / 2
def fair_comparison(P, R, off):
    F = {m: (P[m] + R[m]) / 2 for m in P}
    own = {m: F[m][:, int(F[m].mean(0).argmax())] for m in F}
    g = {m: own[m] - own["centre"] for m in F}
    return {m: {"score": own[m].mean(), "gain": g[m], "centred": g[m][~off].mean(), "off": g[m][off].mean()} for m in F}

# %% wrong: F₁, β² forgotten | F₁
def fair_comparison(P, R, off):
    F = {name: f_beta(P[name], R[name], 1) for name in P}
    at = {name: f[:, f.mean(0).argmax()] for name, f in F.items()}
    gains = {name: f - at["centre"] for name, f in at.items()}
    return {name: {"score": at[name].mean(), "gain": g, "centred": g[~off].mean(), "off": g[off].mean()}
            for name, g in gains.items()}

# %% wrong: F put into the dictionary P | in place
def fair_comparison(P, R, off):
    for name in P: P[name] = f_beta(P[name], R[name])
    at = {name: f[:, f.mean(0).argmax()] for name, f in P.items()}
    gains = {name: f - at["centre"] for name, f in at.items()}
    return {name: {"score": at[name].mean(), "gain": g, "centred": g[~off].mean(), "off": g[off].mean()}
            for name, g in gains.items()}

# %% wrong: the off-centre pictures are expected at the end | your gain on the centred pictures of five
def fair_comparison(P, R, off):
    F = {m: f_beta(P[m], R[m]) for m in P}
    own = {m: F[m][:, int(F[m].mean(0).argmax())] for m in F}
    g = {m: own[m] - own["centre"] for m in F}
    n = int((~off).sum())
    return {m: {"score": own[m].mean(), "gain": g[m], "centred": g[m][:n].mean(), "off": g[m][n:].mean()} for m in F}
