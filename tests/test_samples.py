"Made from nbs/09_samples.ipynb by tools/export.py: change the notebook, then `make export`."
from skimage import data
from ssnet.files import InputError
from ssnet.labels import VOC_CLASSES
from ssnet.samples import OTHER
from ssnet.samples import OUTLINES
from ssnet.samples import PHOTOS
from ssnet.samples import photo
from ssnet.samples import photo_mask
from ssnet.samples import photo_saliency
from unittest.mock import patch
import numpy as np
import pytest


def test_photographs_name_their_author_and_only_classes_that_voc_has():
    "nbs/09_samples.ipynb, cell 9"
    assert list(PHOTOS) == ["cat", "coffee", "astronaut", "rocket", "flower", "china"]
    for p in PHOTOS.values():
        assert p.title and p.author and p.licence and p.source.startswith("https://")
        assert set(p.classes) <= set(VOC_CLASSES[1:])



def test_a_photograph_is_what_the_package_holds_and_its_longer_side_is_the_size():
    "nbs/09_samples.ipynb, cell 14"
    assert (photo("cat") == data.chelsea()).all() and (photo("rocket") == data.rocket()).all()
    assert photo("astronaut", 100).shape == (100, 100, 3)
    assert photo("coffee", 60).shape == (40, 60, 3) and photo("coffee").dtype == np.uint8  # 600 × 400 pixels
    assert photo("coffee", 1).shape == (1, 1, 3)



def test_an_unknown_name_a_missing_package_and_a_size_of_nothing_are_refused():
    "nbs/09_samples.ipynb, cell 15"
    with pytest.raises(InputError, match="no photograph 'dog': the names are cat, coffee"): photo("dog")
    with pytest.raises(InputError, match="size 0 is no number of pixels"): photo("cat", 0)
    message = r'scikit-learn: pip install "ssnet\[notebooks\]"'
    with patch.dict("sys.modules", {"sklearn": None}), pytest.raises(InputError, match=message): photo("flower")



def test_a_mask_fits_its_photograph_and_holds_its_classes_and_other_only():
    "nbs/09_samples.ipynb, cell 24"
    for name in OUTLINES:
        mask, classes = photo_mask(name), {VOC_CLASSES.index(c) for c in PHOTOS[name].classes}
        assert mask.shape == photo(name).shape[:2] and mask.dtype == np.uint8
        assert photo_mask(name, 90).shape == photo(name, 90).shape[:2]
        assert set(np.unique(mask)) - {0, OTHER} == classes and (classes or OTHER in mask)



def test_points_that_anybody_can_check_lie_where_they_belong():
    "nbs/09_samples.ipynb, cell 25"
    points = {  # name: {(x, y): value}
        "cat": {(180, 110): VOC_CLASSES.index("cat"), (430, 60): 0, (10, 30): 0},       # left eye; wall; cloth
        "coffee": {(280, 150): OTHER, (560, 200): 0, (20, 20): 0},                      # coffee; table; floor
        "astronaut": {(225, 110): VOC_CLASSES.index("person"), (400, 450): OTHER, (400, 200): 0},  # nose, helmet, model
        "rocket": {(321, 300): OTHER, (334, 300): 0, (100, 200): 0},  # rocket; the tower beside it; sky
        "flower": {(310, 220): OTHER, (380, 410): 0},                                   # its heart; the second flower
    }
    for name, where in points.items():
        mask = photo_mask(name)
        for (x, y), value in where.items(): assert mask[y, x] == value, (name, x, y)



def test_saliency_is_one_on_every_outlined_object_and_a_scene_has_none():
    "nbs/09_samples.ipynb, cell 26"
    S = photo_saliency("astronaut", 128)
    assert S.dtype == np.float32 and set(np.unique(S)) == {0, 1} and S.shape == (128, 128)
    assert ((photo_mask("astronaut", 128) > 0) == S).all()
    with pytest.raises(InputError, match="'china' shows a scene: masks exist for cat, coffee"): photo_saliency("china")
    with pytest.raises(InputError, match="no photograph 'dog'"): photo_mask("dog")
