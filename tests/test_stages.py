"Made from nbs/32_stages.ipynb by tools/export.py: change the notebook, then `make export`."
from dataclasses import replace
from pathlib import Path
from ssnet.checkpoint import load_checkpoint
from ssnet.compare import read_note
from ssnet.compose import compose_data
from ssnet.files import InputError
from ssnet.labels import tags_to_names
from ssnet.labels import write_label
from ssnet.pseudo import LabelRecipe
from ssnet.recipe import build
from ssnet.recipe import make_recipe
from ssnet.stages import Data
from ssnet.stages import check_stage2
from ssnet.stages import label_training_set
from ssnet.stages import passes_of
from ssnet.stages import pseudo_label_view
from ssnet.stages import quality_of
from ssnet.stages import run_both
from ssnet.stages import score_checkpoint
from ssnet.stages import spread
from ssnet.stages import start_from
from ssnet.stages import train_stage
from ssnet.stages import view_of
import pytest
import shutil
import tempfile
import torch


def small_data(folder):
    "A small composed data folder."
    compose_data(folder, tag_count=24, saliency_count=24, val_count=4, test_count=4)
    return Data.in_folder(folder)


def small_recipes(steps=4):
    "Both stages, a few steps."
    return tuple(make_recipe("tiny", stage, steps=steps, batch=4) for stage in (1, 2))


def test_both_stages_leave_their_results_and_are_not_run_twice():
    "nbs/32_stages.ipynb, cell 21"
    with tempfile.TemporaryDirectory() as folder:
        data = small_data(f"{folder}/data")
        first = run_both(small_recipes(), data, f"{folder}/run")
        files = {p: p.stat().st_mtime_ns for p in Path(f"{folder}/run").rglob("*") if p.suffix in (".png", ".safetensors")}
        assert len([p for p in files if p.suffix == ".png"]) == 24 and 0 < first["kept"] <= 1
        assert run_both(small_recipes(), data, f"{folder}/run") == first
        assert files == {p: p.stat().st_mtime_ns for p in files}
        scores = score_checkpoint(f"{folder}/run/stage2/checkpoint.safetensors", data, {"miou": "test", "unseen": "test_unseen"},
                             data.voc.parent / "saliency/test")
    assert {"miou", "unseen", "iou", "mae", "max_f"} <= scores.keys() and len(scores["iou"]) == 21



def test_stage_2_starts_from_stage_1_where_the_shapes_fit():
    "nbs/32_stages.ipynb, cell 22"
    with tempfile.TemporaryDirectory() as folder:
        data = small_data(f"{folder}/data")
        one = train_stage(small_recipes(2)[0], data, f"{folder}/one")
        two = build(small_recipes()[1])
        start_from(two, f"{folder}/one/checkpoint.safetensors")
    a, b = one.state_dict(), two.state_dict()
    assert all(torch.equal(a[k], b[k]) for k in a if k.startswith("feature."))
    assert any(k not in a for k in b)                       # the head of stage 2 is new



def test_your_own_pictures_go_through_both_stages():
    "nbs/32_stages.ipynb, cell 23"
    with tempfile.TemporaryDirectory() as folder:
        made = small_data(f"{folder}/data")
        own = Path(folder) / "own"
        shutil.copytree(made.voc / "JPEGImages", own)
        shutil.copy(made.voc / "classes.txt", own)
        view = made.tag_view(None)
        lines = [f"{p.name},{';'.join(tags_to_names(view[i]['tags'], made.classes))}" for i, p in enumerate(view.images)]
        (own / "tags.csv").write_text("\n".join(["file,tags", *lines]))
        data = replace(made, voc=own / "tags.csv")
        assert run_both(small_recipes(2), data, f"{folder}/run") == {}          # there is no truth to compare with
        assert load_checkpoint(f"{folder}/run/stage2/checkpoint.safetensors").step == 2
        assert len(list(Path(f"{folder}/run/pseudo").glob("*.png"))) == 24



def test_stage_2_sees_the_very_views_that_were_labelled():
    "nbs/32_stages.ipynb, cell 24"
    with tempfile.TemporaryDirectory() as folder:
        data, (one, two) = small_data(f"{folder}/data"), small_recipes(1)
        one, two = replace(one, rotate=10.0), replace(two, rotate=10.0)
        train_stage(one, data, f"{folder}/one")
        how = LabelRecipe(passes=3, flip=False, crf=True)
        found = label_training_set(data, f"{folder}/one/checkpoint.safetensors", f"{folder}/pseudo", how)
        assert len(list(Path(f"{folder}/pseudo").glob("*_[012].png"))) == 3 * 24 and 0 < found["accuracy"] <= 1
        # let the truth of each view stand in for its label: in stage 2 it must lie on the same picture
        truth = passes_of(data.label_view(view_of(read_note(f"{folder}/pseudo")), "train"), read_note(f"{folder}/pseudo"))
        for i in range(len(truth)):
            write_label(f"{folder}/pseudo/{truth[i]['name']}.png", truth[i]["label"].to(torch.uint8).numpy())
        view = pseudo_label_view(data, two, f"{folder}/pseudo")
        assert len(view) == 72
        for i in (0, 1, 40):
            assert torch.equal(view[i]["image"], truth[i]["image"]) and torch.equal(view[i]["label"], truth[i]["label"])
        assert quality_of(data, f"{folder}/pseudo")["miou"] == 1
        for other in ({"size": 64}, {"rotate": 0.0}, {"crop": 0.5}):
            with pytest.raises(InputError, match=f"were made with {next(iter(other))}="):
                pseudo_label_view(data, replace(two, **other), f"{folder}/pseudo")
        train_stage(replace(two, color=0.2), data, f"{folder}/two", f"{folder}/pseudo", f"{folder}/one/checkpoint.safetensors")
        assert load_checkpoint(f"{folder}/two/checkpoint.safetensors").step == 1



def test_a_fixed_part_of_a_set_is_spread_over_it():
    "nbs/32_stages.ipynb, cell 25"
    assert [x for x in spread(list(range(10)), 4)] == [0, 2, 5, 7] and spread([1, 2], 0) == spread([1, 2], 5) == [1, 2]
    with pytest.raises(InputError, match="not -1"): spread([1, 2], -1)



def test_stage_2_says_what_it_misses():
    "nbs/32_stages.ipynb, cell 26"
    two = make_recipe("tiny", 2)
    with pytest.raises(InputError, match="ssnet pseudo-label"): check_stage2(two, None, None)
    with pytest.raises(InputError, match="name its checkpoint"): check_stage2(two, "pseudo", None)
    check_stage2(replace(two, start=""), "pseudo", None)



def test_an_empty_or_missing_split_stops_before_anything_is_written():
    "nbs/32_stages.ipynb, cell 27"
    with tempfile.TemporaryDirectory() as folder:
        data = small_data(f"{folder}/data")
        (data.voc / "ImageSets/Segmentation/train.txt").write_text("")
        with pytest.raises(InputError, match="empty"): train_stage(small_recipes()[0], data, f"{folder}/run")
        with pytest.raises(InputError, match="no split 'elsewhere'"):
            train_stage(small_recipes()[0], replace(data, train_split="elsewhere"), f"{folder}/run")
        assert not Path(f"{folder}/run").exists()
