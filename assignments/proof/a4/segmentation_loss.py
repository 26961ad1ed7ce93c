import torch
import torch.nn.functional as F
import checks
from checks import V, saliency_loss
# %% right: the source's
def segmentation_loss(logits, label, ignore_index=V.ignore):
    total = F.cross_entropy(logits, label, ignore_index=ignore_index, reduction="sum")
    return total / (label != ignore_index).sum().clamp(min=1)
# %% right: log_softmax and gather
def segmentation_loss(logits, label, ignore_index=V.ignore):
    use = label != ignore_index
    log_h = torch.log_softmax(logits, dim=1)
    chosen = log_h.gather(1, label.masked_fill(~use, 0).unsqueeze(1)).squeeze(1)
    n = use.sum()
    return -(chosen * use).sum() / (n if n > 0 else 1)
# %% right: picks the labelled pixels first, in a branch where there are none
def segmentation_loss(logits, label, ignore_index=V.ignore):
    mask = label.ne(ignore_index)
    if not mask.any(): return 0 * logits.sum()
    return F.cross_entropy(logits.permute(0, 2, 3, 1)[mask], label[mask])
# %% right: a loop over pictures, one-hot and einsum
def segmentation_loss(logits, label, ignore_index=V.ignore):
    total, count = 0 * logits.sum(), 0
    for z, y in zip(logits, label):
        use = y != ignore_index
        one_hot = F.one_hot(torch.where(use, y, torch.zeros_like(y)), z.shape[0]).permute(2, 0, 1) * use
        total = total - torch.einsum("chw,chw->", one_hot.to(z.dtype), z - torch.logsumexp(z, 0))
        count += int(use.sum())
    return total / max(count, 1)
# %% right: single precision inside
def segmentation_loss(logits, label, ignore_index=V.ignore):
    pixel = F.cross_entropy(logits.float(), label.long(), ignore_index=ignore_index, reduction="none")
    return pixel.sum() / max(1, (label != ignore_index).sum().item())
# %% right: PyTorch's own mean, whose nan hides no gradient
def segmentation_loss(logits, label, ignore_index=V.ignore):
    return F.cross_entropy(logits, label, ignore_index=ignore_index).nan_to_num(0.0)
# %% wrong: all ignored gives nan
def segmentation_loss(logits, label, ignore_index=V.ignore):
    return F.cross_entropy(logits, label, ignore_index=ignore_index)
# %% wrong: a nan that is painted over | gradient is nan
def segmentation_loss(logits, label, ignore_index=V.ignore):
    use = label != ignore_index
    chosen = logits.log_softmax(1).gather(1, torch.where(use, label, 0)[:, None])[:, 0]
    return (-(chosen * use).sum() / use.sum()).nan_to_num(0.0)
# %% wrong: a plain zero without a gradient | connected to the logits
def segmentation_loss(logits, label, ignore_index=V.ignore):
    if (label == ignore_index).all(): return torch.tensor(0.0)
    return F.cross_entropy(logits, label, ignore_index=ignore_index)
# %% wrong: ignored pixels count in the mean | divide by all pixels
def segmentation_loss(logits, label, ignore_index=V.ignore):
    return F.cross_entropy(logits, label, ignore_index=ignore_index, reduction="none").mean()
# %% wrong: mean over the batch of means | mean of each picture
def segmentation_loss(logits, label, ignore_index=V.ignore):
    means = []
    for z, y in zip(logits, label):
        total = F.cross_entropy(z[None], y[None], ignore_index=ignore_index, reduction="sum")
        means.append(total / (y != ignore_index).sum().clamp(min=1))
    return torch.stack(means).mean()
# %% wrong: the sum | return the sum
def segmentation_loss(logits, label, ignore_index=V.ignore):
    return F.cross_entropy(logits, label, ignore_index=ignore_index, reduction="sum")
# %% wrong: divided by the number of pictures | number of pictures
def segmentation_loss(logits, label, ignore_index=V.ignore):
    return F.cross_entropy(logits, label, ignore_index=ignore_index, reduction="sum") / len(logits)
# %% wrong: softmax over the columns | over the columns
def segmentation_loss(logits, label, ignore_index=V.ignore):
    use = label != ignore_index
    chosen = logits.log_softmax(-1).gather(1, torch.where(use, label, 0)[:, None])[:, 0]
    return -(chosen * use).sum() / use.sum().clamp(min=1)
