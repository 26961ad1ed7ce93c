"Made from nbs/06_augment.ipynb by tools/export.py: change the notebook, then `make export`."
from ssnet.augment import RandomColors
from ssnet.augment import RandomView
from ssnet.augment import color_transform
from ssnet.augment import eval_transform
from ssnet.augment import inner_size
from ssnet.augment import look
from ssnet.augment import random_box
from ssnet.augment import recolor
from ssnet.augment import to_tensors
from ssnet.augment import train_transform
from ssnet.augment import view_grid
from ssnet.augment import view_transform
from ssnet.datasets import PassesView
from ssnet.datasets import SeededView
from ssnet.files import InputError
from ssnet.labels import VOC_CLASSES
from ssnet.labels import write_label
from ssnet.show import denormalize
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F
import math
import numpy as np
import pickle
import pytest
import tempfile
import torch


def square_sample():
    "A black picture with a white square of 40 pixels' side, and the same square as label 8 and as saliency 1."
    image = torch.zeros(3, 96, 96, dtype=torch.uint8)
    image[:, 30:70, 25:65] = 255
    square = (image[0] > 0).to(torch.uint8)
    return {"image": tv_tensors.Image(image), "label": tv_tensors.Mask(8 * square), "saliency": tv_tensors.Mask(square),
            "tags": torch.tensor([0.0, 1.0]), "name": "square"}


class Noise(Dataset):
    "Pictures of noise, with masks."
    names = [f"n{i}" for i in range(6)]

    def __init__(self, transform): self.transform = transform

    def __len__(self): return len(self.names)

    def __getitem__(self, i):
        generator = torch.Generator().manual_seed(i)
        image = torch.randint(256, (3, 90 + i, 120), generator=generator, dtype=torch.uint8)
        sample = {"image": tv_tensors.Image(image), "label": tv_tensors.Mask(image[0] % 21), "name": self.names[i]}
        return self.transform(sample)


def test_the_inner_rectangle_of_simple_turns_is_known():
    "nbs/06_augment.ipynb, cell 11"
    assert inner_size(300, 200, 0) == pytest.approx((300, 200))
    assert inner_size(100, 100, 45) == pytest.approx((100 / 2**0.5, 100 / 2**0.5))
    assert inner_size(300, 200, -10) == inner_size(300, 200, 10)
    assert inner_size(200, 300, 10) == inner_size(300, 200, 10)[::-1]



def test_no_inner_rectangle_is_larger():
    "nbs/06_augment.ipynb, cell 12"
    for W, H in ((100, 100), (500, 375), (100, 400)):
        for degrees in (3, 10, 30, 40, 45):
            c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
            w, h = inner_size(W, H, degrees)
            assert w * c + h * s <= W + 1e-6 and w * s + h * c <= H + 1e-6  # it fits
            tries = np.linspace(0, min(W / c, H / s), 5001)  # every other width, with the height that still fits
            assert w * h >= (tries * np.minimum((W - tries * c) / s, (H - tries * s) / c)).max() - 1e-6



def test_the_random_box_lies_inside_and_goes_everywhere():
    "nbs/06_augment.ipynb, cell 15"
    torch.manual_seed(0)
    boxes = torch.tensor([random_box(60, 40, 0, crop=0.9) for _ in range(300)])
    assert (boxes[:, 2] == 54).all() and (boxes[:, 3] == 36).all()
    for centre, spare in ((boxes[:, 0], 6), (boxes[:, 1], 4)):  # 60 - 54 columns and 40 - 36 rows to spare
        assert centre.abs().max() <= spare / 2 and centre.min() < -0.45 * spare and centre.max() > 0.45 * spare
    assert random_box(60, 40, 0, crop=1.0) == (0, 0, 60, 40)



def test_a_view_never_looks_outside_the_picture():
    "nbs/06_augment.ipynb, cell 16"
    torch.manual_seed(0)
    for H, W in ((96, 96), (75, 100), (101, 64)):
        for degrees in np.linspace(-45, 45, 37).tolist():
            for crop in (1.0, 0.9):
                assert view_grid(W, H, degrees, random_box(W, H, degrees, crop), False, 32).abs().max() <= 1



