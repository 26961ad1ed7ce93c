"Made from nbs/04_compose.ipynb by tools/export.py: change the notebook, then `make export`."
from PIL import Image
from dataclasses import replace
from numpy.random import Generator
from numpy.random import PCG64
from pathlib import Path
from ssnet.compose import PHOTOGRAPHS
from ssnet.compose import Scene
from ssnet.compose import SceneRecipe
from ssnet.compose import Split
from ssnet.compose import TEXTURES
from ssnet.compose import add_clutter
from ssnet.compose import annotation
from ssnet.compose import as_field
from ssnet.compose import background
from ssnet.compose import box_of
from ssnet.compose import build_folder
from ssnet.compose import choose_objects
from ssnet.compose import color_field
from ssnet.compose import compose
from ssnet.compose import compose_data
from ssnet.compose import demo_splits
from ssnet.compose import free_place
from ssnet.compose import photographs
from ssnet.compose import posed
from ssnet.compose import scaled
from ssnet.compose import scene_at
from ssnet.compose import scenes
from ssnet.compose import slanted
from ssnet.compose import tinted
from ssnet.compose import turned
from ssnet.compose import write_saliency
from ssnet.compose import write_voc
from ssnet.cutouts import CutOut
from ssnet.cutouts import VOC_GLYPHS
from ssnet.cutouts import openmoji_cutouts
from ssnet.files import InputError
from ssnet.files import read_picture
from ssnet.labels import VOC_CLASSES
from ssnet.labels import mask_to_tags
from ssnet.labels import names_to_tags
from ssnet.labels import read_classes
from ssnet.labels import read_label
import numpy as np
import pytest
import sys
import tempfile
import xml.etree.ElementTree as ElementTree


PLAIN = SceneRecipe(size=64, rotate=0, tint=0.0, clutter=(0, 0), blur=0.0, noise=0)


def square(class_index, color):
    "A square cut-out of one colour."
    return CutOut("square", class_index, np.full((20, 20, 4), [*color, 255], np.uint8))


def test_recipe_refuses_what_makes_no_sense():
    "nbs/04_compose.ipynb, cell 9"
    for wrong in ({"size": 8}, {"photo": 1.5}, {"photo": 2}, {"hidden": -0.1}, {"side": (0.7, 0.4)}, {"side": (1, 2)}):
        with pytest.raises(InputError, match=f"cannot have {next(iter(wrong))} = "): SceneRecipe(**wrong)



def test_field_is_stretched_to_the_whole_range():
    "nbs/04_compose.ipynb, cell 13"
    assert as_field(np.array([[5, 6], [7, 8]])).tolist() == [[0, 85], [170, 255]]
    assert as_field(np.full((2, 2), 9)).tolist() == [[0, 0], [0, 0]]



def test_slanted_coordinates_cross_at_right_angles():
    "nbs/04_compose.ipynb, cell 14"
    u, v = slanted(Generator(PCG64(3)), 8)
    steps_u, steps_v = (u[0, 1] - u[0, 0], u[1, 0] - u[0, 0]), (v[0, 1] - v[0, 0], v[1, 0] - v[0, 0])
    assert steps_u[0] * steps_v[0] + steps_u[1] * steps_v[1] == 0 and steps_u != (0, 0)



def test_every_texture_fills_the_square_and_repeats_with_its_seed():
    "nbs/04_compose.ipynb, cell 21"
    for texture in TEXTURES:
        first, again, other = (texture(Generator(PCG64(seed)), 40) for seed in (5, 5, 6))
        assert first.shape == (40, 40) and first.dtype == np.uint8
        assert (first == again).all() and (first != other).any()



def test_field_mixes_two_colours():
    "nbs/04_compose.ipynb, cell 24"
    mixed = np.asarray(color_field(np.array([[0, 51, 255]], np.uint8), [0, 100, 255], [255, 100, 0]))
    assert mixed.tolist() == [[[0, 100, 255], [51, 100, 204], [255, 100, 0]]]



def test_photographs_are_pictures_large_enough_to_cut_from():
    "nbs/04_compose.ipynb, cell 28"
    assert len(photographs()) == len(PHOTOGRAPHS) == 8
    assert all(p.dtype == np.uint8 and min(p.shape[:2]) >= 96 and max(p.shape[:2]) <= 512 for p in photographs())



def test_missing_scikit_image_says_what_to_install():
    "nbs/04_compose.ipynb, cell 29"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "skimage", None)
        photographs.cache_clear()
        with pytest.raises(InputError, match=r'scikit-image: pip install "ssnet\[demo\]"'): photographs()



