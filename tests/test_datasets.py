"Made from nbs/05_datasets.ipynb by tools/export.py: change the notebook, then `make export`."
from pathlib import Path
from ssnet.datasets import PassesView
from ssnet.datasets import SaliencyDataset
from ssnet.datasets import SeededView
from ssnet.datasets import TaggedPictures
from ssnet.datasets import VOCDataset
from ssnet.datasets import epoch_order
from ssnet.datasets import find_file
from ssnet.datasets import fingerprint
from ssnet.datasets import read_mask
from ssnet.datasets import read_split
from ssnet.datasets import read_tags
from ssnet.datasets import step_batches
from ssnet.files import InputError
from ssnet.files import write_picture
from ssnet.labels import VOC_CLASSES
from ssnet.labels import tags_to_names
from ssnet.labels import write_label
from torch.utils.data import DataLoader
from torchvision import tv_tensors
from torchvision.transforms import v2
import itertools
import numpy as np
import pytest
import tempfile
import torch


def draw(disc, box):
    "A drawn picture, uint8 RGB `(44, 60, 3)`, and its label mask `(44, 60)`: the disc is 8 (cat), the box 18 (sofa)."
    y, x = np.mgrid[:44, :60]
    label = np.zeros((44, 60), dtype=np.uint8)
    if box: label[18:40, 6:34] = 18
    if disc: label[(x - 38) ** 2 + (y - 18) ** 2 < 13**2] = 8
    image = np.stack([150 + x, 190 + y, 220 - x], axis=2).astype(np.uint8)
    image[label == 8], image[label == 18] = (230, 120, 30), (60, 80, 160)
    return image, label


XML = "<annotation><filename>{}.jpg</filename>{}</annotation>"
OBJECT = "<object><name>{}</name><part><name>head</name></part></object>"
CONTENTS = {"one": (True, False), "two": (False, True), "both": (True, True)}


def make_voc(folder):
    "Three drawn pictures in VOC's layout: split `train` holds all, `val` holds `both`. Returns the folder."
    root = Path(folder)
    for name, (disc, box) in CONTENTS.items():
        image, label = draw(disc, box)
        write_picture(root / "JPEGImages" / f"{name}.jpg", image)
        write_label(root / "SegmentationClass" / f"{name}.png", label)
        objects = "".join(OBJECT.format(n) for n, there in (("cat", disc), ("sofa", box)) if there)
        (root / "Annotations").mkdir(exist_ok=True)
        (root / "Annotations" / f"{name}.xml").write_text(XML.format(name, objects))
    splits = root / "ImageSets" / "Segmentation"
    splits.mkdir(parents=True, exist_ok=True)
    (splits / "train.txt").write_text("one\ntwo\nboth\n")
    (splits / "val.txt").write_text("both\n")
    return root


def make_saliency(folder):
    "The drawn pictures in the layout of DUTS: what is drawn is salient. Returns the two folders."
    for name, content in CONTENTS.items():
        image, label = draw(*content)
        write_picture(Path(folder) / "images" / f"{name}.jpg", image)
        write_picture(Path(folder) / "masks" / f"{name}.png", np.where(label > 0, 255, 0).astype(np.uint8))
    return Path(folder) / "images", Path(folder) / "masks"


def make_tagged(folder, text):
    "A CSV beside the drawn pictures `one.jpg`, `in/two.jpg` and `both.jpg`. Returns the CSV and the folder."
    for name, content in {"one": (True, False), "in/two": (False, True), "both": (True, True)}.items():
        write_picture(Path(folder) / f"{name}.jpg", draw(*content)[0])
    (Path(folder) / "tags.csv").write_text(text, encoding="utf-8")
    return Path(folder) / "tags.csv", Path(folder)


def plain_batches(length, batch_size, seed, steps):
    "The first `steps` batches, cut from a stream that is written out."
    epochs = steps * batch_size // length + 1
    stream = [(index, epoch) for epoch in range(epochs) for index in epoch_order(length, seed, epoch)]
    return [stream[k * batch_size:(k + 1) * batch_size] for k in range(steps)]


