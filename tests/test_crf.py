"Made from nbs/23_crf.ipynb by tools/export.py: change the notebook, then `make export`."
from PIL import Image
from importlib.util import find_spec
from pathlib import Path
from ssnet.crf import CRF
from ssnet.crf import FLOOR
from ssnet.crf import Lattice
from ssnet.crf import corner_keys
from ssnet.crf import dense_crf
from ssnet.crf import embed
from ssnet.crf import mean_field
from ssnet.crf import neighbours
from ssnet.crf import pixel_features
from ssnet.crf import simplex
from ssnet.files import InputError
from torch.nn import functional as F
import math
import numpy as np
import os
import pytest
import skimage
import torch


def scikit_photo(name, height, width):
    "One of scikit-image's own photographs (licences in its data/README.txt), uint8 `(3, H, W)`."
    picture = Image.open(Path(skimage.__file__).parent / "data" / name).convert("RGB").resize((width, height))
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()


def exact_kernel(f):
    "All pairs at once, `(N, N)`: memory grows with the square of the pixels."
    K = (-torch.cdist(f.T, f.T).square() / 2).exp()
    n = K.sum(1)
    return K / (n[:, None] * n).sqrt()


def exact_crf(probs, picture, crf=CRF()):
    "The dense CRF of one picture by brute force, `(C, H, W)`."
    K1 = exact_kernel(pixel_features(picture[None], crf.gaussian_sxy))
    K2 = exact_kernel(pixel_features(picture[None], crf.bilateral_sxy, crf.bilateral_srgb))
    kernels = [(K1.matmul, crf.gaussian_compat), (K2.matmul, crf.bilateral_compat)]
    return mean_field(probs.flatten(1).T.log(), kernels, crf.steps).T.reshape(probs.shape)


def corners_of(home, order):
    "The corners of each cell, `(n, n, N)`: home, then one move after the other."
    n, corners = len(home), [home]
    for move in order[:-1]: corners.append(corners[-1] + 1 - n * F.one_hot(move, n).T)
    return torch.stack(corners)


def soft_regions(height, width, seed, classes=21, cell=32, noise=0.5):
    "Random blurred regions with noise, `(classes, height, width)`, adding up to 1."
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, classes, height // cell + 2, width // cell + 2, generator=generator) * 3
    logits = F.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)[0]
    return (logits + noise * torch.randn(classes, height, width, generator=generator)).softmax(0)


def peer_is_there():
    "Is pydensecrf2 installed? Where not, pytest reports the test as skipped, and a notebook says so."
    if find_spec("pydensecrf"): return True
    if "PYTEST_CURRENT_TEST" in os.environ: pytest.skip("pydensecrf2 is not installed: extra 'crf', needs a C++ compiler and Python < 3.13")
    print("pydensecrf2 is not installed (extra 'crf', needs a C++ compiler and Python < 3.13): nothing to compare with.")
    return False


def peer_crf(probs, picture, crf=CRF()):
    "What pydensecrf2 makes of one picture, `(C, H, W)`."
    from pydensecrf import densecrf, utils
    C, H, W = probs.shape
    peer = densecrf.DenseCRF2D(W, H, C)
    peer.setUnaryEnergy(utils.unary_from_softmax(probs.numpy()))
    peer.addPairwiseGaussian(sxy=crf.gaussian_sxy, compat=crf.gaussian_compat)
    peer.addPairwiseBilateral(sxy=crf.bilateral_sxy, srgb=crf.bilateral_srgb, compat=crf.bilateral_compat,
                              rgbim=picture.permute(1, 2, 0).contiguous().numpy())
    return torch.from_numpy(np.array(peer.inference(crf.steps))).view(C, H, W)


def colour_clusters(picture, seed, classes=21):
    "Classes that are near to random colours of the picture: thin and broken regions, `(classes, H, W)`."
    colours = picture.flatten(1).T.float()
    centres = colours[torch.randperm(len(colours), generator=torch.Generator().manual_seed(seed))[:classes]]
    return (-torch.cdist(colours, centres) / 20).softmax(1).T.reshape(classes, *picture.shape[1:]).contiguous()


def test_features_are_places_and_colours_in_steps():
    "nbs/23_crf.ipynb, cell 9"
    picture = torch.zeros(2, 3, 4, 6, dtype=torch.uint8)
    picture[1, :, 2, 5] = torch.tensor([13, 26, 255])
    f = pixel_features(picture, 2, 13)
    assert f.shape == (5, 48)
    assert torch.allclose(f[:, 24 + 2 * 6 + 5], torch.tensor([5 / 2, 2 / 2, 1, 2, 255 / 13]))  # x, y, r, g, b
    assert (pixel_features(picture, 2) == f[:2]).all()



