"Made from nbs/13_model.ipynb by tools/export.py: change the notebook, then `make export`."
from pathlib import Path
from ssnet.backbone import build_backbone
from ssnet.files import InputError
from ssnet.heads import ConvHead
from ssnet.heads import DilatedHead
from ssnet.heads import SkipHead
from ssnet.model import SSNet
from ssnet.model import build_head
from ssnet.model import build_ssnet
from ssnet.model import check_choices
from ssnet.model import default_stride
from unittest.mock import patch
import functools
import hashlib
import json
import pickle
import pytest
import sys
import tempfile
import torch
import types


@functools.cache
def full_size(stage, reading):
    "SSNet on DenseNet-169 with random weights, built once for each kind."
    torch.manual_seed(0)
    return build_ssnet(stage, reading).eval()


def shared(folder):
    "A small network in `folder`: the two paths."
    build_ssnet(1, backbone="tiny", size=32).save_pretrained(folder)
    return Path(folder) / "config.json", Path(folder) / "model.safetensors"


def test_choices_that_do_not_go_together_are_refused():
    "nbs/13_model.ipynb, cell 14"
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
    "nbs/13_model.ipynb, cell 15"
    assert [default_stride(stage, "paper", "densenet169") for stage in (1, 2)] == [16, 8]
    assert [default_stride(stage, "paper", "tiny") for stage in (1, 2)] == [8, 8]
    assert [default_stride(stage, "authors", "tiny") for stage in (1, 2)] == [16, 8]



def test_each_stage_and_reading_gets_its_head():
    "nbs/13_model.ipynb, cell 18"
    feature = build_backbone("tiny", 8)
    wanted = {(1, "paper"): (ConvHead, 8), (2, "paper"): (DilatedHead, 8),
              (1, "authors"): (SkipHead, 4), (2, "authors"): (DilatedHead, 8)}
    for (stage, reading), (kind, stride) in wanted.items():
        head, fine_stride = build_head(stage, reading, feature, 21, (1, 2))
        assert type(head) is kind and fine_stride == stride



def test_outputs_keep_the_rules():
    "nbs/13_model.ipynb, cell 23"
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
    "nbs/13_model.ipynb, cell 24"
    net = build_ssnet(2, "authors", "tiny", 5, 64).eval()
    image = torch.randn(2, 3, 64, 64)
    average = net.feature(image).last.flatten(2).mean(2)
    wanted = average @ net.tag_classifier.weight.T + net.tag_classifier.bias
    assert torch.allclose(net(image).tag_logits, wanted, atol=1e-5)



def test_nothing_is_salient_where_no_class_is():
    "nbs/13_model.ipynb, cell 25"
    net = build_ssnet(1, backbone="tiny", size=64).eval()
    torch.nn.init.constant_(net.sam.conv.bias, -200)  # v = 0 for every class
    out = net(torch.randn(1, 3, 64, 64))
    assert not out.v.any() and not out.saliency.any()



def test_a_zero_background_is_zero():
    "nbs/13_model.ipynb, cell 26"
    net = build_ssnet(1, backbone="tiny", size=64, background="zero").eval()
    assert net.head.conv.out_channels == 20 and net.num_classes == 21
    out = net(torch.randn(1, 3, 64, 64))
    assert out.logits.shape[1] == out.coarse_logits.shape[1] == 21 and not out.logits[:, 0].any()
    torch.nn.init.zeros_(net.head.conv.weight)
    assert torch.allclose(net(torch.randn(1, 3, 64, 64)).probs, torch.tensor(1 / 21))  # nothing known: all alike



def test_any_picture_of_32_pixels_or_more_is_taken():
    "nbs/13_model.ipynb, cell 29"
    for stage, reading in [(1, "paper"), (2, "paper"), (1, "authors"), (2, "authors")]:
        net = build_ssnet(stage, reading, "tiny", size=64).eval()
        for size in ((32, 32), (33, 64), (100, 75), (131, 200)):
            out = net(torch.randn(1, 3, *size))
            assert out.logits.shape == (1, 21, *size) and out.saliency.shape == (1, *size)
        with pytest.raises(InputError, match="A picture of 40×31 pixels is too small"): net(torch.randn(1, 3, 31, 40))



