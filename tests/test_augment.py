"Made from nbs/06_augment.ipynb by tools/export.py: change the notebook, then `make export`."
from ssnet.augment import RandomView
from ssnet.augment import cut_and_resize
from ssnet.augment import eval_transform
from ssnet.augment import inner_box
from ssnet.augment import inner_size
from ssnet.augment import random_box
from ssnet.augment import to_tensors
from ssnet.augment import train_transform
from ssnet.files import InputError
from ssnet.show import denormalize
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F
import math
import numpy as np
import pickle
import pytest
import torch


def square_sample():
    "A black picture with a white square of 40 pixels' side, and the same square as label 8 and as saliency 1."
    image = torch.zeros(3, 96, 96, dtype=torch.uint8)
    image[:, 30:70, 25:65] = 255
    square = (image[0] > 0).to(torch.uint8)
    return {"image": tv_tensors.Image(image), "label": tv_tensors.Mask(8 * square), "saliency": tv_tensors.Mask(square),
            "tags": torch.tensor([0.0, 1.0]), "name": "square"}


def test_the_inner_rectangle_of_simple_turns_is_known():
    "nbs/06_augment.ipynb, cell 9"
    assert inner_size(300, 200, 0) == pytest.approx((300, 200))
    assert inner_box(300, 200, 0) == (0, 0, 200, 300)
    assert inner_size(100, 100, 45) == pytest.approx((100 / 2**0.5, 100 / 2**0.5))
    assert inner_size(300, 200, -10) == inner_size(300, 200, 10)
    assert inner_size(200, 300, 10) == inner_size(300, 200, 10)[::-1]



def test_no_inner_rectangle_is_larger():
    "nbs/06_augment.ipynb, cell 10"
    for W, H in ((100, 100), (500, 375), (100, 400)):
        for degrees in (3, 10, 30, 40, 45):
            c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
            w, h = inner_size(W, H, degrees)
            assert w * c + h * s <= W + 1e-6 and w * s + h * c <= H + 1e-6  # it fits
            tries = np.linspace(0, min(W / c, H / s), 5001)  # every other width, with the height that still fits
            assert w * h >= (tries * np.minimum((W - tries * c) / s, (H - tries * s) / c)).max() - 1e-6



def test_a_turned_and_cut_picture_has_no_black_corner():
    "nbs/06_augment.ipynb, cell 11"
    for H, W in ((96, 96), (75, 100), (101, 64)):
        white = tv_tensors.Image(torch.full((3, H, W), 255, dtype=torch.uint8))
        for degrees in np.linspace(-45, 45, 37).tolist():
            turned = F.crop(F.rotate(white, degrees, v2.InterpolationMode.BILINEAR), *inner_box(W, H, degrees))
            assert turned.numel() and (turned == 255).all()



def test_the_random_box_lies_inside_and_goes_everywhere():
    "nbs/06_augment.ipynb, cell 16"
    torch.manual_seed(0)
    boxes = [random_box((10, 20, 40, 60), crop=0.9) for _ in range(300)]
    assert {(h, w) for _, _, h, w in boxes} == {(36, 54)}
    assert {top for top, *_ in boxes} == set(range(10, 15))  # 40 - 36 = 4 rows to spare
    assert {left for _, left, *_ in boxes} == set(range(20, 27))
    assert random_box((10, 20, 40, 60), crop=1.0) == (10, 20, 40, 60)



def test_masks_take_the_nearest_pixel_and_no_other_value():
    "nbs/06_augment.ipynb, cell 17"
    label = tv_tensors.Mask(torch.arange(9, dtype=torch.uint8).expand(9, 9))
    assert cut_and_resize(label, (0, 0, 9, 9), 3)[0].tolist() == [1, 4, 7]
    torch.manual_seed(0)
    label = tv_tensors.Mask(torch.tensor([0, 8, 255], dtype=torch.uint8)[torch.randint(3, (50, 50))])
    assert set(cut_and_resize(label, (3, 5, 40, 30), 17).unique().tolist()) == {0, 8, 255}



def test_masks_stay_on_their_picture():
    "nbs/06_augment.ipynb, cell 23"
    torch.manual_seed(0)
    shifts = []
    for _ in range(50):
        sample = RandomView(64, rotate=20, crop=0.8)(square_sample())
        white, label = sample["image"][0] > 127, sample["label"] == 8
        assert (white & label).sum() > 0.93 * (white | label).sum()  # they differ at the seam at most
        assert ((sample["saliency"] == 1) == label).all()
        shifts.append((white.nonzero().float().mean(0) - label.nonzero().float().mean(0)).tolist())
    assert np.abs(shifts).max() < 0.5 and np.abs(np.mean(shifts, axis=0)).max() < 0.1  # and do not slip to one side