def test_a_split_is_read_in_its_order():
    "nbs/05_datasets.ipynb, cell 11"
    with tempfile.TemporaryDirectory() as folder:
        root = make_voc(folder)
        assert read_split(root, "train") == ["one", "two", "both"]
        (root / "ImageSets" / "Segmentation" / "blank.txt").write_text("\n  two  \n\none\n")
        assert read_split(root, "blank") == ["two", "one"]



def test_a_missing_folder_a_missing_split_and_an_empty_split_are_input_errors():
    "nbs/05_datasets.ipynb, cell 12"
    with tempfile.TemporaryDirectory() as folder:
        root = make_voc(folder)
        with pytest.raises(InputError, match="There is no data folder .*nowhere: check the path"):
            read_split(root / "nowhere", "train")
        with pytest.raises(InputError, match="There is no split 'test': the file .*test.txt is missing"):
            read_split(root, "test")
        (root / "ImageSets" / "Segmentation" / "empty.txt").write_text("\n")
        with pytest.raises(InputError, match="The split 'empty' is empty: .*empty.txt holds no name"):
            read_split(root, "empty")



def test_a_file_is_found_by_its_first_suffix():
    "nbs/05_datasets.ipynb, cell 13"
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.png", "b.png", "b.jpg"): (Path(folder) / name).write_bytes(b"")
        assert find_file(Path(folder), "a", (".jpg", ".png")).name == "a.png"
        assert find_file(Path(folder), "b", (".jpg", ".png")).name == "b.jpg"
        with pytest.raises(InputError, match="has no file c.jpg or .png: add it, or take 'c' off the list"):
            find_file(Path(folder), "c", (".jpg", ".png"))



def test_tags_are_the_objects_and_not_their_parts():
    "nbs/05_datasets.ipynb, cell 16"
    with tempfile.TemporaryDirectory() as folder:
        root = make_voc(folder)
        assert tags_to_names(read_tags(root / "Annotations" / "both.xml", VOC_CLASSES)) == ["cat", "sofa"]
        assert tags_to_names(read_tags(root / "Annotations" / "two.xml", VOC_CLASSES)) == ["sofa"]



def test_an_unknown_name_and_broken_xml_are_named_with_their_file():
    "nbs/05_datasets.ipynb, cell 17"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.xml"
        path.write_text(XML.format("a", OBJECT.format("dragon")))
        with pytest.raises(InputError, match="a.xml cannot be used: 'dragon' is no class: the classes are aeroplane"):
            read_tags(path, VOC_CLASSES)
        path.write_text("<annotation><object>")
        with pytest.raises(InputError, match="a.xml cannot be used"): read_tags(path, VOC_CLASSES)



