import math

import checks
import numpy as np
import torch
import torch.nn.functional as F
from checks import V

# %% right: the strongest class of the normalised maps
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    top = a.amax((2, 3), keepdim=True)
    a = a / torch.where(top > 0, top, 1) * tags[:, :, None, None]
    s, c = a.max(1)
    label = torch.where(s > high, c + 1, ignore)
    return torch.where(s < low, 0, label)

# %% right: one pixel after the other
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    B, C, h, w = cams.shape
    label = torch.zeros(B, h, w, dtype=torch.long)
    for n in range(B):
        for y in range(h):
            for x in range(w):
                best, number = 0.0, 0
                for c in range(C):
                    top = max(0.0, float(cams[n, c].max()))
                    value = max(0.0, float(cams[n, c, y, x])) / top if top > 0 else 0.0
                    if tags[n, c] and value > best: best, number = value, c + 1
                label[n, y, x] = number if best > high else 0 if best < low else ignore
    return label

# %% right: a background map that is always there, assignments by mask
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = F.relu(cams)
    a = a / a.flatten(2).max(2).values.clamp(min=1e-12)[:, :, None, None]
    a = a.masked_fill(tags[:, :, None, None] == 0, 0)
    s, label = torch.max(a, dim=1)
    label = label + 1
    label[s <= high] = ignore
    label[s < low] = 0
    return label

# %% right: NumPy, picture by picture
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    labels = []
    for maps, tag in zip(cams.numpy(), tags.numpy()):
        a = np.maximum(maps, 0)
        top = a.max((1, 2), keepdims=True)
        a = np.divide(a, top, out=np.zeros_like(a), where=top > 0)
        a[tag == 0] = -1
        s = np.maximum(a.max(0), 0)
        labels.append(np.select([s < low, s > high], [0, a.argmax(0) + 1], ignore))
    return torch.from_numpy(np.stack(labels))

# %% right: the picture's tagged maps only, numbers looked up
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    out = []
    for maps, tag in zip(cams, tags):
        numbers = torch.nonzero(tag).flatten()
        if len(numbers) == 0:
            out.append(torch.zeros(maps.shape[1:], dtype=torch.long))
            continue
        kept = F.relu(maps[numbers])
        top = kept.flatten(1).max(1).values.view(-1, 1, 1)
        kept = kept / torch.where(top > 0, top, torch.ones_like(top))
        s, place = kept.max(0)
        y = numbers[place] + 1
        y[s <= high] = ignore
        y[s < low] = 0
        out.append(y)
    return torch.stack(out)

# %% right: a further map in front for the background, of −∞
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    B, C, h, w = cams.shape
    a = cams.double().clamp_min(0).reshape(B, C, -1)
    m = a.max(-1, keepdim=True).values
    a = torch.where(m > 0, a / m.masked_fill(m == 0, 1), 0.0)
    a = a.masked_fill(~(tags.reshape(B, C, 1) != 0), -math.inf)
    a = torch.cat([torch.full((B, 1, h * w), -math.inf, dtype=a.dtype), a], dim=1)
    s, number = a.max(1)
    y = torch.where(s > high, number, ignore)
    y = torch.where(s < low, 0, y)
    return y.reshape(B, h, w)

# %% wrong: ≥ for > | exactly at `high`
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    a = a / a.amax((2, 3), keepdim=True).clamp(min=1e-9) * tags[:, :, None, None]
    s, c = a.max(1)
    return torch.where(s >= high, c + 1, torch.where(s < low, 0, ignore))

# %% wrong: ≤ for < | exactly at `low`
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    a = a / a.amax((2, 3), keepdim=True).clamp(min=1e-9) * tags[:, :, None, None]
    s, c = a.max(1)
    return torch.where(s > high, c + 1, torch.where(s <= low, 0, ignore))

# %% wrong: both thresholds on the wrong side | both thresholds
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    a = a / a.amax((2, 3), keepdim=True).clamp(min=1e-9) * tags[:, :, None, None]
    s, c = a.max(1)
    return torch.where(s >= high, c + 1, torch.where(s <= low, 0, ignore))