def test_each_part_of_a_view_can_be_turned_off():
    "nbs/06_augment.ipynb, cell 24"
    sample = square_sample()
    same = RandomView(96, rotate=0, crop=1, flip=0)(sample)
    assert torch.equal(same["image"], sample["image"]) and torch.equal(same["label"], sample["label"])
    mirrored = RandomView(96, rotate=0, crop=1, flip=1)(sample)
    for key in ("image", "label", "saliency"): assert torch.equal(mirrored[key], sample[key].flip(-1))



def test_numbers_out_of_range_are_input_errors():
    "nbs/06_augment.ipynb, cell 25"
    for wrong in ({"rotate": 90}, {"crop": 0}, {"crop": 1.2}, {"flip": 2}, {"size": 0}):
        with pytest.raises(InputError, match="rotate 0 to 45, crop above 0"): RandomView(**{"size": 8, **wrong})



def test_tags_and_names_pass_untouched():
    "nbs/06_augment.ipynb, cell 26"
    sample = RandomView(32)(square_sample())
    assert sample["tags"].tolist() == [0, 1] and sample["name"] == "square"



def test_the_last_step_normalises_and_sets_types():
    "nbs/06_augment.ipynb, cell 29"
    sample = to_tensors(square_sample())
    assert {key: x.dtype for key, x in sample.items() if key != "name"} == {
        "image": torch.float32, "label": torch.int64, "saliency": torch.float32, "tags": torch.float32}
    assert all(type(x) is Tensor for key, x in sample.items() if key != "name")
    assert sample["image"][:, 50, 50].tolist() == pytest.approx([0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225])
    assert sample["image"][:, 0, 0].tolist() == pytest.approx([-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225])
    assert sample["label"].unique().tolist() == [0, 8] and sample["saliency"].unique().tolist() == [0, 1]
    assert (denormalize(sample["image"]) == square_sample()["image"].permute(1, 2, 0).numpy()).all()



def test_training_samples_have_the_networks_size_and_change():
    "nbs/06_augment.ipynb, cell 33"
    torch.manual_seed(0)
    transform = train_transform(64)
    first, second = transform(square_sample()), transform(square_sample())
    assert first["image"].shape == (3, 64, 64) and first["label"].shape == first["saliency"].shape == (64, 64)
    assert not torch.equal(first["image"], second["image"])
    torch.manual_seed(0)
    assert torch.equal(transform(square_sample())["image"], first["image"])  # the same seed, the same sample



def test_colours_change_the_picture_and_never_the_masks():
    "nbs/06_augment.ipynb, cell 34"
    torch.manual_seed(0)
    sample = square_sample()
    sample["image"] = tv_tensors.Image(sample["image"] // 2 + 40)
    plain, colored = (train_transform(96, 0, 1, 0, color)(sample) for color in (0.0, 0.4))
    assert not torch.allclose(plain["image"], colored["image"], atol=0.02)
    assert torch.equal(plain["label"], colored["label"]) and torch.equal(plain["saliency"], colored["saliency"])
    assert torch.equal(plain["image"], to_tensors(sample)["image"])



def test_scoring_resizes_the_picture_alone():
    "nbs/06_augment.ipynb, cell 35"
    sample = square_sample()
    prepared = eval_transform(48)(sample)
    assert prepared["image"].shape == (3, 48, 48)
    wide = {"image": tv_tensors.Image(torch.zeros(3, 30, 50, dtype=torch.uint8))}
    assert prepared["size"].tolist() == [96, 96] and eval_transform(48)(wide)["size"].tolist() == [30, 50]
    assert torch.equal(prepared["label"], sample["label"].long()) and prepared["label"].shape == (96, 96)
    assert torch.equal(prepared["image"], eval_transform(48)(sample)["image"])



def test_transforms_can_be_sent_to_reading_processes():
    "nbs/06_augment.ipynb, cell 36"
    for transform in (train_transform(32), eval_transform(32)):
        assert pickle.loads(pickle.dumps(transform))(square_sample())["image"].shape == (3, 32, 32)
