"""One training step of SSNet with DenseNet-169 at 256×256: the network trained the plain way (fp32, maps as they come,
SAM as a convolution, two passes, PyTorch's own loop) against `ssnet.train` with the recipe settings named in each row.

    python benchmarks/training_step.py [--stage 1|2] [--device cpu|cuda] [--compile] [--repeats 5] [--json FILE]

The rows take turns; the shortest time of each counts. fp32 of our own is shown too, so that the gain can be split.
"""
import argparse
import json
import os
import platform
import time

import torch

from ssnet.inference import flops
from ssnet.losses import stage1_loss, stage2_loss
from ssnet.recipe import build, make_recipe
from ssnet.train import backward, make_optimizer, make_scaler, ready, update


def random_batches(recipe, device):
    "A tag batch and a saliency batch of noise."
    noise, n, side = torch.Generator().manual_seed(0), recipe.batch, recipe.size
    image = torch.randn(2, n, 3, side, side, generator=noise).to(device)
    label = torch.randint(0, 21, (n, side, side), generator=noise).to(device)
    tags = torch.randint(0, 2, (n, 20), generator=noise).float().to(device)
    return {"image": image[0], "tags": tags, "label": label}, {"image": image[1], "saliency": (label > 9).float()}


class PlainSAM(torch.nn.Module):
    "SAM as the convolution that it is on paper, for maps of the training size."

    def __init__(self, sam):
        super().__init__()
        self.conv, self.kernel, self.divisor = sam.conv, sam.kernel, 1 if sam.slides else sam.kernel**2

    def forward(self, features): return self.conv(features / self.divisor).float().sigmoid().mean((2, 3))


def plain(net):
    "The network with the plain SAM."
    net.sam = PlainSAM(net.sam)
    return net


def plain_step(recipe, device):
    "A function that takes one step the plain way."
    net, (tag, saliency) = plain(build(recipe)).to(device).train(), random_batches(recipe, device)
    optimizer = torch.optim.Adam(net.parameters(), recipe.rate, (recipe.beta1, 0.999))

    def step():
        optimizer.zero_grad()
        outputs = net(tag["image"]), net(saliency["image"])
        if recipe.stage == 1: losses = stage1_loss(outputs[0], tag["tags"], outputs[1], saliency["saliency"])
        else: losses = stage2_loss(outputs[0], tag["label"], tag["tags"], outputs[1], saliency["saliency"])
        losses["total"].backward()
        optimizer.step()
    return step


def our_step(recipe, device):
    "A function that takes one step as `ssnet.train.fit` does."
    net, (tag, saliency) = build(recipe).to(device), random_batches(recipe, device)
    model, optimizer, scaler = ready(net, recipe), make_optimizer(net, recipe), make_scaler(net, recipe)

    def step():
        backward(model, scaler, tag, saliency, recipe)
        update(net, optimizer, scaler, recipe, 0)
    return step


def shortest(steps, device, repeats):
    "The shortest time of each step in seconds; they take turns, after one or two rounds that do not count."
    times = {name: [] for name in steps}
    for _ in range(repeats + 2):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if device == "cuda": torch.cuda.synchronize()
            times[name].append(time.perf_counter() - start)
    return {name: min(row[2:]) for name, row in times.items()}


PEAK = {"H200": 989e12, "H100": 989e12, "A100": 312e12}  # bf16 operations a second, dense: NVIDIA's data sheets


def about(device):
    "What the figures are measured on."
    chip = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    return {"chip": chip, "cores": os.cpu_count(), "threads": torch.get_num_threads(), "torch": torch.__version__}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--stage", type=int, default=1, choices=(1, 2))
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--compile", action="store_true", help="one more row, with torch.compile (minutes)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json")
    args = parser.parse_args()
    rows = {"precision=fp32": {}, "precision=bf16": {"precision": "bf16"},
            "precision=bf16 passes=1": {"precision": "bf16", "passes": 1}}
    if args.compile: rows["precision=bf16 passes=1 compile=true"] = {"precision": "bf16", "passes": 1, "compile": True}
    recipe = make_recipe("paper", args.stage, weights="")
    steps = {"plain": plain_step(recipe, args.device)}
    for name, changes in rows.items():
        steps[name] = our_step(make_recipe("paper", args.stage, weights="", **changes), args.device)
    times = shortest(steps, args.device, args.repeats)
    work = 3 * 2 * recipe.batch * flops(build(recipe).eval(), recipe.size)
    machine, best = about(args.device), min(times.values())
    print(f"stage {args.stage}, {recipe.batch}+{recipe.batch} at {recipe.size}×{recipe.size}, {machine}")
    for name, s in times.items():
        print(f"{name:38} {s:7.3f} s  {2 * recipe.batch / s:7.1f} pictures/s  {work / s / 1e12:6.2f} TFLOP/s  "
              f"{times['plain'] / s:.2f}×")
    for name in PEAK:
        if name in machine["chip"]: print(f"model FLOP utilisation {work / best / PEAK[name]:.1%} of {name}'s peak in bf16")
    print(f"{recipe.steps:,} steps: {recipe.steps * best / 3600:.1f} hours, validation left out")
    print(f"ratio {times['plain'] / best:.2f} (target {'4' if args.device == 'cuda' else '1.3'})")
    if args.json:
        with open(args.json, "w") as file: json.dump({"machine": machine, "seconds": times, "flops": work}, file, indent=1)
