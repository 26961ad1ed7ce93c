"Made from nbs/20_metrics.ipynb by tools/export.py: change the notebook, then `make export`."
from skimage.filters import gaussian
from ssnet.files import InputError
from ssnet.metrics import AUTHORS_LEVELS
from ssnet.metrics import ConfusionMatrix
from ssnet.metrics import SaliencyScores
from ssnet.metrics import adaptive_threshold
from ssnet.metrics import authors_counts
from ssnet.metrics import block_sums
from ssnet.metrics import check_maps
from ssnet.metrics import counted_pixels
from ssnet.metrics import counts_above
from ssnet.metrics import counts_at
from ssnet.metrics import e_from_counts
from ssnet.metrics import f_measure
from ssnet.metrics import four_blocks
from ssnet.metrics import mae
from ssnet.metrics import normalize_map
from ssnet.metrics import object_from_sums
from ssnet.metrics import pixel_counts
from ssnet.metrics import precision_recall
from ssnet.metrics import s_measure
from ssnet.metrics import ssim_from_sums
from ssnet.metrics import to_numpy
from ssnet.metrics import weighted_errors
from ssnet.metrics import weighted_f
import numpy as np
import py_sod_metrics
import pytest
import torch
import torchmetrics


TRUTH = np.array([[[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 0, 255]],
                  [[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]])
GUESS = np.array([[[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 0, 1]],
                  [[0, 0, 0, 0], [0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]]])


def counts_in_a_loop(saliency, mask):
    "TP and FP at 256 thresholds, one threshold after another."
    level = np.floor(saliency * 255)
    tp = [((level >= t) & mask).sum() for t in range(256)]
    fp = [((level >= t) & ~mask).sum() for t in range(256)]
    return np.array(tp), np.array(fp)


def authors_in_a_loop(saliency, mask):
    "P and R at the 21 thresholds of the authors' script, one threshold after another."
    cuts = [saliency >= t for t in np.linspace(0, 1, 21)]
    p = [(cut & mask).sum() / max(cut.sum(), 1) for cut in cuts]
    r = [(cut & mask).sum() / max(mask.sum(), 1) for cut in cuts]
    return np.array(p), np.array(r)


def two_pictures():
    "Two (map, mask) pairs: P = 1, R = 1/2, and P = 1/4, R = 1, at every threshold above 0."
    one = np.array([[1, 0, 0, 0, 0, 0, 0, 0]]), np.array([[1, 1, 0, 0, 0, 0, 0, 0]])
    two = np.array([[1, 1, 1, 1, 0, 0, 0, 0]]), np.array([[1, 0, 0, 0, 0, 0, 0, 0]])
    return one, two


def object_similarity(
    x: np.ndarray,  # the values that should be 1, flat
) -> float:         # in [0, 1], 1 where all of them are 1
    "O = 2 x̄ / (x̄² + 1 + 2λσ), λ = 0.5."
    sigma = x.std(ddof=1) if x.size > 1 else 0
    return 2 * x.mean() / (x.mean() ** 2 + 1 + sigma)


def block_similarity(x, y):
    "SSIM of a block of the map and of the mask. Its 0/0 (nothing varies) counts as 1; 0 over something is 0."
    dx, dy, n = x - x.mean(), y - y.mean(), max(x.size - 1, 1)
    above = 4 * x.mean() * y.mean() * (dx * dy).sum() / n
    below = (x.mean() ** 2 + y.mean() ** 2) * ((dx**2).sum() + (dy**2).sum()) / n
    return above / (below + np.spacing(1)) if above != 0 else float(below == 0)


def s_by_the_book(saliency, mask, alpha=0.5):
    "S = α S_o + (1 − α) S_r, at least 0; written as the formulas are."
    mu = mask.mean()
    if mu in (0, 1): return saliency.mean() if mu else 1 - saliency.mean()
    S_o = mu * object_similarity(saliency[mask]) + (1 - mu) * object_similarity(1 - saliency[~mask])
    S_r = sum(mask[b].size / mask.size * block_similarity(saliency[b], mask[b]) for b in four_blocks(mask))
    return max(0.0, alpha * S_o + (1 - alpha) * S_r)


def e_pixel_by_pixel(binary, mask):
    "The map of (1 + ξ)² / 4, for a mask that is neither empty nor full."
    a, b = binary - binary.mean(), mask - mask.mean()
    xi = 2 * a * b / (a**2 + b**2)
    return (1 + xi) ** 2 / 4


def reference_scores(pairs):
    "The scores of py_sod_metrics for (map, mask) pairs; the maps are stretched as it stretches 8-bit maps."
    handler = py_sod_metrics.FmeasureHandler(beta=0.3, with_adaptive=True, with_dynamic=True)
    F, E = py_sod_metrics.FmeasureV2({"f": handler}), py_sod_metrics.Emeasure()
    M, S = py_sod_metrics.MAE(), py_sod_metrics.Smeasure()
    for s, g in pairs:
        if s.max() > s.min(): s = (s - s.min()) / (s.max() - s.min())
        for metric in (F, E, M, S): metric.step(s, g, normalize=False)
    f, e = F.get_results()["f"], E.get_results()["em"]
    return {"mae": M.get_results()["mae"], "s_measure": S.get_results()["sm"],
            "max_f": f["dynamic"].max(), "mean_f": f["dynamic"].mean(), "adaptive_f": f["adaptive"],
            "max_e": e["curve"].max(), "mean_e": e["curve"].mean(), "adaptive_e": e["adp"]}


def our_scores(pairs):
    "The scores of this notebook for (map, mask) pairs."
    scores = SaliencyScores()
    for s, g in pairs: scores.update(s, g)
    return scores.compute()


def random_pairs(seed, count=12):
    "Random (map, mask) pairs of random sizes: noise, noise in 8 bits, and blobs."
    rng = np.random.default_rng(seed)
    for i in range(count):
        shape = tuple(rng.integers(8, 60, 2))
        g = gaussian(rng.random(shape), 3) > 0.5
        s = 0.5 * g + 0.5 * rng.random(shape) if i % 3 else rng.random(shape) * rng.random()
        yield (np.floor(s * 255) / 255 if i % 2 else s), g


def test_tensors_and_arrays_give_the_same_numbers():
    "nbs/20_metrics.ipynb, cell 7"
    x = np.array([[0.5, 1.0]])
    assert (to_numpy(torch.tensor(x, dtype=torch.bfloat16, requires_grad=True)) == x).all()
    assert to_numpy(torch.tensor([3, 255])).dtype == np.int64 and to_numpy(x) is x



def test_ignored_pixels_are_dropped_and_nonsense_is_refused():
    "nbs/20_metrics.ipynb, cell 10"
    prediction, label = counted_pixels(np.array([[1, 7]]), np.array([[2, 255]]), 3)
    assert prediction.tolist() == [1] and label.tolist() == [2]
    zero = np.zeros((2, 2), dtype=int)
    with pytest.raises(InputError, match=r"prediction has shape \(2, 2\), its label \(4,\)"):
        counted_pixels(zero, zero.ravel(), 3)
    with pytest.raises(InputError, match="prediction holds class 3, but with 3 classes only 0 to 2"):
        counted_pixels(zero + 3, zero, 3)
    with pytest.raises(InputError, match="label holds class 200"): counted_pixels(zero, zero + 200, 3)
    with pytest.raises(InputError, match="holds class -1"): counted_pixels(zero - 1, zero, 3)
    with pytest.raises(InputError, match="must be integers"): counted_pixels(zero / 2, zero, 3)



def test_the_worked_example_gives_nine_twelfths_not_the_mean_of_the_pictures():
    "nbs/20_metrics.ipynb, cell 18"
    whole, singles = ConfusionMatrix(2), []
    for guess, truth in zip(GUESS, TRUTH):
        whole.update(guess, truth)
        one = ConfusionMatrix(2)
        one.update(guess, truth)
        singles.append(one.iou()[1])
    assert whole.matrix.tolist() == [[19, 2], [1, 9]]
    assert whole.iou()[1] == 9 / 12 and whole.iou()[0] == 19 / 22
    assert singles == [1, 0.25] and np.mean(singles) == 0.625
    assert whole.miou() == pytest.approx((9 / 12 + 19 / 22) / 2) and whole.accuracy() == 28 / 31



def test_a_batch_counts_like_its_pictures_and_a_perfect_prediction_scores_one():
    "nbs/20_metrics.ipynb, cell 19"
    whole, batch, perfect = ConfusionMatrix(2), ConfusionMatrix(2), ConfusionMatrix(2)
    for guess, truth in zip(GUESS, TRUTH): whole.update(guess, truth)
    batch.update(torch.tensor(GUESS), torch.tensor(TRUTH))
    perfect.update(np.where(TRUTH == 255, 0, TRUTH), TRUTH)
    assert (whole.matrix == batch.matrix).all()
    assert perfect.miou() == 1 and perfect.accuracy() == 1



def test_a_class_that_is_nowhere_is_left_out_and_one_only_predicted_counts_as_zero():
    "nbs/20_metrics.ipynb, cell 20"
    scores = ConfusionMatrix(4)
    scores.update(np.array([0, 0, 1, 2]), np.array([0, 0, 1, 1]))  # class 2 is predicted, never true; class 3 is nowhere
    assert scores.iou()[:3].tolist() == [1, 0.5, 0] and np.isnan(scores.iou()[3])
    assert scores.miou() == (1 + 0.5 + 0) / 3
    empty = ConfusionMatrix(2)
    empty.update(np.array([0]), np.array([255]))
    with pytest.raises(InputError, match="No pixel has been counted"): empty.miou()
    with pytest.raises(InputError, match="No pixel has been counted"): empty.accuracy()



def test_the_matrix_agrees_with_torchmetrics():
    "nbs/20_metrics.ipynb, cell 21"
    rng = np.random.default_rng(0)
    label, guess = rng.integers(0, 20, (2, 5, 30, 40))  # class 20 is nowhere
    guess = np.where(rng.random(label.shape) < 0.6, label, guess)
    label[rng.random(label.shape) < 0.1] = 255
    ours = ConfusionMatrix(21)
    for one, truth in zip(guess, label): ours.update(one, truth)
    args = torch.tensor(guess), torch.tensor(label), 21
    jaccard = torchmetrics.functional.classification.multiclass_jaccard_index
    assert ours.miou() == pytest.approx(float(jaccard(*args, average="macro", ignore_index=255)), abs=1e-6)
    theirs = jaccard(*args, average="none", ignore_index=255).numpy()
    assert np.nan_to_num(ours.iou()) == pytest.approx(theirs, abs=1e-6)
    accuracy = torchmetrics.functional.classification.multiclass_accuracy
    assert ours.accuracy() == pytest.approx(float(accuracy(*args, average="micro", ignore_index=255)), abs=1e-6)



def test_maps_that_cannot_be_scored_are_refused_in_one_sentence():
    "nbs/20_metrics.ipynb, cell 24"
    s, g = np.full((2, 3), 0.5), np.eye(2, 3)
    assert check_maps(torch.tensor(s), torch.tensor(g))[1].dtype == bool
    assert check_maps(s + 0.500001, g)[0].max() == 1
    with pytest.raises(InputError, match=r"\(2, 3\) and mask \(3, 2\) must both be"): check_maps(s, g.T)
    with pytest.raises(InputError, match=r"runs from 127.5 to 127.5, not within \[0, 1\]"): check_maps(s * 255, g)
    with pytest.raises(InputError, match="nan"): check_maps(s * np.nan, g)
    for bad in (g * 255, g.astype(np.uint8) * 2, g / 2, g * np.nan):
        with pytest.raises(InputError, match="other than 0 and 1"): check_maps(s, bad)



def test_the_least_value_becomes_zero_the_greatest_one():
    "nbs/20_metrics.ipynb, cell 28"
    assert normalize_map(np.array([[0.2, 0.3], [0.4, 0.6]])).ravel() == pytest.approx([0, 0.25, 0.5, 1])
    assert (normalize_map(np.full((2, 2), 0.3)) == 0.3).all()



def test_mae_by_hand_and_as_torchmetrics_has_it():
    "nbs/20_metrics.ipynb, cell 33"
    g = np.array([[1, 0], [0, 0]], dtype=bool)
    assert mae(np.array([[0.6, 0.2], [0.0, 0.0]]), g) == pytest.approx((0.4 + 0.2) / 4)
    rng = np.random.default_rng(1)
    s, g = rng.random((20, 30)), rng.random((20, 30)) < 0.3
    theirs = torchmetrics.functional.mean_absolute_error(torch.tensor(s), torch.tensor(g, dtype=torch.double))
    assert mae(s, g) == pytest.approx(float(theirs), abs=1e-6)
    for x in (s, s > 0.5, g, ~g): assert mae(x * 1.0, g) == pytest.approx(np.abs(x - 1.0 * g).mean(), abs=1e-12)



def test_precision_and_recall_by_hand():
    "nbs/20_metrics.ipynb, cell 36"
    assert precision_recall(3, 1, 12) == (0.75, 0.25)
    assert precision_recall(0, 0, 5) == (0, 0) and precision_recall(0, 4, 0) == (0, 0)



def test_the_histogram_counts_what_the_loop_counts():
    "nbs/20_metrics.ipynb, cell 42"
    rng = np.random.default_rng(2)
    for s in (rng.random((20, 30)), rng.integers(0, 256, (20, 30)) / 255, np.zeros((4, 4)), np.ones((4, 4))):
        g = rng.random(s.shape) < 0.4
        for ours, naive in zip(counts_above(pixel_counts(s, g)), counts_in_a_loop(s, g)): assert (ours == naive).all()



def test_at_threshold_zero_everything_is_salient():
    "nbs/20_metrics.ipynb, cell 43"
    g = np.array([[1, 1, 0, 0, 0, 0, 0, 0]], dtype=bool)
    counts = pixel_counts(np.array([[1, 0.5, 0.5, 0, 0, 0, 0, 0]]), g)
    p, r = precision_recall(*counts_above(counts), g.sum())
    assert p[0] == 2 / 8 and r[0] == 1
    assert p[100] == 2 / 3 and r[100] == 1
    assert p[255] == 1 and r[255] == 0.5



def test_f_by_hand_and_as_torchmetrics_has_it():
    "nbs/20_metrics.ipynb, cell 46"
    assert f_measure(0.5, 1.0) == pytest.approx(1.3 * 0.5 / (0.15 + 1))
    assert f_measure(1, 1) == 1 and f_measure(0, 0) == 0 and f_measure(1, 0.5) > f_measure(0.5, 1)
    rng = np.random.default_rng(3)
    chosen, g = rng.random((2, 20, 30)) < 0.4
    ours = f_measure(*precision_recall((chosen & g).sum(), (chosen & ~g).sum(), g.sum()))
    theirs = torchmetrics.functional.classification.binary_fbeta_score(torch.tensor(chosen), torch.tensor(g), beta=0.3**0.5)
    assert ours == pytest.approx(float(theirs), abs=1e-6)



def test_the_adaptive_threshold_is_twice_the_mean_at_most_one():
    "nbs/20_metrics.ipynb, cell 50"
    s = np.array([[0.8, 0.4, 0.0, 0.0]])
    assert adaptive_threshold(s) == pytest.approx(0.6) and adaptive_threshold(s / 2 + 0.5) == 1
    g = np.array([[1, 1, 0, 0]], dtype=bool)
    assert counts_at(s, g, adaptive_threshold(s)) == (1, 0)      # F = 1.3 · 1 · 0.5 / (0.3 · 1 + 0.5)
    assert counts_at(s, g, 0.4) == (2, 0) and counts_at(s, ~g, 0.4) == (0, 2)



def test_the_21_thresholds_count_a_pixel_that_lies_on_one():
    "nbs/20_metrics.ipynb, cell 59"
    g = np.array([[1, 1, 0, 0]], dtype=bool)
    p, r = precision_recall(*authors_counts(pixel_counts(np.array([[1, 0.5, 0.25, 0]]), g)), 2)
    assert p.shape == r.shape == (21,)
    assert (p[0], r[0]) == (0.5, 1)      # t = 0: everything
    assert (p[5], r[5]) == (2 / 3, 1)    # t = 0.25: three pixels, the third included
    assert (p[10], r[10]) == (1, 1) and (p[11], r[11]) == (1, 0.5) and (p[20], r[20]) == (1, 0.5)



def test_the_21_thresholds_of_the_histogram_are_those_of_the_loop():
    "nbs/20_metrics.ipynb, cell 60"
    rng = np.random.default_rng(9)
    edges = np.linspace(0, 1, 21)
    beside = np.nextafter(edges, 0), np.nextafter(edges, 1)
    close = np.concatenate([edges, *beside, np.arange(256) / 255, np.arange(21) / 20])
    for s in (rng.random((20, 30)), rng.integers(0, 256, (20, 30)) / 255, rng.choice(close.clip(0, 1), (40, 50))):
        g = rng.random(s.shape) < 0.4
        ours = precision_recall(*authors_counts(pixel_counts(s, g)), g.sum())
        for a, b in zip(ours, authors_in_a_loop(s, g)): assert (a == b).all()
    assert len(set(AUTHORS_LEVELS)) == 21                        # no level holds two thresholds



def test_the_object_part_likes_values_that_are_high_and_even():
    "nbs/20_metrics.ipynb, cell 63"
    assert object_similarity(np.ones(5)) == 1 and object_similarity(np.zeros(5)) == 0
    assert object_similarity(np.array([0.5])) == 1 / 1.25
    assert object_similarity(np.array([0.0, 1.0])) == pytest.approx(1 / (1.25 + 0.5**0.5))  # σ of 0, 1 is √½



def test_the_blocks_meet_at_the_centroid_and_cover_the_picture():
    "nbs/20_metrics.ipynb, cell 67"
    g = np.zeros((6, 8), dtype=bool)
    g[1:4, 2:5] = True                                   # centroid at row 2, column 3
    assert four_blocks(g)[0] == (slice(0, 3), slice(0, 4))
    assert sum(g[b].size for b in four_blocks(g)) == g.size and len(four_blocks(g)) == 4
    g[:] = False
    g[-1, -1] = True
    assert four_blocks(g) == [(slice(0, 6), slice(0, 8))]  # a centroid in the last corner leaves one block



def test_an_equal_block_scores_one_and_an_opposite_one_minus_one():
    "nbs/20_metrics.ipynb, cell 68"
    g = np.array([[1, 0], [0, 1]], dtype=bool)
    assert block_similarity(g.astype(float), g) == pytest.approx(1) and block_similarity(1.0 - g, g) == pytest.approx(-1)
    assert block_similarity(np.zeros((2, 2)), g & False) == 1      # both flat
    assert block_similarity(np.full((2, 2), 0.5), g) == 0          # only the map is flat



def test_the_six_sums_by_hand():
    "nbs/20_metrics.ipynb, cell 73"
    x, y = np.array([[0.5, 1.0], [0.25, 0.0]]), np.array([[1, 1], [0, 0]], dtype=bool)
    assert block_sums(x, y) == (4, 2, 1.75, 1.3125, 1.5, 1.25)



def test_sums_give_the_object_part_and_ssim():
    "nbs/20_metrics.ipynb, cell 75"
    rng = np.random.default_rng(11)
    for shape in ((2, 2), (7, 9), (200, 300)):
        x, y = rng.random(shape), rng.random(shape) < 0.3
        y[0, 0], y[-1, -1] = True, False
        s = block_sums(x, y)
        assert object_from_sums(s.n, s.x, s.xx) == pytest.approx(object_similarity(x.ravel()), abs=1e-12)
        assert ssim_from_sums(s) == pytest.approx(block_similarity(x, y), abs=1e-12)
    s = block_sums(np.full((200, 300), 0.3), rng.random((200, 300)) < 0.3)         # nothing varies: σ = 0
    assert object_from_sums(s.n, s.x, s.xx) == pytest.approx(2 * 0.3 / (0.09 + 1), abs=1e-6)



def test_a_perfect_map_has_s_of_one_and_empty_or_full_masks_use_the_mean():
    "nbs/20_metrics.ipynb, cell 80"
    g = np.zeros((6, 8), dtype=bool)
    g[1:4, 2:5] = True
    assert s_measure(g.astype(float), g) == pytest.approx(1)
    assert s_measure(1.0 - g, g) == 0
    flat = np.full((6, 8), 0.25)
    assert s_measure(flat, g & False) == 0.75 and s_measure(flat, g | True) == 0.25



def test_the_sums_give_the_s_of_the_book():
    "nbs/20_metrics.ipynb, cell 81"
    rng = np.random.default_rng(10)
    one = np.zeros((9, 9), dtype=bool)
    one[4, 4] = True
    corner = np.zeros((40, 50), dtype=bool)
    corner[:3, :4] = True                     # three blocks without a salient pixel
    for g in (rng.random((60, 70)) < 0.4, rng.random((2, 9)) < 0.5, one, ~one, corner, corner[::-1, ::-1]):
        for s in (rng.random(g.shape), rng.integers(0, 256, g.shape) / 255, g * 1.0, ~g * 1.0, g * 0.7 + 0.3, g * 0 + 0.3):
            assert s_measure(s, g) == pytest.approx(s_by_the_book(s, g), abs=1e-7)



def test_four_counts_give_the_same_e_as_the_map_of_alignments():
    "nbs/20_metrics.ipynb, cell 87"
    rng = np.random.default_rng(4)
    g, cut = rng.random((20, 30)) < 0.3, rng.random((20, 30)) < 0.5
    naive = e_pixel_by_pixel(cut, g).sum() / (g.size - 1)
    assert e_from_counts(*counts_at(cut, g, 1), g.sum(), g.size) == pytest.approx(naive)
    s = rng.random((20, 30))
    curve = e_from_counts(*counts_above(pixel_counts(s, g)), g.sum(), g.size)
    naive = [e_pixel_by_pixel(np.floor(s * 255) >= t, g).sum() / (g.size - 1) for t in range(256)]
    assert curve.shape == (256,) and curve == pytest.approx(naive)



def test_e_is_high_for_the_mask_itself_and_low_for_its_opposite():
    "nbs/20_metrics.ipynb, cell 88"
    assert e_from_counts(15, 0, 15, 100) == pytest.approx(100 / 99) and e_from_counts(0, 85, 15, 100) == pytest.approx(0)
    assert e_from_counts(15, 85, 15, 100) == pytest.approx(0.25 * 100 / 99)   # everything is called salient: ξ = 0
    assert e_from_counts(0, 15, 0, 100) == pytest.approx(85 / 99)             # empty mask: 85 are rightly left alone
    assert e_from_counts(15, 0, 100, 100) == pytest.approx(15 / 99)           # full mask: 15 are found



def test_weighted_f_by_hand():
    "nbs/20_metrics.ipynb, cell 93"
    g = np.zeros((1, 40), dtype=bool)
    g[0, :10] = True
    s = g.astype(float)
    assert weighted_f(s, g) == 1 and weighted_f(s, g & False) == 0 and weighted_f(0 * s, g | True) < 1
    s[0, 14] = 1                                    # invented, 5 pixels from the mask: weight 2 − 0.5 = 1.5
    assert weighted_errors(s, g)[0, 14] == pytest.approx(1.5) and weighted_errors(s, g).sum() == pytest.approx(1.5)
    assert weighted_f(s, g) == pytest.approx(2 * 10 / 11.5 / (10 / 11.5 + 1))



def test_weighted_f_is_that_of_pysodmetrics():
    "nbs/20_metrics.ipynb, cell 94"
    rng = np.random.default_rng(12)
    for _ in range(8):
        g = gaussian(rng.random((30, 44)), 3) > 0.5
        for s in (rng.random(g.shape), rng.integers(0, 256, g.shape) / 255, g * 0.5, 1.0 * g, 1.0 * ~g):
            W = py_sod_metrics.WeightedFmeasure()
            W.step(s, g, normalize=False)
            assert weighted_f(s, g) == pytest.approx(W.get_results()["wfm"], abs=1e-6)



def test_both_protocols_of_max_f_by_hand():
    "nbs/20_metrics.ipynb, cell 100"
    scores = SaliencyScores()
    for s, g in two_pictures(): scores.update(s, g)
    found = scores.compute()
    assert found["max_f"] == pytest.approx((1.3 * 0.5 / 0.8 + 1.3 * 0.25 / 1.075) / 2)
    assert found["max_f_authors"] == pytest.approx(1.3 * 0.625 * 0.75 / (0.3 * 0.625 + 0.75)) == pytest.approx(0.65)
    assert found["mae"] == found["mae_raw"] == pytest.approx((1 / 8 + 3 / 8) / 2)



def test_a_dim_but_right_map_is_forgiven_by_mae_and_not_by_mae_raw():
    "nbs/20_metrics.ipynb, cell 101"
    g = np.eye(4)
    scores = SaliencyScores()
    scores.update(torch.tensor(0.1 + 0.4 * g, dtype=torch.float32), torch.tensor(g))
    found = scores.compute()
    assert found["mae"] == 0 and found["mae_raw"] == pytest.approx((4 * 0.5 + 12 * 0.1) / 16)
    assert found["max_f"] == found["max_f_authors"] == 1 and found["s_measure"] == pytest.approx(1)
    with pytest.raises(InputError, match="No saliency map has been scored"): SaliencyScores().compute()



def test_parts_of_a_set_are_joined_by_adding_their_sums():
    "nbs/20_metrics.ipynb, cell 102"
    rng = np.random.default_rng(13)
    whole, parts = SaliencyScores(), [SaliencyScores(), SaliencyScores()]
    for i in range(6):
        s, g = rng.random((8, 9)), rng.random((8, 9)) < 0.4
        whole.update(s, g)
        parts[i % 2].update(s, g)
    joined = SaliencyScores()
    joined.sums = parts[0].sums + parts[1].sums
    assert joined.compute() == pytest.approx(whole.compute(), abs=1e-12)
    assert (joined.curves()["f"] == pytest.approx(whole.curves()["f"], abs=1e-12)) and joined.sums[0] == 6



def test_random_maps_score_as_in_pysodmetrics():
    "nbs/20_metrics.ipynb, cell 106"
    for seed in range(5):
        pairs = list(random_pairs(seed))
        ours, theirs = our_scores(pairs), reference_scores(pairs)
        assert theirs == pytest.approx({name: ours[name] for name in theirs}, abs=1e-6)



def test_empty_and_full_masks_and_constant_maps_score_as_in_pysodmetrics():
    "nbs/20_metrics.ipynb, cell 107"
    zeros, half = np.zeros((6, 8)), np.zeros((6, 8))
    half[1:4, 2:5] = 1
    noise = np.random.default_rng(6).random((6, 8))
    for s in (zeros, zeros + 0.3, zeros + 1, half, 1 - half, noise):
        for g in (zeros > 0, zeros == 0, half > 0):
            ours, theirs = our_scores([(s, g)]), reference_scores([(s, g)])
            assert theirs == pytest.approx({name: ours[name] for name in theirs}, abs=1e-6)
            assert all(np.isfinite(score) for score in ours.values())



def test_eight_bit_files_score_as_in_pysodmetrics():
    "nbs/20_metrics.ipynb, cell 108"
    rng = np.random.default_rng(7)
    M, S, E = py_sod_metrics.MAE(), py_sod_metrics.Smeasure(), py_sod_metrics.Emeasure()
    pairs = [(rng.integers(20, 240, (30, 40), dtype=np.uint8), rng.random((30, 40)) < 0.3) for _ in range(4)]
    for s, g in pairs:
        for metric in (M, S, E): metric.step(s, g.astype(np.uint8) * 255)
    ours = our_scores([(s / 255, g) for s, g in pairs])
    assert ours["mae"] == pytest.approx(M.get_results()["mae"], abs=1e-6)
    assert ours["s_measure"] == pytest.approx(S.get_results()["sm"], abs=1e-6)
    assert ours["mean_e"] == pytest.approx(E.get_results()["em"]["curve"].mean(), abs=1e-6)



def test_the_authors_protocol_is_f_of_the_averaged_precision_and_recall():
    "nbs/20_metrics.ipynb, cell 110"
    pairs = list(random_pairs(8))
    best = 0
    for t in np.linspace(0, 1, 21):
        cut = [((s - s.min()) / (s.max() - s.min()) >= t, g) for s, g in pairs]
        p = np.mean([(c & g).sum() / max(c.sum(), 1) for c, g in cut])
        r = np.mean([(c & g).sum() / max(g.sum(), 1) for c, g in cut])
        if p + r: best = max(best, 1.3 * p * r / (0.3 * p + r))
    assert our_scores(pairs)["max_f_authors"] == pytest.approx(best, abs=1e-9)
