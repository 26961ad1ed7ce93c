"Made from nbs/15_authors.ipynb by tools/export.py: change the notebook, then `make export`."
from ssnet.authors import load_authors_checkpoint
from ssnet.authors import rename
from ssnet.authors import stage_of
from ssnet.backbone import tiny
from ssnet.files import InputError
from torch import nn
from torchvision.models import densenet169
import functools
import pytest
import tempfile
import torch


def dilate_by_hand(features, stage):
    "What their code does to torchvision's DenseNet: pools away, 3×3 convolutions dilated."
    for transition, block, dilation in [(3, 4, 2)] if stage == 1 else [(3, 4, 4), (2, 3, 2)]:
        pool = getattr(features, f"transition{transition}").pool
        pool.kernel_size = pool.stride = 1
        for layer in getattr(features, f"denseblock{block}").modules():
            if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3):
                layer.dilation = layer.padding = (dilation, dilation)
    return features


class Theirs(nn.Module):
    "The authors' network restated from the names and shapes of its layers."

    def __init__(self, stage, classes, kernel):
        super().__init__()
        wide = (1664, 640, 256) if stage == 1 else ()
        heads = [nn.Conv2d(c, classes, 1) for c in wide] or \
                [nn.Conv2d(1664, classes, 3, dilation=d, padding=d) for d in (6, 12, 18, 24)]
        self.stage, self.pred_seg = stage, nn.ModuleList(heads)
        self.pred_sal = nn.Conv2d(1664, classes, kernel)
        up2, up8 = nn.ConvTranspose2d(classes, classes, 4, 2, 1), nn.ConvTranspose2d(classes, classes, 16, 8, 4)
        self.upsample = nn.ModuleList([nn.Identity(), up2, up8]) if stage == 1 else up8
        if stage == 2: self.cls_fc = nn.Linear(1664, classes)
        self.feature = nn.Module()
        self.feature.features = dilate_by_hand(densenet169().features, stage)

    def forward(self, image):
        taken = []
        hooks = [getattr(self.feature.features, name).conv.register_forward_hook(lambda m, i, o: taken.append(o))
                 for name in ("transition2", "transition3")]
        f = self.feature.features(image)
        for hook in hooks: hook.remove()
        v = torch.sigmoid(self.pred_sal(f).mean((2, 3)))
        if self.stage == 2:
            return self.upsample(sum(conv(f) for conv in self.pred_seg)), v, self.cls_fc(f.mean((2, 3)))
        coarse = self.pred_seg[0](f)
        middle = self.upsample[1](coarse + self.pred_seg[1](taken[1]))
        return self.upsample[2](middle + self.pred_seg[2](taken[0])), v, coarse


@functools.cache
def theirs(stage):
    "Their network with random weights and random running averages, made once for each stage."
    torch.manual_seed(stage)
    net = Theirs(stage, 5, {1: 4, 2: 8}[stage])
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.running_mean, 0, 0.1)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
    return net.eval()


@functools.cache
def loaded(stage):
    "Our network, loaded from a file that theirs was saved to."
    with tempfile.TemporaryDirectory() as folder:
        torch.save(theirs(stage).state_dict(), f"{folder}/theirs.pth")
        return load_authors_checkpoint(f"{folder}/theirs.pth")


def test_names_are_translated():
    "nbs/15_authors.ipynb, cell 7"
    one = rename({n: None for n in ("pred_seg.2.bias", "pred_sal.weight", "upsample.1.bias", "upsample.2.bias")}, 1)
    assert list(one) == ["head.convs.2.bias", "sam.conv.weight", "head.upsample.conv.bias", "upsample.conv.bias"]
    names = ("pred_seg.3.bias", "upsample.weight", "cls_fc.bias", "module.pred_sal.bias", "other")
    two = rename({n: None for n in names}, 2)
    assert list(two) == ["head.convs.3.bias", "upsample.conv.weight", "tag_classifier.bias", "sam.conv.bias", "other"]
    assert list(rename({"feature.features.norm5.bias": None}, 2)) == ["feature.features.norm5.bias"]



