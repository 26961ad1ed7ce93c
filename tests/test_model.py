"Made from nbs/13_model.ipynb by tools/export.py: change the notebook, then `make export`."
from ssnet.backbone import build_backbone
from ssnet.files import InputError
from ssnet.heads import ConvHead
from ssnet.heads import DilatedHead
from ssnet.heads import SkipHead
from ssnet.model import build_head
from ssnet.model import build_ssnet
from ssnet.model import check_choices
from ssnet.model import default_stride
import functools
import pytest
import torch


@functools.cache
def full_size(stage, reading):
    "SSNet on DenseNet-169 with random weights, built once for each kind."
    torch.manual_seed(0)
    return build_ssnet(stage, reading).eval()


def test_choices_that_do_not_go_together_are_refused():
    "nbs/13_model.ipynb, cell 13"
    for wrong, message in [({"stage": 3}, "There is no stage 3"), ({"reading": "mine"}, "There is no reading 'mine'"),
                           ({"background": "none"}, "There is no background 'none'"),
                           ({"size": 100}, "cannot be 100 pixels wide: .* a multiple of the output stride, 16"),
                           ({"size": 16}, "cannot be 16 pixels wide"), ({"num_classes": 1}, "1 class is not enough")]:
        with pytest.raises(InputError, match=message):
            check_choices(**{"stage": 1, "reading": "paper", "background": "learned", "num_classes": 21, "size": 256,
                             "output_stride": 16, **wrong})
    with pytest.raises(InputError, match="learned background: background='zero' is for reading='paper'"):
        check_choices(1, "authors", "zero", 21, 256, 16)
    with pytest.raises(InputError, match="output_stride must be 16, not 8"):
        check_choices(1, "authors", "learned", 21, 256, 8)



def test_stage_1_is_coarse_and_stage_2_is_fine():
    "nbs/13_model.ipynb, cell 14"
    assert [default_stride(stage, "paper", "densenet169") for stage in (1, 2)] == [16, 8]
    assert [default_stride(stage, "paper", "tiny") for stage in (1, 2)] == [8, 8]
    assert [default_stride(stage, "authors", "tiny") for stage in (1, 2)] == [16, 8]



def test_each_stage_and_reading_gets_its_head():
    "nbs/13_model.ipynb, cell 17"
    feature = build_backbone("tiny", 8)
    wanted = {(1, "paper"): (ConvHead, 8), (2, "paper"): (DilatedHead, 8),
              (1, "authors"): (SkipHead, 4), (2, "authors"): (DilatedHead, 8)}
    for (stage, reading), (kind, stride) in wanted.items():
        head, fine_stride = build_head(stage, reading, feature, 21, (1, 2))
        assert type(head) is kind and fine_stride == stride



def test_outputs_keep_the_rules():
    "nbs/13_model.ipynb, cell 21"
    torch.manual_seed(0)
    for stage, reading, background in [(1, "paper", "learned"), (2, "paper", "zero"),
                                       (1, "authors", "learned"), (2, "authors", "learned")]:
        net = build_ssnet(stage, reading, "tiny", 5, 64, background=background).eval()
        out = net(torch.randn(2, 3, 64, 64))
        assert net.num_classes == 5 and out.logits.shape == out.probs.shape == (2, 5, 64, 64)
        assert torch.allclose(out.probs.sum(1), torch.tensor(1.0)) and out.v.shape == (2, 5)
        assert torch.allclose(out.saliency, sum(out.v[:, i, None, None] * out.probs[:, i] for i in range(1, 5)), atol=1e-6)
        assert out.saliency.shape == (2, 64, 64) and out.saliency.min() >= 0 and out.saliency.max() <= 1 + 1e-6
        assert (out.tag_logits is None) == ((stage, reading) != (2, "authors"))



def test_tags_are_read_off_the_averaged_features():
    "nbs/13_model.ipynb, cell 22"
    net = build_ssnet(2, "authors", "tiny", 5, 64).eval()
    image = torch.randn(2, 3, 64, 64)
    average = net.feature(image).last.flatten(2).mean(2)
    wanted = average @ net.tag_classifier.weight.T + net.tag_classifier.bias
    assert torch.allclose(net(image).tag_logits, wanted, atol=1e-5)



def test_nothing_is_salient_where_no_class_is():
    "nbs/13_model.ipynb, cell 23"
    net = build_ssnet(1, backbone="tiny", size=64).eval()
    torch.nn.init.constant_(net.sam.conv.bias, -200)  # v = 0 for every class
    out = net(torch.randn(1, 3, 64, 64))
    assert not out.v.any() and not out.saliency.any()



def test_a_zero_background_is_zero():
    "nbs/13_model.ipynb, cell 24"
    net = build_ssnet(1, backbone="tiny", size=64, background="zero").eval()
    assert net.head.conv.out_channels == 20 and net.num_classes == 21
    out = net(torch.randn(1, 3, 64, 64))
    assert out.logits.shape[1] == out.coarse_logits.shape[1] == 21 and not out.logits[:, 0].any()
    torch.nn.init.zeros_(net.head.conv.weight)
    assert torch.allclose(net(torch.randn(1, 3, 64, 64)).probs, torch.tensor(1 / 21))  # nothing known: all alike



