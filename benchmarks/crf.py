"""Dense CRF, 21 classes, 5 steps: ssnet.crf.dense_crf against pydensecrf2, in turn, in one process.

    python benchmarks/crf.py [--json FILE] [--size 256] [--repeats 20]

Where a CUDA GPU is at hand, a batch on it as well (--batch 16), as time a picture. From probabilities and picture
to new probabilities, lattices included; ssnet keeps the spatial one, which is the same for all pictures of a size.
The extra "crf" brings pydensecrf2 (Python < 3.13). On a busy machine the threads of PyTorch wait for one another:
OMP_WAIT_POLICY=PASSIVE makes that cheaper, and --repeats more gives the minimum a chance.
"""
import argparse
import json
import platform
import statistics
import time
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pydensecrf import densecrf, utils

from ssnet.crf import CRF, dense_crf

PHOTOS = "astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"  # scikit-image's own


def scene(name, size, seed):
    "Soft random regions of 21 classes, and a photograph."
    with (files("skimage") / "data" / name).open("rb") as file:
        picture = np.array(Image.open(file).convert("RGB").resize((size, size)))
    coarse = torch.randn(1, 21, 12, 12, generator=torch.Generator().manual_seed(seed)) * 3
    probs = torch.nn.functional.interpolate(coarse, (size, size), mode="bilinear")[0].softmax(0)
    return probs, torch.from_numpy(picture).permute(2, 0, 1).contiguous()


def peer(probs, picture, crf=CRF()):
    "pydensecrf2 as the authors of SSNet call it."
    field = densecrf.DenseCRF2D(*probs.shape[:0:-1], len(probs))
    field.setUnaryEnergy(utils.unary_from_softmax(probs.numpy()))
    field.addPairwiseGaussian(sxy=crf.gaussian_sxy, compat=crf.gaussian_compat)
    field.addPairwiseBilateral(sxy=crf.bilateral_sxy, srgb=crf.bilateral_srgb, compat=crf.bilateral_compat,
                               rgbim=picture.permute(1, 2, 0).contiguous().numpy())
    return np.array(field.inference(crf.steps)).reshape(probs.shape)


def seconds(work, *given):
    "How long one call takes, and what it gives."
    if torch.cuda.is_available(): torch.cuda.synchronize()
    begin = time.perf_counter()
    result = work(*given)
    if torch.cuda.is_available(): torch.cuda.synchronize()
    return time.perf_counter() - begin, result


def options():
    "What the command line says."
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--batch", type=int, default=16)
    return parser.parse_args()


def main():
    "Measure, print a table, and write it as JSON where asked to."
    args, rows = options(), []
    for seed, name in enumerate(PHOTOS):
        probs, picture = scene(name, args.size, seed)
        pairs = [(*seconds(peer, probs, picture), *seconds(dense_crf, probs, picture)) for _ in range(args.repeats + 1)]
        same = float((pairs[0][1].argmax(0) == pairs[0][3].argmax(0).numpy()).mean())
        theirs, ours = [p[0] for p in pairs[1:]], [p[2] for p in pairs[1:]]  # the first call warms up
        rows.append({"photo": name, "same_label": same, "peer_s": min(theirs), "ours_s": min(ours),
                     "ratio_of_minima": min(theirs) / min(ours),
                     "median_ratio": statistics.median(a / b for a, b in zip(theirs, ours))})
        if torch.cuda.is_available():
            many = probs.cuda().repeat(args.batch, 1, 1, 1), picture.cuda().repeat(args.batch, 1, 1, 1)
            gpu = [seconds(dense_crf, *many)[0] / args.batch for _ in range(args.repeats + 1)][1:]
            rows[-1] |= {"gpu_s": statistics.median(gpu), "gpu_ratio": rows[-1]["peer_s"] / statistics.median(gpu)}
        cells = (f"{k} {v:.4f}" if isinstance(v, float) else f"{v:14s}" for k, v in rows[-1].items())
        print("  ".join(cells), flush=True)
    about = {"machine": platform.processor() or platform.machine(), "torch": torch.__version__, "size": args.size,
             "threads": torch.get_num_threads(), "gpu": torch.cuda.is_available() and torch.cuda.get_device_name(),
             "repeats": args.repeats, "batch": args.batch}
    about["ratio"] = statistics.median(row["ratio_of_minima"] for row in rows)
    print(f"pydensecrf2 / ssnet: {about['ratio']:.2f} (above 1: ssnet is faster)", about)
    if args.json: args.json.write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__": main()
