"Made from nbs/24_compare.ipynb by tools/export.py: change the notebook, then `make export`."
from PIL import Image
from dataclasses import asdict
from pathlib import Path
from skimage.filters import gaussian
from ssnet.augment import eval_transform
from ssnet.checkpoint import save_checkpoint
from ssnet.compare import How
from ssnet.compare import Result
from ssnet.compare import SERVER
from ssnet.compare import claim
from ssnet.compare import evaluate_peers
from ssnet.compare import evaluate_target
from ssnet.compare import figure_label
from ssnet.compare import has_truth
from ssnet.compare import how_of
from ssnet.compare import iou_bars
from ssnet.compare import keep_tagged
from ssnet.compare import markdown_table
from ssnet.compare import match_files
from ssnet.compare import refiner
from ssnet.compare import saliency_curves
from ssnet.compare import saliency_pair
from ssnet.compare import score_labels
from ssnet.compare import score_maps
from ssnet.compare import score_peers
from ssnet.compare import scoring_view
from ssnet.compare import unfinished
from ssnet.compare import weights_of
from ssnet.compare import write_predictions
from ssnet.crf import dense_crf
from ssnet.datasets import SaliencyDataset
from ssnet.datasets import VOCDataset
from ssnet.evaluate import score_saliency
from ssnet.evaluate import score_segmentation
from ssnet.evaluate import segmentation_scores
from ssnet.files import InputError
from ssnet.files import write_picture
from ssnet.files import write_whole
from ssnet.labels import read_label
from ssnet.labels import write_label
from ssnet.recipe import build
from ssnet.recipe import make_recipe
from types import SimpleNamespace
import json
import numpy as np
import pytest
import shutil
import tempfile
import torch


def store_files(folder, *names):
    "Empty files, called so."
    for name in names:
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return Path(folder)


def small_sets(folder):
    "Four pictures in VOC's layout, split `val`, and the same as a saliency set; all of different sizes. Returns both."
    rng, voc, saliency = np.random.default_rng(0), Path(folder) / "voc", Path(folder) / "saliency"
    for i in range(4):
        picture = rng.integers(0, 256, (40 + i, 50, 3), dtype=np.uint8)
        write_picture(voc / f"JPEGImages/p{i}.png", picture)
        write_label(voc / f"SegmentationClass/p{i}.png", rng.choice([0, 8, 12, 255], (40 + i, 50)).astype(np.uint8))
        write_picture(saliency / f"images/p{i}.png", picture)
        write_picture(saliency / f"masks/p{i}.png", ((rng.random((40 + i, 50)) < 0.3) * 255).astype(np.uint8))
        objects = "<object><name>cat</name></object><object><name>dog</name></object>"
        write_whole(voc / f"Annotations/p{i}.xml", f"<annotation>{objects}</annotation>".encode())
    write_whole(voc / "ImageSets/Segmentation/val.txt", b"p0\np1\np2\np3\n")
    return voc, saliency


def small_net():
    "The tiny network, untrained, for pictures of 64×64."
    return build(make_recipe("tiny", 1, size=64))


class Stopping(torch.nn.Module):
    "A network that is stopped after some passes."
    def __init__(self, net, passes):
        super().__init__()
        self.net, self.passes = net, passes
    def state_dict(self): return self.net.state_dict()
    def forward(self, image):
        self.passes -= 1
        if self.passes < 0: raise KeyboardInterrupt
        return self.net(image)


def four_methods(folder):
    "Twelve masks and the maps of four made-up methods; `careless` lacks one. Returns (methods' folder, masks' folder)."
    rng, at = np.random.default_rng(1), Path(folder)
    for i in range(12):
        mask = gaussian(rng.random((60, 80)), 6)
        mask = mask > np.quantile(mask, 0.75)
        maps = {"soft": gaussian(mask * 1.0, 3), "shifted": np.roll(mask, (4, 6), (0, 1)),
                "noisy": 0.4 * mask + 0.6 * rng.random(mask.shape), "careless": mask}
        write_picture(at / f"set/masks/{i}.png", (mask * 255).astype(np.uint8))
        for name, s in maps.items(): write_picture(at / f"methods/{name}/{i}.png", (255 * s).astype(np.uint8))
    (at / "methods/careless/7.png").unlink()
    return at / "methods", at / "set/masks"