def test_the_grid_of_simple_views_is_known():
    "nbs/06_augment.ipynb, cell 17"
    left, right = view_grid(4, 4, 0, (0, 0, 4, 4), False, 2)[0, 0].tolist()
    assert left == [-0.5, -0.5] and right == [0.5, -0.5]  # half as many pixels: their centres, a quarter from the edges
    mirrored = view_grid(4, 4, 0, (0, 0, 4, 4), True, 2)
    assert mirrored[0, 0].tolist() == [right, left]
    turned = view_grid(4, 4, 90, (0, 0, 4, 4), False, 2)  # counter-clockwise: what was at the top right is at the top left
    assert turned[0, 0, 0].tolist() == pytest.approx([0.5, -0.5])
    moved = view_grid(4, 4, 0, (1, -1, 2, 2), False, 1)  # the quarter at the top right
    assert moved[0, 0, 0].tolist() == [0.5, -0.5]



def test_masks_take_the_nearest_pixel_and_no_other_value():
    "nbs/06_augment.ipynb, cell 23"
    label = tv_tensors.Mask(torch.arange(9, dtype=torch.uint8).expand(9, 9))
    assert look(label, view_grid(9, 9, 0, (0, 0, 9, 9), False, 3), (3, 3))[0].tolist() == [1, 4, 7]
    torch.manual_seed(0)
    label = tv_tensors.Mask(torch.tensor([0, 8, 255], dtype=torch.uint8)[torch.randint(3, (50, 50))])
    assert set(look(label, view_grid(50, 50, 7, (3, 5, 30, 20), True, 17), (40, 30)).unique().tolist()) == {0, 8, 255}



def test_a_pattern_too_fine_for_the_view_becomes_grey():
    "nbs/06_augment.ipynb, cell 24"
    stripes = tv_tensors.Image((torch.arange(400) % 2 * 255).to(torch.uint8).expand(3, 400, 400))
    seen = look(stripes, view_grid(400, 400, 8, (0, 0, 300, 300), False, 75), (100, 100))
    assert (seen.float() - 127.5).abs().max() < 12



def test_one_step_shows_what_four_steps_show():
    "nbs/06_augment.ipynb, cell 25"
    y, x = torch.meshgrid(torch.arange(200), torch.arange(250), indexing="ij")
    place = tv_tensors.Image(torch.stack([x, y, 0 * x]).to(torch.uint8))  # its colour is its place
    turned = F.rotate(place, 10, v2.InterpolationMode.BILINEAR)
    w, h = 150, 120  # cut out around the centre, then mirrored
    steps = F.horizontal_flip(F.resize(F.center_crop(turned, [h, w]), [60, 75], antialias=True))
    seen = look(place, view_grid(250, 200, 10, (0, 0, 150, 120), True, 300), (300, 300))  # both sides stretched to 300
    seen = F.resize(seen, [60, 75], antialias=True)
    assert (seen.float() - steps.float()).abs().max() <= 1.5



def test_masks_stay_on_their_picture():
    "nbs/06_augment.ipynb, cell 31"
    torch.manual_seed(0)
    shifts = []
    for _ in range(50):
        sample = RandomView(64, rotate=20, crop=0.8)(square_sample())
        white, label = sample["image"][0] > 127, sample["label"] == 8
        assert (white & label).sum() > 0.93 * (white | label).sum()  # they differ at the seam at most
        assert ((sample["saliency"] == 1) == label).all()
        shifts.append((white.nonzero().float().mean(0) - label.nonzero().float().mean(0)).tolist())
    assert np.abs(shifts).max() < 0.5 and np.abs(np.mean(shifts, axis=0)).max() < 0.1  # and do not slip to one side



def test_each_pixel_of_a_mask_belongs_to_the_pixel_of_the_picture():
    "nbs/06_augment.ipynb, cell 32"
    y, x = torch.meshgrid(torch.arange(240), torch.arange(160), indexing="ij")
    sample = {"image": tv_tensors.Image(torch.stack([x, y, 0 * x]).to(torch.uint8)),  # the colour says the place
              "label": tv_tensors.Mask(x.to(torch.uint8)), "saliency": tv_tensors.Mask(y.to(torch.uint8))}
    torch.manual_seed(0)
    for size in (40, 64, 100, 300):  # shrunk first, or not; smaller, or larger
        views = [RandomView(size, rotate=30)(sample) for _ in range(10)]
        off = torch.stack([v["image"][:2].float() - torch.stack([v["label"], v["saliency"]]).float() for v in views])
        assert off.abs().max() <= 1 and off.mean((0, 2, 3)).abs().max() < 0.1  # rounding, and not to one side



