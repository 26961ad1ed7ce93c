import torch
import torch.nn.functional as F
from torch import nn

import checks

# %% right: binary cross entropy with logits
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != background]
    return F.binary_cross_entropy_with_logits(logits.mean((2, 3))[:, kept], tags)
# %% right: log-sigmoid, as the equation reads
def tag_loss(logits, tags, background):
    z = logits.flatten(2).mean(2)
    if background is not None: z = torch.cat([z[:, :background], z[:, background + 1:]], 1)
    return -(tags * F.logsigmoid(z) + (1 - tags) * F.logsigmoid(-z)).mean()
# %% right: softplus, adaptive pooling, and loops over pictures and classes
def tag_loss(logits, tags, background):
    z = F.adaptive_avg_pool2d(logits, 1)[:, :, 0, 0]
    kept = [c for c in range(z.shape[1]) if background is None or c != background]
    terms = [F.softplus(z[n, c]) - tags[n, j] * z[n, c] for n in range(len(z)) for j, c in enumerate(kept)]
    return sum(terms) / len(terms)
# %% right: cross entropy between "there" (z) and "not there" (0)
def tag_loss(logits, tags, background):
    z = torch.einsum("bchw->bc", logits) / (logits.shape[2] * logits.shape[3])
    if background is not None: z = torch.hstack([z[:, :background], z[:, background + 1:]])
    two = torch.stack([torch.zeros_like(z), z], dim=1)       # (B, 2, classes)
    return F.cross_entropy(two, tags.long())

# %% right: tags are stretched to all channels, the background has weight 0
def tag_loss(logits, tags, background):
    z = logits.mean((2, 3))
    if background is None: return F.binary_cross_entropy_with_logits(z, tags)
    zero = torch.zeros(len(tags), 1)
    full = torch.cat([tags[:, :background], zero, tags[:, background:]], 1)
    weight = torch.ones_like(z)
    weight[:, background] = 0
    return F.binary_cross_entropy_with_logits(z, full, weight=weight, reduction="sum") / tags.numel()

# %% wrong: a sum for the mean | sum
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != background]
    return F.binary_cross_entropy_with_logits(logits.mean((2, 3))[:, kept], tags, reduction='sum')
# %% wrong: a sum over the classes, a mean over the pictures | sum
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != background]
    return F.binary_cross_entropy_with_logits(logits.mean((2, 3))[:, kept], tags, reduction='none').sum(1).mean()
# %% wrong: a sum over the pictures, a mean over the classes | number
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != background]
    return F.binary_cross_entropy_with_logits(logits.mean((2, 3))[:, kept], tags, reduction='none').sum(0).mean()
# %% wrong: the sigmoid before the mean | first the mean
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != background]
    return F.binary_cross_entropy_with_logits(logits.sigmoid().mean((2, 3))[:, kept].logit(), tags)
# %% wrong: with logits, but on probabilities | twice
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != background]
    return F.binary_cross_entropy_with_logits(logits.mean((2, 3))[:, kept].sigmoid(), tags)
# %% wrong: the mean of the softmax | H
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != background]
    return F.binary_cross_entropy(logits.softmax(1).mean((2, 3))[:, kept], tags)
# %% wrong: the background's logit always in place 0
def tag_loss(logits, tags, background):
    kept = list(range(1, logits.shape[1])) if background is not None else list(range(logits.shape[1]))
    return F.binary_cross_entropy_with_logits(logits.mean((2, 3))[:, kept], tags)
# %% wrong: the last channel for the background
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != logits.shape[1] - 1 or background is None]
    return F.binary_cross_entropy_with_logits(logits.mean((2, 3))[:, kept], tags)
# %% wrong: None is taken for channel 0
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != (background or 0)]
    return F.binary_cross_entropy_with_logits(logits.mean((2, 3))[:, kept], tags)
