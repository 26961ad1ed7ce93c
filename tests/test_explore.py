"Made from nbs/35_explore.ipynb by tools/export.py: change the notebook, then `make export`."
from PIL import Image
from dataclasses import replace
from pathlib import Path
from ssnet.checkpoint import save_checkpoint
from ssnet.checkpoint import snapshot_path
from ssnet.explore import Example
from ssnet.explore import Exploration
from ssnet.explore import Library
from ssnet.explore import Playground
from ssnet.explore import SCENES
from ssnet.explore import VIEW
from ssnet.explore import as_png
from ssnet.explore import builtin_examples
from ssnet.explore import comparison
from ssnet.explore import examples_in
from ssnet.explore import explore
from ssnet.explore import networks_in
from ssnet.explore import scene_of
from ssnet.explore import show_exploration
from ssnet.explore import show_growth
from ssnet.explore import uploads_of
from ssnet.files import InputError
from ssnet.files import read_picture
from ssnet.labels import overlay
from ssnet.labels import write_label
from ssnet.recipe import build
from ssnet.recipe import make_recipe
from unittest.mock import patch
import io
import numpy as np
import pytest
import tempfile
import torch


def by_hand():
    "Three pixels, two classes and the background."
    H = torch.tensor([[[0.1, 0.1, 0.8]], [[0.6, 0.2, 0.1]], [[0.3, 0.7, 0.1]]])
    return Exploration(np.zeros((1, 3, 3), np.uint8), H, torch.tensor([0.9, 0.5, 1.0]), ("background", "cat", "dog"))


def small_run(folder, classes=("background", "cat", "dog"), steps=(0, 2)):
    "A run folder with snapshots of stage 1, without data."
    recipe = make_recipe("tiny", 1, size=64)
    for step in steps:
        net = build(replace(recipe, seed=step), len(classes))
        save_checkpoint(snapshot_path(f"{folder}/stage1", step), net, recipe, classes, step)
    return folder


def some_examples(classes=3):
    "Two pictures with a truth."
    noise = np.random.default_rng(0).integers(0, 255, (2, 50, 70, 3), dtype=np.uint8)
    truth = np.arange(50 * 70, dtype=np.uint8).reshape(50, 70) % classes
    return {name: Example(Image.fromarray(x), truth) for name, x in zip(("one", "two"), noise)}


def playground(folder):
    "On a small run with two snapshots and two pictures."
    return Playground(small_run(folder), some_examples())


def picture_in(panel):
    "What a panel shows, as numbers."
    return np.asarray(Image.open(io.BytesIO(panel.image.value))).astype(int)


def test_s_is_the_sum_that_the_paper_writes_and_moves_in_a_straight_line_with_v():
    "nbs/35_explore.ipynb, cell 10"
    e = by_hand()
    assert torch.allclose(e.saliency(), torch.tensor([[0.5 * 0.6 + 0.3, 0.5 * 0.2 + 0.7, 0.5 * 0.1 + 0.1]]))
    S = [e.saliency({1: v}) for v in (0.0, 0.25, 0.5, 1.0)]
    for v, map_ in zip((0.0, 0.25, 0.5, 1.0), S): assert torch.allclose(map_, S[0] + v * (S[3] - S[0]))
    assert torch.allclose(S[3] - S[0], e.H[1])                                   # its slope is H_i
    assert torch.equal(e.saliency({0: 0.3}), e.saliency())                       # the background's v is not used
    assert float(e.saliency({1: 1.0, 2: 1.0}).max()) <= 1 and float(e.saliency({1: 0.0, 2: 0.0}).max()) == 0



def test_a_class_that_is_off_leaves_the_sum_and_the_label_and_v_alone_leaves_the_label_be():
    "nbs/35_explore.ipynb, cell 11"
    e = by_hand()
    assert torch.equal(e.saliency(off=frozenset({1})), e.saliency({1: 0.0}))
    assert torch.equal(e.saliency({1: 0.7}, frozenset({1})), e.saliency({1: 0.0}))  # off wins over the slider
    assert e.label().tolist() == [[1, 2, 0]]
    assert e.label(frozenset({1})).tolist() == [[2, 2, 0]] and e.label(frozenset({1, 2})).tolist() == [[0, 0, 0]]
    assert torch.equal(e.v, torch.tensor([0.9, 0.5, 1.0])) and torch.equal(e.H, by_hand().H)  # nothing was changed
    assert e.strongest() == [2, 1] and e.strongest(1) == [2]