# %% wrong: tag used as class number | class number c + 1
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    a = a / a.amax((2, 3), keepdim=True).clamp(min=1e-9) * tags[:, :, None, None]
    s, c = a.max(1)
    return torch.where(s > high, c, torch.where(s < low, 0, ignore))

# %% wrong: one maximum for the batch | over the batch
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    a = a / a.amax((0, 2, 3), keepdim=True).clamp(min=1e-9) * tags[:, :, None, None]
    s, c = a.max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, ignore))

# %% wrong: one maximum for all classes | one maximum
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    a = a / a.amax((1, 2, 3), keepdim=True).clamp(min=1e-9) * tags[:, :, None, None]
    s, c = a.max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, ignore))

# %% wrong: one maximum, after the absent classes are out | one maximum
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0) * tags[:, :, None, None]
    a = a / a.amax((1, 2, 3), keepdim=True).clamp(min=1e-9)
    s, c = a.max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, ignore))

# %% wrong: not normalised | raw map
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    s, c = (cams.clamp(min=0) * tags[:, :, None, None]).max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, ignore))

# %% wrong: stretched from the minimum in place of the cut at 0
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams - cams.amin((2, 3), keepdim=True)
    a = a / a.amax((2, 3), keepdim=True).clamp(min=1e-9) * tags[:, :, None, None]
    s, c = a.max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, ignore))

# %% wrong: absolute value in place of the cut at 0 | absolute value
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.abs()
    a = a / a.amax((2, 3), keepdim=True).clamp(min=1e-9) * tags[:, :, None, None]
    s, c = a.max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, ignore))

# %% wrong: the cut at 0 after the division | before you divide
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    top = cams.amax((2, 3), keepdim=True)
    a = (cams / torch.where(top == 0, 1, top)).clamp(min=0) * tags[:, :, None, None]
    s, c = a.max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, ignore))

# %% wrong: stretched from the minimum after the cut | leave its minimum
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    a = a - a.amin((2, 3), keepdim=True)
    a = a / a.amax((2, 3), keepdim=True).clamp(min=1e-9) * tags[:, :, None, None]
    s, c = a.max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, ignore))

# %% wrong: one class after the other, so that a later one overwrites a stronger one
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    a = a / a.amax((2, 3), keepdim=True).clamp(min=1e-9) * tags[:, :, None, None]
    label = torch.where(a.amax(1) < low, 0, ignore)
    for c in range(a.shape[1]): label[a[:, c] > high] = c + 1
    return label

# %% wrong: 0/0 where a map is 0 everywhere | 0/0
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    a = a / a.amax((2, 3), keepdim=True) * tags[:, :, None, None]
    s, c = a.max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, ignore))

# %% wrong: tags forgotten | tags exclude
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    a = a / a.amax((2, 3), keepdim=True).clamp(min=1e-9)
    s, c = a.max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, ignore))

# %% wrong: absent classes become background after the choice | remove them before
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    a = a / a.amax((2, 3), keepdim=True).clamp(min=1e-9)
    s, c = a.max(1)
    label = torch.where(s > high, c + 1, torch.where(s < low, 0, ignore))
    for n in range(len(cams)):
        for place in range(cams.shape[1]):
            if not tags[n, place]: label[n][label[n] == place + 1] = 0
    return label

# %% wrong: no ignore band | no ignore band
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    a = a / a.amax((2, 3), keepdim=True).clamp(min=1e-9) * tags[:, :, None, None]
    s, c = a.max(1)
    return torch.where(s > high, c + 1, 0)

# %% wrong: background and undecided exchanged | exchanged
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    a = a / a.amax((2, 3), keepdim=True).clamp(min=1e-9) * tags[:, :, None, None]
    s, c = a.max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, ignore, 0))

# %% wrong: the undecided number is a constant of one's own | `ignore` has no effect
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    a = a / a.amax((2, 3), keepdim=True).clamp(min=1e-9) * tags[:, :, None, None]
    s, c = a.max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, V.ignore_index))

# %% wrong: the thresholds are constants of one's own | have no effect
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    a = a / a.amax((2, 3), keepdim=True).clamp(min=1e-9) * tags[:, :, None, None]
    s, c = a.max(1)
    return torch.where(s > V.high, c + 1, torch.where(s < V.low, 0, ignore))

