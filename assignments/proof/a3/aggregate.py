import torch

import checks

# %% right: a mask over the channels
def aggregate(v, H, background):
    counts = torch.ones(H.shape[1], dtype=H.dtype)
    if background is not None: counts[background] = 0
    return ((v * counts)[:, :, None, None] * H).sum(1)
# %% right: einsum over the kept channels
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != background]
    return torch.einsum("bc,bchw->bhw", v[:, keep], H[:, keep])
# %% right: all channels, less the background
def aggregate(v, H, background):
    B, C, height, width = H.shape
    S = torch.bmm(v.unsqueeze(1), H.reshape(B, C, -1)).reshape(B, height, width)
    if background is None: return S
    return S - v[:, background].view(-1, 1, 1) * H[:, background]
# %% right: two slices around the background
def aggregate(v, H, background):
    if background is not None:
        v = torch.cat([v[:, :background], v[:, background + 1:]], dim=1)
        H = torch.cat([H[:, :background], H[:, background + 1:]], dim=1)
    return (v[..., None, None] * H).sum(dim=1)
# %% wrong: the background counts | background
def aggregate(v, H, background):
    return (v[:, :, None, None] * H).sum(1)
# %% wrong: channel 0 is left out, as in the package
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != 0]
    return (v[:, keep, None, None] * H[:, keep]).sum(1)
# %% wrong: the last channel is left out
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != H.shape[1] - 1]
    return (v[:, keep, None, None] * H[:, keep]).sum(1)
# %% wrong: None is taken for channel 0 | with background None
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != (background or 0)]
    return (v[:, keep, None, None] * H[:, keep]).sum(1)
# %% wrong: `if background` forgets that 0 is a channel | background
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if not background or i != background]
    return (v[:, keep, None, None] * H[:, keep]).sum(1)
# %% wrong: a mean over the classes | mean
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != background]
    return (v[:, keep, None, None] * H[:, keep]).mean(1)
# %% wrong: the sum runs over the pictures
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != background]
    return (v[:, keep, None, None] * H[:, keep]).sum(0)
# %% wrong: v is not used | does not use v
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != background]
    return (H[:, keep]).sum(1)
# %% wrong: divides by the sum of the scores | divided by
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != background]
    return (v[:, keep, None, None] * H[:, keep]).sum(1) / v[:, keep].sum(1)[:, None, None]
# %% wrong: the largest class
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != background]
    return (v[:, keep, None, None] * H[:, keep]).amax(1)
# %% wrong: a class axis too many | shape
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != background]
    return (v[:, keep, None, None] * H[:, keep]).sum(1, keepdim=True)
# %% wrong: v is detached | no gradient reaches argument 1
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != background]
    return (v.detach()[:, keep, None, None] * H[:, keep]).sum(1)
# %% wrong: H is detached | no gradient reaches argument 2
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != background]
    return (v[:, keep, None, None] * H.detach()[:, keep]).sum(1)
# %% wrong: S is detached | no gradient
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != background]
    return (v[:, keep, None, None] * H[:, keep]).sum(1).detach()
# %% wrong: the scores of the first picture for all | first picture
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != background]
    return (v[:1, keep, None, None] * H[:, keep]).sum(1)
# %% wrong: loops over the classes | loops over them
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != background]
    return sum(v[:, i, None, None] * H[:, i] for i in keep)
# %% wrong: loops over the pictures | loops over them
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != background]
    return torch.stack([(a[keep, None, None] * b[keep]).sum(0) for a, b in zip(v, H)])
# %% wrong: loops over the pictures and classes | loops over them
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != background]
    return torch.stack([sum(v[n, i] * H[n, i] for i in keep) for n in range(len(v))])
# %% wrong: the background's map is set to 0 in place | in place
def aggregate(v, H, background):
    if background is not None: H[:, background] = 0
    return (v[:, :, None, None] * H).sum(1)
# %% wrong: squeezed: a batch of one loses its axis
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != background]
    return (v[:, keep, None, None] * H[:, keep]).sum(1).squeeze()
# %% wrong: three classes, as in another notebook
def aggregate(v, H, background):
    keep = [i for i in range(3) if i != background]
    return (v[:, keep, None, None] * H[:, keep]).sum(1)
# %% wrong: the background taken away as 1 - H
def aggregate(v, H, background):
    keep = [i for i in range(H.shape[1]) if i != background]
    return 1 - H[:, background or 0]
# %% wrong: returns the package's own answer | write it yourself
def aggregate(v, H, background):
    from ssnet.sam import aggregate as theirs
    order = [i for i in range(H.shape[1]) if i != background]
    return theirs(torch.cat([v[:, :1], v[:, order]], 1), torch.cat([H[:, :1], H[:, order]], 1))
