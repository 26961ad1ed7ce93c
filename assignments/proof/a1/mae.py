import numpy as np
import torch

import checks
from checks import V


# %% right: sums along the pictures
def mae(S, G):
    known = G != V.unsure
    error = (S - (G == 255).float()).abs() * known
    return (error.sum((1, 2)) / known.sum((1, 2))).mean()

# %% right: a loop with boolean indexing, a plain float
def mae(S, G):
    errors = []
    for s, g in zip(S, G):
        count = g != V.unsure
        errors.append((s[count] - g[count] / 255).abs().mean().item())
    return sum(errors) / len(errors)

# %% right: nanmean
def mae(S, G):
    y = G.double() / 255
    y[G == V.unsure] = torch.nan
    return (S - y).abs().flatten(1).nanmean(1).mean()

# %% right: numpy and cases
def mae(S, G):
    S, G = S.numpy(), G.numpy()
    error = np.where(G == 255, 1 - S, np.where(G == 0, S, 0))
    return np.mean([e.sum() / np.count_nonzero(g != V.unsure) for e, g in zip(error, G)])

# %% wrong: one mean over all pixels of the batch | one mean over all pixels
def mae(S, G):
    known = G != V.unsure
    return (S[known] - G[known] / 255).abs().mean()

# %% wrong: squares for absolute values | squares
def mae(S, G):
    known = G != V.unsure
    error = (S - (G == 255).float()) ** 2 * known
    return (error.sum((1, 2)) / known.sum((1, 2))).mean()

# %% wrong: the root of the mean square | root
def mae(S, G):
    return torch.stack([(s - g / 255)[g != V.unsure].square().mean().sqrt() for s, g in zip(S, G)]).mean()

# %% wrong: no absolute value | cancel
def mae(S, G):
    known = G != V.unsure
    error = (S - (G == 255).float()) * known
    return (error.sum((1, 2)) / known.sum((1, 2))).mean()

# %% wrong: the absolute value of the mean | cancel
def mae(S, G):
    known = G != V.unsure
    error = (S - (G == 255).float()) * known
    return (error.sum((1, 2)) / known.sum((1, 2))).mean().abs()

# %% wrong: the mask is not brought to 0 and 1 | 255
def mae(S, G):
    return torch.stack([(s - g)[g != V.unsure].abs().mean() for s, g in zip(S, G)]).mean()

# %% wrong: unsure pixels count by their value | unsure pixels
def mae(S, G):
    return (S - G / 255).abs().mean((1, 2)).mean()

# %% wrong: unsure pixels count as background | unsure pixels as background
def mae(S, G):
    return (S - (G == 255).float()).abs().mean()

# %% wrong: unsure pixels count as salient | unsure pixels as salient
def mae(S, G):
    return (S - (G > 0).float()).abs().mean()

# %% wrong: unsure pixels are cut at one half | unsure pixels
def mae(S, G):
    return (S - (G >= 100).float()).abs().mean((1, 2)).mean()

# %% wrong: unsure pixels are zeroed but still divide | divides by them too
def mae(S, G):
    return ((S - (G == 255).float()).abs() * (G != V.unsure)).mean()

# %% wrong: a number for each picture | mean over the pictures is missing
def mae(S, G):
    known = G != V.unsure
    error = (S - (G == 255).float()).abs() * known
    return error.sum((1, 2)) / known.sum((1, 2))

# %% wrong: the sum over the pictures
def mae(S, G):
    known = G != V.unsure
    error = (S - (G == 255).float()).abs() * known
    return (error.sum((1, 2)) / known.sum((1, 2))).sum()

# %% wrong: arithmetic in uint8
def mae(S, G):
    s, known = (S * 255).byte(), G != V.unsure
    error = (s - G).float() / 255 * known
    return (error.sum((1, 2)) / known.sum((1, 2))).mean()

# %% wrong: the map is stretched first
def mae(S, G):
    S = (S - S.amin((1, 2), keepdim=True)) / (S.amax((1, 2), keepdim=True) - S.amin((1, 2), keepdim=True))
    known = G != V.unsure
    error = (S - (G == 255).float()).abs() * known
    return (error.sum((1, 2)) / known.sum((1, 2))).mean()

# %% wrong: the unsure value of another year
def mae(S, G):
    known = G != 90
    error = (S - (G == 255).float()).abs() * known
    return (error.sum((1, 2)) / known.sum((1, 2))).mean()

# %% wrong: in place on the map | in place
def mae(S, G):
    known = G != V.unsure
    S -= (G == 255).float()
    error = S.abs() * known
    return (error.sum((1, 2)) / known.sum((1, 2))).mean()

# %% wrong: in place on the mask | in place
def mae(S, G):
    known = G != V.unsure
    G[G == V.unsure] = 0
    error = (S - G / 255).abs() * known
    return (error.sum((1, 2)) / known.sum((1, 2))).mean()

# %% wrong: correct for two pictures only
def mae(S, G):
    first, second = [(S[i] - G[i] / 255).abs()[G[i] != V.unsure].mean() for i in (0, 1)]
    return (first + second) / 2

# %% wrong: the package's own, picture by picture | ssnet.metrics.mae
def mae(S, G):
    from ssnet.metrics import mae as theirs
    return np.mean([theirs(s[g != V.unsure].numpy(), (g[g != V.unsure] == 255).numpy()) for s, g in zip(S, G)])
