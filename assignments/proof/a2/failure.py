import math

import checks
import numpy as np
import torch
import torch.nn.functional as F
from checks import V

# %% right: masks of all pictures at once
def failure(maps, objects, threshold, edges):
    counted, obj = objects != V.ignore_index, objects == 1
    found = (maps > threshold) & counted
    size = obj.sum((1, 2)) / counted.sum((1, 2))
    rows = []
    for low, high in zip(edges[:-1], edges[1:]):
        here = (size >= low) & (size < high)
        both = (found & obj)[here].sum()
        rows.append(torch.stack([here.sum(), both / obj[here].sum(), both / found[here].sum()]))
    return torch.stack(rows)

# %% right: counts for each picture, then loops in plain Python
def failure(maps, objects, threshold, edges):
    table = []
    for low, high in zip(edges, edges[1:]):
        pictures = hit = true = found = 0
        for m, o in zip(maps, objects):
            keep = o != V.ignore_index
            m, o = m[keep] > threshold, o[keep] == 1
            if low <= o.sum().item() / o.numel() < high:
                pictures += 1
                hit, true, found = hit + int((m & o).sum()), true + int(o.sum()), found + int(m.sum())
        table.append([pictures, hit / true if true else float("nan"), hit / found if found else float("nan")])
    return torch.tensor(table)

# %% right: NumPy with digitize
def failure(maps, objects, threshold, edges):
    m, o = maps.numpy(), objects.numpy()
    keep = o != V.ignore_index
    found, true = (m > threshold) & keep, o == 1
    counts = np.stack([(found & true).sum((1, 2)), true.sum((1, 2)), found.sum((1, 2))], 1).astype(float)
    group = np.digitize(counts[:, 1] / keep.sum((1, 2)), edges) - 1
    table = np.full((len(edges) - 1, 3), np.nan)
    for g in range(len(table)):
        hit, obj, got = counts[group == g].sum(0)
        table[g] = (group == g).sum(), hit / obj if obj else np.nan, hit / got if got else np.nan
    return torch.from_numpy(table)

# %% right: a list of lists of tensors, the undecided pixels multiplied out
def failure(maps, objects, threshold, edges):
    keep = (objects != V.ignore_index).float()
    obj, found = (objects == 1) * keep, (maps > threshold) * keep
    share = obj.flatten(1).sum(1) / keep.flatten(1).sum(1)
    table = []
    for g in range(len(edges) - 1):
        pick = (edges[g] <= share) & (share < edges[g + 1])
        hit = (obj * found)[pick].sum()
        table.append([pick.sum(), hit / obj[pick].sum(), hit / found[pick].sum()])
    return table

# %% right: membership matrix and einsum
def failure(maps, objects, threshold, edges):
    e = torch.as_tensor(edges, dtype=torch.float64)
    known = (objects != V.ignore_index).double()
    thing = (objects == 1).double()
    found = (maps > threshold).double() * known
    share = thing.flatten(1).sum(1) / known.flatten(1).sum(1)
    member = ((share[None] >= e[:-1, None]) & (share[None] < e[1:, None])).double()      # (G, N)
    numbers = torch.einsum("gn,knhw->gk", member, torch.stack([thing * found, thing, found]))
    both, things, founds = numbers.unbind(1)
    return torch.stack([member.sum(1), both / things, both / founds], dim=1)

# %% right: undecided pixels get a map value below every threshold, on a copy
def failure(maps, objects, threshold, edges):
    maps, objects = maps.clone(), objects.clone().long()
    undecided = objects == V.ignore_index
    maps[undecided] = -math.inf
    objects[undecided] = 0
    found = (maps > threshold).long()
    size = objects.sum((1, 2)).double() / (~undecided).sum((1, 2))
    which = [[n for n, s in enumerate(size.tolist()) if a <= s < b] for a, b in zip(edges, edges[1:])]
    return torch.stack([torch.stack([torch.tensor(float(len(w))), (found * objects)[w].sum() / objects[w].sum(),
                                     (found * objects)[w].sum() / found[w].sum()]) for w in which])

# %% wrong: recall and precision exchanged | exchanged
def failure(maps, objects, threshold, edges):
    counted, obj = objects != V.ignore_index, objects == 1
    found = (maps > threshold) & counted
    size, rows = obj.sum((1, 2)) / counted.sum((1, 2)), []
    for low, high in zip(edges[:-1], edges[1:]):
        here = (size >= low) & (size < high)
        both = (found & obj)[here].sum()
        rows.append(torch.stack([here.sum(), both / found[here].sum(), both / obj[here].sum()]))
    return torch.stack(rows)

# %% wrong: mean over the pictures | mean over the pictures
def failure(maps, objects, threshold, edges):
    counted, obj = objects != V.ignore_index, objects == 1
    found = (maps > threshold) & counted
    size, rows = obj.sum((1, 2)) / counted.sum((1, 2)), []
    both = (found & obj).sum((1, 2))
    recall, precision = both / obj.sum((1, 2)), both / found.sum((1, 2))
    for low, high in zip(edges[:-1], edges[1:]):
        here = (size >= low) & (size < high)
        rows.append(torch.stack([here.sum(), recall[here].nanmean(), precision[here].nanmean()]))
    return torch.stack(rows)

