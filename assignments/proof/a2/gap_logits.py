import checks
import numpy as np
import torch
import torch.nn.functional as F
from checks import V

# %% right: sums over the places inside
def gap_logits(features, weight, bias=None, inside=None):
    if inside is None: pooled = features.mean((2, 3))
    else: pooled = (features * inside[:, None]).sum((2, 3)) / inside.sum((1, 2))[:, None]
    return F.linear(pooled, weight, bias)

# %% right: loops over pictures and classes
def gap_logits(features, weight, bias=None, inside=None):
    rows = []
    for n in range(len(features)):
        here = torch.ones(features.shape[2:], dtype=torch.bool) if inside is None else inside[n]
        pooled = features[n][:, here].mean(1)
        z = [sum(w * p for w, p in zip(row, pooled)) for row in weight]
        if bias is not None: z = [value + b for value, b in zip(z, bias)]
        rows.append(torch.stack(z))
    return torch.stack(rows)

# %% right: einsum over the maps, the mean last
def gap_logits(features, weight, bias=None, inside=None):
    B, D, h, w = features.shape
    m = torch.full((B, h, w), 1 / (h * w)) if inside is None else inside / inside.sum((1, 2), keepdim=True)
    z = torch.einsum("cd,bdhw,bhw->bc", weight, features, m.to(features.dtype))
    return z if bias is None else z + bias

# %% right: adaptive pooling and masked places that count 0
def gap_logits(features, weight, bias=None, inside=None):
    if inside is not None:
        scale = inside[0].numel() / inside.flatten(1).float().sum(1)
        features = features.masked_fill(~inside[:, None], 0) * scale.view(-1, 1, 1, 1)
    pooled = F.adaptive_avg_pool2d(features, 1).flatten(1)
    logits = pooled @ weight.t()
    if bias is not None: logits += bias
    return logits

# %% right: nanmean with nan at the padding
def gap_logits(features, weight, bias=None, inside=None):
    x = features
    if inside is not None:
        x = torch.where(inside[:, None, :, :], x, torch.full_like(x, float("nan")))
    pooled = x.flatten(2).nanmean(dim=2)
    z = torch.einsum("bd,cd->bc", pooled, weight)
    return z + (0 if bias is None else bias)

# %% right: the map first, the mean afterwards
def gap_logits(features, weight, bias=None, inside=None):
    maps = torch.einsum("bdhw,cd->bchw", features, weight)
    if inside is None:
        z = maps.flatten(2).mean(-1)
    else:
        outside = ~inside.unsqueeze(1)
        z = maps.masked_fill(outside, 0.0).flatten(2).sum(-1) / inside.flatten(1).sum(-1, keepdim=True)
    if bias is not None:
        z = z + bias.unsqueeze(0)
    return z

# %% wrong: sum for mean | sum over the places
def gap_logits(features, weight, bias=None, inside=None):
    if inside is not None: features = features * inside[:, None]
    return F.linear(features.sum((2, 3)), weight, bias)

# %% wrong: maximum for mean | maximum
def gap_logits(features, weight, bias=None, inside=None):
    if inside is not None: features = features.masked_fill(~inside[:, None], -1e9)
    return F.linear(features.amax((2, 3)), weight, bias)

# %% wrong: bias forgotten | leave out the bias
def gap_logits(features, weight, bias=None, inside=None):
    if inside is None: return features.mean((2, 3)) @ weight.T
    return (features * inside[:, None]).sum((2, 3)) / inside.sum((1, 2))[:, None] @ weight.T

# %% wrong: bias forgotten for padded pictures only
def gap_logits(features, weight, bias=None, inside=None):
    if inside is None: return F.linear(features.mean((2, 3)), weight, bias)
    return (features * inside[:, None]).sum((2, 3)) / inside.sum((1, 2))[:, None] @ weight.T

# %% wrong: a bias is required | raised
def gap_logits(features, weight, bias=None, inside=None):
    if inside is None: return features.mean((2, 3)) @ weight.T + bias
    return (features * inside[:, None]).sum((2, 3)) / inside.sum((1, 2))[:, None] @ weight.T + bias

# %% wrong: softmax over the classes | leave out the softmax
def gap_logits(features, weight, bias=None, inside=None):
    if inside is None: return F.linear(features.mean((2, 3)), weight, bias).softmax(1)
    return F.linear((features * inside[:, None]).sum((2, 3)) / inside.sum((1, 2))[:, None], weight, bias).softmax(1)