# %% wrong: the last of equally strong classes | take the lower number
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    a = a / a.amax((2, 3), keepdim=True).clamp(min=1e-9) * tags[:, :, None, None]
    label = torch.zeros(a[:, 0].shape, dtype=torch.long)
    s = a.amax(1)
    for c in range(a.shape[1]): label = torch.where(a[:, c] == s, c + 1, label)
    return torch.where(s > high, label, torch.where(s < low, 0, ignore))

# %% wrong: softmax over the classes
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    s, c = cams.masked_fill(tags[:, :, None, None] == 0, -1e9).softmax(1).max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, ignore))

# %% wrong: the first picture for all
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams[0].clamp(min=0)
    a = a / a.amax((1, 2), keepdim=True).clamp(min=1e-9) * tags[0][:, None, None]
    s, c = a.max(0)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, ignore)).expand(len(cams), -1, -1)

# %% wrong: cut at 0 in place | in place
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp_(min=0)
    a = a / a.amax((2, 3), keepdim=True).clamp(min=1e-9) * tags[:, :, None, None]
    s, c = a.max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, ignore))

# %% wrong: the package's pseudo labels | ssnet.pseudo
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    from ssnet.pseudo import label_from, restrict_to_tags
    z = torch.cat([torch.zeros_like(cams[:, :1]), cams], 1)
    return torch.tensor(label_from(restrict_to_tags(z, tags), high))

# %% wrong: the maximum is never taken below 1 | a weak map became background
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    a = a / a.amax((2, 3), keepdim=True).clamp(min=1)
    a = a.masked_fill(tags[:, :, None, None] == 0, -1)
    s, c = a.max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, ignore))

# %% wrong: divided by the largest absolute value | largest absolute value
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    top = cams.abs().amax((2, 3), keepdim=True).clamp(min=1e-12)
    a = cams.clamp(min=0) / top
    a = a.masked_fill(tags[:, :, None, None] == 0, -1)
    s, c = a.max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, ignore))

# %% wrong: labels in uint8, so that −1 becomes 255 | your labels are uint8
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    a = torch.nan_to_num(a / a.amax((2, 3), keepdim=True)).masked_fill(tags[:, :, None, None] == 0, -1)
    s, c = a.max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, ignore)).to(torch.uint8)

# %% wrong: an undecided number of 0 is taken for not given | it is 0 here
def seeds(cams, tags, high=None, low=None, ignore=None):
    high, low, ignore = high or V.high, low or V.low, ignore or V.ignore_index
    a = cams.clamp(min=0)
    a = torch.nan_to_num(a / a.amax((2, 3), keepdim=True)).masked_fill(tags[:, :, None, None] == 0, -1)
    s, c = a.max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, ignore))

# %% wrong: a maximum below 1e-3 counts as nothing | a weak map became background
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    top = a.amax((2, 3), keepdim=True)
    a = torch.where(top > 1e-3, a / top, 0.0).masked_fill(tags[:, :, None, None] == 0, -1)
    s, c = a.max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, ignore))

# %% wrong: one map of zeros throws everything away | spoils the whole picture
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = cams.clamp(min=0)
    top = a.amax((2, 3), keepdim=True)
    if (top == 0).any():
        return torch.zeros(cams.shape[0], *cams.shape[2:], dtype=torch.long)
    a = (a / top).masked_fill(tags[:, :, None, None] == 0, -1)
    s, c = a.max(1)
    return torch.where(s > high, c + 1, torch.where(s < low, 0, ignore))

# %% wrong: a small number added to the maximum, as much code has it | you add 1e-05 to the maximum
def seeds(cams, tags, high=V.high, low=V.low, ignore=V.ignore_index):
    a = torch.relu(cams)
    a = a / (a.amax(dim=(-2, -1), keepdim=True) + 1e-5) * tags.unsqueeze(-1).unsqueeze(-1)
    s, label = a.max(dim=1)
    label = (label + 1) * (s > high)
    label[(s >= low) & (s <= high)] = ignore
    return label.float()