def test_tint_changes_colours_and_never_alpha():
    "nbs/04_compose.ipynb, cell 32"
    image = Image.new("RGBA", (2, 2), (200, 100, 0, 77))
    assert np.asarray(scaled(image, np.array([128, 512, 256, 256])))[0, 0].tolist() == [100, 200, 0, 77]
    assert (np.asarray(tinted(image, Generator(PCG64(0)), 0.0)) == np.asarray(image)).all()
    assert np.asarray(tinted(image, Generator(PCG64(0)), 0.5))[0, 0, 3] == 77



def test_background_has_the_size_of_the_recipe():
    "nbs/04_compose.ipynb, cell 36"
    for size in (32, 96, 600):
        recipe = SceneRecipe(size=size, photo=0.5)
        shown = [background(photographs(), Generator(PCG64(seed)), recipe) for seed in range(8)]
        assert {(b.mode, b.size) for b in shown} == {("RGB", (size, size))}



def test_photograph_is_used_as_often_as_the_recipe_says():
    "nbs/04_compose.ipynb, cell 37"
    white = (np.full((50, 50, 3), 255, np.uint8),)
    plain = SceneRecipe(size=16, photo=0.25, tint=0.0)
    used = [(np.asarray(background(white, Generator(PCG64(seed)), plain)) == 255).all() for seed in range(400)]
    assert 0.15 < np.mean(used) < 0.35
    assert not any((np.asarray(background((), Generator(PCG64(seed)), plain)) == 255).all() for seed in range(50))



def test_quarter_turn_is_exact():
    "nbs/04_compose.ipynb, cell 42"
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    quarter = np.asarray(turned(Image.fromarray(pixels), 90))
    assert (quarter[1:-1, 1:-1] == np.rot90(pixels, -1)).all()
    assert (np.asarray(turned(Image.fromarray(pixels), 0))[1:-1, 1:-1] == pixels).all()



def test_turned_object_keeps_its_area_and_is_cut_nowhere():
    "nbs/04_compose.ipynb, cell 43"
    bar = Image.new("RGBA", (60, 30), (255, 0, 0, 255))
    for degrees in (-45, -10, 20, 30, 75):
        alpha = np.asarray(turned(bar, degrees).getchannel("A"))
        assert abs((alpha >= 128).sum() / (60 * 30) - 1) < 0.03
        assert not alpha[[0, -1]].any() and not alpha[:, [0, -1]].any()



def test_factors_of_a_turn_have_no_rounding_left():
    "nbs/04_compose.ipynb, cell 44"
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Image.Image, "transform", lambda self, size, method, data, *rest: seen.extend(data))
        for degrees in range(-180, 181): turned(Image.new("RGB", (113, 76)), degrees)
    assert len(seen) == 361 * 6 and all((value * 2048).is_integer() for value in seen)



def test_object_has_the_side_that_was_asked_for():
    "nbs/04_compose.ipynb, cell 45"
    for side in (5, 20, 70, 200):
        for cutout in openmoji_cutouts("unseen")[:5]:
            assert max(posed(cutout, side, Generator(PCG64(side)), SceneRecipe()).size) == side



def test_clutter_is_as_faint_as_the_recipe_says():
    "nbs/04_compose.ipynb, cell 48"
    black = [CutOut("black", 0, np.full((30, 30, 4), [0, 0, 0, 255], np.uint8))]
    recipe = SceneRecipe(clutter=(1, 1), clutter_alpha=(0.25, 0.25), tint=0.0)
    darkest = []
    for seed in range(40):
        canvas = Image.new("RGB", (96, 96), (200, 200, 200))
        add_clutter(canvas, black, Generator(PCG64(seed)), recipe)
        darkest.append(np.asarray(canvas).min())
    assert min(darkest) >= 149 and min(darkest) < 160  # 200 · (1 - 0.25) = 150



def test_box_is_the_smallest_around_the_mask():
    "nbs/04_compose.ipynb, cell 51"
    mask = np.zeros((6, 8), bool)
    mask[2, 3] = mask[4, 5] = True
    assert box_of(mask) == (3, 2, 6, 5)



