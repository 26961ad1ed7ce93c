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
    if isinstance(thresholds, (int, float)): return tuple(torch.tensor(at(thresholds)))
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
