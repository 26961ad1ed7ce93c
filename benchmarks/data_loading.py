"""How many training pictures a second our loader gives, against torchvision's v1 transforms on Pillow pictures.
Both turn by up to 10°, keep the largest inner rectangle, crop 0.9, resize to 256×256, flip, make a tensor, normalise.
Both read the same JPEGs with the same number of processes, in turn. Then: how many processes a GPU would need.

    python benchmarks/data_loading.py [--json FILE] [--workers 0 1 2]
"""
import argparse
import itertools
import json
import math
import os
import platform
import random
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode
from torchvision import tv_tensors
from torchvision.transforms import functional as v1

from ssnet.augment import RandomColors, RandomView, inner_size, to_tensors, train_transform
from ssnet.compose import photographs
from ssnet.datasets import PictureDataset, SeededView, step_batches
from ssnet.files import read_picture
from ssnet.model import build_ssnet
from ssnet.show import IMAGENET_MEAN, IMAGENET_STD

SIZE, BATCH, COUNT, STEPS, REPEATS = 256, 8, 48, 24, 7
PEAK = 989e12  # of an H100 or H200, bf16, without sparsity, as its maker states it


def write_jpegs(folder):
    "Cut-outs of scikit-image's colour photographs, 500×375 or 375×500, quality 90 to 95: about as VOC's."
    draw = random.Random(0)
    colour = [Image.fromarray(p) for p in photographs() if p.ndim == 3 and min(p.shape[:2]) > 400]
    for i in range(COUNT):
        picture, (w, h) = draw.choice(colour), draw.choice([(500, 375), (500, 375), (375, 500)])
        w0, h0 = (side * draw.uniform(0.7, 1) * min(picture.size) / 500 for side in (w, h))
        x, y = draw.uniform(0, picture.width - w0), draw.uniform(0, picture.height - h0)
        cut = picture.resize((w, h), Image.Resampling.LANCZOS, (x, y, x + w0, y + h0))
        grain = np.random.default_rng(i).normal(0, 9, (h, w, 3))  # what enlarging has lost: photographs are not smooth
        Image.fromarray((np.asarray(cut) + grain).clip(0, 255).astype(np.uint8)).save(
            f"{folder}/{i:03}.jpg", quality=draw.randint(90, 95))
    return sorted(Path(folder).glob("*.jpg"))


class Peer(Dataset):
    "The same augmentation with torchvision.transforms on Pillow pictures."
    def __init__(self, files): self.files = files

    def __getitem__(self, key):
        picture = Image.open(self.files[key[0]]).convert("RGB")
        degrees, (W, H) = random.uniform(-10, 10), picture.size
        w, h = (int(0.9 * side) for side in inner_size(W, H, degrees))
        slack_x, slack_y = w / 0.9 - w, h / 0.9 - h
        left = int((W - w) / 2 + slack_x * random.uniform(-0.5, 0.5))
        top = int((H - h) / 2 + slack_y * random.uniform(-0.5, 0.5))
        picture = v1.rotate(picture, degrees, v1.InterpolationMode.BILINEAR)
        picture = v1.resize(v1.crop(picture, top, left, h, w), [SIZE, SIZE])
        if random.random() < 0.5: picture = v1.hflip(picture)
        return v1.normalize(v1.to_tensor(picture), IMAGENET_MEAN, IMAGENET_STD)


def rate(data, workers):
    "Pictures a second of a DataLoader as in training, taken as fast as they come."
    keys = itertools.islice(step_batches(COUNT, BATCH, 0), STEPS + 2 * workers + 1)
    batches = iter(DataLoader(data, batch_sampler=keys, num_workers=workers))
    for _ in range(2 * workers + 1): next(batches)  # processes run, and nothing that was read ahead is left
    begin = time.perf_counter()
    for _ in range(STEPS): next(batches)
    return STEPS * BATCH / (time.perf_counter() - begin)


def milliseconds(step, arguments):
    "For each argument, the best of ten rounds."
    times = [time.perf_counter()]
    for _ in range(10):
        for argument in arguments: step(argument)
        times.append(time.perf_counter())
    return min(b - a for a, b in itertools.pairwise(times)) / len(arguments) * 1e3


def training_flops():
    "Of one picture in stage 1 with DenseNet-169: forward, and twice that for the two gradients."
    with torch.device("meta"): net, picture = build_ssnet(1), torch.empty(1, 3, SIZE, SIZE)
    with FlopCounterMode(display=False) as counter: net(picture)
    return 3 * counter.get_total_flops()


def stages(files):
    "Where the time of one sample goes, in milliseconds."
    samples = [{"image": tv_tensors.Image(read_picture(file))} for file in files]
    views = [RandomView(SIZE)(sample) for sample in samples]
    return {"read": milliseconds(lambda file: tv_tensors.Image(read_picture(file)), files),
            "view": milliseconds(RandomView(SIZE), samples), "colours": milliseconds(RandomColors(0.2), views),
            "last step": milliseconds(to_tensors, views)}


def measure(workers):
    "Both loaders in turn, then the parts of a sample; what a GPU needs is computed."
    with tempfile.TemporaryDirectory() as folder:
        files = write_jpegs(folder)
        found = {"kilobytes": sum(file.stat().st_size for file in files) / COUNT / 1e3, "rates": {}}
        ours = PictureDataset([file.stem for file in files], files, train_transform(SIZE, color=0))
        for w in workers:
            pairs = [(rate(SeededView(ours, seed=0), w), rate(Peer(files), w)) for _ in range(REPEATS)]
            found["rates"][w] = {"ours": max(a for a, _ in pairs), "peer": max(b for _, b in pairs),
                                 "ratio": statistics.median(a / b for a, b in pairs)}
        found["milliseconds"] = stages(files[:16])
    found["gflop"] = training_flops() / 1e9
    return found | {"needed": {share: share * PEAK / found["gflop"] / 1e9 for share in (0.01, 0.02, 0.05)}}


def report(found):
    "The figures in words."
    print(f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, one thread a process; "
          f"JPEGs of {found['kilobytes']:.0f} kB; best of {REPEATS}, ratio: median of {REPEATS} pairs (target 1.5)")
    for w, row in found["rates"].items():
        print(f"{w} workers: ssnet {row['ours']:.0f}, torchvision v1 {row['peer']:.0f} pictures/s, "
              f"ratio {row['ratio']:.2f}")
    parts = found["milliseconds"]
    print("one sample:", ", ".join(f"{name} {ms:.2f} ms" for name, ms in parts.items()))
    for share, needed in found["needed"].items():
        print(f"computed: at {share:.0%} of {PEAK / 1e12:.0f} TFLOP/s a GPU takes {needed:.0f} pictures/s of "
              f"{found['gflop']:.0f} GFLOP: {math.ceil(needed * sum(parts.values()) / 1e3)} such cores read for it")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2], help="how many processes read")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = measure(options.workers)
    report(found)
    if options.json: options.json.write_text(json.dumps(found | {"cores": os.cpu_count(), "torch": torch.__version__}))
