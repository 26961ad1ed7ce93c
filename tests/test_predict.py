"Made from nbs/22_predict.ipynb by tools/export.py: change the notebook, then `make export`."
from PIL import Image
from pathlib import Path
from ssnet.checkpoint import load_network
from ssnet.checkpoint import save_checkpoint
from ssnet.files import InputError
from ssnet.predict import Segmenter
from ssnet.predict import best_class
from ssnet.predict import predict_all
from ssnet.predict import save_prediction
from ssnet.recipe import build
from ssnet.recipe import make_recipe
from torch.nn import functional as F
import io
import numpy as np
import pytest
import skimage.data
import tempfile
import torch


def small_segmenter(folder):
    "An untrained network for 64×64, saved and loaded."
    recipe = make_recipe("tiny", 1, size=64)
    return Segmenter(save_checkpoint(f"{folder}/net.safetensors", build(recipe), recipe))


def test_one_class_at_a_time_gives_what_all_at_once_gives():
    "nbs/22_predict.ipynb, cell 10"
    H = torch.randn(7, 12, 9).softmax(0)
    whole = F.interpolate(H[None], (50, 41), mode="bilinear", align_corners=False)[0].argmax(0)
    assert (best_class(H, (50, 41)) == whole.numpy()).all()



def test_any_kind_of_picture_gives_maps_of_its_own_size():
    "nbs/22_predict.ipynb, cell 16"
    grey16 = Image.fromarray((np.arange(80 * 60, dtype=np.uint16) * 13).reshape(60, 80))
    kinds = {"grey.png": Image.new("L", (80, 60), 90), "rgba.png": Image.new("RGBA", (80, 60), (9, 9, 9, 0)),
             "deep.png": grey16, "cmyk.jpg": Image.new("CMYK", (80, 60)), "palette.png": Image.new("P", (80, 60))}
    with tempfile.TemporaryDirectory() as folder:
        segmenter = small_segmenter(folder)
        for name, picture in kinds.items():
            picture.save(f"{folder}/{name}")
            result = segmenter(f"{folder}/{name}")
            assert result.label.shape == result.saliency.shape == (60, 80) and result.overlay.size == (80, 60), name
            assert segmenter(picture).label.shape == (60, 80)  # not only from a file
            assert 0 <= result.saliency.min() and result.saliency.max() <= 1
        exif = Image.Exif()
        exif[0x0112] = 6                                     # "turn me by 90 degrees"
        Image.new("RGB", (80, 60)).save(f"{folder}/turned.jpg", exif=exif)
        assert segmenter(f"{folder}/turned.jpg").label.shape == (80, 60)



def test_the_fast_copy_finds_the_same_classes_and_the_same_saliency():
    "nbs/22_predict.ipynb, cell 17"
    segmenter, (plain, _) = Segmenter(), load_network()
    photo = Image.fromarray(skimage.data.chelsea())
    quick = segmenter(photo)
    segmenter.net = plain
    slow = segmenter(photo)
    assert np.abs(quick.saliency - slow.saliency).max() < 1e-4
    assert (quick.label != slow.label).mean() < 1e-4  # only where two classes are equally likely, to rounding



def test_forty_megapixels_fit():
    "nbs/22_predict.ipynb, cell 20"
    with tempfile.TemporaryDirectory() as folder:
        result = small_segmenter(folder)(Image.new("RGB", (8000, 5000), (200, 10, 10)))
        sizes = {Image.open(path).size for path in save_prediction(result, folder, "large")}
    assert sizes == {(8000, 5000)}
    assert result.label.shape == (5000, 8000)



def test_a_broken_file_is_named_and_the_rest_go_on():
    "nbs/22_predict.ipynb, cell 21"
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        segmenter, lines = small_segmenter(folder), []
        for name in ("a.png", "c.png"): Image.new("RGB", (50, 40)).save(folder / name)
        data = io.BytesIO()
        Image.effect_noise((64, 64), 60).save(data, "JPEG")
        (folder / "b.jpg").write_bytes(data.getvalue()[:500])
        broken = predict_all(segmenter, [folder / n for n in ("a.png", "b.jpg", "c.png")], folder / "out", lines.append)
        assert broken == [folder / "b.jpg"] and "b.jpg" in lines[1] and lines[1].startswith("NOT DONE")
        kinds = ("mask", "overlay", "saliency")
        assert sorted(p.name for p in (folder / "out").iterdir()) == sorted(f"{s}_{k}.png" for s in "ac" for k in kinds)
        for name in ("mask", "saliency", "overlay"): assert Image.open(folder / f"out/a_{name}.png").size == (50, 40)
        with pytest.raises(InputError, match="different folders"):
            predict_all(segmenter, [Path("x/a.png"), Path("y/a.jpg")], folder / "other")
        assert not (folder / "other").exists()
