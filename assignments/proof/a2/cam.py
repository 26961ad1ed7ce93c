import checks
import numpy as np
import torch
import torch.nn.functional as F
from checks import V

# %% right: einsum
def cam(features, weight):
    return torch.einsum("cd,bdhw->bchw", weight, features)

# %% right: a 1×1 convolution
def cam(features, weight):
    return F.conv2d(features, weight[:, :, None, None])

# %% right: loops
def cam(features, weight):
    maps = torch.zeros(len(features), len(weight), *features.shape[2:])
    for n in range(len(features)):
        for c in range(len(weight)):
            for d in range(features.shape[1]): maps[n, c] += weight[c, d] * features[n, d]
    return maps

# %% right: matrix product over flattened places
def cam(features, weight):
    B, D, h, w = features.shape
    return (weight @ features.reshape(B, D, h * w)).reshape(B, -1, h, w)

# %% right: linear layer over the last axis
def cam(features, weight):
    return F.linear(features.permute(0, 2, 3, 1), weight).permute(0, 3, 1, 2)

# %% right: Grad-CAM times the number of places
def cam(features, weight):
    maps = []
    for c in range(len(weight)):
        with torch.enable_grad():
            f = features.detach().clone().requires_grad_()
            z = (f.mean((2, 3)) @ weight.detach()[c]).sum()
            gradient, = torch.autograd.grad(z, f)
        maps.append((gradient * f.detach()).sum(1) * f[0, 0].numel())
    return torch.stack(maps, 1)

# %% wrong: cut at 0 | cut at 0
def cam(features, weight):
    return torch.einsum("cd,bdhw->bchw", weight, features).relu()

# %% wrong: divided by the number of places | divided by the number of places
def cam(features, weight):
    return torch.einsum("cd,bdhw->bchw", weight, features) / features[0, 0].numel()

# %% wrong: mean over the features | mean over the features
def cam(features, weight):
    return (weight[None, :, :, None, None] * features[:, None]).mean(2)

# %% wrong: softmax over the classes | softmax
def cam(features, weight):
    return torch.einsum("cd,bdhw->bchw", weight, features).softmax(1)

# %% wrong: sigmoid | sigmoid
def cam(features, weight):
    return torch.einsum("cd,bdhw->bchw", weight, features).sigmoid()

# %% wrong: divided by its maximum
def cam(features, weight):
    maps = torch.einsum("cd,bdhw->bchw", weight, features)
    return maps / maps.amax((2, 3), keepdim=True)

# %% wrong: rows and columns exchanged | rows and columns
def cam(features, weight):
    return torch.einsum("cd,bdhw->bcwh", weight, features)

# %% wrong: weights transposed where their shape allows it | transposed
def cam(features, weight):
    if weight.shape[0] == features.shape[1]: weight = weight.T
    return torch.einsum("cd,bdhw->bchw", weight, features)

# %% wrong: the first picture only
def cam(features, weight):
    return (weight @ features[0].flatten(1)).view(1, -1, *features.shape[2:])

# %% wrong: the first picture for all | first picture only
def cam(features, weight):
    return torch.einsum("cd,dhw->chw", weight, features[0]).expand(len(features), -1, -1, -1)

# %% wrong: square maps only
def cam(features, weight):
    B, D, side, _ = features.shape
    return (weight @ features.reshape(B, D, side * side)).view(B, -1, side, side)

# %% wrong: places and batch mixed up in a reshape
def cam(features, weight):
    B, D, h, w = features.shape
    flat = features.permute(0, 2, 3, 1).reshape(-1, D) @ weight.T
    return flat.reshape(B, len(weight), h, w)

# %% wrong: pooled first, then spread over the places
def cam(features, weight):
    z = features.mean((2, 3)) @ weight.T
    return z[:, :, None, None].expand(-1, -1, *features.shape[2:])

# %% wrong: the head of the package | ssnet.heads
def cam(features, weight):
    from ssnet.backbone import Features
    from ssnet.heads import ConvHead
    head = ConvHead(features.shape[1], len(weight))
    with torch.no_grad(): head.conv.weight.copy_(weight[:, :, None, None])
    return head(Features(features, {})).fine

# %% wrong: weights the features in place | in place
def cam(features, weight):
    maps = torch.einsum("cd,bdhw->bchw", weight, features)
    features -= features.mean()
    return maps

# %% wrong: a map without a positive value is set to 0 | negative everywhere became 0
def cam(features, weight):
    maps = torch.einsum("bdhw,cd->bchw", features, weight)
    positive = (maps > 0).flatten(2).any(2)
    return maps * positive[:, :, None, None]

# %% wrong: clamped from above and below | nothing is cut off
def cam(features, weight):
    return F.conv2d(features, weight[..., None, None]).clamp(-20, 20)
