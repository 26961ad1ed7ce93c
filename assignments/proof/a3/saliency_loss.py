import torch
import torch.nn.functional as F
from torch import nn

import checks

# %% right: as the equation reads, S kept away from 0 and 1
def saliency_loss(S, y, weight):
    S = S.clamp(1e-6, 1 - 1e-6)
    return -(weight * y * S.log() + (1 - y) * (1 - S).log()).mean()
# %% right: PyTorch's binary cross entropy with a weight for each pixel
def saliency_loss(S, y, weight):
    return F.binary_cross_entropy(S, y, weight=weight * y + (1 - y))
# %% right: squeezed into an inner interval, pixel sums divided by their number
def saliency_loss(S, y, weight):
    eps = 1e-6
    p = eps + (1 - 2 * eps) * S
    each = torch.where(y > 0.5, -weight * torch.log(p), -torch.log(1 - p))
    return each.sum() / each.numel()
# %% right: nn.BCELoss, reduced by hand, picture by picture
def saliency_loss(S, y, weight):
    total = 0
    for s, mask in zip(S, y):
        loss = nn.BCELoss(reduction="none")(s, mask)
        total = total + (loss * (1 + (weight - 1) * mask)).mean()
    return total / len(S)
# %% wrong: a sum for the mean | sum
def saliency_loss(S, y, weight):
    S = S.clamp(1e-6, 1 - 1e-6)
    return -(weight * y * S.log() + (1 - y) * (1 - S).log()).sum()
# %% wrong: a sum over the pixels, a mean over the pictures | sum
def saliency_loss(S, y, weight):
    S = S.clamp(1e-6, 1 - 1e-6)
    return -(weight * y * S.log() + (1 - y) * (1 - S).log()).sum((1, 2)).mean()
# %% wrong: a mean over the pixels, a sum over the pictures | number
def saliency_loss(S, y, weight):
    S = S.clamp(1e-6, 1 - 1e-6)
    return -(weight * y * S.log() + (1 - y) * (1 - S).log()).mean((1, 2)).sum()
# %% wrong: the weight is forgotten | weight
def saliency_loss(S, y, weight):
    S = S.clamp(1e-6, 1 - 1e-6)
    return -(y * S.log() + (1 - y) * (1 - S).log()).mean()
# %% wrong: the weight is fixed as in the notebook | always uses
def saliency_loss(S, y, weight):
    from checks import V
    weight = V.salient_weight
    S = S.clamp(1e-6, 1 - 1e-6)
    return -(weight * y * S.log() + (1 - y) * (1 - S).log()).mean()
# %% wrong: every pixel is weighted | weight
def saliency_loss(S, y, weight):
    S = S.clamp(1e-6, 1 - 1e-6)
    return -weight * (y * S.log() + (1 - y) * (1 - S).log()).mean()
# %% wrong: the weight on the other pixels | weights the pixels
def saliency_loss(S, y, weight):
    S = S.clamp(1e-6, 1 - 1e-6)
    return -(y * S.log() + weight * (1 - y) * (1 - S).log()).mean()
# %% wrong: divided by the sum of the weights | divides by
def saliency_loss(S, y, weight):
    S = S.clamp(1e-6, 1 - 1e-6)
    return -(weight * y * S.log() + (1 - y) * (1 - S).log()).sum() / (weight * y + 1 - y).sum()
# %% wrong: with logits, but on probabilities | sigmoid
def saliency_loss(S, y, weight):
    S = S.clamp(1e-6, 1 - 1e-6)
    return F.binary_cross_entropy_with_logits(S, y, pos_weight=torch.tensor(weight, dtype=S.dtype))
# %% wrong: no minus sign | minus
def saliency_loss(S, y, weight):
    S = S.clamp(1e-6, 1 - 1e-6)
    return (weight * y * S.log() + (1 - y) * (1 - S).log()).mean()
# %% wrong: only the salient pixels | leaves out
def saliency_loss(S, y, weight):
    S = S.clamp(1e-6, 1 - 1e-6)
    return -(weight * y * S.log()).mean()
