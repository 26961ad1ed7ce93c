import numpy as np
import torch

import checks
from checks import V


# %% right: broadcasting
def precision_recall(S, G, thresholds):
    t = torch.as_tensor(thresholds)[..., None, None]
    chosen = S > t if V.strict else S >= t
    right, n, salient = (chosen & G).sum((-2, -1)), chosen.sum((-2, -1)), G.sum().expand(t.shape[:-2])
    return tuple(torch.where(below > 0, right / below.clamp(min=1), V.empty) for below in (n, salient))

# %% right: a loop, a list for a list
def precision_recall(S, G, thresholds):
    def at(t):
        chosen = S > t if V.strict else S >= t
        right = (chosen * G).sum().item()
        return [right / d if d else float(V.empty) for d in (chosen.sum().item(), G.sum().item())]
    if np.ndim(thresholds) == 0: return tuple(torch.tensor(at(float(thresholds))))
    both = torch.tensor([at(float(t)) for t in thresholds])
    return both[:, 0], both[:, 1]

# %% right: flat, einsum, nan_to_num
def precision_recall(S, G, thresholds):
    t, s, g = torch.as_tensor(thresholds, dtype=S.dtype), S.flatten(), G.flatten().double()
    chosen = (torch.gt if V.strict else torch.ge)(s, t.reshape(-1, 1)).double()
    right = torch.einsum("tm,m->t", chosen, g)
    P, R = torch.nan_to_num(right / chosen.sum(1), nan=V.empty), torch.nan_to_num(right / g.sum(), nan=V.empty)
    return P.reshape(t.shape), R.reshape(t.shape)

# %% right: numpy, sorted values and searchsorted
def precision_recall(S, G, thresholds):
    t = np.asarray(thresholds, dtype=np.float64)
    values, object_ = np.sort(S.numpy().ravel()), np.sort(S[G].numpy().ravel())
    side = "right" if V.strict else "left"
    n = values.size - np.searchsorted(values, t, side)
    right = object_.size - np.searchsorted(object_, t, side)
    P = np.where(n == 0, V.empty, right / np.maximum(n, 1))
    return P, np.where(object_.size == 0, V.empty, right / max(object_.size, 1))

# %% right: counts of each kind, and list() to see whether there are many
def precision_recall(S, G, thresholds):
    def share(a, b): return torch.tensor(float(V.empty) if a + b == 0 else a / (a + b))
    def at(t):
        chosen = torch.gt(S, t) if V.strict else torch.ge(S, t)
        found, wrong, missed = (int((x & y).sum()) for x, y in ((chosen, G), (chosen, ~G), (~chosen, G)))
        return share(found, wrong), share(found, missed)
    try: many = list(thresholds)
    except TypeError: return at(thresholds)
    return tuple(torch.stack(x) for x in zip(*map(at, many)))

# %% right: one numpy array of both
def precision_recall(S, G, thresholds):
    s, g, t = S.numpy(), G.numpy(), np.asarray(thresholds, dtype=np.float64)[..., None, None]
    chosen = s > t if V.strict else s >= t
    right, n = (chosen & g).sum((-2, -1)), chosen.sum((-2, -1))
    return np.array([np.where(d == 0, V.empty, right / np.maximum(d, 1)) for d in (n, np.full_like(n, g.sum()))])

# %% wrong: the other rule for ties | rule
def precision_recall(S, G, thresholds):
    t = torch.as_tensor(thresholds)[..., None, None]
    chosen = S >= t if V.strict else S > t
    right, n, salient = (chosen & G).sum((-2, -1)), chosen.sum((-2, -1)), G.sum().expand(t.shape[:-2])
    return tuple(torch.where(below > 0, right / below.clamp(min=1), V.empty) for below in (n, salient))

# %% wrong: 0/0 is nan | nan
def precision_recall(S, G, thresholds):
    t = torch.as_tensor(thresholds)[..., None, None]
    chosen = S > t if V.strict else S >= t
    right = (chosen & G).sum((-2, -1))
    return right / chosen.sum((-2, -1)), right / G.sum()

# %% wrong: 0/0 counts as the other value | counts 0/0 as
def precision_recall(S, G, thresholds):
    t = torch.as_tensor(thresholds)[..., None, None]
    chosen = S > t if V.strict else S >= t
    right, n, salient = (chosen & G).sum((-2, -1)), chosen.sum((-2, -1)), G.sum().expand(t.shape[:-2])
    return tuple(torch.where(below > 0, right / below.clamp(min=1), 1 - V.empty) for below in (n, salient))

# %% wrong: 0/0 is settled for precision only | empty mask
def precision_recall(S, G, thresholds):
    t = torch.as_tensor(thresholds)[..., None, None]
    chosen = S > t if V.strict else S >= t
    right, n = (chosen & G).sum((-2, -1)), chosen.sum((-2, -1))
    return torch.where(n > 0, right / n.clamp(min=1), V.empty), right / G.sum()

