"Made from nbs/21_evaluate.ipynb by tools/export.py: change the notebook, then `make export`."
from ssnet.evaluate import evaluate
from ssnet.evaluate import iou_of_true_classes
from ssnet.evaluate import predictions
from ssnet.files import InputError
from ssnet.metrics import ConfusionMatrix
from ssnet.recipe import build
from ssnet.recipe import make_recipe
import numpy as np
import pytest
import torch


class Pictures(torch.utils.data.Dataset):
    "Noise pictures of 64×64 with truths of another size."
    def __len__(self): return 5
    def __getitem__(self, i):
        g = torch.Generator().manual_seed(i)
        return {"image": torch.randn(3, 64, 64, generator=g), "name": f"p{i}",
                "label": torch.randint(0, 21, (40 + i, 50), generator=g),
                "saliency": torch.randint(0, 2, (40 + i, 50), generator=g).float()}


def test_maps_come_at_the_size_of_the_truth_whatever_the_batch():
    "nbs/21_evaluate.ipynb, cell 10"
    net = build(make_recipe("tiny", 1, size=64))
    one, three = (list(predictions(net, Pictures(), batch=b)) for b in (1, 3))
    for (sample, H, S), (_, H3, S3) in zip(one, three):
        assert H.shape == (21, *sample["label"].shape) and S.shape == sample["saliency"].shape
        assert torch.allclose(H.sum(0), torch.ones_like(S), atol=1e-5)
        assert torch.allclose(H, H3, atol=1e-5) and torch.allclose(S, S3, atol=1e-5)



def test_with_flip_a_mirrored_picture_gives_the_mirrored_maps():
    "nbs/21_evaluate.ipynb, cell 11"
    class Pair(torch.utils.data.Dataset):
        "A picture and its mirror image."
        def __len__(self): return 2
        def __getitem__(self, i):
            image = torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(0))
            return {"image": image.flip(-1) if i else image}
    net = build(make_recipe("tiny", 1, size=64))
    (_, H, S), (_, H_mirror, S_mirror) = predictions(net, Pair(), flip=True)
    assert torch.allclose(H, H_mirror.flip(-1), atol=1e-5) and torch.allclose(S, S_mirror.flip(-1), atol=1e-5)



def test_a_network_that_is_right_scores_one():
    "nbs/21_evaluate.ipynb, cell 16"
    class Oracle(torch.nn.Module):
        "Says 'class 3' where the first channel is positive, 'background' elsewhere."
        def __init__(self):
            super().__init__()
            self.unused = torch.nn.Parameter(torch.zeros(1))
        def forward(self, image):
            from types import SimpleNamespace
            here = (image[:, 0] > 0).float()
            probs = torch.zeros(len(image), 5, *here.shape[1:])
            probs[:, 3], probs[:, 0] = here, 1 - here
            return SimpleNamespace(probs=probs, saliency=here)
    class Halves(torch.utils.data.Dataset):
        def __len__(self): return 3
        def __getitem__(self, i):
            image = torch.ones(3, 32, 32)
            image[:, :, 16:] = -1
            here = image[0] > 0
            return {"image": image, "label": here.long() * 3, "saliency": here.float()}
    scores = evaluate(Oracle(), Halves(), Halves(), num_classes=5)
    assert scores["miou"] == 1 and scores["mae"] == pytest.approx(0, abs=1e-6) and scores["max_f"] == pytest.approx(1)
    assert [i for i, x in enumerate(scores["iou"]) if x == 1] == [0, 3] and scores["iou"][1] is None



def test_a_class_that_the_truth_does_not_hold_is_left_out_of_the_mean():
    "nbs/21_evaluate.ipynb, cell 17"
    confusion = ConfusionMatrix(3)
    confusion.update(np.array([0, 0, 1, 2]), np.array([0, 0, 1, 1]))   # class 2 is predicted once and never true
    iou = iou_of_true_classes(confusion)
    assert iou[:2].tolist() == [1, 0.5] and np.isnan(iou[2])



def test_scoring_on_nothing_is_an_error():
    "nbs/21_evaluate.ipynb, cell 18"
    with pytest.raises(InputError, match="nothing to score on"): evaluate(build(make_recipe("tiny", 1, size=64)))