# %% wrong: ≥ for > | exactly at the threshold
def failure(maps, objects, threshold, edges):
    counted, obj = objects != V.ignore_index, objects == 1
    found = (maps >= threshold) & counted
    size, rows = obj.sum((1, 2)) / counted.sum((1, 2)), []
    for low, high in zip(edges[:-1], edges[1:]):
        here = (size >= low) & (size < high)
        both = (found & obj)[here].sum()
        rows.append(torch.stack([here.sum(), both / obj[here].sum(), both / found[here].sum()]))
    return torch.stack(rows)

# %% wrong: undecided pixels counted as background | count as background
def failure(maps, objects, threshold, edges):
    counted, obj = objects != V.ignore_index, objects == 1
    found = maps > threshold
    size, rows = obj.sum((1, 2)) / counted.sum((1, 2)), []
    for low, high in zip(edges[:-1], edges[1:]):
        here = (size >= low) & (size < high)
        both = (found & obj)[here].sum()
        rows.append(torch.stack([here.sum(), both / obj[here].sum(), both / found[here].sum()]))
    return torch.stack(rows)

# %% wrong: undecided pixels counted as object | count as object
def failure(maps, objects, threshold, edges):
    obj, found = objects > 0, maps > threshold
    size, rows = obj.float().mean((1, 2)), []
    for low, high in zip(edges[:-1], edges[1:]):
        here = (size >= low) & (size < high)
        both = (found & obj)[here].sum()
        rows.append(torch.stack([here.sum(), both / obj[here].sum(), both / found[here].sum()]))
    return torch.stack(rows)

# %% wrong: undecided pixels counted for the size | divide by the counted pixels
def failure(maps, objects, threshold, edges):
    counted, obj = objects != V.ignore_index, objects == 1
    found = (maps > threshold) & counted
    size, rows = obj.float().mean((1, 2)), []
    for low, high in zip(edges[:-1], edges[1:]):
        here = (size >= low) & (size < high)
        both = (found & obj)[here].sum()
        rows.append(torch.stack([here.sum(), both / obj[here].sum(), both / found[here].sum()]))
    return torch.stack(rows)

# %% wrong: the size in pixels | numbers of pixels
def failure(maps, objects, threshold, edges):
    counted, obj = objects != V.ignore_index, objects == 1
    found = (maps > threshold) & counted
    size, rows = obj.sum((1, 2)), []
    for low, high in zip(edges[:-1], edges[1:]):
        here = (size >= low) & (size < high)
        both = (found & obj)[here].sum()
        rows.append(torch.stack([here.sum(), both / obj[here].sum(), both / found[here].sum()]))
    return torch.stack(rows)

# %% wrong: grouped by what was found | what the map found
def failure(maps, objects, threshold, edges):
    counted, obj = objects != V.ignore_index, objects == 1
    found = (maps > threshold) & counted
    size, rows = found.sum((1, 2)) / counted.sum((1, 2)), []
    for low, high in zip(edges[:-1], edges[1:]):
        here = (size >= low) & (size < high)
        both = (found & obj)[here].sum()
        rows.append(torch.stack([here.sum(), both / obj[here].sum(), both / found[here].sum()]))
    return torch.stack(rows)

# %% wrong: the lower edge in the group below | wrong group
def failure(maps, objects, threshold, edges):
    counted, obj = objects != V.ignore_index, objects == 1
    found = (maps > threshold) & counted
    size, rows = obj.sum((1, 2)) / counted.sum((1, 2)), []
    for low, high in zip(edges[:-1], edges[1:]):
        here = (size > low) & (size <= high)
        both = (found & obj)[here].sum()
        rows.append(torch.stack([here.sum(), both / obj[here].sum(), both / found[here].sum()]))
    return torch.stack(rows)

# %% wrong: 0/0 counts as 0 | 0/0 became 0
def failure(maps, objects, threshold, edges):
    counted, obj = objects != V.ignore_index, objects == 1
    found = (maps > threshold) & counted
    size, rows = obj.sum((1, 2)) / counted.sum((1, 2)), []
    for low, high in zip(edges[:-1], edges[1:]):
        here = (size >= low) & (size < high)
        both = (found & obj)[here].sum()
        true, got = obj[here].sum().clamp(min=1), found[here].sum().clamp(min=1)
        rows.append(torch.stack([here.sum(), both / true, both / got]))
    return torch.stack(rows)

# %% wrong: an epsilon turns 0/0 into 0 | 0/0 became 0
def failure(maps, objects, threshold, edges):
    counted, obj = objects != V.ignore_index, objects == 1
    found = (maps > threshold) & counted
    size, rows = obj.sum((1, 2)) / counted.sum((1, 2)), []
    for low, high in zip(edges[:-1], edges[1:]):
        here = (size >= low) & (size < high)
        both = (found & obj)[here].sum()
        rows.append(torch.stack([here.sum(), both / (obj[here].sum() + 1e-8), both / (found[here].sum() + 1e-8)]))
    return torch.stack(rows)