def test_scenes_hold_what_their_name_says_and_are_the_same_each_time():
    "nbs/35_explore.ipynb, cell 16"
    a, b = (scene_of(("dog", "car"), seed=3) for _ in range(2))
    assert np.array_equal(a.picture, b.picture) and set(np.unique(a.truth)) == {0, 7, 12}      # car 7, dog 12
    assert set(np.unique(scene_of(("",)).truth)) == {0}                                      # of no class
    found = builtin_examples()
    assert list(found) == [*SCENES, "photograph: cat", "photograph: astronaut"]
    assert all(e.truth.shape == e.picture.size[::-1] for e in found.values())



def test_the_figure_says_what_was_changed():
    "nbs/35_explore.ipynb, cell 25"
    titles = lambda figure: [axis.get_title() for axis in figure.axes]
    assert titles(show_exploration(by_hand()))[3:] == ["H, dog\nv = 1.00", "H, cat\nv = 0.50"]
    changed = show_exploration(by_hand(), {1: 0.25}, frozenset({2}))
    assert titles(changed)[3:] == ["H, dog\nv = 0.00 (off)", "H, cat\nv = 0.25"]



def test_a_run_gives_its_networks_at_every_step_and_no_run_gives_the_one_of_the_package():
    "nbs/35_explore.ipynb, cell 30"
    with tempfile.TemporaryDirectory() as folder:
        library = Library(small_run(folder))
        assert list(library.files) == ["stage 1"] and list(library.files["stage 1"]) == [0, 2]
        assert library.last("stage 1") == 2
        example = some_examples()["one"]
        early, late = library.examine(example, "stage 1", 0), library.examine(example, "stage 1")
        assert early.H.shape == (3, 64, 64) and not torch.equal(early.H, late.H)
        assert late.classes == ("background", "cat", "dog")
        assert torch.equal(late.H, library.examine(example, "stage 1", 2).H) and len(library.opened) == 2
        assert list(comparison(example, library)) == ["stage 1", "truth"]
        found = comparison(replace(example, pseudo=example.truth), library)
        assert list(found) == ["stage 1", "pseudo label", "truth"]
        assert np.array_equal(found["truth"], overlay(np.asarray(example.picture), example.truth))
        assert found["stage 1"].shape == (64, 64, 3)
        assert examples_in(folder) == {}
        with pytest.raises(InputError, match="holds no stage1/ or stage2/"): networks_in(f"{folder}/stage1")
    assert list(networks_in(None)) == ["tiny network"]



def test_a_run_with_pictures_gives_new_ones_and_training_pictures_with_their_pseudo_labels():
    "nbs/35_explore.ipynb, cell 31"
    with tempfile.TemporaryDirectory() as folder:
        voc, picture, label = Path(folder) / "data/voc", some_examples()["one"].picture, some_examples()["one"].truth
        for split, name in (("test", "new"), ("train", "old")):
            for part in ("JPEGImages", "ImageSets/Segmentation"): (voc / part).mkdir(parents=True, exist_ok=True)
            picture.save(voc / f"JPEGImages/{name}.png")
            (voc / f"ImageSets/Segmentation/{split}.txt").write_text(name)
            write_label(voc / f"SegmentationClass/{name}.png", label)
            write_label(Path(folder) / f"pseudo/{name}.png", 2 - label)
        found = examples_in(folder)
    assert list(found) == ["new", "old"]
    assert found["new"].pseudo is None and np.array_equal(found["old"].pseudo, 2 - label)
    assert np.array_equal(found["new"].truth, label) and np.array_equal(found["new"].picture, picture)



def test_growth_has_a_column_for_each_step_and_names_class_and_score():
    "nbs/35_explore.ipynb, cell 39"
    figure = show_growth({0: by_hand(), 150: by_hand()}, 2)
    assert [axis.get_title() for axis in figure.axes[:2]] == ["step 0\nv = 1.00", "step 150\nv = 1.00"]
    assert [axis.get_ylabel() for axis in figure.axes[::2]] == ["H, dog", "S", "label"]



def test_a_map_becomes_a_grey_png_and_a_picture_a_coloured_one():
    "nbs/35_explore.ipynb, cell 42"
    grey = np.asarray(Image.open(io.BytesIO(as_png(torch.tensor([[0.0, 0.5, 1.0, 1.2]])))))
    assert grey.tolist() == [[0, 128, 255, 255]]
    assert np.array_equal(Image.open(io.BytesIO(as_png(np.full((2, 2, 3), 7, np.uint8)))), np.full((2, 2, 3), 7))



def test_an_upload_is_the_same_in_both_versions_of_ipywidgets():
    "nbs/35_explore.ipynb, cell 43"
    new = ({"name": "a.png", "type": "image/png", "size": 2, "content": memoryview(b"hi")},)
    old = {"a.png": {"metadata": {"name": "a.png"}, "content": b"hi"}}
    for value in (new, old): assert [(u.name, u.read()) for u in uploads_of(value)] == [("a.png", b"hi")]
    with pytest.raises(InputError, match="The file 'a.png' is not a picture"): read_picture(uploads_of(new)[0])