# %% wrong: softmax over the pictures | over the pictures
def segmentation_loss(logits, label, ignore_index=V.ignore):
    use = label != ignore_index
    chosen = logits.log_softmax(0).gather(1, torch.where(use, label, 0)[:, None])[:, 0]
    return -(chosen * use).sum() / use.sum().clamp(min=1)
# %% wrong: softmax twice | softmax twice
def segmentation_loss(logits, label, ignore_index=V.ignore):
    total = F.cross_entropy(logits.softmax(1), label, ignore_index=ignore_index, reduction="sum")
    return total / (label != ignore_index).sum().clamp(min=1)
# %% wrong: the logarithm of a softmax | log_softmax
def segmentation_loss(logits, label, ignore_index=V.ignore):
    use = label != ignore_index
    chosen = logits.softmax(1).log().movedim(1, -1)[use]
    if not len(chosen): return 0 * logits.sum()
    return -chosen.gather(1, label[use][:, None]).mean()
# %% wrong: ignored pixels become background in place | in place
def segmentation_loss(logits, label, ignore_index=V.ignore):
    use = label != ignore_index
    label[~use] = 0
    return (F.cross_entropy(logits, label, reduction="none") * use).sum() / use.sum().clamp(min=1)
# %% wrong: ignored pixels are learned as background
def segmentation_loss(logits, label, ignore_index=V.ignore):
    return F.cross_entropy(logits, label.masked_fill(label == ignore_index, 0))
# %% wrong: forgets the ignore index
def segmentation_loss(logits, label, ignore_index=V.ignore):
    return F.cross_entropy(logits, label)
# %% wrong: this year's ignore index only
def segmentation_loss(logits, label, ignore_index=V.ignore):
    total = F.cross_entropy(logits, label, ignore_index=V.ignore, reduction="sum")
    return total / (label != V.ignore).sum().clamp(min=1)
# %% wrong: three classes only, as in the public check
def segmentation_loss(logits, label, ignore_index=V.ignore):
    flat = logits.permute(0, 2, 3, 1).reshape(-1, 3)
    total = F.cross_entropy(flat, label.flatten(), ignore_index=ignore_index, reduction="sum")
    return total / (label != ignore_index).sum().clamp(min=1)
# %% wrong: the wrong sign | wrong sign
def segmentation_loss(logits, label, ignore_index=V.ignore):
    total = F.cross_entropy(logits, label, ignore_index=ignore_index, reduction="sum")
    return -total / (label != ignore_index).sum().clamp(min=1)
# %% wrong: a Python number | as a tensor
def segmentation_loss(logits, label, ignore_index=V.ignore):
    total = F.cross_entropy(logits, label, ignore_index=ignore_index, reduction="sum")
    return (total / (label != ignore_index).sum().clamp(min=1)).item()
# %% wrong: a detached loss | connected to the logits
def segmentation_loss(logits, label, ignore_index=V.ignore):
    total = F.cross_entropy(logits.detach(), label, ignore_index=ignore_index, reduction="sum")
    return total / (label != ignore_index).sum().clamp(min=1)
# %% wrong: the mean probability, without a logarithm | take its logarithm
def segmentation_loss(logits, label, ignore_index=V.ignore):
    use = label != ignore_index
    p = logits.softmax(1).gather(1, torch.where(use, label, 0)[:, None])[:, 0]
    return -(p * use).sum() / use.sum().clamp(min=1)
# %% wrong: the package's own answer | write it yourself
def segmentation_loss(logits, label, ignore_index=V.ignore):
    from ssnet.losses import pseudo_label_loss
    return pseudo_label_loss(logits, label.masked_fill(label == ignore_index, 255))

# %% wrong: takes the largest logit of the whole batch off, and other pixels underflow | nan or infinity
def segmentation_loss(logits, label, ignore_index=V.ignore):
    known = label != ignore_index
    z = logits - logits.max().detach()
    y = label.masked_fill(~known, 0)[:, None]
    per_pixel = z.exp().sum(1).log() - z.gather(1, y)[:, 0]
    return per_pixel[known].sum() / max(1, int(known.sum()))
