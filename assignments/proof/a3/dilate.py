import copy

import torch
from torch import nn

import checks

# %% right: the settings changed on a copy
def dilate(network, output_stride):
    network = copy.deepcopy(network)
    reached, factor = 1, 1
    for layer in network:
        if not isinstance(layer, nn.Conv2d): continue
        stride = layer.stride[0]
        layer.dilation = tuple(factor * d for d in layer.dilation)
        layer.padding = tuple(factor * p for p in layer.padding)
        if reached < output_stride: reached *= stride
        else:
            layer.stride = (1, 1)
            factor *= stride
    return network
# %% right: new layers with the old weights
def dilate(network, output_stride):
    layers, finer, kept = [], 1, 1
    for layer in network:
        if isinstance(layer, nn.Conv2d):
            s, grown = layer.stride[0], lambda pair: tuple(finer * x for x in pair)
            stays = kept * s <= output_stride
            new = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size, s if stays else 1,
                            grown(layer.padding), grown(layer.dilation), bias=layer.bias is not None)
            new.load_state_dict(layer.state_dict())
            layers.append(new)
            if stays: kept *= s
            else: finer *= s
        else: layers.append(copy.deepcopy(layer))
    return nn.Sequential(*layers)
# %% right: the total stride before each layer, in a class of its own
class Dilated(nn.Module):
    def __init__(self, network, output_stride):
        super().__init__()
        self.layers = nn.ModuleList(copy.deepcopy(m) for m in network)
        total = 1
        for layer in self.layers:
            if not hasattr(layer, "stride"): continue
            finer = max(1, total // output_stride)
            total = total * layer.stride[0]
            for name in ("dilation", "padding"): setattr(layer, name, tuple(x * finer for x in getattr(layer, name)))
            if total > output_stride: layer.stride = (1, 1)

    def forward(self, x):
        for layer in self.layers: x = layer(x)
        return x


def dilate(network, output_stride):
    return Dilated(network, output_stride)
# %% wrong: the stride goes and nothing is dilated | has dilation 1
def dilate(network, output_stride):
    network = copy.deepcopy(network)
    reached = 1
    for layer in network:
        if not isinstance(layer, nn.Conv2d): continue
        if reached < output_stride: reached *= layer.stride[0]
        else: layer.stride = (1, 1)
    return network
# %% wrong: padding not adapted to the dilation | padding
def dilate(network, output_stride):
    network = copy.deepcopy(network)
    reached, factor = 1, 1
    for layer in network:
        if not isinstance(layer, nn.Conv2d): continue
        stride = layer.stride[0]
        layer.dilation = tuple(factor * d for d in layer.dilation)
        if reached < output_stride: reached *= stride
        else:
            layer.stride = (1, 1)
            factor *= stride
    return network
# %% wrong: the strided layer is dilated by its own stride | its own stride
def dilate(network, output_stride):
    network = copy.deepcopy(network)
    reached, factor = 1, 1
    for layer in network:
        if not isinstance(layer, nn.Conv2d): continue
        stride = layer.stride[0]
        if reached < output_stride: reached *= stride
        else:
            layer.stride = (1, 1)
            factor *= stride
        layer.dilation = tuple(factor * d for d in layer.dilation)
        layer.padding = tuple(factor * p for p in layer.padding)
    return network
# %% wrong: the last stride alone, not the product of all | times finer
def dilate(network, output_stride):
    network = copy.deepcopy(network)
    reached, factor = 1, 1
    for layer in network:
        if not isinstance(layer, nn.Conv2d): continue
        stride = layer.stride[0]
        layer.dilation = tuple(factor * d for d in layer.dilation)
        layer.padding = tuple(factor * p for p in layer.padding)
        if reached < output_stride: reached *= stride
        elif stride > 1:
            layer.stride = (1, 1)
            factor = stride
    return network
# %% wrong: the strides are added up | times finer
def dilate(network, output_stride):
    network = copy.deepcopy(network)
    reached, factor = 1, 0
    for layer in network:
        if not isinstance(layer, nn.Conv2d): continue
        stride = layer.stride[0]
        layer.dilation = tuple(max(factor, 1) * d for d in layer.dilation)
        layer.padding = tuple(max(factor, 1) * p for p in layer.padding)
        if reached < output_stride: reached *= stride
        else:
            layer.stride = (1, 1)
            factor += stride if stride > 1 else 0
    return network
# %% wrong: in place on the network that was given | change a copy
def dilate(network, output_stride):
    reached, factor = 1, 1
    for layer in network:
        if not isinstance(layer, nn.Conv2d): continue
        stride = layer.stride[0]
        layer.dilation = tuple(factor * d for d in layer.dilation)
        layer.padding = tuple(factor * p for p in layer.padding)
        if reached < output_stride: reached *= stride
        else:
            layer.stride = (1, 1)
            factor *= stride
    return network
# %% wrong: new layers with new weights | other weights
def dilate(network, output_stride):
    layers, finer, kept = [], 1, 1
    for layer in network:
        if not isinstance(layer, nn.Conv2d):
            layers.append(layer)
            continue
        s, stays = layer.stride[0], kept < output_stride
        layers.append(nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size, s if stays else 1,
                                layer.padding[0] * finer, layer.dilation[0] * finer))
        if stays: kept *= s
        else: finer *= s
    return nn.Sequential(*layers)
