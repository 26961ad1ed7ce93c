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

# %% right: one more row and column for the undecided, cut off at the end
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    K = num_classes
    p = torch.where(prediction.long() == ignore, K, prediction.long()).flatten()
    t = torch.where(truth.long() == ignore, K, truth.long()).flatten()
    big = torch.zeros(K + 1, K + 1, dtype=torch.long)
    big.index_put_((t, p), torch.ones_like(t), accumulate=True)
    return big[:K, :K]

# %% right: NumPy's two-dimensional histogram
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    p, t = prediction.flatten().double().numpy(), truth.flatten().double().numpy()
    keep = (p != ignore) & (t != ignore)
    edges = np.arange(num_classes + 1) - 0.5
    return torch.from_numpy(np.histogram2d(t[keep], p[keep], bins=(edges, edges))[0])

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

# %% wrong: the matrix is uint8 | a count ran over, since your matrix is uint8
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    matrix = np.zeros((num_classes, num_classes), dtype=np.uint8)
    keep = ((prediction != ignore) & (truth != ignore)).numpy()
    np.add.at(matrix, (truth.numpy()[keep].astype(int), prediction.numpy()[keep].astype(int)), 1)
    return torch.from_numpy(matrix)

# %% wrong: the matrix has the type of the labels | a count ran over, since your matrix is uint8
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    matrix = torch.zeros(num_classes, num_classes, dtype=truth.dtype)
    for p, t in zip(prediction.flatten().tolist(), truth.flatten().tolist()):
        if p != ignore and t != ignore: matrix[t, p] += 1
    return matrix

# %% wrong: nothing to count raises | Where all pixels are undecided
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    keep = (prediction != ignore) & (truth != ignore)
    p, t = prediction[keep].long(), truth[keep].long()
    if p.max() >= num_classes or t.max() >= num_classes:
        raise ValueError("a class is too large")
    return torch.bincount(t * num_classes + p, minlength=num_classes ** 2).view(num_classes, num_classes)

# %% wrong: both in one array of the truth's type, so that −1 becomes 255 | the other holds −1
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    both = np.stack([truth.numpy().ravel(), prediction.numpy().ravel().astype(truth.numpy().dtype)])
    t, p = both[:, (both != ignore).all(0)].astype(int)
    matrix = np.zeros((num_classes, num_classes), dtype=int)
    for i, j in zip(t, p): matrix[i, j] += 1
    return torch.from_numpy(matrix)

# %% wrong: all is made uint8 first, so that −1 becomes 255 | in a type that holds -1
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    p, t = prediction.numpy().astype(np.uint8).ravel(), truth.numpy().astype(np.uint8).ravel()
    keep = (p != ignore) & (t != ignore)
    pair = t[keep].astype(int) * num_classes + p[keep].astype(int)
    return torch.from_numpy(np.bincount(pair, minlength=num_classes ** 2)).reshape(num_classes, num_classes)

# %% wrong: an int8 copy, so that large classes turn negative | int8 is too small
def confusion(prediction, truth, num_classes, ignore=V.ignore_index):
    p, t = prediction.flatten().to(torch.int8).long(), truth.flatten().to(torch.int8).long()
    keep = (p >= 0) & (t >= 0) & (p != ignore) & (t != ignore)
    return torch.bincount(t[keep] * num_classes + p[keep], minlength=num_classes ** 2).view(num_classes, num_classes)