def test_a_label_states_every_setting():
    "nbs/24_compare.ipynb, cell 8"
    assert figure_label("VOC 2012 val", 1449, How()) == "VOC 2012 val, 1,449 pictures, no CRF, scales 1.0, no flip, no tags"
    assert str(How((0.75, 1.5), True, True, True)) == "dense CRF, scales 0.75 1.5, flip, TAGS USED"
    assert "not known" in figure_label("ECSSD", 1000, None)



def test_missing_and_extra_files_are_named_never_skipped():
    "nbs/24_compare.ipynb, cell 14"
    with tempfile.TemporaryDirectory() as folder:
        store_files(folder, "a.png", "b.jpg", "c.png", "made_with.json")
        assert [p.name for p in match_files(folder, ["b", "a", "c"]).values()] == ["b.jpg", "a.png", "c.png"]
        with pytest.raises(InputError, match="lacks 4 of 6 pictures: d, e, f, …"): match_files(folder, list("abdefg"))
        with pytest.raises(InputError, match="holds 1 files that the set does not: c"): match_files(folder, ["a", "b"])
        assert list(match_files(folder, ["a", "b"], extra=True)) == ["a", "b"]
        store_files(folder, "b.png")
        with pytest.raises(InputError, match="have one name"): match_files(folder, ["a"])
    with tempfile.TemporaryDirectory() as folder:
        store_files(folder, "1_sal.png", "2_sal.png")
        assert match_files(folder, ["1", "2"], "_sal")["2"].name == "2_sal.png"
        with pytest.raises(InputError, match="lacks 2 of 2"): match_files(folder, ["1", "2"])



def test_files_made_with_different_things_do_not_mix():
    "nbs/24_compare.ipynb, cell 17"
    with tempfile.TemporaryDirectory() as folder:
        claim(f"{folder}/pseudo", weights="1", scales=(1.0, 2.0))
        claim(f"{folder}/pseudo", weights="1", scales=(1.0, 2.0))
        for other in ({"weights": "2", "scales": (1.0, 2.0)}, {"weights": "1", "scales": (1.0,)}):
            with pytest.raises(InputError, match="made with something else"): claim(f"{folder}/pseudo", **other)
        (Path(folder) / "x.png").write_bytes(b"of unknown origin")
        with pytest.raises(InputError, match="made with something else"): claim(folder, weights="1")



def test_the_note_tells_the_settings_and_the_weights_have_a_checksum():
    "nbs/24_compare.ipynb, cell 18"
    with tempfile.TemporaryDirectory() as folder:
        assert how_of(folder) is None
        claim(folder, weights="1", **asdict(How((0.5, 1.0), flip=True)))
        assert how_of(folder) == How((0.5, 1.0), flip=True)
        (Path(folder) / "made_with.json").write_text("{")
        with pytest.raises(InputError, match="made_with.json is broken"): how_of(folder)
    a, b = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    assert weights_of(a) != weights_of(b)
    b.load_state_dict(a.state_dict())
    assert weights_of(a) == weights_of(b) and len(weights_of(torch.nn.BatchNorm1d(3).half())) == 64



def test_tags_rule_classes_out_only_where_they_are_asked_for():
    "nbs/24_compare.ipynb, cell 21"
    H = torch.tensor([0.2, 0.3, 0.5])[:, None, None]
    assert keep_tagged(torch.tensor([1.0, 0.0]), H).flatten().tolist() == pytest.approx([0.4, 0.6, 0])
    assert refiner(How()) is None and refiner(How(flip=True, scales=(0.5,))) is None
    found = refiner(How(tags=True))({"tags": torch.tensor([0.0, 0.0])}, H)
    assert found.flatten().tolist() == [1, 0, 0]



def test_with_a_crf_each_picture_goes_through_it_after_the_tags():
    "nbs/24_compare.ipynb, cell 22"
    generator = torch.Generator().manual_seed(0)
    H = torch.rand(3, 12, 16, generator=generator).softmax(0)
    sample = {"tags": torch.tensor([1.0, 0.0]), "picture": torch.randint(0, 256, (3, 12, 16), generator=generator).byte()}
    assert torch.equal(refiner(How(crf=True))(sample, H), dense_crf(H, sample["picture"]))
    both = refiner(How(crf=True, tags=True))(sample, H)
    assert torch.equal(both, dense_crf(keep_tagged(sample["tags"], H), sample["picture"]))
    assert not (both.argmax(0) == 2).any()