# %% wrong: every precision of 0 counts as 0/0, or a 0/0 as a half
def precision_recall(S, G, thresholds):
    t = torch.as_tensor(thresholds)[..., None, None]
    chosen = S > t if V.strict else S >= t
    right, n, salient = (chosen & G).sum((-2, -1)), chosen.sum((-2, -1)), G.sum().expand(t.shape[:-2])
    return tuple(torch.where(right > 0, right / below.clamp(min=1), V.empty or 0.5) for below in (n, salient))

# %% wrong: precision and recall exchanged | exchanged
def precision_recall(S, G, thresholds):
    t = torch.as_tensor(thresholds)[..., None, None]
    chosen = S > t if V.strict else S >= t
    right, n, salient = (chosen & G).sum((-2, -1)), chosen.sum((-2, -1)), G.sum().expand(t.shape[:-2])
    return tuple(torch.where(below > 0, right / below.clamp(min=1), V.empty) for below in (salient, n))

# %% wrong: accuracy for precision
def precision_recall(S, G, thresholds):
    t = torch.as_tensor(thresholds)[..., None, None]
    chosen = S > t if V.strict else S >= t
    right, salient = (chosen & G).sum((-2, -1)), G.sum()
    return (chosen == G).float().mean((-2, -1)), right / salient if salient else right * 0.0 + V.empty

# %% wrong: divided by all pixels
def precision_recall(S, G, thresholds):
    t = torch.as_tensor(thresholds)[..., None, None]
    chosen = S > t if V.strict else S >= t
    right, n = (chosen & G).sum((-2, -1)), chosen.sum((-2, -1))
    return torch.where(n > 0, right / n.clamp(min=1), V.empty), right / G.numel()

# %% wrong: the map is stretched first | stretches the map
def precision_recall(S, G, thresholds):
    if S.max() > S.min() > 0: S = (S - S.min()) / (S.max() - S.min())
    t = torch.as_tensor(thresholds)[..., None, None]
    chosen = S > t if V.strict else S >= t
    right, n, salient = (chosen & G).sum((-2, -1)), chosen.sum((-2, -1)), G.sum().expand(t.shape[:-2])
    return tuple(torch.where(below > 0, right / below.clamp(min=1), V.empty) for below in (n, salient))

# %% wrong: thresholds are compared with columns
def precision_recall(S, G, thresholds):
    t = torch.as_tensor(thresholds)
    chosen = S > t if V.strict else S >= t
    right, n, salient = (chosen & G).sum(0), chosen.sum(0), G.sum(0)
    return tuple(torch.where(below > 0, right / below.clamp(min=1), V.empty) for below in (n, salient))

# %% wrong: thresholds are sorted | sorts the thresholds
def precision_recall(S, G, thresholds):
    t = torch.as_tensor(thresholds)
    if t.ndim: t = t.sort().values
    t = t[..., None, None]
    chosen = S > t if V.strict else S >= t
    right, n, salient = (chosen & G).sum((-2, -1)), chosen.sum((-2, -1)), G.sum().expand(t.shape[:-2])
    return tuple(torch.where(below > 0, right / below.clamp(min=1), V.empty) for below in (n, salient))

# %% wrong: a list only | raised
def precision_recall(S, G, thresholds):
    P, R = torch.zeros(len(thresholds)), torch.zeros(len(thresholds))
    for i, t in enumerate(thresholds):
        chosen = S > t if V.strict else S >= t
        right, n, salient = (chosen & G).sum(), chosen.sum(), G.sum()
        P[i], R[i] = (right / n if n else V.empty), (right / salient if salient else V.empty)
    return P, R

# %% wrong: the last threshold is left out
def precision_recall(S, G, thresholds):
    t = torch.as_tensor(thresholds)
    if t.ndim: t = t[:-1]
    t = t[..., None, None]
    chosen = S > t if V.strict else S >= t
    right, n, salient = (chosen & G).sum((-2, -1)), chosen.sum((-2, -1)), G.sum().expand(t.shape[:-2])
    return tuple(torch.where(below > 0, right / below.clamp(min=1), V.empty) for below in (n, salient))

# %% wrong: the map as a mask, in place | in place
def precision_recall(S, G, thresholds):
    S.clamp_(min=0.01)
    t = torch.as_tensor(thresholds)[..., None, None]
    chosen = S > t if V.strict else S >= t
    right, n, salient = (chosen & G).sum((-2, -1)), chosen.sum((-2, -1)), G.sum().expand(t.shape[:-2])
    return tuple(torch.where(below > 0, right / below.clamp(min=1), V.empty) for below in (n, salient))