def test_parameters_by_hand():
    "nbs/13_model.ipynb, cell 34"
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
    "nbs/13_model.ipynb, cell 35"
    image = torch.randn(1, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    for stage, side in ((1, 16), (2, 32)):
        net = full_size(stage, "paper")
        with torch.no_grad(): features, out = net.feature(image).last, net(image)
        assert features.shape == (1, 1664, side, side) and net.sam.conv.kernel_size == (side, side)
        assert out.coarse_logits.shape == (1, 21, side, side) and out.logits.shape == (1, 21, 256, 256)
        assert out.v.shape == (1, 21) and out.saliency.shape == (1, 256, 256) and out.tag_logits is None



def test_stage_2_has_the_dilations_of_its_map():
    "nbs/13_model.ipynb, cell 36"
    assert [c.dilation[0] for c in full_size(2, "paper").head.convs] == [6, 12, 18, 24]
    assert [c.dilation[0] for c in build_ssnet(2, backbone="tiny", size=96).head.convs] == [1, 2, 3, 4]
    assert [c.dilation[0] for c in build_ssnet(2, "authors", "tiny", size=96).head.convs] == [6, 12, 18, 24]
    assert [c.dilation[0] for c in build_ssnet(2, backbone="tiny", size=96, dilations=(1, 5)).head.convs] == [1, 5]



def test_saliency_teaches_all_parts_and_the_logits_all_but_sam():
    "nbs/13_model.ipynb, cell 38"
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
    "nbs/13_model.ipynb, cell 39"
    net = build_ssnet(2, "authors", "tiny", size=64)
    old, new = net.parameter_groups()
    assert len(old) + len(new) == len(list(net.parameters())) == len({id(p) for p in old + new})
    assert {id(p) for p in old} == {id(p) for p in net.feature.parameters()}



def test_the_memory_layout_changes_nothing():
    "nbs/13_model.ipynb, cell 40"
    torch.manual_seed(0)
    net, image = build_ssnet(1, backbone="tiny", size=64).eval(), torch.randn(2, 3, 64, 64)
    plain = net(image)
    last = net.to(memory_format=torch.channels_last)(image.to(memory_format=torch.channels_last))
    assert torch.allclose(plain.logits, last.logits, atol=1e-5) and torch.allclose(plain.saliency, last.saliency, atol=1e-5)



def test_a_shared_network_gives_the_same_numbers():
    "nbs/13_model.ipynb, cell 48"
    for stage, reading, background in [(1, "paper", "learned"), (2, "paper", "zero"),
                                       (1, "authors", "learned"), (2, "authors", "learned")]:
        net = build_ssnet(stage, reading, "tiny", 4, 64, background=background).eval()
        image = torch.randn(1, 3, 64, 96)
        with tempfile.TemporaryDirectory() as folder:
            net.save_pretrained(f"{folder}/net", tuple("abcd"), scores={"miou": 0.5})
            again = SSNet.from_pretrained(f"{folder}/net")
            about = json.loads((Path(folder) / "net/config.json").read_text())
        assert all(torch.equal(a, b) for a, b in zip(net(image)[:5], again(image)[:5]))
        assert again.config == net.config == about["model"] and not again.training
        assert about["classes"] == list("abcd") and about["scores"] == {"miou": 0.5} and about["input"]["size"] == 64



def test_the_choices_are_noted_as_plain_json_with_nothing_left_open():
    "nbs/13_model.ipynb, cell 49"
    net = build_ssnet(2, backbone="tiny", size=64, dilations=(1, 2))
    assert json.loads(json.dumps(net.config)) == net.config == {
        "stage": 2, "reading": "paper", "backbone": "tiny", "num_classes": 21, "size": 64, "output_stride": 8,
        "background": "learned", "sam_kernel": 8, "dilations": [1, 2]}
    assert build_ssnet(**net.config).config == net.config == build_ssnet(**net.config, recompute=True).config



def test_what_is_missing_cut_short_or_mixed_up_is_named():
    "nbs/13_model.ipynb, cell 51"
    with tempfile.TemporaryDirectory() as folder:
        config, weights = shared(folder)
        text, numbers = config.read_text(), weights.read_bytes()
        def refused(message, config_text=text, weight_bytes=numbers):
            config.write_text(config_text), weights.write_bytes(weight_bytes)
            with pytest.raises(InputError, match=message) as caught: SSNet.from_pretrained(folder)
            assert "\n" not in str(caught.value)
        refused("config.json' is not whole JSON", text[:200])
        refused("config.json' does not describe a network of ssnet", json.dumps({"model_type": "bert"}))
        refused("config.json' does not describe a network of ssnet", "[]")
        refused("model.safetensors' is damaged, or of another network", weight_bytes=numbers[:-1])
        refused("model.safetensors' is damaged, or of another network", weight_bytes=b"")
        about = json.loads(text)
        for changed, message in [({"stage": 3}, "makes none: There is no stage 3"), ({"side": 3}, "makes none: .*'side'"),
                                 ({"size": "big"}, "makes none"), ({"weights": "x.pth"}, "makes none: .*'weights'"), ({"num_classes": 5}, "21 class names, and says another"),
                                 ({"output_stride": 16}, "weights in .* are of another network")]:
            refused(message, json.dumps(about | {"model": about["model"] | changed}))
        with pytest.raises(InputError, match="a folder here, and has no revisions"): SSNet.from_pretrained(folder, "v1")
        weights.unlink()
        with pytest.raises(InputError, match="holds no model.safetensors"): SSNet.from_pretrained(folder)
        config.unlink()
        with pytest.raises(InputError, match="holds no config.json"): SSNet.from_pretrained(folder)



def test_a_pickle_under_a_safe_name_does_not_run():
    "nbs/13_model.ipynb, cell 52"
    with tempfile.TemporaryDirectory() as folder:
        config, weights = shared(folder)
        trap = b"cos\nmkdir\n(V" + f"{folder}/sprung".encode() + b"\ntR."  # as a pickle: os.mkdir(".../sprung")
        weights.write_bytes(trap)
        about = json.loads(config.read_text()) | {"sha256": hashlib.sha256(trap).hexdigest()}
        config.write_text(json.dumps(about))
        with pytest.raises(InputError, match="cannot be read as weights"): SSNet.from_pretrained(folder)
        assert not Path(f"{folder}/sprung").exists()
        pickle.loads(trap)
        assert Path(f"{folder}/sprung").exists()  # the trap works, where somebody unpickles it



def test_what_cannot_be_described_is_refused_before_anything_is_written():
    "nbs/13_model.ipynb, cell 53"
    net = build_ssnet(1, backbone="tiny", size=32)
    with tempfile.TemporaryDirectory() as folder:
        for message, wrong in [("2 class names .* network of 21", {"classes": ("a", "b")}),
                               ("cannot be written as JSON", {"scores": {1, 2}}),
                               ("cannot be written as JSON", {"loss": float("nan")}),
                               ("already has an entry 'model'", {"model": 1})]:
            with pytest.raises(InputError, match=message): net.save_pretrained(f"{folder}/a", **wrong)
        by_hand = SSNet(net.feature, net.head, net.upsample, net.sam)
        with pytest.raises(InputError, match="put together by hand"): by_hand.save_pretrained(f"{folder}/a")
        net.sam.conv = torch.nn.Identity()
        with pytest.raises(InputError, match="changed after it was built"): net.save_pretrained(f"{folder}/a")
        assert not Path(f"{folder}/a").exists()



def test_a_name_that_is_no_folder_goes_to_the_hub():
    "nbs/13_model.ipynb, cell 54"
    with tempfile.TemporaryDirectory() as folder:
        shared(folder)
        asked = []
        def snapshot_download(name, revision, allow_patterns):
            asked.append((name, revision, allow_patterns))
            return folder
        with patch.dict(sys.modules, {"huggingface_hub": types.SimpleNamespace(snapshot_download=snapshot_download)}):
            assert SSNet.from_pretrained("someone/ssnet-voc", revision="v1").num_classes == 21
    assert asked == [("someone/ssnet-voc", "v1", ["config.json", "model.safetensors"])]



def test_without_the_hub_the_message_says_what_to_do():
    "nbs/13_model.ipynb, cell 55"
    def no_network(*args, **options): raise OSError("no network\nmany more lines")
    with patch.dict(sys.modules, {"huggingface_hub": None}), pytest.raises(InputError, match="pip install huggingface_hub"):
        SSNet.from_pretrained("someone/ssnet-voc")
    with patch.dict(sys.modules, {"huggingface_hub": types.SimpleNamespace(snapshot_download=no_network)}):
        with pytest.raises(InputError, match=r"hub did not give it \(no network\): check name"):
            SSNet.from_pretrained("a/b")
    for path in ("nothing", "no/thing/here", "/no/thing", "./no/thing", "../no"):
        with pytest.raises(InputError, match="There is no folder .*: check the path"): SSNet.from_pretrained(path)