def test_free_place_hides_little_where_there_is_room():
    "nbs/04_compose.ipynb, cell 52"
    taken = np.zeros((40, 40), bool)
    taken[:, :20] = True
    for seed in range(50):
        x, y = free_place(taken, np.ones((10, 10), bool), Generator(PCG64(seed)), hidden=0.0, tries=40)
        assert x >= 20 and 0 <= y <= 30
    assert free_place(np.ones((10, 10), bool), np.ones((10, 10), bool), Generator(PCG64(0)), hidden=0.0) == (0, 0)



def test_mask_is_exact_to_the_pixel():
    "nbs/04_compose.ipynb, cell 59"
    for seed in range(10):
        scene = compose([square(3, (255, 0, 0))], [], (), Generator(PCG64(seed)), PLAIN)
        empty = compose([], [], (), Generator(PCG64(seed)), PLAIN)
        inside = scene.saliency == 1
        assert (scene.image[inside] == [255, 0, 0]).all()
        assert (scene.image[~inside] == empty.image[~inside]).all()
        assert ((scene.label == 3) == inside).all() and empty.saliency.sum() == 0 and empty.objects == []
        (number, (left, top, right, bottom)), = scene.objects
        assert number == 3 and inside[top:bottom, left:right].all() and inside.sum() == (right - left) * (bottom - top)
        assert PLAIN.side[0] * 64 - 1 <= right - left <= PLAIN.side[1] * 64 + 1



def test_pixel_belongs_to_an_object_from_half_opacity_on():
    "nbs/04_compose.ipynb, cell 60"
    for alpha, is_object in ((127, False), (128, True)):
        glass = CutOut("glass", 3, np.full((20, 20, 4), [255, 0, 0, alpha], np.uint8))
        scene = compose([glass], [], (), Generator(PCG64(0)), PLAIN)
        assert scene.saliency.any() == is_object and len(scene.objects) == is_object



def test_later_object_hides_the_earlier_one_in_picture_and_masks_alike():
    "nbs/04_compose.ipynb, cell 61"
    overlapping = replace(PLAIN, side_of_two=(0.7, 0.7), hidden=1.0)
    hidden_pixels = 0
    for seed in range(10):
        scene = compose([square(3, (255, 0, 0)), square(7, (0, 0, 255))], [], (), Generator(PCG64(seed)), overlapping)
        red, blue = ((scene.image == color).all(-1) for color in ([255, 0, 0], [0, 0, 255]))
        assert (red == (scene.label == 3)).all() and (blue == (scene.label == 7)).all()
        assert ((scene.saliency == 1) == (red | blue)).all() and blue.sum() == 45 * 45
        hidden_pixels += 45 * 45 - red.sum()
    assert hidden_pixels > 0



def test_object_that_nobody_can_see_is_not_listed():
    "nbs/04_compose.ipynb, cell 62"
    scene = compose([square(3, (255, 0, 0)), square(7, (0, 0, 255))], [], (), Generator(PCG64(0)),
                    replace(PLAIN, side_of_two=(1.0, 1.0)))
    assert scene.objects == [(7, (0, 0, 64, 64))] and (scene.label == 7).all()



def test_object_of_no_class_is_salient_and_labelled_background():
    "nbs/04_compose.ipynb, cell 63"
    scene = compose([square(0, (255, 0, 0))], [], (), Generator(PCG64(1)), PLAIN)
    assert scene.saliency.sum() > 0 and (scene.label == 0).all()



def test_clutter_is_in_the_picture_and_in_no_mask():
    "nbs/04_compose.ipynb, cell 64"
    calm = compose([], [square(0, (255, 0, 0))], (), Generator(PCG64(2)), PLAIN)
    messy = compose([], [square(0, (255, 0, 0))], (), Generator(PCG64(2)), replace(PLAIN, clutter=(5, 5)))
    assert (calm.image != messy.image).any() and not messy.saliency.any() and not messy.label.any()



def test_classes_have_equal_chance_whatever_their_number_of_cutouts():
    "nbs/04_compose.ipynb, cell 67"
    split = Split("train", 1, [square(1, (9, 9, 9))] * 9 + [square(2, (9, 9, 9))], [])
    rng = Generator(PCG64(0))
    drawn = [c.class_index for _ in range(1000) for c in choose_objects(split, rng, SceneRecipe(two_objects=0.5))]
    assert 1400 < len(drawn) < 1600 and 0.45 < np.mean(np.array(drawn) == 2) < 0.55



def test_objects_of_no_class_have_their_share():
    "nbs/04_compose.ipynb, cell 68"
    split = Split("train", 1, [square(1, (9, 9, 9))], [square(0, (9, 9, 9))], other_share=0.25)
    rng = Generator(PCG64(0))
    drawn = [c.class_index for _ in range(1000) for c in choose_objects(split, rng, SceneRecipe())]
    assert 0.2 < np.mean(np.array(drawn) == 0) < 0.3



