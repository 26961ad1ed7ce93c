"Made from nbs/31_pseudo.ipynb by tools/export.py: change the notebook, then `make export`."
from dataclasses import replace
from pathlib import Path
from ssnet.evaluate import as_lists
from ssnet.files import InputError
from ssnet.labels import read_label
from ssnet.labels import write_label
from ssnet.pseudo import LABEL_PRESETS
from ssnet.pseudo import LabelRecipe
from ssnet.pseudo import label_batch
from ssnet.pseudo import label_from
from ssnet.pseudo import make_label_recipe
from ssnet.pseudo import pseudo_label_quality
from ssnet.pseudo import restrict_to_tags
from ssnet.pseudo import write_pseudo_labels
from ssnet.recipe import build
from ssnet.recipe import make_recipe
import numpy as np
import pytest
import tempfile
import torch


class Tagged(torch.utils.data.Dataset):
    "Noise pictures with tags, of 50×40, 50×41 and 50×42 pixels."
    names = ["a", "b", "c"]
    def __len__(self): return 3
    def __getitem__(self, i):
        image = torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(i))
        picture = torch.randint(256, (3, 40 + i, 50), generator=torch.Generator().manual_seed(i), dtype=torch.uint8)
        return {"image": image, "picture": picture, "tags": torch.eye(20)[i], "name": self.names[i],
                "size": torch.tensor([40 + i, 50])}


def test_classes_that_the_tags_rule_out():
    "nbs/31_pseudo.ipynb, cell 9"
    logits = torch.randn(4, 5, 6)
    H = restrict_to_tags(logits, torch.tensor([0.0, 1.0, 0.0]))
    assert (H[1] == 0).all() and (H[3] == 0).all() and torch.allclose(H.sum(0), torch.ones(5, 6))
    assert torch.allclose(H[[0, 2]], logits[[0, 2]].softmax(0))      # the rest keep their proportions
    theirs = restrict_to_tags(logits, torch.tensor([0.0, 1.0, 0.0]), "authors")
    expected = torch.stack([logits[0], torch.zeros(5, 6), logits[2], torch.zeros(5, 6)]).softmax(0)
    assert torch.allclose(theirs, expected)
    two = restrict_to_tags(torch.stack([logits, logits]), torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]))
    assert torch.allclose(two[0], H) and (two[1, 2:] == 0).all()        # each picture has its own tags



def test_unsure_pixels_are_ignored():
    "nbs/31_pseudo.ipynb, cell 12"
    H = torch.tensor([[0.9, 0.5, 0.2], [0.1, 0.5, 0.8]])[:, None]
    assert label_from(H).tolist() == [[0, 0, 1]]
    assert label_from(H, 0.7).tolist() == [[0, 255, 1]]
    assert label_from(H, 0.85).tolist() == [[0, 255, 255]]



def test_label_settings_are_checked_by_name():
    "nbs/31_pseudo.ipynb, cell 18"
    assert make_label_recipe("paper").passes == 10 and make_label_recipe("paper", passes="2", crf="false", scales="1,0.5") == replace(
        LABEL_PRESETS["paper"], passes=2, crf=False, scales=(1.0, 0.5))
    for changes, message in (({"treshold": 0.5}, "no setting 'treshold'"), ({"threshold": 1.0}, "but it is 1.0"),
                             ({"passes": -1}, "0 or more"), ({"scales": []}, "every scale")):
        with pytest.raises(InputError, match=message): make_label_recipe("tiny", **changes)
    with pytest.raises(InputError, match="no preset 'papers'"): make_label_recipe("papers")



def test_labels_hold_only_the_tags_have_the_pictures_size_and_are_not_made_twice():
    "nbs/31_pseudo.ipynb, cell 24"
    net = build(make_recipe("tiny", 1, size=64))
    with tempfile.TemporaryDirectory() as folder:
        assert write_pseudo_labels(net, Tagged(), folder) == 3
        for i, name in enumerate(Tagged.names):
            label = read_label(f"{folder}/{name}.png")
            assert label.shape == (40 + i, 50) and set(np.unique(label)) <= {0, i + 1}
        before = (Path(folder) / "a.png").read_bytes()
        (Path(folder) / "b.png").unlink()
        assert write_pseudo_labels(net, Tagged(), folder, batch=1) == 1
        assert (Path(folder) / "a.png").read_bytes() == before



def test_neither_batch_nor_order_changes_a_label():
    "nbs/31_pseudo.ipynb, cell 25"
    net = build(make_recipe("tiny", 1, size=64)).eval()
    samples, how = [Tagged()[i] for i in (2, 0, 1, 0)], LabelRecipe(crf=True, scales=(1.0, 0.5))
    found = list(label_batch(net, as_lists(samples), how))
    assert sorted(name for name, _ in found) == ["a", "a", "b", "c"]
    alone = {s["name"]: next(label_batch(net, as_lists([s]), how))[1] for s in samples}
    assert all((label == alone[name]).mean() > 0.99 for name, label in found)      # rounding may turn a tie
    assert all(label.shape == alone[name].shape for name, label in found)



def test_quality_counts_what_was_kept_and_what_is_right():
    "nbs/31_pseudo.ipynb, cell 28"
    class Truth(torch.utils.data.Dataset):
        def __len__(self): return 1
        def __getitem__(self, i): return {"name": "x", "label": torch.tensor([[0, 0, 1, 1], [2, 2, 255, 255]])}
    with tempfile.TemporaryDirectory() as folder:
        with pytest.raises(InputError, match="There is no pseudo label"): pseudo_label_quality(folder, Truth(), 3)
        write_label(f"{folder}/x.png", np.array([[0, 0, 1, 0], [2, 255, 1, 255]], dtype=np.uint8))
        quality = pseudo_label_quality(folder, Truth(), 3)
    assert quality["kept"] == pytest.approx(5 / 6) and quality["accuracy"] == pytest.approx(4 / 5)
    assert quality["object_accuracy"] == pytest.approx(2 / 3)
    assert quality["iou"] == pytest.approx([2 / 3, 1 / 2, 1]) and quality["miou"] == pytest.approx(13 / 18)