# %% wrong: S and y exchanged
def saliency_loss(S, y, weight):
    S = S.clamp(1e-6, 1 - 1e-6)
    return -(weight * S * y.clamp(1e-6, 1).log() + (1 - S) * (1 - y).clamp(1e-6, 1).log()).mean()
# %% wrong: no logarithm, as in the authors' code | no logarithm
def saliency_loss(S, y, weight):
    S = S.clamp(1e-6, 1 - 1e-6)
    return -(weight * y * S + (1 - y) * (1 - S)).mean()
# %% wrong: infinite at 0 and 1 | not finite
def saliency_loss(S, y, weight):
    return -(weight * y * S.log() + (1 - y) * (1 - S).log()).mean()
# %% wrong: an epsilon too small for single precision | not finite
def saliency_loss(S, y, weight):
    S = S.clamp(1e-12, 1 - 1e-12)
    return -(weight * y * S.log() + (1 - y) * (1 - S).log()).mean()
# %% wrong: S cut too far from 0 and 1
def saliency_loss(S, y, weight):
    S = S.clamp(0.01, 0.99)
    return -(weight * y * S.log() + (1 - y) * (1 - S).log()).mean()
# %% wrong: S clamped in place | in place
def saliency_loss(S, y, weight):
    S = S.clamp_(1e-6, 1 - 1e-6)
    return -(weight * y * S.log() + (1 - y) * (1 - S).log()).mean()
# %% wrong: S rounded to 0 or 1 first
def saliency_loss(S, y, weight):
    S = (S > 0.5).to(S.dtype).clamp(1e-6, 1 - 1e-6)
    return -(weight * y * S.log() + (1 - y) * (1 - S).log()).mean()
# %% wrong: S detached | no gradient
def saliency_loss(S, y, weight):
    S = S.detach().clamp(1e-6, 1 - 1e-6)
    return -(weight * y * S.log() + (1 - y) * (1 - S).log()).mean()
# %% wrong: the logarithm of base 2
def saliency_loss(S, y, weight):
    S = S.clamp(1e-6, 1 - 1e-6)
    return -(weight * y * S.log2() + (1 - y) * (1 - S).log2()).mean()
# %% wrong: a mean for each kind of pixel
def saliency_loss(S, y, weight):
    S = S.clamp(1e-6, 1 - 1e-6)
    return -weight * (y * S.log()).sum() / y.sum() - ((1 - y) * (1 - S).log()).sum() / (1 - y).sum()
# %% wrong: a squared difference
def saliency_loss(S, y, weight):
    S = S.clamp(1e-6, 1 - 1e-6)
    return ((weight * y + 1 - y) * (S - y).square()).mean()
# %% wrong: S normalised to its maximum first
def saliency_loss(S, y, weight):
    S = (S / S.max()).clamp(1e-6, 1 - 1e-6)
    return -(weight * y * S.log() + (1 - y) * (1 - S).log()).mean()
# %% wrong: a mean over rows of the first picture only
def saliency_loss(S, y, weight):
    S = S.clamp(1e-6, 1 - 1e-6)
    return -(weight * y * S.log() + (1 - y) * (1 - S).log())[0].mean()
# %% wrong: a number, no gradient | no gradient
def saliency_loss(S, y, weight):
    S = S.clamp(1e-6, 1 - 1e-6)
    return -(weight * y * S.log() + (1 - y) * (1 - S).log()).mean().item()
# %% wrong: a list of the pictures' losses
def saliency_loss(S, y, weight):
    S = S.clamp(1e-6, 1 - 1e-6)
    return -(weight * y * S.log() + (1 - y) * (1 - S).log()).mean((1, 2))
# %% wrong: returns the package's own answer | write it yourself
def saliency_loss(S, y, weight):
    from ssnet.losses import saliency_loss as theirs
    return theirs(S, y) + (weight - 1) * theirs(S, y) / 2
