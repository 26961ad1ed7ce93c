import checks
import numpy as np
import torch
import torch.nn.functional as F
from checks import V

# %% right: the classes that occur
def miou(matrices, background=True):
    n = matrices.sum(0)
    both = n.diagonal()
    union = n.sum(0) + n.sum(1) - both
    occurs = union > 0
    if not background: occurs[0] = False
    return (both[occurs] / union[occurs]).mean()

# %% right: nanmean
def miou(matrices, background=True):
    n = matrices.sum(0).double()
    iou = n.diag() / (n.sum(0) + n.sum(1) - n.diag())
    return (iou if background else iou[1:]).nanmean()

# %% right: one class after the other
def miou(matrices, background=True):
    total = sum(m for m in matrices).tolist()
    values = []
    for c in range(0 if background else 1, len(total)):
        true, predicted = sum(total[c]), sum(row[c] for row in total)
        if true + predicted: values.append(total[c][c] / (true + predicted - total[c][c]))
    return sum(values) / len(values)

# %% right: NumPy
def miou(matrices, background=True):
    n = np.asarray(matrices).sum(axis=0)
    tp = np.diag(n)
    fp, fn = n.sum(0) - tp, n.sum(1) - tp
    with np.errstate(invalid="ignore"): iou = tp / (tp + fp + fn)
    return np.nanmean(iou[0 if background else 1:])

# %% right: the IoU through Dice
def miou(matrices, background=True):
    n = matrices.sum(0).numpy()
    result = []
    for c in range(n.shape[0]):
        if c == 0 and not background: continue
        size = n[c, :].sum() + n[:, c].sum()
        if size:
            dice = 2 * n[c, c] / size
            result.append(dice / (2 - dice))
    return float(np.array(result).mean())

# %% wrong: mean over the pictures | mean over the pictures
def miou(matrices, background=True):
    values = []
    for n in matrices.double():
        iou = n.diag() / (n.sum(0) + n.sum(1) - n.diag())
        values.append((iou if background else iou[1:]).nanmean())
    return torch.stack(values).nanmean()

# %% wrong: mean over the pictures, class by class | over the pictures
def miou(matrices, background=True):
    n = matrices.double()
    both = n.diagonal(dim1=1, dim2=2)
    iou = (both / (n.sum(1) + n.sum(2) - both)).nanmean(0)
    return (iou if background else iou[1:]).nanmean()

# %% wrong: the true pixels twice in the union
def miou(matrices, background=True):
    n = matrices.sum(0).double()
    iou = n.diag() / (2 * n.sum(1) - n.diag())
    return (iou if background else iou[1:]).nanmean()

# %% wrong: the IoU of each class, and no mean | shape
def miou(matrices, background=True):
    n = matrices.sum(0).double()
    iou = n.diag() / (n.sum(0) + n.sum(1) - n.diag())
    return iou if background else iou[1:]

# %% wrong: classes that occur nowhere count as 0 | counts as 0
def miou(matrices, background=True):
    n = matrices.sum(0).double()
    iou = n.diag() / (n.sum(0) + n.sum(1) - n.diag()).clamp(min=1)
    return (iou if background else iou[1:]).mean()

# %% wrong: classes that occur nowhere count as 1 | counts as 1
def miou(matrices, background=True):
    n = matrices.sum(0).double()
    iou = (n.diag() / (n.sum(0) + n.sum(1) - n.diag())).nan_to_num(1)
    return (iou if background else iou[1:]).mean()

# %% wrong: an epsilon above and below counts absent classes as 1 | counts as 1
def miou(matrices, background=True):
    n = matrices.sum(0).double()
    iou = (n.diag() + 1e-6) / (n.sum(0) + n.sum(1) - n.diag() + 1e-6)
    return (iou if background else iou[1:]).mean()

# %% wrong: nan | nan
def miou(matrices, background=True):
    n = matrices.sum(0).double()
    iou = n.diag() / (n.sum(0) + n.sum(1) - n.diag())
    return (iou if background else iou[1:]).mean()

# %% wrong: classes that are not true are left out | predicted but never true
def miou(matrices, background=True):
    n = matrices.sum(0).double()
    iou = n.diag() / (n.sum(0) + n.sum(1) - n.diag())
    iou[n.sum(1) == 0] = float("nan")
    return (iou if background else iou[1:]).nanmean()

