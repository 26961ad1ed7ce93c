import torch

import checks

# %% right: a list of pictures
def aggregate_loop(v, H, background):
    S = []
    for n in range(len(H)):
        one = torch.zeros_like(H[n, 0])
        for i in range(H.shape[1]):
            if i != background: one = one + v[n, i] * H[n, i]
        S.append(one)
    return torch.stack(S)
# %% right: adds to a map of zeros
def aggregate_loop(v, H, background):
    B, C, height, width = H.shape
    S = torch.zeros(B, height, width, dtype=H.dtype)
    for n in range(B):
        for c in range(C):
            if background is not None and c == background: continue
            S[n] += v[n, c] * H[n, c]
    return S
# %% right: loops over pixels too
def aggregate_loop(v, H, background):
    classes = [i for i in range(v.shape[1]) if i != background]
    rows = [[[sum(v[n, i] * H[n, i, y, x] for i in classes) for x in range(H.shape[3])] for y in range(H.shape[2])]
            for n in range(H.shape[0])]
    return torch.stack([torch.stack([torch.stack(row) for row in picture]) for picture in rows])
# %% right: no loop at all
def aggregate_loop(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != background]
    return torch.einsum("bc,bchw->bhw", v[:, keep], H[:, keep])
# %% wrong: the background counts | background
def aggregate_loop(v, H, background):
    S = torch.zeros_like(H[:, 0])
    for n in range(H.shape[0]):
        for i in range(H.shape[1]):
            S[n] = S[n] + v[n, i] * H[n, i]
    return S
# %% wrong: channel 0 is taken for the background
def aggregate_loop(v, H, background):
    S = torch.zeros_like(H[:, 0])
    for n in range(H.shape[0]):
        for i in range(H.shape[1]):
            if i != 0: S[n] = S[n] + v[n, i] * H[n, i]
    return S
# %% wrong: the last channel is taken for the background
def aggregate_loop(v, H, background):
    S = torch.zeros_like(H[:, 0])
    for n in range(H.shape[0]):
        for i in range(H.shape[1]):
            if i != H.shape[1] - 1: S[n] = S[n] + v[n, i] * H[n, i]
    return S
# %% wrong: `if background` forgets that 0 is a channel | background
def aggregate_loop(v, H, background):
    S = torch.zeros_like(H[:, 0])
    for n in range(H.shape[0]):
        for i in range(H.shape[1]):
            if not background or i != background: S[n] = S[n] + v[n, i] * H[n, i]
    return S
# %% wrong: None is taken for channel 0 | with background None
def aggregate_loop(v, H, background):
    S = torch.zeros_like(H[:, 0])
    for n in range(H.shape[0]):
        for i in range(H.shape[1]):
            if i != (background or 0): S[n] = S[n] + v[n, i] * H[n, i]
    return S
# %% wrong: v is not used | does not use v
def aggregate_loop(v, H, background):
    S = torch.zeros_like(H[:, 0])
    for n in range(H.shape[0]):
        for i in range(H.shape[1]):
            if i != background: S[n] = S[n] + H[n, i]
    return S
# %% wrong: only the first picture
def aggregate_loop(v, H, background):
    S = torch.zeros_like(H[:, 0])
    for n in range(1):
        for i in range(H.shape[1]):
            if i != background: S[n] = S[n] + v[n, i] * H[n, i]
    return S
# %% wrong: the scores of the first picture for all | first picture
def aggregate_loop(v, H, background):
    S = torch.zeros_like(H[:, 0])
    for n in range(H.shape[0]):
        for i in range(H.shape[1]):
            if i != background: S[n] = S[n] + v[0, i] * H[n, i]
    return S
# %% wrong: the last class overwrites the others
def aggregate_loop(v, H, background):
    S = torch.zeros_like(H[:, 0])
    for n in range(H.shape[0]):
        for i in range(H.shape[1]):
            if i != background: S[n] = v[n, i] * H[n, i]
    return S
# %% wrong: a mean over the classes | mean
def aggregate_loop(v, H, background):
    S = torch.zeros_like(H[:, 0])
    for n in range(H.shape[0]):
        for i in range(H.shape[1]):
            if i != background: S[n] = S[n] + v[n, i] * H[n, i]
    return S / (H.shape[1] - 1)
# %% wrong: off by one, the last channel is never visited
def aggregate_loop(v, H, background):
    S = torch.zeros_like(H[:, 0])
    for n in range(H.shape[0]):
        for i in range(H.shape[1] - 1):
            if i != background: S[n] = S[n] + v[n, i] * H[n, i]
    return S
# %% wrong: off by one, the score of the next channel
def aggregate_loop(v, H, background):
    S = torch.zeros_like(H[:, 0])
    for n in range(H.shape[0]):
        for i in range(H.shape[1]):
            if i != background: S[n] = S[n] + v[n, (i + 1) % H.shape[1]] * H[n, i]
    return S
# %% wrong: three classes, as in another notebook
def aggregate_loop(v, H, background):
    S = torch.zeros_like(H[:, 0])
    for n in range(H.shape[0]):
        for i in range(3):
            if i != background: S[n] = S[n] + v[n, i] * H[n, i]
    return S
# %% wrong: the background's score is set to 0 in place | in place
def aggregate_loop(v, H, background):
    if background is not None: v[:, background] = 0
    S = torch.zeros_like(H[:, 0])
    for n in range(H.shape[0]):
        for i in range(H.shape[1]):
            if i != background: S[n] = S[n] + v[n, i] * H[n, i]
    return S
# %% wrong: leaves the batch out | shape
def aggregate_loop(v, H, background):
    S = torch.zeros_like(H[:, 0])
    for n in range(H.shape[0]):
        for i in range(H.shape[1]):
            if i != background: S[n] = S[n] + v[n, i] * H[n, i]
    return S[0]
# %% wrong: detached | no gradient
def aggregate_loop(v, H, background):
    S = torch.zeros_like(H[:, 0])
    for n in range(H.shape[0]):
        for i in range(H.shape[1]):
            if i != background: S[n] = S[n] + v[n, i] * H[n, i]
    return S.detach()
# %% wrong: numbers, no gradient | no gradient
def aggregate_loop(v, H, background):
    S = torch.zeros_like(H[:, 0])
    for n in range(H.shape[0]):
        for i in range(H.shape[1]):
            if i != background: S[n] = S[n] + v[n, i].item() * H[n, i]
    return S
# %% wrong: the sum is clipped
def aggregate_loop(v, H, background):
    S = torch.zeros_like(H[:, 0])
    for n in range(H.shape[0]):
        for i in range(H.shape[1]):
            if i != background: S[n] = S[n] + v[n, i] * H[n, i]
    return S.clamp(max=0.5)
# %% wrong: returns the package's own answer | write it yourself
def aggregate_loop(v, H, background):
    from ssnet.sam import aggregate_loop as theirs
    order = [i for i in range(H.shape[1]) if i != background]
    zero = torch.zeros_like(v[:, :1])
    return theirs(torch.cat([zero, v[:, order]], 1), torch.cat([0 * H[:, :1], H[:, order]], 1))
