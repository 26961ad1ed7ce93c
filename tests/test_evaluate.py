"Made from nbs/21_evaluate.ipynb by tools/export.py: change the notebook, then `make export`."
from ssnet.evaluate import evaluate
from ssnet.evaluate import iou_of_true_classes
from ssnet.evaluate import predictions
from ssnet.evaluate import scaled
from ssnet.evaluate import segmentation_scores
from ssnet.files import InputError
from ssnet.metrics import ConfusionMatrix
from ssnet.recipe import build
from ssnet.recipe import make_recipe
import numpy as np
import os
import pytest
import socket
import subprocess
import sys
import torch


class Pictures(torch.utils.data.Dataset):
    "Noise pictures of 64×64 with truths of another size."
    def __len__(self): return 5
    def __getitem__(self, i):
        g = torch.Generator().manual_seed(i)
        return {"image": torch.randn(3, 64, 64, generator=g), "name": f"p{i}",
                "label": torch.randint(0, 21, (40 + i, 50), generator=g),
                "saliency": torch.randint(0, 2, (40 + i, 50), generator=g).float()}


SHARED = """
import torch
from ssnet.evaluate import score_saliency, score_segmentation
from ssnet.parallel import processes
from ssnet.recipe import build, make_recipe

class Pictures(torch.utils.data.Dataset):
    def __len__(self): return 5
    def __getitem__(self, i):
        g = torch.Generator().manual_seed(i)
        return {"image": torch.randn(3, 64, 64, generator=g), "label": torch.randint(0, 21, (40, 50), generator=g),
                "saliency": torch.randint(0, 2, (40, 50), generator=g).float()}

torch.manual_seed(0)
net = build(make_recipe("tiny", 1, size=64))
with processes():
    print(score_segmentation(net, Pictures(), 21, batch=1).matrix.tolist())
    print({k: round(v, 9) for k, v in score_saliency(net, Pictures(), batch=1).compute().items()})
"""


def in_processes(script, count):
    "Run a script in `count` processes, as `torchrun` does; give what each printed."
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = str(s.getsockname()[1])
    place = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    started = [subprocess.Popen([sys.executable, "-c", script], env=os.environ | place | {"RANK": str(r)},
                                stdout=subprocess.PIPE, text=True) for r in range(count)]
    printed = [p.communicate(timeout=100)[0] for p in started]
    assert all(p.returncode == 0 for p in started)
    return printed


def test_maps_come_at_the_size_of_the_truth_whatever_the_batch():
    "nbs/21_evaluate.ipynb, cell 12"
    net = build(make_recipe("tiny", 1, size=64))
    one, three = (list(predictions(net, Pictures(), batch=b)) for b in (1, 3))
    for (sample, H, S), (_, H3, S3) in zip(one, three):
        assert H.shape == (21, *sample["label"].shape) and S.shape == sample["saliency"].shape
        assert torch.allclose(H.sum(0), torch.ones_like(S), atol=1e-5)
        assert torch.allclose(H, H3, atol=1e-5) and torch.allclose(S, S3, atol=1e-5)



def test_with_flip_a_mirrored_picture_gives_the_mirrored_maps():
    "nbs/21_evaluate.ipynb, cell 13"
    class Pair(torch.utils.data.Dataset):
        "A picture and its mirror image."
        def __len__(self): return 2
        def __getitem__(self, i):
            image = torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(0))
            return {"image": image.flip(-1) if i else image}
    net = build(make_recipe("tiny", 1, size=64))
    (_, H, S), (_, H_mirror, S_mirror) = predictions(net, Pair(), flip=True)
    assert torch.allclose(H, H_mirror.flip(-1), atol=1e-5) and torch.allclose(S, S_mirror.flip(-1), atol=1e-5)



def test_scales_are_rounded_to_multiples_of_32():
    "nbs/21_evaluate.ipynb, cell 14"
    image = torch.randn(1, 3, 96, 64)
    assert scaled(image, 1.0) is image and scaled(image, 1.5).shape[-2:] == (128, 96)
    assert scaled(image, 0.1).shape[-2:] == (32, 32) and scaled(image, 2).shape[-2:] == (192, 128)
    flat = torch.full((1, 3, 64, 64), 0.7)
    assert torch.allclose(scaled(flat, 0.5), flat[..., :32, :32])
    with pytest.raises(InputError, match="must be above 0, but it is 0"): scaled(image, 0)



def test_several_scales_are_averaged_at_the_pictures_own_size():
    "nbs/21_evaluate.ipynb, cell 15"
    net = build(make_recipe("tiny", 1, size=64))
    for maps in ("probs", "logits"):
        one, two, both = (list(predictions(net, Pictures(), maps=maps, scales=s)) for s in ((1.0,), (1.5,), (1.0, 1.5)))
        for (_, H1, S1), (_, H2, S2), (_, H, S) in zip(one, two, both):
            assert torch.allclose(H, (H1 + H2) / 2, atol=1e-5) and torch.allclose(S, (S1 + S2) / 2, atol=1e-5)
            assert not torch.allclose(H1, H2, atol=1e-5)
    with pytest.raises(InputError, match="no scale"): next(predictions(net, Pictures(), scales=()))



def test_refine_sees_each_picture_and_its_maps_at_their_own_size():
    "nbs/21_evaluate.ipynb, cell 16"
    seen = []
    def only_cats(sample, H):
        seen.append((sample["name"], tuple(H.shape), tuple(sample["label"].shape)))
        return torch.zeros_like(H).index_fill(0, torch.tensor(8), 1)
    net = build(make_recipe("tiny", 1, size=64))
    found = list(predictions(net, Pictures(), batch=2, refine=only_cats))
    assert seen == [(f"p{i}", (21, 40 + i, 50), (40 + i, 50)) for i in range(5)]
    assert all((H.argmax(0) == 8).all() for _, H, _ in found)
    plain = list(predictions(net, Pictures(), batch=2))
    assert all(torch.equal(S, S_plain) for (_, _, S), (_, _, S_plain) in zip(found, plain))



def test_a_network_that_is_right_scores_one():
    "nbs/21_evaluate.ipynb, cell 21"
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
    "nbs/21_evaluate.ipynb, cell 22"
    confusion = ConfusionMatrix(3)
    confusion.update(np.array([0, 0, 1, 2]), np.array([0, 0, 1, 1]))   # class 2 is predicted once and never true
    iou = iou_of_true_classes(confusion)
    assert iou[:2].tolist() == [1, 0.5] and np.isnan(iou[2])
    with pytest.raises(InputError, match="No pixel has been counted"): segmentation_scores(ConfusionMatrix(3))



def test_two_processes_count_what_one_counts():
    "nbs/21_evaluate.ipynb, cell 24"
    (alone,), (first, second) = in_processes(SHARED, 1), in_processes(SHARED, 2)
    matrix = np.array(eval(alone.splitlines()[0]))
    assert matrix.shape == (21, 21) and matrix.sum() == 5 * 40 * 50
    assert alone == first == second



def test_scoring_on_nothing_is_an_error():
    "nbs/21_evaluate.ipynb, cell 25"
    with pytest.raises(InputError, match="nothing to score on"): evaluate(build(make_recipe("tiny", 1, size=64)))