def test_a_batch_is_done_again_as_a_whole():
    "nbs/24_compare.ipynb, cell 28"
    with tempfile.TemporaryDirectory() as folder:
        names = ["a", "b", "c", "d", "e"]
        assert unfinished(folder, names, 2) == [0, 1, 2, 3, 4]
        for name in "abd": (Path(folder) / f"{name}.png").touch()
        assert unfinished(folder, names, 2) == [2, 3, 4] and unfinished(folder, names, 1) == [2, 4]



def test_a_stopped_run_goes_on_and_gives_the_same_files():
    "nbs/24_compare.ipynb, cell 29"
    with tempfile.TemporaryDirectory() as folder:
        voc, saliency = small_sets(folder)
        prepare = eval_transform(64)
        views = {"segmentation": VOCDataset(voc, "val", labels="SegmentationClass", tags=False, transform=prepare),
                 "saliency": SaliencyDataset(saliency / "images", saliency / "masks", transform=prepare)}
        for kind, view in views.items():
            one, two = Path(folder) / f"{kind}1", Path(folder) / f"{kind}2"
            assert write_predictions(small_net(), view, one, kind, batch=1) == 4
            with pytest.raises(KeyboardInterrupt): write_predictions(Stopping(small_net(), 2), view, two, kind, batch=1)
            assert len(list(two.glob("*.png"))) == 2
            assert write_predictions(small_net(), view, two, kind, batch=1) == 2
            for path in one.iterdir(): assert path.read_bytes() == (two / path.name).read_bytes()
            other = small_net()
            torch.nn.init.normal_(next(other.parameters()))
            with pytest.raises(InputError, match="made with something else"): write_predictions(other, view, two, kind)
            with pytest.raises(InputError, match="made with something else"):
                write_predictions(small_net(), view, two, kind, How(flip=True))
        with pytest.raises(InputError, match="not the saliency map"):
            write_predictions(small_net(), view, Path(folder) / "x", "saliency", How(crf=True))
        for wrong in ((), (0.0,), (float("nan"),), (float("inf"),)):
            with pytest.raises(InputError, match="Scales must be above 0"):
                write_predictions(small_net(), view, Path(folder) / "x", "saliency", How(wrong))
        assert not (Path(folder) / "x").exists()



def test_label_files_score_exactly_as_the_network_in_memory():
    "nbs/24_compare.ipynb, cell 34"
    net = small_net()
    with tempfile.TemporaryDirectory() as folder:
        voc, _ = small_sets(folder)
        for how in (How(), How((1.0, 1.5), flip=True)):
            view = VOCDataset(voc, "val", labels="SegmentationClass", tags=False, transform=eval_transform(64))
            out = Path(folder) / str(how)
            write_predictions(net, view, out, "segmentation", how)
            found = score_labels(out, voc, "val")
            confusion = score_segmentation(net, view, 21, flip=how.flip, scales=how.scales)
            assert found.scores["accuracy"] == confusion.accuracy() and found.how == how and found.pictures == 4
            assert list(found.scores["iou"].values()) == segmentation_scores(confusion)["iou"]
            assert found.label == f"voc val, 4 pictures, {how}"



def test_iou_of_files_by_hand_and_files_that_cannot_be_scored():
    "nbs/24_compare.ipynb, cell 35"
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder) / "VOC2012", Path(folder) / "mine"
        write_whole(root / "ImageSets/Segmentation/val.txt", b"x\n")
        write_label(root / "SegmentationClass/x.png", np.array([[0, 0, 8, 8, 255]], dtype=np.uint8))
        write_label(out / "x.png", np.array([[0, 8, 8, 12, 12]], dtype=np.uint8))
        found = score_labels(out, root, "val")
        assert found.scores["iou"]["background"] == 1 / 2 and found.scores["iou"]["cat"] == 1 / 3
        assert found.scores["iou"]["dog"] is None and found.scores["miou"] == pytest.approx((1 / 2 + 1 / 3) / 2)
        assert found.scores["accuracy"] == 0.5 and "not known" in found.label
        for wrong, words in ((np.zeros((2, 3)), "x.png is 3×2 pixels, but its picture is 5×1"),
                             (np.full((1, 5), 255), "x.png holds the label 255"),
                             (np.full((1, 5), 33), "x.png holds the label 33")):
            write_label(out / "x.png", wrong.astype(np.uint8))
            with pytest.raises(InputError, match=words): score_labels(out, root, "val")
        store_files(out, "y.png")
        with pytest.raises(InputError, match="holds 1 files that the set does not: y"): score_labels(out, root, "val")



