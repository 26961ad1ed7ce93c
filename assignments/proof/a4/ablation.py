import statistics

import numpy as np
import torch
import checks
from checks import V

TRUTH = checks.compose_set("test", V.tests)["label"]


def made_up_runs():
    "Runs as the notebook makes them: label maps that are the truth with a share of noise."
    runs = []
    for stage, steps in ((1, V.steps1), (2, V.steps1 + V.steps2)):
        for arm, share in (("joint", 0.3), ("alone", 0.6)):
            for seed in V.seeds:
                draw = torch.Generator().manual_seed(seed + 100 * stage)
                wrong = torch.rand(TRUTH.shape, generator=draw) < share + 0.02 * (seed % 3)
                label = torch.where(wrong, torch.randint(V.num_classes, TRUTH.shape, generator=draw), TRUTH)
                runs.append({"arm": arm, "seed": seed, "stage": stage, "steps": steps, "pictures": V.pictures,
                             "miou": checks.miou(label, TRUTH), "labels": label.to(torch.uint8)})
    return runs


RUNS = made_up_runs()


def fair(runs, arms):
    "Raises ValueError where runs cannot be compared; used by the answers below that are wrong in something else."
    a, b = (sorted(r["seed"] for r in runs if r["arm"] == arm) for arm in arms)
    if a != b or len(set(a)) != len(a) or len(a) < 2: raise ValueError("seeds")
    if len({(r["steps"], r["pictures"]) for r in runs if r["arm"] in arms}) > 1: raise ValueError("budget")


def by_seed(runs, arm, measure):
    "The scores of an arm in the order of the seeds."
    return np.array([r[measure] for r in sorted(runs, key=lambda r: r["seed"]) if r["arm"] == arm])


# %% right: the source's
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    both = [[r for r in runs if r["arm"] == arm] for arm in arms]
    seeds = [sorted(r["seed"] for r in rows) for rows in both]
    if seeds[0] != seeds[1] or len(set(seeds[0])) < len(seeds[0]): raise ValueError(f"The seeds differ: {seeds}.")
    if len(seeds[0]) < 2: raise ValueError("One seed has no spread.")
    if len({(r["steps"], r["pictures"]) for rows in both for r in rows}) > 1: raise ValueError("Unequal budgets.")
    rows = [sorted(arm, key=lambda r: r["seed"]) for arm in both]
    a, b = (torch.tensor([r[measure] for r in row], dtype=torch.float64) for row in rows)
    summary = lambda x: (x.mean().item(), x.std().item())
    mean, spread = summary(a - b)
    clear = abs(mean) > margin * spread
    return {arms[0]: summary(a), arms[1]: summary(b), "difference": (mean, spread), "clear": clear}
# %% right: numpy
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    table = {arm: {} for arm in arms}
    for run in runs:
        if run["arm"] not in arms: continue
        if run["seed"] in table[run["arm"]]: raise ValueError("twice")
        table[run["arm"]][run["seed"]] = run
    first, second = (table[arm] for arm in arms)
    if set(first) != set(second): raise ValueError("other seeds")
    if len(first) <= 1: raise ValueError("too few")
    for key in ("steps", "pictures"):
        if len({r[key] for t in (first, second) for r in t.values()}) != 1: raise ValueError(key)
    x = np.array([[t[seed][measure] for seed in sorted(first)] for t in (first, second)])
    d = x[0] - x[1]
    result = {arm: (row.mean(), row.std(ddof=1)) for arm, row in zip(arms, x)}
    return result | {"difference": (d.mean(), d.std(ddof=1)), "clear": np.abs(d.mean()) > margin * d.std(ddof=1)}
# %% right: plain Python with statistics, lists for pairs
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    def of(arm):
        mine = [r for r in runs if r["arm"] == arm]
        scores = {r["seed"]: r[measure] for r in mine}
        if len(scores) != len(mine): raise ValueError("a seed twice")
        return scores
    a, b = of(arms[0]), of(arms[1])
    if a.keys() != b.keys() or len(a) < 2: raise ValueError("seeds")
    budgets = [(r["steps"], r["pictures"]) for r in runs if r["arm"] in arms]
    if any(x != budgets[0] for x in budgets): raise ValueError("budget")
    d = [a[s] - b[s] for s in a]
    out = {}
    for name, values in ((arms[0], list(a.values())), (arms[1], list(b.values())), ("difference", d)):
        out[name] = [statistics.mean(values), statistics.stdev(values)]
    out["clear"] = abs(out["difference"][0]) > margin * out["difference"][1]
    return out
# %% right: the variance by hand, tensors for pairs
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (torch.tensor(by_seed(runs, arm, measure)) for arm in arms)
    def pair(x):
        mean = x.sum() / len(x)
        return torch.stack([mean, (((x - mean) ** 2).sum() / (len(x) - 1)).sqrt()])
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": d[0].abs() > margin * d[1]}
# %% wrong: the best seed | best seed
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    d = a - b
    return {arms[0]: (a.max(), a.std(ddof=1)), arms[1]: (b.max(), b.std(ddof=1)),
            "difference": (a.max() - b.max(), d.std(ddof=1)), "clear": abs(d.mean()) > margin * d.std(ddof=1)}