def test_figures_that_make_no_sense_are_refused():
    "nbs/23_crf.ipynb, cell 10"
    for wrong in (dict(steps=-1), dict(steps=1.5), dict(gaussian_compat=-3), dict(bilateral_sxy=float("nan"))):
        with pytest.raises(InputError, match="no sense"): CRF(**wrong)
    with pytest.raises(InputError, match="width 0"): CRF(bilateral_srgb=0)



def test_two_pixels_by_hand():
    "nbs/23_crf.ipynb, cell 17"
    p, w, k = torch.tensor([[0.6, 0.4], [0.3, 0.7]]), 2.0, 0.5
    Q = mean_field(p.log(), [(lambda Q: k * Q.flip(0), w)], steps=1)  # each hears only the other
    first = 0.6 * math.exp(w * k * 0.3), 0.4 * math.exp(w * k * 0.7)
    second = 0.3 * math.exp(w * k * 0.6), 0.7 * math.exp(w * k * 0.4)
    assert Q[0, 0].item() == pytest.approx(first[0] / sum(first), abs=1e-6)
    assert Q[1, 0].item() == pytest.approx(second[0] / sum(second), abs=1e-6)
    assert torch.allclose(mean_field(p.log(), [], steps=5), p)        # nobody to hear: nothing changes



def test_embedding_keeps_distances_up_to_one_scale():
    "nbs/23_crf.ipynb, cell 23"
    f = torch.randn(5, 40, dtype=torch.float64)
    y = embed(f)
    assert y.shape == (6, 40) and torch.allclose(y.sum(0), torch.zeros(40).double(), atol=1e-12)
    assert torch.allclose(torch.pdist(y.T), torch.pdist(f.T) * 6 * math.sqrt(2 / 3))



def test_each_point_is_the_weighted_mean_of_its_corners():
    "nbs/23_crf.ipynb, cell 27"
    y = embed(torch.randn(5, 2000, dtype=torch.float64) * 4)
    home, order, weights = simplex(y)
    assert (home % 6 == 0).all() and (home.sum(0) == 0).all()
    assert weights.min() >= -1e-12 and torch.allclose(weights.sum(0), torch.ones(2000).double())
    assert torch.allclose((corners_of(home, order) * weights[:, None]).sum(0), y)



def test_keys_name_corners_and_pictures_never_meet():
    "nbs/23_crf.ipynb, cell 32"
    y = embed(torch.randn(5, 600) * 5)
    home, order, _ = simplex(y)
    keys, moves = corner_keys(home, order, pictures=2)
    corners = corners_of(home, order).permute(0, 2, 1).reshape(-1, 6)
    named = torch.cat([corners, (torch.arange(6 * 600) % 600 >= 300)[:, None].long()], 1)
    assert len(keys.unique()) == len(named.unique(dim=0))           # as many keys as corners
    points = keys.unique()
    second = torch.isin(points, keys[:, 300:])                      # points of the second picture
    for move in moves:
        _, on, back = neighbours(points, move)[:-1].long().T
        there = on < len(points)
        assert (points[on[there]] == points[there] + move).all() and (back[on[there]] == torch.where(there)[0]).all()
        assert (second[on[there]] == second[there]).all()
    with pytest.raises(InputError, match="too narrow"):
        corner_keys(home * 10**12, order, 2)



def test_fast_kernel_is_symmetrically_normalised_and_near_the_exact_one():
    "nbs/23_crf.ipynb, cell 40"
    picture = scikit_photo("chelsea.png", 24, 36)
    for widths in ((3,), (80, 13)):
        f = pixel_features(picture[None], *widths)
        K, L = exact_kernel(f), Lattice(f)(torch.eye(24 * 36)).T
        assert L.min() > -1e-6
        assert (K - L).abs().mean() < 0.25 * K.mean()              # a rough Gaussian …
        assert torch.corrcoef(torch.stack([K.flatten(), L.flatten()]))[0, 1] > 0.95  # … of the right shape
    f = torch.zeros(2, 50)                                         # all pixels at one place hear all others alike
    assert torch.allclose(Lattice(f)(torch.eye(50)), torch.full((50, 50), 1 / 50))