# %% wrong: off by one, output_stride loses its last stride | lost its stride
def dilate(network, output_stride):
    network = copy.deepcopy(network)
    reached, factor = 1, 1
    for layer in network:
        if not isinstance(layer, nn.Conv2d): continue
        stride = layer.stride[0]
        layer.dilation = tuple(factor * d for d in layer.dilation)
        layer.padding = tuple(factor * p for p in layer.padding)
        if reached * stride < output_stride: reached *= stride
        else:
            layer.stride = (1, 1)
            factor *= stride
    return network
# %% wrong: output_stride ignored, every stride goes | lost its stride
def dilate(network, output_stride):
    network, factor = copy.deepcopy(network), 1
    for layer in network:
        if not isinstance(layer, nn.Conv2d): continue
        layer.dilation, layer.padding = (factor * layer.dilation[0],) * 2, (factor * layer.padding[0],) * 2
        factor, layer.stride = factor * layer.stride[0], (1, 1)
    return network
# %% wrong: the padding of 3×3 layers that keep the size, for every kernel | padding
def dilate(network, output_stride):
    network = copy.deepcopy(network)
    reached, factor = 1, 1
    for layer in network:
        if not isinstance(layer, nn.Conv2d): continue
        stride = layer.stride[0]
        layer.dilation = tuple(factor * d for d in layer.dilation)
        layer.padding = layer.dilation
        if reached < output_stride: reached *= stride
        else:
            layer.stride = (1, 1)
            factor *= stride
    return network
# %% wrong: the package's padding, right where the size is kept | padding
def dilate(network, output_stride):
    network = copy.deepcopy(network)
    reached, factor = 1, 1
    for layer in network:
        if not isinstance(layer, nn.Conv2d): continue
        stride, k, d, p = layer.stride[0], layer.kernel_size[0], layer.dilation[0], layer.padding[0]
        layer.dilation = (d * factor,) * 2
        if p > 0: layer.padding = (p + (k - 1) * d * (factor - 1) // 2,) * 2
        if reached < output_stride: reached *= stride
        else:
            layer.stride = (1, 1)
            factor *= stride
    return network
# %% wrong: a dilation that was there is lost | dilation
def dilate(network, output_stride):
    network = copy.deepcopy(network)
    reached, factor = 1, 1
    for layer in network:
        if not isinstance(layer, nn.Conv2d): continue
        stride = layer.stride[0]
        layer.dilation = (factor, factor)
        layer.padding = tuple(factor * p for p in layer.padding)
        if reached < output_stride: reached *= stride
        else:
            layer.stride = (1, 1)
            factor *= stride
    return network
# %% wrong: calls the package's own answer | write it yourself
def dilate(network, output_stride):
    from ssnet.backbone import refine
    network = copy.deepcopy(network)
    reached, factor = 1, 1
    for layer in network:
        if not isinstance(layer, nn.Conv2d): continue
        stride = layer.stride[0]
        if reached < output_stride: reached *= stride
        else:
            refine(layer, factor)
            factor *= stride
    return network
# %% wrong: returns the package's own answer
def dilate(network, output_stride):
    from ssnet.backbone import dilate as theirs
    return theirs(copy.deepcopy(network), output_stride)
# %% wrong: enlarges the small map | still has stride
def dilate(network, output_stride):
    total = 1
    for layer in network: total *= layer.stride[0] if isinstance(layer, nn.Conv2d) else 1
    return nn.Sequential(copy.deepcopy(network), nn.Upsample(scale_factor=total // output_stride, mode="bilinear"))

# %% wrong: every second module is taken for a convolution | no attribute 'stride'
def dilate(network, output_stride):
    network = copy.deepcopy(network)
    s = 1
    for i in range(0, len(network), 2):
        layer = network[i]
        old = layer.stride[0]
        if s >= output_stride:
            f = s // output_stride
            layer.stride = (1, 1)
            layer.dilation = tuple(d * f for d in layer.dilation)
            layer.padding = tuple(p * f for p in layer.padding)
        s *= old
    return network

# %% wrong: new layers are built, always with a bias | has a bias, which it had not
def dilate(network, output_stride):
    layers, s = [], 1
    for layer in network:
        if isinstance(layer, nn.Conv2d):
            f = max(1, s // output_stride)
            new = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size,
                            stride=layer.stride if s < output_stride else 1,
                            padding=tuple(f * p for p in layer.padding), dilation=tuple(f * d for d in layer.dilation))
            new.load_state_dict(layer.state_dict(), strict=False)
            layers.append(new)
            s *= layer.stride[0]
        else:
            layers.append(copy.deepcopy(layer))
    return nn.Sequential(*layers)

# %% wrong: a 1×1 layer loses its stride, but the stride is not counted | times finer
def dilate(network, output_stride):
    network = copy.deepcopy(network)
    reached, factor = 1, 1
    for layer in network:
        if isinstance(layer, nn.Conv2d):
            s = layer.stride[0]
            if reached < output_stride:
                reached *= s
                continue
            layer.stride = (1, 1)
            if layer.kernel_size == (1, 1):
                continue          # nothing to spread
            layer.dilation = tuple(d * factor for d in layer.dilation)
            layer.padding = tuple(p * factor for p in layer.padding)
            factor *= s
    return network

# %% wrong: the first number of padding and dilation serves for both directions | each from their own number
def dilate(network, output_stride):
    network = copy.deepcopy(network)
    reached, factor = 1, 1
    for layer in network:
        if isinstance(layer, nn.Conv2d):
            s = layer.stride[0]
            if reached < output_stride:
                reached *= s
                continue
            layer.stride = (1, 1)
            layer.dilation = (layer.dilation[0] * factor,) * 2
            layer.padding = (layer.padding[0] * factor,) * 2
            factor *= s
    return network