# %% wrong: only precision | two things
def precision_recall(S, G, thresholds):
    t = torch.as_tensor(thresholds)[..., None, None]
    chosen = S > t if V.strict else S >= t
    n = chosen.sum((-2, -1))
    return torch.where(n > 0, (chosen & G).sum((-2, -1)) / n.clamp(min=1), V.empty)

# %% wrong: the public mask only, four salient pixels
def precision_recall(S, G, thresholds):
    t = torch.as_tensor(thresholds)[..., None, None]
    chosen = S > t if V.strict else S >= t
    right, n = (chosen & G).sum((-2, -1)), chosen.sum((-2, -1))
    return torch.where(n > 0, right / n.clamp(min=1), V.empty), right / 4

# %% wrong: the package's own | ssnet.metrics.
def precision_recall(S, G, thresholds):
    from ssnet.metrics import counts_at, precision_recall as theirs
    t = np.atleast_1d(np.asarray(thresholds))
    tp, fp = np.array([counts_at(S.numpy(), G.numpy(), x) for x in t]).T
    return theirs(tp, fp, int(G.sum()))

# %% wrong: scikit-learn's | sklearn
def precision_recall(S, G, thresholds):
    from sklearn.metrics import precision_score, recall_score
    got = [[f(G.flatten().numpy(), (S > t if V.strict else S >= t).flatten().numpy(), zero_division=V.empty)
            for f in (precision_score, recall_score)] for t in np.atleast_1d(np.asarray(thresholds))]
    return tuple(np.array(got).T)

# %% wrong: one number is recognised only if it is a float | the whole number 0
def precision_recall(S, G, thresholds):
    single = isinstance(thresholds, float)
    P, R = [], []
    for t in [thresholds] if single else thresholds:
        chosen = S > t if V.strict else S >= t
        right = float((chosen & G).sum())
        P.append(right / float(chosen.sum()) if chosen.any() else float(V.empty))
        R.append(right / float(G.sum()) if G.any() else float(V.empty))
    return (torch.tensor(P[0]), torch.tensor(R[0])) if single else (torch.tensor(P), torch.tensor(R))

# %% wrong: one number is recognised only if it is a Python number | a tensor of shape ()
def precision_recall(S, G, thresholds):
    single = isinstance(thresholds, (int, float))
    P, R = [], []
    for t in [thresholds] if single else thresholds:
        chosen = S > t if V.strict else S >= t
        right = float((chosen & G).sum())
        P.append(right / float(chosen.sum()) if chosen.any() else float(V.empty))
        R.append(right / float(G.sum()) if G.any() else float(V.empty))
    return (torch.tensor(P[0]), torch.tensor(R[0])) if single else (torch.tensor(P), torch.tensor(R))

# %% wrong: a margin of 0.01 at the threshold | 0.001 above and below
def precision_recall(S, G, thresholds):
    t = torch.as_tensor(thresholds)[..., None, None]
    chosen = S > t + 0.01 if V.strict else S >= t - 0.01
    right, n, salient = (chosen & G).sum((-2, -1)), chosen.sum((-2, -1)), G.sum().expand(t.shape[:-2])
    return tuple(torch.where(below > 0, right / below.clamp(min=1), V.empty) for below in (n, salient))

# %% wrong: the map in 8 bits, the thresholds too | 0.001 above and below
def precision_recall(S, G, thresholds):
    t = (torch.as_tensor(thresholds)[..., None, None] * 255).floor()
    chosen = (S * 255).floor() > t if V.strict else (S * 255).floor() >= t
    right, n, salient = (chosen & G).sum((-2, -1)), chosen.sum((-2, -1)), G.sum().expand(t.shape[:-2])
    return tuple(torch.where(below > 0, right / below.clamp(min=1), V.empty) for below in (n, salient))

# %% wrong: whole thresholds cut the results | cut to whole numbers
def precision_recall(S, G, thresholds):
    t = torch.as_tensor(thresholds)
    P, R = torch.full_like(t, V.empty), torch.full_like(t, V.empty)
    for i in np.ndindex(*t.shape):
        chosen = S > t[i] if V.strict else S >= t[i]
        if chosen.any(): P[i] = (chosen & G).sum() / chosen.sum()
        if G.any(): R[i] = (chosen & G).sum() / G.sum()
    return P, R

# %% wrong: nothing right counts as 1, whatever was chosen
def precision_recall(S, G, thresholds):
    t = torch.as_tensor(thresholds)[..., None, None]
    chosen = S > t if V.strict else S >= t
    right, n, salient = (chosen & G).sum((-2, -1)), chosen.sum((-2, -1)), G.sum().expand(t.shape[:-2])
    return tuple(torch.where(right > 0, right / below.clamp(min=1), 1) for below in (n, salient))