def test_saliency_files_score_as_the_network_in_memory_to_eight_bits():
    "nbs/24_compare.ipynb, cell 38"
    net = small_net()
    with tempfile.TemporaryDirectory() as folder:
        _, saliency = small_sets(folder)
        view = SaliencyDataset(saliency / "images", saliency / "masks", transform=eval_transform(64))
        write_predictions(net, view, f"{folder}/out", "saliency", How(flip=True))
        found = score_maps(f"{folder}/out", saliency / "masks")
        memory = score_saliency(net, view, flip=True).compute()
        assert found.scores.keys() == memory.keys() and found.data == "saliency" and found.how == How(flip=True)
        assert found.scores["mae_raw"] == pytest.approx(memory["mae_raw"], abs=1 / 510)
        assert not found.notes and len(found.curves["f"]) == 256



def test_maps_of_other_sizes_are_resized_and_counted():
    "nbs/24_compare.ipynb, cell 39"
    with tempfile.TemporaryDirectory() as folder:
        at, mask = Path(folder), np.zeros((40, 60), dtype=np.uint8)
        mask[10:30, 20:40] = 255
        for name in "ab": write_picture(at / f"set/masks/{name}.png", mask)
        write_picture(at / "mine/a_sal.png", mask)
        write_picture(at / "mine/b_sal.png", np.asarray(Image.fromarray(mask).resize((120, 80), 0)))
        found = score_maps(at / "mine", at / "set/masks", ending="_sal")
        assert found.notes == ("1 of 2 maps had another size than their mask and were resized",)
        assert found.scores["mae"] < 0.02 and found.pictures == 2 and found.data == "set"
        with pytest.raises(InputError, match="lacks 2 of 2 pictures: a, b"): score_maps(at / "mine", at / "set/masks")
        wide = np.dstack([mask] * 3)
        for name in "ab": write_picture(at / f"colour/{name}.png", wide)
        assert score_maps(at / "colour", at / "set/masks").scores["mae"] == 0



def test_one_table_for_many_methods_best_first_and_nothing_left_out():
    "nbs/24_compare.ipynb, cell 45"
    with tempfile.TemporaryDirectory() as folder:
        methods, masks = four_methods(folder)
        table = markdown_table(*score_peers(methods, lambda method: score_maps(method, masks, "twelve masks")))
        alone = score_maps(methods / "soft", masks)
        with pytest.raises(InputError, match="holds no folder"): score_peers(masks, lambda method: None)
    lines = table.splitlines()
    rows = {line.split(" | ")[0].removeprefix("| "): float(line.split(" | ")[1]) for line in lines[2:5]}
    assert list(rows.values()) == sorted(rows.values(), reverse=True) and rows.keys() == {"soft", "shifted", "noisy"}
    assert lines[0].startswith("| method | max_f | mean_f") and rows["soft"] == round(alone.scores["max_f"], 4)
    assert "careless: NOT SCORED." in table and "lacks 1 of 12 pictures: 7" in table
    assert table.count("twelve masks, 12 pictures, maps from files") == 3
    with pytest.raises(InputError, match="One table holds one set, not 2"):
        markdown_table([Result(n, n, 1, None, {"mae": 0.1}) for n in "ab"])



def test_figures_carry_the_label_the_curves_and_the_classes():
    "nbs/24_compare.ipynb, cell 52"
    curves = {k: np.linspace(0, 1, 256).tolist() for k in ("threshold", "precision", "recall", "f", "e")}
    one = Result("mine", "ECSSD", 1000, How(), {"mae": 0.1}, curves)
    two = Result("yours", "ECSSD", 1000, None, {"mae": 0.2}, curves)
    figure = saliency_curves([one])
    assert figure.get_suptitle() == one.label and len(figure.axes[0].lines) == len(figure.axes[1].lines) == 1
    assert "settings differ" in saliency_curves([one, two]).get_suptitle()
    iou = {"background": 0.5, "cat": 0.25, "dog": None}
    result = Result("mine", "VOC 2012 val", 1449, How(), {"miou": 0.375, "accuracy": 0.9, "iou": iou})
    axis = iou_bars([result]).axes[0]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["background", "cat", "mean"]
    assert [bar.get_width() for bar in axis.patches] == [0.5, 0.25, 0.375]