def test_split_with_nothing_to_show_is_an_error():
    "nbs/04_compose.ipynb, cell 69"
    with pytest.raises(InputError, match="'val' has 0 pictures"): Split("val", 0, [square(1, (0, 0, 0))], [])
    with pytest.raises(InputError, match="'val' has no cut-outs"): Split("val", 1, [], [])
    with pytest.raises(InputError, match="'val' has no things of no class"):
        Split("val", 1, [square(1, (0, 0, 0))], [], other_share=0.5)



def test_picture_depends_on_seed_split_and_number_alone():
    "nbs/04_compose.ipynb, cell 72"
    split = Split("train", 3, openmoji_cutouts("unseen"), openmoji_cutouts("unseen", classes=False))
    pictures = [scene for _, scene in scenes(split, photographs(), SceneRecipe(), 5, "voc")]
    alone = scene_at(split, 2, photographs(), SceneRecipe(), 5, "voc")
    assert (alone.image == pictures[2].image).all() and (alone.label == pictures[2].label).all()
    assert (alone.image != pictures[0].image).any() and (alone.image != pictures[1].image).any()
    others = [scene_at(split, 2, photographs(), SceneRecipe(), 6, "voc"),
              scene_at(split, 2, photographs(), SceneRecipe(), 5, "saliency"),
              scene_at(replace(split, name="val"), 2, photographs(), SceneRecipe(), 5, "voc")]
    assert all((alone.image != other.image).any() for other in others)



def test_annotation_names_and_boxes_are_those_of_the_mask():
    "nbs/04_compose.ipynb, cell 85"
    mask = np.zeros((10, 12), np.uint8)
    mask[2:5, 3:9] = 8
    objects = [(8, (3, 2, 9, 5)), (0, (0, 0, 1, 1))]
    scene = Scene(np.zeros((10, 12, 3), np.uint8), mask, (mask > 0).astype(np.uint8), objects)
    tree = ElementTree.fromstring(annotation("one", scene, VOC_CLASSES))
    assert [o.findtext("name") for o in tree.iter("object")] == ["cat"]
    assert [int(v.text) for v in tree.find("object/bndbox")] == [4, 3, 9, 5]
    assert (tree.findtext("size/width"), tree.findtext("size/height")) == ("12", "10")



def test_tag_set_is_in_the_layout_of_voc():
    "nbs/04_compose.ipynb, cell 86"
    red, blue = square(1, (255, 0, 0)), square(2, (0, 0, 255))
    splits = [Split("train", 3, [red, blue], []), Split("val", 2, [blue], [])]
    with tempfile.TemporaryDirectory() as folder:
        voc = Path(folder) / "voc"
        write_voc(voc, splits, ("background", "red & round", "blue"), (), PLAIN)
        assert read_classes(voc) == ("background", "red & round", "blue")
        names = (voc / "ImageSets/Segmentation/train.txt").read_text().split()
        assert names == ["train_000000", "train_000001", "train_000002"]
        for name in [*names, "val_000000", "val_000001"]:
            label = read_label(voc / f"SegmentationClass/{name}.png", num_classes=3)
            tree = ElementTree.parse(voc / f"Annotations/{name}.xml")
            tags = names_to_tags([o.text for o in tree.iter("name")], read_classes(voc))
            assert (tags == mask_to_tags(label, 3)).all() and tags.sum() > 0
            assert read_picture(voc / f"JPEGImages/{name}.jpg").size == (64, 64)



def test_cutout_of_an_unknown_class_is_an_error():
    "nbs/04_compose.ipynb, cell 87"
    with tempfile.TemporaryDirectory() as folder:
        with pytest.raises(InputError, match="A cut-out has class 4, but the last is 2"):
            write_voc(Path(folder) / "voc", [Split("train", 1, [square(4, (0, 0, 0))], [])], ("background", "a", "b"), ())
        assert not (Path(folder) / "voc").exists()



def test_saliency_set_has_a_mask_for_each_picture():
    "nbs/04_compose.ipynb, cell 90"
    split = Split("train", 4, [square(1, (255, 0, 0))], [square(0, (0, 0, 255))], other_share=0.5)
    with tempfile.TemporaryDirectory() as folder:
        write_saliency(folder, [split], (), PLAIN, seed=3)
        images, masks = (sorted((Path(folder) / "train" / part).iterdir()) for part in ("images", "masks"))
        assert [p.stem for p in images] == [p.stem for p in masks] and len(masks) == 4
        for index, path in enumerate(masks):
            expected = scene_at(split, index, (), PLAIN, 3, "saliency").saliency * 255
            assert (np.asarray(Image.open(path)) == expected).all() and set(np.unique(expected)) == {0, 255}