def test_any_picture_of_32_pixels_or_more_is_taken():
    "nbs/13_model.ipynb, cell 27"
    for stage, reading in [(1, "paper"), (2, "paper"), (1, "authors"), (2, "authors")]:
        net = build_ssnet(stage, reading, "tiny", size=64).eval()
        for size in ((32, 32), (33, 64), (100, 75), (131, 200)):
            out = net(torch.randn(1, 3, *size))
            assert out.logits.shape == (1, 21, *size) and out.saliency.shape == (1, *size)
        with pytest.raises(InputError, match="A picture of 40×31 pixels is too small"): net(torch.randn(1, 3, 31, 40))



def test_parameters_by_hand():
    "nbs/13_model.ipynb, cell 32"
    def new(stage, reading): return sum(p.numel() for p in full_size(stage, reading).parameter_groups()[1])
    sam1, sam2 = (n * n * 1664 * 21 + 21 for n in (16, 32))
    assert new(1, "paper") == (1664 * 21 + 21) + 21 * 32 * 32 + sam1
    assert new(2, "paper") == 4 * (9 * 1664 * 21 + 21) + 21 * 16 * 16 + sam2
    up8 = 21 * 21 * 16 * 16 + 21
    assert new(1, "authors") == (1664 + 640 + 256) * 21 + 3 * 21 + (21 * 21 * 4 * 4 + 21) + up8 + sam1
    assert new(2, "authors") == 4 * (9 * 1664 * 21 + 21) + up8 + sam2 + (1664 * 21 + 21)
    classifier = 1664 * 1000 + 1000  # torchvision counts 14,149,480 in DenseNet-169 with its classifier
    assert sum(p.numel() for p in full_size(1, "paper").parameter_groups()[0]) == 14_149_480 - classifier



def test_shapes_of_both_stages_at_256_pixels():
    "nbs/13_model.ipynb, cell 33"
    image = torch.randn(1, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    for stage, side in ((1, 16), (2, 32)):
        net = full_size(stage, "paper")
        with torch.no_grad(): features, out = net.feature(image).last, net(image)
        assert features.shape == (1, 1664, side, side) and net.sam.conv.kernel_size == (side, side)
        assert out.coarse_logits.shape == (1, 21, side, side) and out.logits.shape == (1, 21, 256, 256)
        assert out.v.shape == (1, 21) and out.saliency.shape == (1, 256, 256) and out.tag_logits is None



def test_stage_2_has_the_dilations_of_its_map():
    "nbs/13_model.ipynb, cell 34"
    assert [c.dilation[0] for c in full_size(2, "paper").head.convs] == [6, 12, 18, 24]
    assert [c.dilation[0] for c in build_ssnet(2, backbone="tiny", size=96).head.convs] == [1, 2, 3, 4]
    assert [c.dilation[0] for c in build_ssnet(2, "authors", "tiny", size=96).head.convs] == [6, 12, 18, 24]
    assert [c.dilation[0] for c in build_ssnet(2, backbone="tiny", size=96, dilations=(1, 5)).head.convs] == [1, 5]



def test_saliency_teaches_all_parts_and_the_logits_all_but_sam():
    "nbs/13_model.ipynb, cell 36"
    def taught(loss, net):
        net.zero_grad()
        loss.backward()
        def learns(part): return any(p.grad is not None and p.grad.any() for p in part.parameters())
        return {name for name, part in net.named_children() if learns(part)}
    net = build_ssnet(1, backbone="tiny", size=64)
    image = torch.randn(2, 3, 64, 64)
    assert taught(net(image).saliency.sum(), net) == {"feature", "head", "upsample", "sam"}
    assert taught(net(image).logits.square().sum(), net) == {"feature", "head", "upsample"}
    net = build_ssnet(2, "authors", "tiny", size=64)
    assert taught(net(image).tag_logits.sum(), net) == {"feature", "tag_classifier"}



def test_parameter_groups_hold_every_parameter_once():
    "nbs/13_model.ipynb, cell 37"
    net = build_ssnet(2, "authors", "tiny", size=64)
    old, new = net.parameter_groups()
    assert len(old) + len(new) == len(list(net.parameters())) == len({id(p) for p in old + new})
    assert {id(p) for p in old} == {id(p) for p in net.feature.parameters()}



def test_the_memory_layout_changes_nothing():
    "nbs/13_model.ipynb, cell 38"
    torch.manual_seed(0)
    net, image = build_ssnet(1, backbone="tiny", size=64).eval(), torch.randn(2, 3, 64, 64)
    plain = net(image)
    last = net.to(memory_format=torch.channels_last)(image.to(memory_format=torch.channels_last))
    assert torch.allclose(plain.logits, last.logits, atol=1e-5) and torch.allclose(plain.saliency, last.saliency, atol=1e-5)