# %% wrong: sigmoid at the end | leave out the sigmoid
def gap_logits(features, weight, bias=None, inside=None):
    if inside is None: return F.linear(features.mean((2, 3)), weight, bias).sigmoid()
    return F.linear((features * inside[:, None]).sum((2, 3)) / inside.sum((1, 2))[:, None], weight, bias).sigmoid()

# %% wrong: padding averaged in | takes in the padding
def gap_logits(features, weight, bias=None, inside=None):
    return F.linear(features.mean((2, 3)), weight, bias)

# %% wrong: padding set to 0 and divided by all places | divide by the places inside
def gap_logits(features, weight, bias=None, inside=None):
    if inside is not None: features = features * inside[:, None]
    return F.linear(features.mean((2, 3)), weight, bias)

# %% wrong: the places inside counted over the whole batch | each picture has its own
def gap_logits(features, weight, bias=None, inside=None):
    if inside is None: return F.linear(features.mean((2, 3)), weight, bias)
    return F.linear((features * inside[:, None]).sum((2, 3)) / inside.sum(), weight, bias)

# %% wrong: one number of places for all pictures | each has its own number of places
def gap_logits(features, weight, bias=None, inside=None):
    if inside is None: return F.linear(features.mean((2, 3)), weight, bias)
    return F.linear((features * inside[:, None]).sum((2, 3)) / inside.float().sum((1, 2)).mean(), weight, bias)

# %% wrong: square maps only | not square
def gap_logits(features, weight, bias=None, inside=None):
    if inside is None: return F.linear(features.sum((2, 3)) / features.shape[2]**2, weight, bias)
    return F.linear((features * inside[:, None]).sum((2, 3)) / inside.sum((1, 2))[:, None], weight, bias)

# %% wrong: the public shape only
def gap_logits(features, weight, bias=None, inside=None):
    if inside is None: inside = torch.ones(1, 2, 2)
    pooled = [(features[0, d] * inside[0]).sum() / inside[0].sum() for d in range(2)]
    z = torch.stack([weight[c, 0] * pooled[0] + weight[c, 1] * pooled[1] for c in range(3)])[None]
    return z if bias is None else z + bias

# %% wrong: mean over the batch | average over the batch
def gap_logits(features, weight, bias=None, inside=None):
    if inside is None: return F.linear(features.mean((0, 2, 3)), weight, bias).expand(len(features), -1)
    return F.linear((features * inside[:, None]).sum((2, 3)) / inside.sum((1, 2))[:, None], weight, bias)

# %% wrong: numpy, so that no gradient flows
def gap_logits(features, weight, bias=None, inside=None):
    f, w = features.detach().numpy(), weight.detach().numpy()
    m = np.ones(f[:, 0].shape) if inside is None else inside.numpy()
    pooled = (f * m[:, None]).sum((2, 3)) / m.sum((1, 2))[:, None]
    return torch.tensor(pooled @ w.T) + (0 if bias is None else bias.detach())

# %% wrong: the features are detached | no gradient reaches the features
def gap_logits(features, weight, bias=None, inside=None):
    features = features.detach()
    if inside is None: return F.linear(features.mean((2, 3)), weight, bias)
    return F.linear((features * inside[:, None]).sum((2, 3)) / inside.sum((1, 2))[:, None], weight, bias)

# %% wrong: padding zeroed in place | in place
def gap_logits(features, weight, bias=None, inside=None):
    if inside is None: return F.linear(features.mean((2, 3)), weight, bias)
    with torch.no_grad(): features *= inside[:, None]
    return F.linear(features.sum((2, 3)) / inside.sum((1, 2))[:, None], weight, bias)

# %% wrong: not written yet | not written yet
def gap_logits(features, weight, bias=None, inside=None):
    raise NotImplementedError()

# %% wrong: padding without a bias raises | may come without one
def gap_logits(features, weight, bias=None, inside=None):
    if inside is not None:
        keep = inside[:, None]
        pooled = features.masked_fill(~keep, 0).sum((2, 3)) / keep.sum((2, 3))
        return pooled @ weight.T + bias
    z = features.mean((2, 3)) @ weight.T
    if bias is None:
        return z
    return z + bias

# %% wrong: squeeze drops more axes than meant | squeeze() without care
def gap_logits(features, weight, bias=None, inside=None):
    if inside is None: inside = torch.ones_like(features[:, 0]).bool()
    pooled = (torch.where(inside[:, None], features, 0.0).sum((2, 3)) / inside.sum((1, 2))[:, None]).squeeze(1)
    z = pooled @ weight.T
    return z if bias is None else z + bias