def test_folder_is_made_once_for_the_same_settings():
    "nbs/04_compose.ipynb, cell 93"
    calls = []
    with tempfile.TemporaryDirectory() as home:
        for _ in range(2): build_folder(Path(home) / "set", {"seed": 1, "side": (0, 1)}, calls.append)
        assert len(calls) == 1 and [p.name for p in Path(home).iterdir()] == ["set"]



def test_folder_with_other_settings_is_left_alone():
    "nbs/04_compose.ipynb, cell 94"
    with tempfile.TemporaryDirectory() as home:
        build_folder(Path(home) / "set", {"seed": 1}, lambda part: (part / "a.txt").write_text("first"))
        with pytest.raises(InputError, match="composed with another seed: delete it"):
            build_folder(Path(home) / "set", {"seed": 2}, lambda part: (part / "a.txt").write_text("second"))
        assert (Path(home) / "set/a.txt").read_text() == "first"



def test_folder_of_somebody_else_is_left_alone():
    "nbs/04_compose.ipynb, cell 95"
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "thesis.txt").write_text("three years")
        with pytest.raises(InputError, match="was not composed"): build_folder(home, {}, lambda part: None)
        assert [p.name for p in Path(home).iterdir()] == ["thesis.txt"]



def test_full_disk_leaves_nothing_behind():
    "nbs/04_compose.ipynb, cell 96"
    def fill(part):
        (part / "half.txt").write_text("half")
        raise OSError(28, "No space left on device")


    with tempfile.TemporaryDirectory() as home:
        with pytest.raises(InputError, match="set could not be composed: No space left on device; nothing is left"):
            build_folder(Path(home) / "set", {}, fill)
        assert not list(Path(home).iterdir())



def test_interrupted_composing_leaves_nothing_behind():
    "nbs/04_compose.ipynb, cell 97"
    def interrupt(part):
        raise KeyboardInterrupt


    with tempfile.TemporaryDirectory() as home:
        with pytest.raises(KeyboardInterrupt): build_folder(Path(home) / "set", {}, interrupt)
        assert not list(Path(home).iterdir())



def test_demo_set_holds_unseen_glyphs_in_test_unseen_only():
    "nbs/04_compose.ipynb, cell 103"
    tags, saliency = demo_splits(1, 1, 1, 1)
    glyphs = {f"{kind}/{s.name}": ({c.name for c in s.cutouts}, {c.name for c in s.others})
              for kind, splits in (("voc", tags), ("saliency", saliency)) for s in splits}
    assert set(glyphs) == {"voc/train", "voc/val", "voc/test", "voc/test_unseen",
                           "saliency/train", "saliency/val", "saliency/test"}
    trained = glyphs["voc/train"][0] | glyphs["saliency/train"][0]
    assert not trained & glyphs["voc/test_unseen"][0] and glyphs["voc/test"][0] == glyphs["voc/train"][0]
    for name in ("voc/val", "voc/test", "voc/test_unseen", "saliency/val", "saliency/test"):
        assert not glyphs[name][1] & (glyphs["voc/train"][1] | glyphs["saliency/train"][1])



def test_demo_set_is_written_whole():
    "nbs/04_compose.ipynb, cell 104"
    with tempfile.TemporaryDirectory() as home:
        demo = compose_data(Path(home) / "demo", 3, 3, 2, 2, SceneRecipe(size=32))
        assert {p.name for p in demo.iterdir()} == {"voc", "saliency", "composed.json"}
        lists = {p.stem: len(p.read_text().split()) for p in (demo / "voc/ImageSets/Segmentation").iterdir()}
        assert lists == {"train": 3, "val": 2, "test": 2, "test_unseen": 2}
        assert read_classes(demo / "voc") == VOC_CLASSES
        larger = {VOC_CLASSES.index(name) for name, codes in VOC_GLYPHS.items() if len(codes) >= 3}
        for name in ("test_unseen_000000", "test_unseen_000001"):
            label = read_label(demo / f"voc/SegmentationClass/{name}.png")
            assert label.shape == (32, 32) and set(np.unique(label)) - {0} <= larger