def test_each_part_of_a_view_can_be_turned_off():
    "nbs/06_augment.ipynb, cell 33"
    sample = square_sample()
    same = RandomView(96, rotate=0, crop=1, flip=0)(sample)
    assert torch.equal(same["image"], sample["image"]) and torch.equal(same["label"], sample["label"])
    mirrored = RandomView(96, rotate=0, crop=1, flip=1)(sample)
    for key in ("image", "label", "saliency"): assert torch.equal(mirrored[key], sample[key].flip(-1))



def test_numbers_out_of_range_are_input_errors():
    "nbs/06_augment.ipynb, cell 34"
    for wrong in ({"rotate": 90}, {"crop": 0}, {"crop": 1.2}, {"flip": 2}, {"size": 0}):
        with pytest.raises(InputError, match="rotate 0 to 45, crop above 0"): RandomView(**{"size": 8, **wrong})



def test_tags_and_names_pass_untouched():
    "nbs/06_augment.ipynb, cell 35"
    sample = RandomView(32)(square_sample())
    assert sample["tags"].tolist() == [0, 1] and sample["name"] == "square"



def test_one_line_does_what_three_steps_do():
    "nbs/06_augment.ipynb, cell 40"
    torch.manual_seed(0)
    picture = torch.randint(90, 160, (3, 20, 30), dtype=torch.uint8)  # nothing is cut off
    p, grey = picture.double(), lambda p: (p * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0)
    for b, c, s in ((1, 1, 1), (1.2, 1, 1), (1, 0.7, 1), (1, 1, 1.3), (0.8, 1.2, 0.7)):
        one = b * p
        two = c * one + (1 - c) * grey(one).mean()
        three = s * two + (1 - s) * grey(two)
        assert (recolor(picture, b, c, s) - three).abs().max() < 0.501  # rounded
    assert torch.equal(recolor(picture, 1, 1, 1), picture)
    assert recolor(picture, 3, 1, 1).min() == 255 and recolor(picture, 0, 1, 1).max() == 0



def test_colours_are_drawn_within_their_range():
    "nbs/06_augment.ipynb, cell 41"
    with pytest.raises(InputError, match="a share from 0 to 1, but it is 1.5"): RandomColors(1.5)
    torch.manual_seed(0)
    sample = {"image": tv_tensors.Image(torch.full((3, 4, 4), 100, dtype=torch.uint8))}  # grey: only brightness shows
    seen = torch.tensor([int(RandomColors(0.2)(sample)["image"][0, 0, 0]) for _ in range(300)])
    assert 80 <= seen.min() < 84 and 116 < seen.max() <= 120
    assert torch.equal(RandomColors(0)(sample)["image"], sample["image"])



def test_the_last_step_normalises_and_sets_types():
    "nbs/06_augment.ipynb, cell 44"
    sample = to_tensors(square_sample())
    assert {key: x.dtype for key, x in sample.items() if key != "name"} == {
        "image": torch.float32, "label": torch.int64, "saliency": torch.float32, "tags": torch.float32}
    assert all(type(x) is Tensor for key, x in sample.items() if key != "name")
    assert sample["image"][:, 50, 50].tolist() == pytest.approx([0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225])
    assert sample["image"][:, 0, 0].tolist() == pytest.approx([-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225])
    assert sample["label"].unique().tolist() == [0, 8] and sample["saliency"].unique().tolist() == [0, 1]
    assert (denormalize(sample["image"]) == square_sample()["image"].permute(1, 2, 0).numpy()).all()



def test_training_samples_have_the_networks_size_and_change():
    "nbs/06_augment.ipynb, cell 49"
    torch.manual_seed(0)
    transform = train_transform(64)
    first, second = transform(square_sample()), transform(square_sample())
    assert first["image"].shape == (3, 64, 64) and first["label"].shape == first["saliency"].shape == (64, 64)
    assert not torch.equal(first["image"], second["image"])
    torch.manual_seed(0)
    assert torch.equal(transform(square_sample())["image"], first["image"])  # the same seed, the same sample



