"Made from nbs/32_stages.ipynb by tools/export.py: change the notebook, then `make export`."
from pathlib import Path
from ssnet.files import InputError
from ssnet.stages import saliency_pair
import pytest
import tempfile


def test_duts_and_our_own_layout_are_both_understood():
    "nbs/32_stages.ipynb, cell 7"
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("ours/images", "ours/masks", "DUTS-TR/DUTS-TR-Image", "DUTS-TR/DUTS-TR-Mask", "bad/images"):
            (root / name).mkdir(parents=True)
        assert [p.name for p in saliency_pair(root / "ours")] == ["images", "masks"]
        assert [p.name for p in saliency_pair(root / "DUTS-TR")] == ["DUTS-TR-Image", "DUTS-TR-Mask"]
        with pytest.raises(InputError, match="it holds images"): saliency_pair(root / "bad")
        with pytest.raises(InputError, match="nowhere"): saliency_pair(root / "nowhere")
