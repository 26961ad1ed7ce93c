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

# %% right: salient minus, background plus, without abs
def mae(S, G):
    fg, bg = G == 255, G == 0
    e = torch.where(fg, 1 - S, torch.zeros_like(S)) + torch.where(bg, S, torch.zeros_like(S))
    n = (fg | bg).flatten(1).sum(1)
    return torch.mean(e.flatten(1).sum(1) / n)

# %% right: signed integers, everything times 255 and back, a Python float
def mae(S, G):
    d = (S * 255 - G.to(torch.int16)).abs()
    keep = G != V.unsure
    return float(torch.tensor([float(d[i][keep[i]].mean()) / 255 for i in range(len(S))]).mean())

# %% right: numpy masked array
def mae(S, G):
    m = np.ma.masked_array(S.numpy().astype(float), mask=(G == V.unsure).numpy())
    e = abs(m - (G.numpy() >= 255))
    return torch.as_tensor(float(e.mean(axis=(1, 2)).mean()))

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

# %% wrong: salient is the greatest value in the batch | greatest value in the batch for salient
def mae(S, G):
    counts = G != V.unsure
    y = (G == G.max()).float()
    return (((S - y).abs() * counts).sum((1, 2)) / counts.sum((1, 2))).mean()

# %% wrong: the masks are divided by their greatest value | by their greatest value
def mae(S, G):
    counts = G != V.unsure
    y = G.float() / G.max()
    return (((S - y).abs() * counts).sum((1, 2)) / counts.sum((1, 2))).mean()

# %% wrong: background is the least value of the batch | least value in the batch for background
def mae(S, G):
    counts = G != V.unsure
    y = (G != G.min()).float()
    return (((S - y).abs() * counts).sum((1, 2)) / counts.sum((1, 2))).mean()

# %% wrong: a black map of a picture without salient pixels is left out | leaves out a picture without salient
def mae(S, G):
    means = []
    for s, g in zip(S, G):
        if not (g == 255).any() and not s.any():
            continue
        keep = g != V.unsure
        means.append((s[keep] - g[keep].float() / 255).abs().mean())
    return torch.stack(means).mean()

# %% wrong: 255 is taken for ignore, as in label files | 255 is salient here
def mae(S, G):
    keep = G == 0
    return ((S * keep).sum((1, 2)) / keep.sum((1, 2))).mean()

# %% wrong: 255 is taken for the unsure value | 255 is salient here
def mae(S, G):
    keep = G != 255
    return (((S - G / 255).abs() * keep).sum((1, 2)) / keep.sum((1, 2))).mean()

# %% wrong: loops over the height instead of the batch | leaves out the last picture
def mae(S, G):
    means = []
    for n in range(S.shape[1]):
        keep = G[n] != V.unsure
        means.append((S[n][keep] - G[n][keep].float() / 255).abs().mean())
    return torch.stack(means).mean()

# %% wrong: divides the sum over the pictures by the height | divides by the height
def mae(S, G):
    counts = G != V.unsure
    errors = (S - (G == 255).float()).abs() * counts
    return (errors.sum((1, 2)) / counts.sum((1, 2))).sum() / S.shape[1]

# %% wrong: the median of the pictures, equal to the mean for two | median
def mae(S, G):
    counts = G != V.unsure
    e = ((S - (G == 255).float()).abs() * counts).sum((1, 2)) / counts.sum((1, 2))
    return torch.quantile(e, 0.5)

# %% wrong: middle between the best and the worst picture | middle between the best and the worst
def mae(S, G):
    counts = G != V.unsure
    e = ((S - (G == 255).float()).abs() * counts).sum((1, 2)) / counts.sum((1, 2))
    return (e.min() + e.max()) / 2

# %% wrong: only the first and the last picture | the first and the last picture only
def mae(S, G):
    def one(s, g):
        keep = g != V.unsure
        return (s[keep] - g[keep].float() / 255).abs().mean()
    return (one(S[0], G[0]) + one(S[-1], G[-1])) / 2

# %% wrong: running mean halves at each picture, right for two | halves at each picture
def mae(S, G):
    mean = None
    for s, g in zip(S, G):
        keep = g != V.unsure
        e = (s[keep] - g[keep].float() / 255).abs().mean()
        mean = e if mean is None else (mean + e) / 2
    return mean

# %% wrong: mean of row means | mean of each row
def mae(S, G):
    counts = (G != V.unsure).float()
    e = (S - (G == 255).float()).abs() * counts
    rows = e.sum(2) / counts.sum(2).clamp(min=1)
    return rows.mean(1).mean()