def test_their_files_give_their_numbers():
    "nbs/15_authors.ipynb, cell 16"
    image = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    for stage in (1, 2):
        with torch.no_grad(): (seg, sal, third), ours = theirs(stage)(image), loaded(stage)(image)
        assert torch.allclose(seg, ours.logits, atol=1e-5) and torch.allclose(sal, ours.v, atol=1e-5)
        assert torch.allclose(third, ours.coarse_logits if stage == 1 else ours.tag_logits, atol=1e-5)
        S = (seg.softmax(1)[:, 1:] * sal[:, 1:, None, None]).sum(1)  # their scripts' line for the saliency map
        assert torch.allclose(S, ours.saliency, atol=1e-5)
        assert seg.std() > 0.01 and sal.std() > 0.01                 # not all the same number



def test_larger_pictures_agree_as_well():
    "nbs/15_authors.ipynb, cell 17"
    image = torch.randn(1, 3, 96, 128, generator=torch.Generator().manual_seed(2))
    for stage in (1, 2):
        with torch.no_grad(): (seg, sal, _), ours = theirs(stage)(image), loaded(stage)(image)
        assert torch.allclose(seg, ours.logits, atol=1e-5) and torch.allclose(sal, ours.v, atol=1e-5)



def test_every_tensor_arrives():
    "nbs/15_authors.ipynb, cell 18"
    for stage in (1, 2):
        state = rename(theirs(stage).state_dict(), stage)
        own = loaded(stage).state_dict()
        assert set(state) == set(own) and all(torch.equal(own[n], x) for n, x in state.items())



def test_the_stage_is_seen_and_training_on_several_gpus_changes_nothing():
    "nbs/15_authors.ipynb, cell 19"
    for stage in (1, 2):
        state = theirs(stage).state_dict()
        spread = {f"module.{name}": x for name, x in state.items()}
        assert stage_of(state, "a.pth") == stage_of(spread, "a.pth") == loaded(stage).config["stage"] == stage
        with tempfile.TemporaryDirectory() as folder:
            torch.save(spread, f"{folder}/spread.pth")
            again = load_authors_checkpoint(f"{folder}/spread.pth", stage).state_dict()
        assert all(torch.equal(again[n], x) for n, x in loaded(stage).state_dict().items())



def test_wrong_files_are_named_in_one_sentence():
    "nbs/15_authors.ipynb, cell 20"
    with tempfile.TemporaryDirectory() as folder:
        def load(state, stage=None):
            torch.save(state, f"{folder}/a.pth")
            return load_authors_checkpoint(f"{folder}/a.pth", stage)
        one, two = theirs(1).state_dict(), theirs(2).state_dict()
        with pytest.raises(InputError, match="a.pth is of the authors' stage 1, not of stage 2: load it with stage=1"):
            load(one, 2)
        with pytest.raises(InputError, match="a.pth is of the authors' stage 2, not of stage 1"): load(two, 1)
        with pytest.raises(InputError, match="a.pth is no checkpoint of the authors' SSNet"): load(tiny().state_dict())
        with pytest.raises(InputError, match="a.pth is no checkpoint"): load(two | {"pred_sal.weight": torch.ones(3)})
        with pytest.raises(InputError, match="another network: .* first 'head.convs.3.weight'"):
            load({name: x for name, x in two.items() if name != "pred_seg.3.weight"})
        del one["upsample.1.weight"]
        with pytest.raises(InputError, match="another network: 1 of its .* first 'head.upsample.conv.weight'"): load(one, 1)
        with pytest.raises(InputError, match="something else than named tensors"): load({"net": 1}, 1)
        with pytest.raises(InputError, match="There is no file of weights .*gone.pth"):
            load_authors_checkpoint(f"{folder}/gone.pth", 1)
    with pytest.raises(InputError, match="There is no stage 3"): load_authors_checkpoint("any.pth", 3)