# %% wrong: the threshold is a constant of one's own | `threshold` has no effect
def failure(maps, objects, threshold, edges):
    counted, obj = objects != V.ignore_index, objects == 1
    found = (maps > V.high) & counted
    size, rows = obj.sum((1, 2)) / counted.sum((1, 2)), []
    for low, high in zip(edges[:-1], edges[1:]):
        here = (size >= low) & (size < high)
        both = (found & obj)[here].sum()
        rows.append(torch.stack([here.sum(), both / obj[here].sum(), both / found[here].sum()]))
    return torch.stack(rows)

# %% wrong: two groups only
def failure(maps, objects, threshold, edges):
    counted, obj = objects != V.ignore_index, objects == 1
    found = (maps > threshold) & counted
    small, rows = obj.sum((1, 2)) / counted.sum((1, 2)) < edges[1], []
    for here in (small, ~small):
        both = (found & obj)[here].sum()
        rows.append(torch.stack([here.sum(), both / obj[here].sum(), both / found[here].sum()]))
    return torch.stack(rows)

# %% wrong: an empty group is skipped
def failure(maps, objects, threshold, edges):
    counted, obj = objects != V.ignore_index, objects == 1
    found = (maps > threshold) & counted
    size, rows = obj.sum((1, 2)) / counted.sum((1, 2)), []
    for low, high in zip(edges[:-1], edges[1:]):
        here = (size >= low) & (size < high)
        both = (found & obj)[here].sum()
        if here.any(): rows.append(torch.stack([here.sum(), both / obj[here].sum(), both / found[here].sum()]))
    return torch.stack(rows)

# %% wrong: undecided pixels overwritten in place | in place
def failure(maps, objects, threshold, edges):
    counted, obj = objects != V.ignore_index, objects == 1
    maps[~counted] = 0
    found = maps > threshold
    size, rows = obj.sum((1, 2)) / counted.sum((1, 2)), []
    for low, high in zip(edges[:-1], edges[1:]):
        here = (size >= low) & (size < high)
        both = (found & obj)[here].sum()
        rows.append(torch.stack([here.sum(), both / obj[here].sum(), both / found[here].sum()]))
    return torch.stack(rows)

# %% wrong: NumPy's histogram, whose last group has its right edge inside | as large as the last edge
def failure(maps, objects, threshold, edges):
    m, o, edges = maps.numpy(), objects.numpy(), np.asarray(edges, dtype=float)
    known, thing = o != V.ignore_index, o == 1
    found = (m > threshold) & known
    size = thing.sum((1, 2)) / known.sum((1, 2))
    add = lambda x: np.histogram(size, bins=edges, weights=x.sum((1, 2)).astype(float))[0]
    with np.errstate(all="ignore"):
        return np.stack([np.histogram(size, bins=edges)[0], add(thing & found) / add(thing),
                         add(thing & found) / add(found)], axis=1)

# %% wrong: an object of size 0 is left out | size 0 belongs to the group
def failure(maps, objects, threshold, edges):
    known, thing = objects != V.ignore_index, objects == 1
    found = (maps > threshold) & known
    size = thing.sum((1, 2)) / known.sum((1, 2))
    rows = []
    for low, high in zip(edges[:-1], edges[1:]):
        g = (size >= low) & (size < high) & (size > 0)
        both = (thing & found)[g].sum()
        rows.append(torch.stack([g.sum(), both / thing[g].sum(), both / found[g].sum()]))
    return torch.stack(rows)

# %% wrong: pixels counted in uint8 | run over at 256
def failure(maps, objects, threshold, edges):
    o = objects.numpy().astype(np.uint8)
    known, thing = o != V.ignore_index, (o == 1).astype(np.uint8)
    found = ((maps.numpy() > threshold) & known).astype(np.uint8)
    count = lambda x: x.sum(axis=(1, 2), dtype=np.uint8).astype(float)
    things, founds, both = count(thing), count(found), count(thing * found)
    size = things / known.sum(axis=(1, 2))
    rows = []
    for low, high in zip(edges[:-1], edges[1:]):
        g = (size >= low) & (size < high)
        with np.errstate(all="ignore"):
            rows.append([g.sum(), both[g].sum() / things[g].sum(), both[g].sum() / founds[g].sum()])
    return np.array(rows, dtype=float)

# %% wrong: the last group has no upper end | beyond the last edge
def failure(maps, objects, threshold, edges):
    known, thing = objects != V.ignore_index, objects == 1
    found = (maps > threshold) & known
    size = thing.sum((1, 2)) / known.sum((1, 2))
    rows = []
    for k, low in enumerate(edges[:-1]):
        g = size >= low
        if k + 2 < len(edges): g = g & (size < edges[k + 1])
        both = (thing & found)[g].sum()
        rows.append(torch.stack([g.sum(), both / thing[g].sum(), both / found[g].sum()]))
    return torch.stack(rows)