def test_a_mask_is_cut_at_half_of_255_grey_or_rgb():
    "nbs/05_datasets.ipynb, cell 20"
    grey = np.array([[0, 1, 127, 128, 255]], dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        for picture in (grey, np.stack([grey] * 3, axis=2)):
            assert read_mask(write_picture(Path(folder) / "m.png", picture)).tolist() == [[0, 0, 0, 1, 1]]
        with pytest.raises(InputError, match="m.png holds 0 and 1: save it as 0 and 255"):
            read_mask(write_picture(Path(folder) / "m.png", np.array([[0, 1]], dtype=np.uint8)))



def test_each_view_has_its_keys_shapes_and_types():
    "nbs/05_datasets.ipynb, cell 27"
    with tempfile.TemporaryDirectory() as folder:
        root = make_voc(folder)
        first = VOCDataset(root, "train")
        assert len(first) == 3 and first.classes == VOC_CLASSES
        assert set(first[0]) == {"image", "name", "tags"} and first[2]["name"] == "both"
        assert first[0]["image"].dtype == torch.uint8 and first[0]["image"].shape == (3, 44, 60)
        assert isinstance(first[0]["image"], tv_tensors.Image)
        assert first[2]["tags"].shape == (20,) and tags_to_names(first[2]["tags"]) == ["cat", "sofa"]
        scoring = VOCDataset(root, "val", labels="SegmentationClass", tags=False)
        assert set(scoring[0]) == {"image", "name", "label"} and isinstance(scoring[0]["label"], tv_tensors.Mask)
        assert (scoring[0]["label"].numpy() == draw(True, True)[1]).all()



def test_tags_never_come_from_masks():
    "nbs/05_datasets.ipynb, cell 28"
    with tempfile.TemporaryDirectory() as folder:
        root = make_voc(folder)
        (root / "Annotations" / "both.xml").write_text(XML.format("both", OBJECT.format("dog")))
        assert tags_to_names(VOCDataset(root, "val", labels="SegmentationClass")[0]["tags"]) == ["dog"]
        for mask in (root / "SegmentationClass").iterdir(): mask.unlink()
        assert len(list(VOCDataset(root, "train"))) == 3  # no mask is needed to train



def test_pseudo_labels_may_lie_in_any_folder():
    "nbs/05_datasets.ipynb, cell 29"
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as elsewhere:
        root = make_voc(folder)
        for name in CONTENTS: write_label(Path(elsewhere) / f"{name}.png", np.full((44, 60), 8, dtype=np.uint8))
        sample = VOCDataset(root, "train", labels=elsewhere)[1]
        assert (sample["label"] == 8).all() and tags_to_names(sample["tags"]) == ["sofa"]



def test_png_pictures_and_own_classes_are_read():
    "nbs/05_datasets.ipynb, cell 30"
    with tempfile.TemporaryDirectory() as folder:
        root = make_voc(folder)
        write_picture(root / "JPEGImages" / "two.png", draw(False, True)[0])
        (root / "JPEGImages" / "two.jpg").unlink()
        (root / "classes.txt").write_text("background\nsofa\ncat\n")
        sample = VOCDataset(root, "train")[1]
        assert (sample["image"].permute(1, 2, 0).numpy() == draw(False, True)[0]).all()
        assert sample["tags"].tolist() == [1, 0]



def test_files_that_are_not_there_are_named_at_once():
    "nbs/05_datasets.ipynb, cell 32"
    with tempfile.TemporaryDirectory() as folder:
        root = make_voc(folder)
        (root / "ImageSets" / "Segmentation" / "train.txt").write_text("one\nthree\n")
        with pytest.raises(InputError, match="JPEGImages has no file three.jpg or .png: add it, or take 'three' off"):
            VOCDataset(root, "train")
        (root / "Annotations" / "both.xml").unlink()
        with pytest.raises(InputError, match="Annotations has no file both.xml"): VOCDataset(root, "val")
        assert len(VOCDataset(root, "val", labels="SegmentationClass", tags=False)) == 1  # scoring needs no tags
        (root / "SegmentationClass" / "both.png").unlink()
        with pytest.raises(InputError, match="SegmentationClass has no file both.png"):
            VOCDataset(root, "val", labels="SegmentationClass", tags=False)
        with pytest.raises(InputError, match="There is no label folder pseudo: check the path"):
            VOCDataset(root, "val", labels="pseudo", tags=False)



def test_files_that_cannot_be_used_are_named_when_they_are_read():
    "nbs/05_datasets.ipynb, cell 33"
    with tempfile.TemporaryDirectory() as folder:
        root = make_voc(folder)
        data = VOCDataset(root, "train", labels="SegmentationClass")
        write_label(root / "SegmentationClass" / "one.png", np.zeros((30, 50), dtype=np.uint8))
        with pytest.raises(InputError, match="one.png is 50×30 pixels, but its picture is 60×44: they must be equal"):
            data[0]
        write_label(root / "SegmentationClass" / "two.png", np.full((44, 60), 21, dtype=np.uint8))
        with pytest.raises(InputError, match="two.png holds the label 21: labels are 0 to 20, or 255"): data[1]
        picture = root / "JPEGImages" / "both.jpg"
        picture.write_bytes(picture.read_bytes()[:-400])
        with pytest.raises(InputError, match=r"both.jpg cannot be read \(.*truncated"): data[2]



def test_pictures_and_masks_are_matched_by_stem():
    "nbs/05_datasets.ipynb, cell 39"
    with tempfile.TemporaryDirectory() as folder:
        images, masks = make_saliency(folder)
        (images / "Thumbs.db").write_bytes(b"")
        data = SaliencyDataset(images, masks)
        assert [sample["name"] for sample in data] == ["both", "one", "two"]
        for sample in data:
            assert (sample["saliency"].numpy() == (draw(*CONTENTS[sample["name"]])[1] > 0)).all()
            assert isinstance(sample["saliency"], tv_tensors.Mask) and sample["saliency"].dtype == torch.uint8



def test_a_saliency_set_that_does_not_fit_is_named():
    "nbs/05_datasets.ipynb, cell 40"
    with tempfile.TemporaryDirectory() as folder:
        images, masks = make_saliency(folder)
        write_picture(masks / "one.png", np.zeros((30, 50), dtype=np.uint8))
        with pytest.raises(InputError, match="one.png is 50×30 pixels, but its picture is 60×44"):
            SaliencyDataset(images, masks)[1]
        (masks / "one.png").rename(masks / "four.png")
        with pytest.raises(InputError, match="The picture .*one.jpg has no mask in .*masks: add it"):
            SaliencyDataset(images, masks)
        (images / "one.jpg").unlink()
        with pytest.raises(InputError, match="The mask .*four.png has no picture in .*images: add it"):
            SaliencyDataset(images, masks)
        write_picture(images / "two.png", draw(True, True)[0])
        with pytest.raises(InputError, match="two.jpg and .*two.png have one name"): SaliencyDataset(images, masks)



def test_missing_and_empty_folders_are_named():
    "nbs/05_datasets.ipynb, cell 41"
    with tempfile.TemporaryDirectory() as folder:
        images, masks = make_saliency(folder)
        with pytest.raises(InputError, match="There is no mask folder .*nowhere: check the path"):
            SaliencyDataset(images, masks / "nowhere")
        (Path(folder) / "empty").mkdir()
        with pytest.raises(InputError, match="The image folder .*empty holds no .jpg, .jpeg, .png file"):
            SaliencyDataset(Path(folder) / "empty", masks)



def test_a_csv_gives_tags_to_your_pictures():
    "nbs/05_datasets.ipynb, cell 47"
    # a spreadsheet may begin the file with an invisible mark, and keep other columns
    text = "\ufefffile,tags,note\none.jpg, cat ;,mine\nin/two.jpg,,\nboth.jpg,sofa; cat,\n"
    with tempfile.TemporaryDirectory() as folder:
        data = TaggedPictures(*make_tagged(folder, text))
        assert [sample["name"] for sample in data] == ["one", "in/two", "both"]
        assert [tags_to_names(sample["tags"]) for sample in data] == [["cat"], [], ["cat", "sofa"]]
        assert set(data[0]) == {"image", "name", "tags"} and data[0]["image"].shape == (3, 44, 60)



def test_your_pictures_take_pseudo_labels_too():
    "nbs/05_datasets.ipynb, cell 48"
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as pseudo:
        csv_path, image_dir = make_tagged(folder, "file,tags\nin/two.jpg,sofa\n")
        write_label(Path(pseudo) / "in" / "two.png", draw(False, True)[1])
        sample = TaggedPictures(csv_path, image_dir, labels=pseudo)[0]
        assert sorted(sample["label"].unique().tolist()) == [0, 18] and tags_to_names(sample["tags"]) == ["sofa"]



def test_each_fault_of_a_csv_is_named_with_its_line():
    "nbs/05_datasets.ipynb, cell 49"
    faults = {"file,tags\none.jpg,cat\nboth.jpg,cat;dragon\n": "tags.csv, line 3: 'dragon' is no class: the",
              "file,tags\nthree.jpg,cat\n": "tags.csv, line 2: there is no picture .*three.jpg",
              "file,tags\none.jpg,cat\none.jpg,sofa\n": "tags.csv, line 3: one.jpg is listed twice",
              "file,tags\none.jpg,cat\none.png,sofa\n": "tags.csv, line 3: one.png is listed twice",  # both are `one`
              "file,tags\n../one.jpg,cat\n": "tags.csv, line 2: ../one.jpg leads out of the folder",
              "one.jpg,cat\n": "tags.csv must begin with the line 'file,tags'",
              "file;tags\none.jpg;cat\n": "tags.csv must begin with the line 'file,tags'",
              "file,tags\n": "tags.csv lists nothing"}
    with tempfile.TemporaryDirectory() as folder:
        write_picture(Path(folder) / "one.png", draw(True, False)[0])
        for text, message in faults.items():
            with pytest.raises(InputError, match=message): TaggedPictures(*make_tagged(folder, text))
        (Path(folder) / "tags.csv").write_bytes("file,tags\nKätzchen.jpg,cat\n".encode("latin-1"))
        with pytest.raises(InputError, match="tags.csv is not in UTF-8"):
            TaggedPictures(Path(folder) / "tags.csv", folder)
        with pytest.raises(InputError, match="There is no file .*none.csv"):
            TaggedPictures(Path(folder) / "none.csv", folder)



def test_other_files_have_another_fingerprint():
    "nbs/05_datasets.ipynb, cell 52"
    with tempfile.TemporaryDirectory() as folder:
        images, masks = make_saliency(folder)
        view = lambda: SaliencyDataset(images, masks)
        first = fingerprint(view())
        assert first == fingerprint(view()) != fingerprint(view(), view())
        write_picture(masks / "one.png", np.full((44, 60, 3), 255, dtype=np.uint8))
        assert first != fingerprint(view())



def test_other_tags_have_another_fingerprint():
    "nbs/05_datasets.ipynb, cell 53"
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as own:
        root = make_voc(folder)
        first = fingerprint(VOCDataset(root, "train"))
        (root / "Annotations" / "one.xml").write_text(XML.format("one", OBJECT.format("dog")))  # it was "cat"
        assert first != fingerprint(VOCDataset(root, "train"))
        lines = "file,tags\none.jpg,{}\nboth.jpg,cat;sofa\n"
        first = fingerprint(TaggedPictures(*make_tagged(own, lines.format("cat"))))
        assert first == fingerprint(TaggedPictures(*make_tagged(own, lines.format("cat"))))
        assert first != fingerprint(TaggedPictures(*make_tagged(own, lines.format("dog"))))



def test_a_sample_is_a_function_of_seed_index_and_draw():
    "nbs/05_datasets.ipynb, cell 58"
    with tempfile.TemporaryDirectory() as folder:
        data = VOCDataset(make_voc(folder), "train", transform=v2.RandomResizedCrop(32, scale=(0.2, 0.8)))
        view = SeededView(data, seed=5)
        torch.manual_seed(1)
        first = [view[2, draw]["image"] for draw in range(8)]
        torch.manual_seed(2)
        again = [view[2, draw]["image"] for draw in reversed(range(8))][::-1]
        assert all(torch.equal(a, b) for a, b in zip(first, again))
        assert len({a.numpy().tobytes() for a in first}) == 8  # other draws, other versions
        assert not torch.equal(SeededView(data, seed=6)[2, 0]["image"], first[0])



def test_the_global_generator_is_left_as_it_was():
    "nbs/05_datasets.ipynb, cell 59"
    with tempfile.TemporaryDirectory() as folder:
        view = SeededView(VOCDataset(make_voc(folder), "train", transform=v2.RandomResizedCrop(32)), seed=5)
        torch.manual_seed(7)
        expected = torch.rand(3)
        torch.manual_seed(7)
        view[0, 0]
        assert torch.equal(torch.rand(3), expected)



def test_a_pass_is_a_function_of_seed_index_and_pass():
    "nbs/05_datasets.ipynb, cell 64"
    with tempfile.TemporaryDirectory() as folder:
        data = VOCDataset(make_voc(folder), "train", transform=v2.RandomResizedCrop(32, scale=(0.2, 0.8)))
        view = PassesView(data, passes=4, seed=5)
        assert len(view) == 12 and view.names[:5] == ["one_0", "one_1", "one_2", "one_3", "two_0"]
        expected = SeededView(data, 5)[1, 3]
        torch.manual_seed(3)
        assert torch.equal(view[7]["image"], expected["image"]) and view[7]["name"] == "two_3"
        assert torch.equal(SeededView(view, seed=9)[7, 2]["image"], expected["image"])  # whoever asks, and when
        assert len({sample["image"].numpy().tobytes() for sample in view}) == 12
        with pytest.raises(InputError, match="at least one pass, but passes is 0"): PassesView(data, 0, 5)
        assert fingerprint(view) not in (fingerprint(PassesView(data, 4, 6)), fingerprint(PassesView(data, 3, 5)))



def test_a_pass_takes_its_own_label_and_what_comes_after():
    "nbs/05_datasets.ipynb, cell 65"
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as labels:
        data = VOCDataset(make_voc(folder), "train", transform=v2.RandomResizedCrop(32, scale=(0.2, 0.8)))
        for i, name in enumerate(PassesView(data, 2, 5).names):
            write_label(Path(labels) / f"{name}.png", np.full((32, 32), i, dtype=np.uint8))
        after = lambda sample: {**sample, "drawn": torch.rand(()).item()}
        view = PassesView(data, 2, 5, labels=labels, after=after)
        assert [int(sample["label"].unique()) for sample in view] == [0, 1, 2, 3, 4, 5]
        seeded = SeededView(view, seed=9)
        assert seeded[3, 0]["drawn"] == seeded[3, 0]["drawn"] != seeded[3, 1]["drawn"]  # `after` hears the outer seed
        assert torch.equal(seeded[3, 0]["image"], seeded[3, 1]["image"])                # the version does not
        write_label(Path(labels) / "one_0.png", np.zeros((9, 9), dtype=np.uint8))
        with pytest.raises(InputError, match="one_0.png is 9×9 pixels, but its picture is 32×32"): view[0]
        (Path(labels) / "both_1.png").unlink()
        with pytest.raises(InputError, match="has no file both_1.png"): PassesView(data, 2, 5, labels=labels)



def test_batches_are_cut_from_one_stream_of_epochs():
    "nbs/05_datasets.ipynb, cell 73"
    for length, batch_size in ((7, 4), (8, 4), (3, 8), (1, 2)):  # also a set smaller than its batch
        batches = list(itertools.islice(step_batches(length, batch_size, seed=3), 10))
        assert batches == plain_batches(length, batch_size, seed=3, steps=10)
        assert all(len(batch) == batch_size for batch in batches)



def test_every_epoch_shows_every_picture_once_in_its_own_order():
    "nbs/05_datasets.ipynb, cell 74"
    stream = [pair for batch in itertools.islice(step_batches(50, 7, seed=3), 60) for pair in batch]
    orders = [[index for index, draw in stream if draw == epoch] for epoch in range(8)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert len({tuple(order) for order in orders}) == 8
    assert orders[0] != epoch_order(50, seed=4, epoch=0)



def test_starting_at_step_7_equals_skipping_seven_batches():
    "nbs/05_datasets.ipynb, cell 75"
    whole = list(itertools.islice(step_batches(10, 4, seed=3), 12))
    assert list(itertools.islice(step_batches(10, 4, seed=3, start_step=7), 5)) == whole[7:]



def test_two_workers_and_a_restart_change_nothing():
    "nbs/05_datasets.ipynb, cell 77"
    with tempfile.TemporaryDirectory() as folder:
        data = VOCDataset(make_voc(folder), "train", transform=v2.RandomResizedCrop(32, scale=(0.2, 0.8)))
        view = SeededView(data, seed=3)
        whole = list(itertools.islice(DataLoader(view, batch_sampler=step_batches(3, 4, seed=3)), 6))
        torch.manual_seed(123)
        resumed = DataLoader(view, batch_sampler=step_batches(3, 4, seed=3, start_step=4), num_workers=2)
        for a, b in zip(whole[4:], resumed):
            assert a["name"] == b["name"] and torch.equal(a["image"], b["image"]) and torch.equal(a["tags"], b["tags"])
