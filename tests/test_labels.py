"Made from nbs/01_labels.ipynb by tools/export.py: change the notebook, then `make export`."
from PIL import Image
from pathlib import Path
from ssnet.files import InputError
from ssnet.files import write_picture
from ssnet.labels import VOC_CLASSES
from ssnet.labels import check_label
from ssnet.labels import colorize
from ssnet.labels import mask_to_tags
from ssnet.labels import names_to_tags
from ssnet.labels import numbers_to_tags
from ssnet.labels import overlay
from ssnet.labels import read_classes
from ssnet.labels import read_label
from ssnet.labels import tags_to_names
from ssnet.labels import voc_palette
from ssnet.labels import write_label
import numpy as np
import pytest
import tempfile
import torch


def color_of(number):
    "The colour of one class number, by the rule above: [red, green, blue]."
    color, worth = [0, 0, 0], 128
    while number:
        for channel in range(3):
            color[channel] += worth * (number % 2)
            number //= 2
        worth //= 2
    return color


def test_voc_has_twenty_classes_and_a_background():
    "nbs/01_labels.ipynb, cell 7"
    assert len(VOC_CLASSES) == len(set(VOC_CLASSES)) == 21
    assert VOC_CLASSES[0] == "background"
    assert list(VOC_CLASSES[1:]) == sorted(VOC_CLASSES[1:])  # VOC numbers them by the alphabet



def test_the_palette_follows_the_rule_for_all_numbers():
    "nbs/01_labels.ipynb, cell 15"
    assert voc_palette().tolist() == [color_of(number) for number in range(256)]
    assert len(np.unique(voc_palette(), axis=0)) == 256



def test_the_palette_has_vocs_own_colours():
    "nbs/01_labels.ipynb, cell 16"
    known = {0: (0, 0, 0), 1: (128, 0, 0), 8: (64, 0, 0), 15: (192, 128, 128), 20: (0, 64, 128), 255: (224, 224, 192)}
    for number, color in known.items(): assert tuple(voc_palette()[number]) == color



def test_colorize_and_overlay_give_hand_computed_colours():
    "nbs/01_labels.ipynb, cell 22"
    label = np.array([[0, 1], [2, 255]], dtype=np.uint8)
    assert colorize(label).tolist() == [[[0, 0, 0], [128, 0, 0]], [[0, 128, 0], [224, 224, 192]]]
    assert (colorize(torch.from_numpy(label).long()) == colorize(label)).all()
    mixed = overlay(np.full((2, 2, 3), 100, dtype=np.uint8), label, alpha=0.5)
    assert mixed[0].tolist() == [[100, 100, 100], [114, 50, 50]]
    assert mixed[1].tolist() == [[50, 114, 50], [162, 162, 146]]



def test_place_i_of_the_tags_is_class_i_plus_one():
    "nbs/01_labels.ipynb, cell 26"
    assert numbers_to_tags([3, 1, 3], num_classes=4).tolist() == [1, 0, 1]
    assert names_to_tags(["tvmonitor"]).nonzero().flatten().tolist() == [19]
    assert names_to_tags([]).shape == (20,) and names_to_tags([]).sum() == 0
    assert tags_to_names(names_to_tags(["sofa", "cat"])) == ["cat", "sofa"]



def test_a_tag_out_of_range_is_an_input_error():
    "nbs/01_labels.ipynb, cell 27"
    with pytest.raises(InputError, match="The tag 21 is out of range: foreground classes are 1 to 20"):
        numbers_to_tags([1, 21], num_classes=21)
    with pytest.raises(InputError, match="The tag 0 is out of range"): numbers_to_tags([0], num_classes=21)
    with pytest.raises(InputError, match="'dragon' is no class: the classes are cat, dog."):
        names_to_tags(["dragon"], ("background", "cat", "dog"))
    with pytest.raises(InputError, match="'background' is no class"): names_to_tags(["background"])
    with pytest.raises(InputError, match="3 tags do not fit 20 foreground classes"): tags_to_names(torch.ones(3))



def test_a_mask_gives_its_foreground_classes_as_tags():
    "nbs/01_labels.ipynb, cell 31"
    mask = np.array([[0, 0, 255], [2, 2, 0]], dtype=np.uint8)
    assert mask_to_tags(mask, num_classes=4).tolist() == [0, 1, 0]
    assert mask_to_tags(torch.from_numpy(mask).long(), num_classes=4).tolist() == [0, 1, 0]
    assert mask_to_tags(np.full((2, 2), 255), num_classes=4).tolist() == [0, 0, 0]



def test_a_label_out_of_range_is_an_input_error():
    "nbs/01_labels.ipynb, cell 32"
    with pytest.raises(InputError, match="The mask holds the label 4: labels are 0 to 3, or 255"):
        mask_to_tags(np.array([[0, 4]]), num_classes=4)
    with pytest.raises(InputError, match="holds the label -1: labels"): check_label(np.array([[-1, 3]]), num_classes=4)



def test_a_label_comes_back_with_its_numbers_and_carries_vocs_colours():
    "nbs/01_labels.ipynb, cell 36"
    label = np.array([[0, 8, 20], [255, 15, 0]], dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        file = write_label(Path(folder) / "a.png", label)
        assert read_label(file, num_classes=21).tolist() == label.tolist() and read_label(file).dtype == np.uint8
        assert Image.open(file).mode == "P"
        assert (np.asarray(Image.open(file).convert("RGB")) == colorize(label)).all()
        Image.fromarray(label).save(Path(folder) / "grey.png")  # as the SBD masks are often stored
        assert read_label(Path(folder) / "grey.png").tolist() == label.tolist()



def test_a_colour_picture_is_no_label():
    "nbs/01_labels.ipynb, cell 37"
    with tempfile.TemporaryDirectory() as folder:
        file = write_picture(Path(folder) / "colour.png", np.zeros((2, 2, 3), dtype=np.uint8))
        with pytest.raises(InputError, match="colour.png is no label mask: it is of mode RGB, but an indexed or"):
            read_label(file)



def test_labels_on_the_disk_are_checked_with_their_file():
    "nbs/01_labels.ipynb, cell 38"
    with tempfile.TemporaryDirectory() as folder:
        file = write_label(Path(folder) / "a.png", np.array([[0, 21]], dtype=np.uint8))
        with pytest.raises(InputError, match="a.png holds the label 21: labels are 0 to 20, or"): read_label(file, 21)
        for wrong in (np.zeros((2, 2)), np.zeros((2, 2, 3), dtype=np.uint8)):
            with pytest.raises(InputError, match="A label mask is uint8"): write_label(Path(folder) / "b.png", wrong)
        with pytest.raises(InputError, match="b.jpg"):
            write_label(Path(folder) / "b.jpg", np.zeros((2, 2), dtype=np.uint8))



def test_classes_come_from_the_folder_or_are_vocs():
    "nbs/01_labels.ipynb, cell 41"
    with tempfile.TemporaryDirectory() as folder:
        assert read_classes(folder) == VOC_CLASSES
        file = Path(folder) / "classes.txt"
        file.write_text("background\nbird\nhoofed animal\n")
        assert read_classes(folder) == ("background", "bird", "hoofed animal")
        for wrong in ("bird\nfish\n", "background\n", "background\nbird\nbird\n", ""):
            file.write_text(wrong)
            with pytest.raises(InputError, match="classes.txt must hold 'background' and then"): read_classes(folder)
