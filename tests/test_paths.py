"Made from nbs/paths.ipynb by tools/export.py: change the notebook, then `make export`."
from ssnet.losses import saliency_loss
from ssnet.sam import SAM
from ssnet.sam import aggregate
from torch import nn
import torch


def test_saliency_masks_move_the_class_maps_of_any_network():
    "nbs/paths.ipynb, cell 5"
    net, head, sam = nn.Conv2d(3, 8, 16, stride=16), nn.Conv2d(8, 5, 1), SAM(8, 5, kernel=2)
    features = net(torch.randn(2, 3, 32, 32))
    saliency_loss(aggregate(sam(features), head(features).softmax(1)), torch.ones(2, 2, 2)).backward()
    assert all(p.grad.abs().sum() > 0 for module in (net, head, sam) for p in module.parameters())