def test_far_apart_is_not_heard():
    "nbs/23_crf.ipynb, cell 41"
    f = torch.tensor([[0.0, 0.1, 50.0], [0.0, 0.0, 0.0]])
    K = Lattice(f)(torch.eye(3))
    assert (K[:2, 2] == 0).all() and (K[2, :2] == 0).all() and K[2, 2].item() == pytest.approx(1)
    assert K[0, 1] > 0.4



def test_fast_and_brute_force_agree():
    "nbs/23_crf.ipynb, cell 45"
    for name, seed in (("chelsea.png", 0), ("coffee.png", 1), ("astronaut.png", 2)):
        picture, probs = scikit_photo(name, 36, 48), soft_regions(36, 48, seed, classes=5, cell=12)
        fast, exact = dense_crf(probs, picture), exact_crf(probs, picture)
        same = (fast.argmax(0) == exact.argmax(0)).float().mean()
        assert same > 0.95, f"{name}: {same:.3f}"
        assert (fast - exact).abs().mean() < 0.05



def test_probabilities_add_up_and_no_kernels_change_nothing():
    "nbs/23_crf.ipynb, cell 47"
    picture, probs = scikit_photo("coffee.png", 40, 30), soft_regions(40, 30, 3)
    assert torch.allclose(dense_crf(probs, picture).sum(0), torch.ones(40, 30), atol=1e-5)
    still = dense_crf(probs, picture, CRF(gaussian_compat=0, bilateral_compat=0))
    assert torch.allclose(still, probs, atol=21 * FLOOR)
    assert torch.allclose(dense_crf(probs, picture, CRF(steps=0)), still)



def test_order_of_classes_and_neighbours_in_the_batch_do_not_matter():
    "nbs/23_crf.ipynb, cell 48"
    pictures = torch.stack([scikit_photo(n, 40, 30) for n in ("coffee.png", "chelsea.png", "rocket.jpg")])
    probs = torch.stack([soft_regions(40, 30, seed) for seed in range(3)])
    together = dense_crf(probs, pictures)
    for i in range(3): assert torch.allclose(together[i], dense_crf(probs[i], pictures[i]), atol=1e-6)
    shuffled = torch.randperm(21)
    assert torch.allclose(dense_crf(probs[:, shuffled], pictures), together[:, shuffled], atol=1e-5)
    assert torch.equal(dense_crf(probs, pictures), together)                       # the same again, to the last bit
    assert dense_crf(probs.bfloat16(), pictures).dtype == torch.float32



def test_even_picture_leaves_only_places_to_speak():
    "nbs/23_crf.ipynb, cell 49"
    even = torch.full((3, 20, 20), 90, dtype=torch.uint8)
    probs = torch.full((2, 20, 20), 0.4)
    probs[0] = 0.6
    probs[:, 10, 10] = torch.tensor([0.2, 0.8])                                    # one pixel has its own opinion
    Q = dense_crf(probs, even, CRF(bilateral_compat=0))
    assert (Q[0] > 0.6).all()                                                      # and is talked out of it
    corner = Q[0, :10, :10]
    assert Q[0, 10, 10] == Q[0].min() and corner.max() - corner.min() < 0.1



def test_what_cannot_be_used_is_refused():
    "nbs/23_crf.ipynb, cell 50"
    picture, probs = torch.zeros(3, 4, 5, dtype=torch.uint8), torch.full((2, 4, 5), 0.5)
    for p, x, why in ((probs, picture.float(), "itself"), (probs[0], picture, "needs probabilities"),
                      (probs.long(), picture, "needs probabilities"), (probs, picture[:, :3], "one size"),
                      (probs[None], picture, "one size"), (probs, picture[:1], "one size"),
                      (probs[:, :0], picture[:, :0], "needs probabilities"),
                      (probs * float("nan"), picture, "softmax"), (probs * 9, picture, "softmax"),
                      (-probs, picture, "softmax")):
        with pytest.raises(InputError, match=why): dense_crf(p, x)



def test_at_least_99_percent_of_labels_are_those_of_pydensecrf():
    "nbs/23_crf.ipynb, cell 54"
    if peer_is_there():
        sizes = {"astronaut.png": (256, 256), "coffee.png": (375, 500), "grass.png": (181, 257)}
        for seed, (name, size) in enumerate(sizes.items()):
            picture = scikit_photo(name, *size)
            for probs in (soft_regions(*size, seed, noise=1.0), colour_clusters(picture, seed)):
                ours, peer = dense_crf(probs, picture), peer_crf(probs, picture)
                same = (ours.argmax(0) == peer.argmax(0)).double().mean()
                assert same >= 0.99, f"{name}: only {same:.2%}"