# %% wrong: classes that are not predicted are left out | true but never predicted
def miou(matrices, background=True):
    n = matrices.sum(0).double()
    iou = n.diag() / (n.sum(0) + n.sum(1) - n.diag())
    iou[n.sum(0) == 0] = float("nan")
    return (iou if background else iou[1:]).nanmean()

# %% wrong: only classes with a hit are averaged | intersection is empty
def miou(matrices, background=True):
    n = matrices.sum(0).double()
    iou = n.diag() / (n.sum(0) + n.sum(1) - n.diag())
    iou = iou if background else iou[1:]
    return iou[iou > 0].mean()

# %% wrong: recall | recall
def miou(matrices, background=True):
    n = matrices.sum(0).double()
    recall = n.diag() / n.sum(1)
    return (recall if background else recall[1:]).nanmean()

# %% wrong: precision | precision
def miou(matrices, background=True):
    n = matrices.sum(0).double()
    precision = n.diag() / n.sum(0)
    return (precision if background else precision[1:]).nanmean()

# %% wrong: intersection twice in the union | twice
def miou(matrices, background=True):
    n = matrices.sum(0).double()
    iou = n.diag() / (n.sum(0) + n.sum(1))
    return (iou if background else iou[1:]).nanmean()

# %% wrong: Dice | Dice
def miou(matrices, background=True):
    n = matrices.sum(0).double()
    dice = 2 * n.diag() / (n.sum(0) + n.sum(1))
    return (dice if background else dice[1:]).nanmean()

# %% wrong: share of right pixels | share of right pixels
def miou(matrices, background=True):
    n = matrices.sum(0).double()
    return n.diag().sum() / n.sum()

# %% wrong: background switch ignored | changes nothing
def miou(matrices, background=True):
    n = matrices.sum(0).double()
    return (n.diag() / (n.sum(0) + n.sum(1) - n.diag())).nanmean()

# %% wrong: background's row and column deleted | deleted the background's row
def miou(matrices, background=True):
    n = matrices.sum(0).double()
    if not background: n = n[1:, 1:]
    return (n.diag() / (n.sum(0) + n.sum(1) - n.diag())).nanmean()

# %% wrong: three classes only
def miou(matrices, background=True):
    n = matrices.sum(0).double()[:3, :3]
    iou = n.diag() / (n.sum(0) + n.sum(1) - n.diag())
    return (iou if background else iou[1:]).nanmean()

# %% wrong: divided by 21 classes
def miou(matrices, background=True):
    n = matrices.sum(0).double()
    iou = (n.diag() / (n.sum(0) + n.sum(1) - n.diag())).nan_to_num(0)
    return (iou if background else iou[1:]).sum() / 21

# %% wrong: background taken out in place | in place
def miou(matrices, background=True):
    if not background: matrices[:, 0, 0] = 0
    n = matrices.sum(0).double()
    iou = n.diag() / (n.sum(0) + n.sum(1) - n.diag())
    return (iou if background else iou[1:]).nanmean()

# %% wrong: the package's mIoU | ssnet.metrics
def miou(matrices, background=True):
    from ssnet.metrics import ConfusionMatrix
    whole = ConfusionMatrix(matrices.shape[1])
    whole.matrix = matrices.sum(0).numpy()
    return np.nanmean(whole.iou()[0 if background else 1:])

# %% wrong: without background the first class that occurs is dropped | first class that occurs
def miou(matrices, background=True):
    n = matrices.sum(0).double()
    union = n.sum(0) + n.sum(1) - n.diag()
    iou = (n.diag() / union)[union > 0]
    return iou.mean() if background else iou[1:].mean()

# %% wrong: the last picture says which classes occur | one picture alone
def miou(matrices, background=True):
    total = 0
    for m in matrices:
        total = total + m
    present = (m.sum(0) + m.sum(1)) > 0
    ious = []
    for c in range(0 if background else 1, len(total)):
        if present[c]:
            ious.append(total[c, c] / (total[c].sum() + total[:, c].sum() - total[c, c]))
    return sum(ious) / len(ious)

# %% wrong: pictures with a single true class are left out | with one true class
def miou(matrices, background=True):
    kept = [m for m in matrices if (m.sum(1) > 0).sum() > 1] or list(matrices)
    n = sum(kept).double()
    union = n.sum(0) + n.sum(1) - n.diag()
    keep = union > 0
    if not background: keep[0] = False
    return (n.diag()[keep] / union[keep]).mean()