def test_dragging_v_changes_s_and_leaves_the_label():
    "nbs/35_explore.ipynb, cell 49"
    with tempfile.TemporaryDirectory() as folder: play = playground(folder)
    card, (_, S, label), text = play.ui.cards[0], play.ui.views, play.ui.formula
    card.slider.value = 0.0
    before = S.image.value, label.image.value, text.value
    card.slider.value = 1.0
    assert S.image.value != before[0] and label.image.value == before[1] and text.value != before[2]
    assert np.array_equal(picture_in(S), np.asarray((play.e.saliency({card.i: 1.0}) * 255).round()))
    play.ui.reset.click()
    assert play.changed == {} and np.array_equal(picture_in(S), np.asarray((play.e.saliency() * 255).round()))



def test_a_class_that_is_switched_off_leaves_s_and_label_and_its_slider_rests():
    "nbs/35_explore.ipynb, cell 50"
    with tempfile.TemporaryDirectory() as folder: play = playground(folder)
    card = play.ui.cards[0]
    card.switch.value = False
    assert play.off == {card.i} and card.slider.disabled and "<s>" in play.ui.formula.value
    assert np.array_equal(picture_in(play.ui.views[1]), np.asarray((play.e.saliency(off=play.off) * 255).round()))
    assert np.array_equal(picture_in(play.ui.views[2]), overlay(play.e.picture, play.e.label(play.off)))
    card.switch.value = True
    assert play.off == frozenset() and not card.slider.disabled



def test_the_step_slider_shows_the_maps_of_that_step():
    "nbs/35_explore.ipynb, cell 51"
    with tempfile.TemporaryDirectory() as folder:
        play = playground(folder)
        assert play.ui.step.options == (0, 2) and play.ui.step.value == 2
        last, shown = play.e, [card.i for card in play.ui.cards]
        play.ui.step.value = 0
        first = play.library.examine(play.example, "stage 1", 0)
    assert torch.equal(play.e.H, first.H) and not torch.equal(first.H, last.H)
    assert [card.i for card in play.ui.cards] == shown and play.changed == {}
    assert [card.slider.value for card in play.ui.cards] == [round(float(first.v[i]), 2) for i in shown]
    assert np.array_equal(picture_in(play.ui.cards[0]), np.asarray((first.H[shown[0]] * 255).round()))



def test_a_snapshot_that_is_gone_is_named_in_the_page():
    "nbs/35_explore.ipynb, cell 52"
    with tempfile.TemporaryDirectory() as folder: play = playground(folder)     # the folder is deleted here
    play.ui.step.value = 0
    assert "There is no checkpoint" in play.ui.message.value and "step_000000" in play.ui.message.value



def test_an_upload_becomes_the_picture_and_a_broken_one_a_sentence():
    "nbs/35_explore.ipynb, cell 53"
    with tempfile.TemporaryDirectory() as folder: play = playground(folder)
    file = lambda name, data: ({"name": name, "type": "image/png", "size": len(data), "content": memoryview(data)},)
    play.upload(file("mine.png", as_png(np.full((40, 30, 3), 200, np.uint8))))
    assert play.ui.picture.value == "mine.png" and abs(int(play.e.picture.max()) - 200) <= 1
    picture = play.ui.views[0].image.value
    play.upload(file("<broken>.png", b"no picture"))
    assert "The file &#x27;&lt;broken&gt;.png&#x27; is not a picture" in play.ui.message.value
    assert play.ui.picture.value == "mine.png" and play.ui.views[0].image.value == picture
    play.upload(())                                                                   # the list of files was cleared
    play.ui.picture.value = "two"
    assert "broken" not in play.ui.message.value and play.ui.views[0].image.value != picture



def test_without_ipywidgets_there_is_a_figure_that_says_so_and_with_them_a_picture_for_pages_that_have_none():
    "nbs/35_explore.ipynb, cell 54"
    with tempfile.TemporaryDirectory() as folder:
        with patch.dict("sys.modules", {"ipywidgets": None}): figure = explore(small_run(folder), some_examples())
        play = explore(folder, some_examples())
    assert "ipywidgets is missing" in figure.get_suptitle() and len(figure.axes) == 5
    bundle = play._repr_mimebundle_()
    assert bundle[VIEW]["model_id"] == play.ui.box.model_id and bundle["image/jpeg"][:2] == b"\xff\xd8"
    play = explore()                                                      # no run: the package's network, which is said
    assert "No run was named" in play.ui.message.value
    assert play.ui.step.layout.display == "none" and play.ui.picture.layout.display is None   # nothing to scrub through