# %% wrong: divides by n | divide by n - 1
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std())
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: the variance | take its root
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.var(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: the error of the mean | root of n
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1) / len(x) ** 0.5)
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: the difference of the spreads | not the difference of spreads
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = (a.mean() - b.mean(), abs(a.std(ddof=1) - b.std(ddof=1)))
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: spreads added as if the arms were independent | seed by seed
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = (a.mean() - b.mean(), (a.var(ddof=1) + b.var(ddof=1)) ** 0.5)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: second arm minus first | wrong sign
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(b - a)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: runs paired by their place in the list | pair the runs by seed
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (np.array([r[measure] for r in runs if r["arm"] == arm]) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: clear in one direction only | either direction
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": d[0] > margin * d[1]}
# %% wrong: a difference equal to the border is called clear | it must be larger
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) >= margin * d[1]}
# %% wrong: the margin is left out | margin
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > d[1]}
# %% wrong: any difference is clear | margin
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": pair(a - b), "clear": a.mean() != b.mean()}
# %% wrong: the verdict uses the spread of the first arm
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * a.std(ddof=1)}
# %% wrong: another margin as default | margin of the signature
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=3.0):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: only mIoU, whatever is asked
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, "miou") for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: only the arms of the public check
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, ("joint", "alone"))
    a, b = (by_seed(runs, arm, measure) for arm in ("joint", "alone"))
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {"joint": pair(a), "alone": pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: three seeds are written into the code
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    def pair(x): return sum(x) / 3, (sum((x - sum(x) / 3) ** 2) / 2) ** 0.5
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: unfair comparisons are accepted | raise ValueError
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    n = min(len(a), len(b))
    pair = lambda x: (x.mean(), x.std(ddof=1) if len(x) > 1 else 0.0)
    d = pair(a[:n] - b[:n])
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: other budgets are accepted | different numbers of steps
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair([r | {"steps": 0, "pictures": 0} for r in runs], arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: of a seed that stands twice the last run counts | twice in an arm
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    runs = list({(r["arm"], r["seed"]): r for r in runs}.values())
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: sorts the list of runs in place | changes the list of runs
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    runs.sort(key=lambda r: (r["arm"], -r["seed"]))
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: one arm of the own runs has other seeds | your runs have the seeds
RUNS = [r | {"seed": r["seed"] + (r["arm"] == "alone")} for r in RUNS]
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: one arm of the own runs was trained longer | the same in both arms
RUNS = [r | {"steps": r["steps"] + 100 * (r["arm"] == "joint")} for r in RUNS]
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair([r | {"steps": 0} for r in runs] if runs is RUNS else runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: a score of the own runs was written by hand | the mIoU of arm
RUNS = [r | {"miou": 0.9} if r["arm"] == "joint" else r for r in RUNS]
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: the own runs hold the true masks | true masks
RUNS = [r | {"labels": TRUTH.to(torch.uint8), "miou": 1.0} for r in RUNS]
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: no runs of one's own | run the cells above
RUNS = []
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: not written yet | not written yet
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    raise NotImplementedError()
# %% wrong: a seed that stands twice in both arms is accepted | twice in both arms
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    of = lambda arm, key: [r[key] for r in sorted(runs, key=lambda r: r["seed"]) if r["arm"] == arm]
    if of(arms[0], "seed") != of(arms[1], "seed") or len(of(arms[0], "seed")) < 2: raise ValueError("seeds")
    if len({(r["steps"], r["pictures"]) for r in runs if r["arm"] in arms}) > 1: raise ValueError("budget")
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: a seed of the second arm that the first lacks is not noticed | a first arm that lacks a seed
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    a, b = ({r["seed"]: r for r in runs if r["arm"] == arm} for arm in arms)
    if len(a) + len(b) != sum(r["arm"] in arms for r in runs): raise ValueError("a seed stands twice")
    if any(s not in b for s in a) or len(a) < 2: raise ValueError("a seed is missing")
    if len({(r["steps"], r["pictures"]) for r in runs if r["arm"] in arms}) > 1: raise ValueError("budget")
    a, b = (np.array([arm[s][measure] for s in sorted(a)]) for arm in (a, b))
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: compares the sum of the steps of the arms | agree in the sum alone
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair([r | {"steps": 0} for r in runs], arms)
    a, b = (sum(r["steps"] for r in runs if r["arm"] == arm) for arm in arms)
    if a != b: raise ValueError("steps")
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: compares steps and pictures seed by seed alone | with other steps than the rest
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair([r | {"steps": 0, "pictures": 0} for r in runs], arms)
    a, b = ({r["seed"]: (r["steps"], r["pictures"]) for r in runs if r["arm"] == arm} for arm in arms)
    if a != b: raise ValueError("budget")
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: the pictures may differ | that have seen different numbers of pictures
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair([r | {"pictures": 0} for r in runs], arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: the verdict from rounded numbers | rounded numbers
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(round(d[0], 3)) > margin * round(d[1], 3)}
# %% wrong: the spread is half of the range | half of the range
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), np.ptp(x) / 2)
    d = pair(a - b)
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
# %% wrong: the spreads of the arms added | not the sum of spreads
def ablation(runs, arms=("joint", "alone"), measure="miou", margin=V.margin):
    fair(runs, arms)
    a, b = (by_seed(runs, arm, measure) for arm in arms)
    pair = lambda x: (x.mean(), x.std(ddof=1))
    d = (a.mean() - b.mean(), a.std(ddof=1) + b.std(ddof=1))
    return {arms[0]: pair(a), arms[1]: pair(b), "difference": d, "clear": abs(d[0]) > margin * d[1]}