def test_colours_change_the_picture_and_never_the_masks():
    "nbs/06_augment.ipynb, cell 50"
    torch.manual_seed(0)
    sample = square_sample()
    sample["image"] = tv_tensors.Image(sample["image"] // 2 + 40)
    plain, colored = (train_transform(96, 0, 1, 0, color)(sample) for color in (0.0, 0.4))
    assert not torch.allclose(plain["image"], colored["image"], atol=0.02)
    assert torch.equal(plain["label"], colored["label"]) and torch.equal(plain["saliency"], colored["saliency"])
    assert torch.equal(plain["image"], to_tensors(sample)["image"])



def test_scoring_resizes_the_picture_alone():
    "nbs/06_augment.ipynb, cell 51"
    sample = square_sample()
    prepared = eval_transform(48)(sample)
    assert prepared["image"].shape == (3, 48, 48)
    wide = {"image": tv_tensors.Image(torch.zeros(3, 30, 50, dtype=torch.uint8))}
    assert prepared["size"].tolist() == [96, 96] and eval_transform(48)(wide)["size"].tolist() == [30, 50]
    assert torch.equal(prepared["label"], sample["label"].long()) and prepared["label"].shape == (96, 96)
    assert torch.equal(prepared["image"], eval_transform(48)(sample)["image"])



def test_the_untouched_picture_is_kept_where_it_is_asked_for():
    "nbs/06_augment.ipynb, cell 52"
    sample = square_sample()
    prepared = eval_transform(48, keep_picture=True)(sample)
    assert type(prepared["picture"]) is Tensor and torch.equal(prepared["picture"], sample["image"])
    assert "picture" not in eval_transform(48)(sample)



def test_two_halves_are_a_whole():
    "nbs/06_augment.ipynb, cell 56"
    sample = {**square_sample(), "image": tv_tensors.Image(torch.randint(256, (3, 96, 96), dtype=torch.uint8))}
    torch.manual_seed(3)
    whole = train_transform(64, color=0.3)(sample)
    torch.manual_seed(3)
    half = view_transform(64)(sample)
    assert half["picture"].dtype == torch.uint8 and half["size"].tolist() == [64, 64]
    assert (denormalize(half["image"]) == half["picture"].permute(1, 2, 0).numpy()).all()
    both = color_transform(0.3)(half)
    assert "picture" not in both and type(both["image"]) is Tensor
    for key in ("image", "label", "saliency"):
        assert torch.equal(both[key], whole[key]) and both[key].dtype == whole[key].dtype
    assert torch.equal(color_transform(0)(half)["image"], half["image"])



def test_neither_processes_nor_threads_change_a_sample():
    "nbs/06_augment.ipynb, cell 59"
    view, keys = SeededView(Noise(train_transform(48)), seed=5), [(i, draw) for draw in range(2) for i in range(6)]
    threads, made = torch.get_num_threads(), []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            made.append([view[key] for key in keys])
    finally: torch.set_num_threads(threads)
    made.append(list(DataLoader(view, batch_size=None, sampler=keys, num_workers=2)))
    for other in made[1:]:
        for a, b in zip(made[0], other): assert torch.equal(a["image"], b["image"]) and torch.equal(a["label"], b["label"])



def test_a_pass_is_labelled_and_trained_on_with_the_same_pixels():
    "nbs/06_augment.ipynb, cell 60"
    with tempfile.TemporaryDirectory() as folder:
        first = PassesView(Noise(view_transform(48)), passes=3, seed=5)
        for sample in first:  # to label: here the label is the picture's own red, as classes 0 … 20
            write_label(f"{folder}/{sample['name']}.png", (sample["picture"][0] % 21).numpy())
        data = Noise(view_transform(48))
        data.classes = VOC_CLASSES
        plain = PassesView(data, 3, seed=5, labels=folder, after=color_transform(0))
        colored = SeededView(PassesView(data, 3, seed=5, labels=folder, after=color_transform(0.4)), seed=9)
        for i in (17, 4, 0):  # in any order
            assert torch.equal(plain[i]["image"], first[i]["image"])
            for sample in (plain[i], colored[i, 0], colored[i, 1]):
                assert torch.equal(sample["label"], first[i]["picture"][0].long() % 21)
            assert not torch.equal(colored[i, 0]["image"], colored[i, 1]["image"])



def test_transforms_can_be_sent_to_reading_processes():
    "nbs/06_augment.ipynb, cell 61"
    for transform in (train_transform(32), eval_transform(32), view_transform(32)):
        assert pickle.loads(pickle.dumps(transform))(square_sample())["image"].shape == (3, 32, 32)
