import torch
import torch.nn.functional as F
from torch import nn

import checks

# %% right: indexed
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, maps, size)

    def forward(self, features):
        return self.conv(features)[:, :, 0, 0].sigmoid()
# %% right: flattened
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, maps, kernel_size=size)

    def forward(self, features):
        return torch.sigmoid(self.conv(features).flatten(1))
# %% right: a linear layer on all features in a row
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        h, w = size
        self.score = nn.Sequential(nn.Flatten(), nn.Linear(channels * h * w, maps), nn.Sigmoid())

    def forward(self, features):
        return self.score(features)
# %% right: squeezed along named axes
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.layer = nn.Conv2d(channels, maps, tuple(size), bias=True)
        nn.init.zeros_(self.layer.bias)

    def forward(self, features):
        score = self.layer(features).squeeze(3).squeeze(2)
        return 1 / (1 + (-score).exp())
# %% wrong: no sigmoid | not been through a sigmoid
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, maps, size)

    def forward(self, features):
        return self.conv(features)[:, :, 0, 0]
# %% wrong: a softmax over the classes | softmax
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, maps, size)

    def forward(self, features):
        return self.conv(features)[:, :, 0, 0].softmax(1)
# %% wrong: a softmax over the pictures
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, maps, size)

    def forward(self, features):
        return self.conv(features)[:, :, 0, 0].softmax(0)
# %% wrong: a sigmoid twice
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, maps, size)

    def forward(self, features):
        return self.conv(features)[:, :, 0, 0].sigmoid().sigmoid()
# %% wrong: cut off for a sigmoid
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, maps, size)

    def forward(self, features):
        return self.conv(features)[:, :, 0, 0].clamp(0, 1)
# %% wrong: averages the places first, then a linear layer | weights
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Linear(channels, maps)

    def forward(self, features):
        return self.conv(features.mean((2, 3))).sigmoid()
# %% wrong: a 1×1 convolution, averaged | weights
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, maps, 1)

    def forward(self, features):
        return self.conv(features).mean((2, 3)).sigmoid()
# %% wrong: squeezed without an axis, a batch of one is lost | squeeze
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, maps, size)

    def forward(self, features):
        return self.conv(features).squeeze().sigmoid()
# %% wrong: 21 classes whatever is asked
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, 21, size)

    def forward(self, features):
        return self.conv(features)[:, :, 0, 0].sigmoid()
# %% wrong: a square kernel of the height
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, maps, size[0])

    def forward(self, features):
        return self.conv(features)[:, :, 0, 0].sigmoid()
# %% wrong: height and width exchanged
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, maps, (size[1], size[0]))

    def forward(self, features):
        return self.conv(features)[:, :, 0, 0].sigmoid()
# %% wrong: no bias | weights
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, maps, size, bias=False)

    def forward(self, features):
        return self.conv(features)[:, :, 0, 0].sigmoid()
# %% wrong: the size of the notebook's example | weights
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        from checks import V
        self.conv = nn.Conv2d(channels, maps, V.sam_size)

    def forward(self, features):
        return self.conv(features)[:, :, 0, 0].sigmoid()
# %% wrong: one score for all classes | weights
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, 1, size)

    def forward(self, features):
        return self.conv(features)[:, :, 0, 0].sigmoid()
# %% wrong: a mean for the sum of the convolution | averages
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, maps, size)

    def forward(self, features):
        return self.conv(features / features[0, 0].numel())[:, :, 0, 0].sigmoid()
# %% wrong: four axes come back | shape
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, maps, size)

    def forward(self, features):
        return self.conv(features).sigmoid()
# %% wrong: features detached | features
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, maps, size)

    def forward(self, features):
        return self.conv(features.detach())[:, :, 0, 0].sigmoid()
# %% wrong: scores detached | no gradient
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, maps, size)

    def forward(self, features):
        return self.conv(features)[:, :, 0, 0].sigmoid().detach()
# %% wrong: features normalised over the batch
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, maps, size)

    def forward(self, features):
        return self.conv(features - features.mean(0))[:, :, 0, 0].sigmoid()
# %% wrong: features scaled in place | in place
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        self.conv = nn.Conv2d(channels, maps, size)

    def forward(self, features):
        features /= features.numel()
        return self.conv(features)[:, :, 0, 0].sigmoid()
# %% wrong: returns the package's own answer | write it yourself
class SAM(nn.Module):
    def __init__(self, channels, maps, size):
        super().__init__()
        from ssnet.sam import SAM as Theirs
        self.theirs = Theirs(channels, maps, size[0], "authors")

    def forward(self, features):
        return self.theirs(features)