def test_duts_and_our_own_layout_are_both_understood():
    "nbs/24_compare.ipynb, cell 55"
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("ours/images", "ours/masks", "DUTS-TR/DUTS-TR-Image", "DUTS-TR/DUTS-TR-Mask", "bad/images"):
            (root / name).mkdir(parents=True)
        assert [p.name for p in saliency_pair(root / "ours")] == ["images", "masks"]
        assert [p.name for p in saliency_pair(root / "DUTS-TR")] == ["DUTS-TR-Image", "DUTS-TR-Mask"]
        with pytest.raises(InputError, match="it holds images"): saliency_pair(root / "bad")
        with pytest.raises(InputError, match="nowhere"): saliency_pair(root / "nowhere")



def test_a_network_and_the_files_that_it_wrote_get_the_same_scores():
    "nbs/24_compare.ipynb, cell 59"
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        voc, saliency = small_sets(at)
        net, recipe = small_net(), make_recipe("tiny", 1, size=64)
        checkpoint = save_checkpoint(at / "net.safetensors", net, recipe)
        for kind, root in (("segmentation", voc), ("saliency", saliency)):
            kind_out = at / "out" / kind
            place = SimpleNamespace(kind=kind, folder=root, split="val")
            first = evaluate_target(checkpoint, place, "noise", kind_out, How(flip=True))
            assert evaluate_target(checkpoint, place, "noise", kind_out, How(flip=True)).scores == first.scores
            files = kind_out / (SERVER if kind == "segmentation" else "saliency")
            assert len(list(files.glob("*.png"))) == 4 and first.how == How(flip=True) and first.name == "net"
            again = evaluate_target(files, place, "noise", at / "again")
            assert again.scores == first.scores and again.label == first.label
            written = json.loads((at / "again/scores.json").read_text())["results"][0]
            assert written["scores"] == first.scores and written["label"] == first.label
            assert first.label in (at / "again/table.md").read_text()
            assert (at / "again" / ("iou.png" if kind == "segmentation" else "curves.png")).exists()
            with pytest.raises(InputError, match="finished predictions"):
                evaluate_target(files, place, "noise", at / "x", How())
            with pytest.raises(InputError, match="made with something else"):
                evaluate_target(checkpoint, place, "noise", kind_out, How())
        shutil.copytree(files, at / "peers/ours")
        table = evaluate_peers(at / "peers", place, "noise", at / "t")
        assert "| ours |" in table and (at / "t/table.md").read_text() == table



def test_a_split_without_truth_gets_predictions_and_no_scores():
    "nbs/24_compare.ipynb, cell 60"
    with tempfile.TemporaryDirectory() as folder:
        voc, _ = small_sets(folder)
        save_checkpoint(f"{folder}/net.safetensors", small_net(), make_recipe("tiny", 1, size=64))
        place = SimpleNamespace(kind="segmentation", folder=voc, split="val")
        assert has_truth(place)
        for mask in (voc / "SegmentationClass").iterdir(): mask.unlink()
        assert not has_truth(place)
        assert evaluate_target(f"{folder}/net.safetensors", place, "VOC", f"{folder}/out") is None
        label = read_label(Path(folder) / "out" / SERVER / "p1.png")
        assert label.shape == (41, 50)
        with pytest.raises(InputError): evaluate_target(Path(folder) / "out" / SERVER, place, "VOC", f"{folder}/again")



def test_tags_at_validation_are_used_only_where_named_and_then_it_is_said():
    "nbs/24_compare.ipynb, cell 61"
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        voc, _ = small_sets(at)
        checkpoint = save_checkpoint(at / "net.safetensors", small_net(), make_recipe("tiny", 1, size=64))
        place = SimpleNamespace(kind="segmentation", folder=voc, split="val")
        assert "tags" not in scoring_view(place, 64)[0] and "tags" in scoring_view(place, 64, How(tags=True))[0]
        found = evaluate_target(checkpoint, place, "noise", at / "tags", How(tags=True))
        assert "TAGS USED" in found.label
        labels = [read_label(p) for p in (at / "tags" / SERVER).glob("*.png")]
        assert {int(v) for label in labels for v in np.unique(label)} <= {0, 8, 12}
        (voc / "classes.txt").write_text("background\ncat\n")
        with pytest.raises(InputError, match=r"knows 21 classes \(aeroplane, bicycle, bird, …\), but .* others \(cat\)"):
            evaluate_target(checkpoint, place, "noise", at / "other")
        assert not (at / "other").exists()
