import checks
import numpy as np
import torch
import torch.nn.functional as F
from checks import V

# %% right: one number for each pair
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    counted = (truth != ignore) & (prediction != ignore)
    pair = truth[counted].long() * num_classes + prediction[counted].long()
    return torch.bincount(pair, minlength=num_classes**2).view(num_classes, num_classes)

# %% right: one pixel after the other
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    matrix = torch.zeros(num_classes, num_classes)
    for p, t in zip(prediction.flatten().tolist(), truth.flatten().tolist()):
        if p != ignore and t != ignore: matrix[t, p] += 1
    return matrix

# %% right: masks for each pair of classes
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    use = (prediction != ignore) & (truth != ignore)
    rows = [[(use & (truth == t) & (prediction == p)).sum() for p in range(num_classes)] for t in range(num_classes)]
    return torch.tensor(rows)

# %% right: product of one-hot matrices
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    use = (prediction != ignore) & (truth != ignore)
    t, p = (F.one_hot(x[use].long(), num_classes) for x in (truth, prediction))
    return t.T @ p

# %% right: NumPy's add.at
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    p, t = prediction.numpy().astype(int).ravel(), truth.numpy().astype(int).ravel()
    use = (p != ignore) & (t != ignore)
    matrix = np.zeros((num_classes, num_classes), dtype=int)
    np.add.at(matrix, (t[use], p[use]), 1)
    return torch.from_numpy(matrix)

# %% wrong: rows and columns exchanged | rows and columns
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    use = (prediction != ignore) & (truth != ignore)
    pair = prediction[use].long() * num_classes + truth[use].long()
    return torch.bincount(pair, minlength=num_classes**2).view(num_classes, num_classes)

# %% wrong: undecided pixels counted as background | undecided pixels as background
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    p, t = (torch.where(x == ignore, 0, x).flatten().long() for x in (prediction, truth))
    return torch.bincount(t * num_classes + p, minlength=num_classes**2).view(num_classes, num_classes)

# %% wrong: undecided predictions counted as background | prediction is undecided
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    use = truth != ignore
    p, t = torch.where(prediction == ignore, 0, prediction)[use].long(), truth[use].long()
    return torch.bincount(t * num_classes + p, minlength=num_classes**2).view(num_classes, num_classes)

# %% wrong: undecided truth counted as background | truth is undecided
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    use = prediction != ignore
    p, t = prediction[use].long(), torch.where(truth == ignore, 0, truth)[use].long()
    return torch.bincount(t * num_classes + p, minlength=num_classes**2).view(num_classes, num_classes)

# %% wrong: undecided pixels not left out | is no class
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    pair = truth.flatten().long() * num_classes + prediction.flatten().long()
    return torch.bincount(pair, minlength=num_classes**2).view(num_classes, num_classes)

# %% wrong: only the truth is asked for undecided pixels | is no class
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    use = truth != ignore
    matrix = torch.zeros(num_classes, num_classes)
    for t, p in zip(truth[use].long(), prediction[use].long()): matrix[t, p] += 1
    return matrix

# %% wrong: numbers below K are counted, whatever `ignore` says | `ignore=0` has no effect
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    use = (truth >= 0) & (truth < num_classes) & (prediction >= 0) & (prediction < num_classes)
    pair = truth[use].long() * num_classes + prediction[use].long()
    return torch.bincount(pair, minlength=num_classes**2).view(num_classes, num_classes)

# %% wrong: the undecided number is a constant of one's own | that are `ignore`
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    use = (truth != V.ignore_index) & (prediction != V.ignore_index)
    pair = truth[use].long() * num_classes + prediction[use].long()
    return torch.bincount(pair, minlength=num_classes**2).view(num_classes, num_classes)

# %% wrong: uint8 overflows | overflows at 256
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    use = (truth != ignore) & (prediction != ignore)
    pair = truth[use] * num_classes + prediction[use]
    return torch.bincount(pair, minlength=num_classes**2).view(num_classes, num_classes)

# %% wrong: three classes only
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    use = (truth != ignore) & (prediction != ignore)
    pair = truth[use].long() * 3 + prediction[use].long()
    return torch.bincount(pair, minlength=9).view(3, 3)

# %% wrong: the number of classes is the largest that occurs
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    use = (truth != ignore) & (prediction != ignore)
    t, p = truth[use].long(), prediction[use].long()
    K = int(max(t.max(), p.max())) + 1
    return torch.bincount(t * K + p, minlength=K * K).view(K, K)

# %% wrong: background left out
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    use = (truth != ignore) & (prediction != ignore) & (truth > 0)
    pair = truth[use].long() * num_classes + prediction[use].long()
    return torch.bincount(pair, minlength=num_classes**2).view(num_classes, num_classes)

# %% wrong: rows divided by their sums | holds counts
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    use = (truth != ignore) & (prediction != ignore)
    pair = truth[use].long() * num_classes + prediction[use].long()
    matrix = torch.bincount(pair, minlength=num_classes**2).view(num_classes, num_classes)
    return matrix / matrix.sum(1, keepdim=True)

# %% wrong: indexing that counts a repeated pair once
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    use = (truth != ignore) & (prediction != ignore)
    matrix = torch.zeros(num_classes, num_classes)
    matrix[truth[use].long(), prediction[use].long()] += 1
    return matrix

# %% wrong: undecided pixels overwritten in place | in place
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    use = (truth != ignore) & (prediction != ignore)
    truth[~use], prediction[~use] = 0, 0
    pair = truth.flatten().long() * num_classes + prediction.flatten().long()
    matrix = torch.bincount(pair, minlength=num_classes**2)
    matrix[0] -= (~use).sum()
    return matrix.view(num_classes, num_classes)

# %% wrong: the package's matrix | ssnet.metrics
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    from ssnet.metrics import ConfusionMatrix
    use = (truth != ignore) & (prediction != ignore)
    matrix = ConfusionMatrix(num_classes)
    matrix.update(prediction[use], truth[use])
    return torch.tensor(matrix.matrix)

# %% wrong: scikit-learn's matrix | sklearn
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    from sklearn.metrics import confusion_matrix
    use = (truth != ignore) & (prediction != ignore)
    return torch.tensor(confusion_matrix(truth[use], prediction[use], labels=range(num_classes)))