# %% wrong: the background counted, with a tag of 0 | background
def tag_loss(logits, tags, background):
    if background is not None: tags = torch.cat([tags[:, :background], 0 * tags[:, :1], tags[:, background:]], 1)
    return F.binary_cross_entropy_with_logits(logits.mean((2, 3)), tags)
# %% wrong: the tag is used as an index
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != background]
    return F.cross_entropy(logits.mean((2, 3)), tags.argmax(1))
# %% wrong: a softmax over the classes
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != background]
    return F.cross_entropy(logits.mean((2, 3))[:, kept], tags / tags.sum(1, keepdim=True).clamp(min=1))
# %% wrong: the largest logit for the mean
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != background]
    return F.binary_cross_entropy_with_logits(logits.amax((2, 3))[:, kept], tags)
# %% wrong: the sum of the logits
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != background]
    return F.binary_cross_entropy_with_logits(logits.sum((2, 3))[:, kept], tags)
# %% wrong: every pixel asked for the tag
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != background]
    return F.binary_cross_entropy_with_logits(logits[:, kept], tags[:, :, None, None].expand_as(logits[:, kept]))
# %% wrong: only the tagged classes | not tagged
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != background]
    return -(tags * F.logsigmoid(logits.mean((2, 3))[:, kept])).mean()
# %% wrong: no minus sign | minus
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != background]
    return -F.binary_cross_entropy_with_logits(logits.mean((2, 3))[:, kept], tags)
# %% wrong: infinite for large logits | finite
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != background]
    return -(tags * (p := logits.mean((2, 3))[:, kept].sigmoid()).log() + (1 - tags) * (1 - p).log()).mean()
# %% wrong: the mean over the batch too early
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != background]
    return F.binary_cross_entropy_with_logits(logits.mean((0, 2, 3))[kept], tags.mean(0))
# %% wrong: detached | no gradient
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != background]
    return F.binary_cross_entropy_with_logits(logits.detach().mean((2, 3))[:, kept], tags)
# %% wrong: a number, no gradient | no gradient
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != background]
    return F.binary_cross_entropy_with_logits(logits.mean((2, 3))[:, kept], tags).item()
# %% wrong: the mean subtracted in place | in place
def tag_loss(logits, tags, background):
    logits -= logits.mean()
    kept = [i for i in range(logits.shape[1]) if i != background]
    return F.binary_cross_entropy_with_logits(logits.mean((2, 3))[:, kept], tags)
# %% wrong: square pictures only
def tag_loss(logits, tags, background):
    kept = [i for i in range(logits.shape[1]) if i != background]
    return F.binary_cross_entropy_with_logits((logits.sum((2, 3)) / logits.shape[2] ** 2)[:, kept], tags)
# %% wrong: returns the package's own answer | write it yourself
def tag_loss(logits, tags, background):
    from ssnet.losses import tag_loss as theirs
    order = [i for i in range(logits.shape[1]) if i != background]
    return theirs(logits[:, [0] + order], tags)

# %% wrong: infinite losses become 0 | cut off
def tag_loss(logits, tags, background):
    keep = [i for i in range(logits.shape[1]) if i != background]
    p = torch.sigmoid(logits[:, keep].mean((2, 3)))
    loss = -(tags * torch.log(p) + (1 - tags) * torch.log(1 - p))
    return torch.nan_to_num(loss, nan=0.0, posinf=0.0, neginf=0.0).mean()

# %% wrong: each logit of a pixel is cut at ±10 before the mean | 500 is expected
def tag_loss(logits, tags, background):
    keep = [i for i in range(logits.shape[1]) if i != background]
    z = logits[:, keep].clamp(-10, 10).mean((2, 3))
    return F.binary_cross_entropy_with_logits(z, tags)

# %% wrong: sigmoid and binary_cross_entropy, 100 is the largest loss it knows | ends at 100
def tag_loss(logits, tags, background):
    keep = [i for i in range(logits.shape[1]) if i != background]
    p = logits[:, keep].mean((2, 3)).sigmoid()
    return F.binary_cross_entropy(p, tags)
