"""MAE + F + S + E of one 232×315 saliency map: `ssnet.metrics.SaliencyScores` against PySODMetrics' four `step` calls.

Both get the same map of 8 bits and its mask, in the form each asks for: PySODMetrics as uint8, ours as a float map and
a bool mask. Runs alternate, one thread each; the result is the ratio of the medians. The values are compared first.

    python benchmarks/metrics.py [--json FILE]
"""
import argparse
import json
import os
import platform
import statistics
import time
import warnings
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import py_sod_metrics
import torch

from ssnet.metrics import SaliencyScores

TARGET = 5


def make_pair(shape=(232, 315)):
    "A soft, noisy disc with a second, wrong spot, 8 bits; and the mask of the disc."
    y, x = np.mgrid[: shape[0], : shape[1]]
    disc, spot = (np.hypot(y - 100, x - 150) - 70, np.hypot(y - 190, x - 270) - 25)
    soft = 0.7 / (1 + np.exp(disc / 6)) + 0.4 / (1 + np.exp(spot / 3)) + 0.15 * np.random.default_rng(0).random(shape)
    return (255 * soft.clip(0, 1)).round().astype(np.uint8), disc < 0


def results(ours, theirs):
    "Pairs (ours, theirs) of every score both have; their curves begin at threshold 1."
    mae, f, s, e = (m.get_results() for m in theirs)
    found, curves = ours.compute(), ours.curves()
    yield from ((found["mae"], mae["mae"]), (found["s_measure"], s["sm"]))
    yield from ((found["adaptive_f"], f["fm"]["adp"]), (found["adaptive_e"], e["em"]["adp"]))
    theirs = {"f": f["fm"]["curve"], "e": e["em"]["curve"], "precision": f["pr"]["p"], "recall": f["pr"]["r"]}
    for name, curve in theirs.items(): yield curves[name][::-1], curve


def measure(repeats=200):
    "Median and least seconds of both, alternating, and the largest difference of a value."
    warnings.simplefilter("ignore")  # PySODMetrics announces that Fmeasure will go
    s8, g = make_pair()
    s, g8 = s8 / 255, g.astype(np.uint8) * 255
    ours = SaliencyScores()
    theirs = [getattr(py_sod_metrics, name)() for name in ("MAE", "Fmeasure", "Smeasure", "Emeasure")]
    times = {"ssnet": [], "PySODMetrics": []}
    for _ in range(repeats):
        start = time.perf_counter()
        for metric in theirs: metric.step(s8, g8)
        middle = time.perf_counter()
        ours.update(s, g)
        times["PySODMetrics"].append(middle - start)
        times["ssnet"].append(time.perf_counter() - middle)
    difference = max(float(np.abs(np.subtract(a, b)).max()) for a, b in results(ours, theirs))
    return {name: (statistics.median(t), min(t)) for name, t in times.items()}, difference


def main():
    "Measure, print, and write JSON if asked."
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", help="write the figures to this file")
    args = parser.parse_args()
    times, difference = measure()
    ratio, ratio_of_least = (times["PySODMetrics"][i] / times["ssnet"][i] for i in (0, 1))
    for name, (median, least) in times.items(): print(f"{name:13} median {1e3 * median:.2f} ms, least {1e3 * least:.2f} ms")
    print(f"ratio {ratio:.1f} (of the least times {ratio_of_least:.1f}; target {TARGET}); largest difference {difference:.1e}")
    about = f"{platform.machine()}, {os.cpu_count()} cores, 1 thread, torch {torch.__version__}, numpy {np.__version__}"
    print(about)
    if args.json:
        figures = {"work": "MAE + F + S + E, one 232×315 map", "peer": "PySODMetrics", "ratio": ratio, "target": TARGET,
                   "ratio_of_least": ratio_of_least, "largest_difference": difference, "machine": about}
        Path(args.json).write_text(json.dumps(figures, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
