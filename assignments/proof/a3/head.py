import torch
import torch.nn.functional as F
from torch import nn

import checks

# %% right: one list of convolutions
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return logits, logits.softmax(1)
# %% right: named parts, nn.Upsample and nn.Softmax, padding "same"
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.point = nn.Conv2d(channels, maps, kernel_size=1)
        self.around = nn.ModuleList()
        for d in dilations: self.around.append(nn.Conv2d(channels, maps, 3, padding="same", dilation=d))
        self.up = nn.Upsample(scale_factor=factor, mode="bilinear")
        self.softmax = nn.Softmax(dim=1)

    def forward(self, features):
        x = self.point(features)
        for conv in self.around: x = x + conv(features)
        x = self.up(x)
        return x, self.softmax(x)
# %% right: enlarged to a size, each before the sum; softmax from its definition
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor, self.n = factor, len(dilations)
        self.centre = nn.Conv2d(channels, maps, 1)
        for i, d in enumerate(dilations): setattr(self, f"far{i}", nn.Conv2d(channels, maps, 3, 1, d, d))

    def forward(self, features):
        h, w = features.shape[-2:]
        maps = [self.centre(features)] + [getattr(self, f"far{i}")(features) for i in range(self.n)]
        size = (h * self.factor, w * self.factor)
        z = torch.stack([F.interpolate(m, size=size, mode="bilinear", align_corners=False) for m in maps]).sum(0)
        e = (z - z.amax(1, keepdim=True)).exp()
        return z, e / e.sum(1, keepdim=True)
# %% wrong: softmax over the pictures | over the pictures
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return logits, logits.softmax(0)
# %% wrong: softmax over the columns | over the columns
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return logits, logits.softmax(-1)
# %% wrong: softmax over the rows | over the rows
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return logits, logits.softmax(2)
# %% wrong: sigmoid for the softmax | added up over the classes
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return logits, logits.sigmoid()
# %% wrong: softmax before the maps are enlarged | afterwards: first enlarge
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        H = logits.softmax(1)
        return tuple(F.interpolate(x, scale_factor=self.factor, mode='bilinear') for x in (logits, H))
# %% wrong: a mean over the convolutions | mean over the convolutions
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs) / len(self.convs)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return logits, logits.softmax(1)
# %% wrong: padding 1 for every dilation | raised RuntimeError
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=1, dilation=d) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return logits, logits.softmax(1)
# %% wrong: dilation forgotten | dilations
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=1) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return logits, logits.softmax(1)
# %% wrong: nearest for bilinear | nearest
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="nearest")
        return logits, logits.softmax(1)
# %% wrong: align_corners=True | align_corners=True
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=True)
        return logits, logits.softmax(1)
# %% wrong: not enlarged | must have shape
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        return logits, logits.softmax(1)
# %% wrong: convolutions in a plain list | ModuleList
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations]
        self.convs = [nn.Conv2d(channels, maps, 1), *around]

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return logits, logits.softmax(1)
# %% wrong: 21 classes whatever is asked | 21 channels
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor, maps = factor, 21
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return logits, logits.softmax(1)
# %% wrong: a factor fixed as in the notebook | must have shape
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        from checks import V
        self.factor = V.factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return logits, logits.softmax(1)
# %% wrong: the first 3×3 convolution is forgotten | of 3×3
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations[1:]]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return logits, logits.softmax(1)
# %% wrong: only the logits come back | must give two things
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return logits
# %% wrong: probabilities and logits exchanged | H
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return logits.softmax(1), logits
# %% wrong: a ReLU on the logits | ReLU
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        logits = logits.relu()
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return logits, logits.softmax(1)
# %% wrong: detached before the softmax | no gradient
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return logits, logits.detach().softmax(1)
# %% wrong: works for one picture only | must have shape
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features[:1]) for conv in self.convs)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return logits, logits.softmax(1)
# %% wrong: convolutions without a bias at the 3×3 | no bias
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d, bias=False) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return logits, logits.softmax(1)
# %% wrong: the 1×1 convolution left out of the sum | 1×1
class Head(nn.Module):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__()
        self.factor = factor
        around = [nn.Conv2d(channels, maps, 3, padding=d, dilation=d) for d in dilations]
        self.convs = nn.ModuleList([nn.Conv2d(channels, maps, 1), *around])

    def forward(self, features):
        logits = sum(conv(features) for conv in self.convs[1:]) if len(self.convs) > 1 else self.convs[0](features)
        logits = F.interpolate(logits, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return logits, logits.softmax(1)
# %% wrong: returns the package's own answer | write it yourself
from ssnet.heads import DilatedHead, resize


class Head(DilatedHead):
    def __init__(self, channels, maps, dilations, factor):
        super().__init__(channels, maps, dilations)
        self.factor, self.point = factor, nn.Conv2d(channels, maps, 1)

    def forward(self, features):
        z = self.point(features) + sum(conv(features) for conv in self.convs)
        z = resize(z, [self.factor * s for s in features.shape[-2:]])
        return z, z.softmax(1)
