"""Peak memory of training stage 2 (DenseNet-169, output stride 8, 4+4 pictures of 256×256): the plain way in fp32
against `ssnet.train` with the recipe settings named in each row. It counts everything: weights, gradients, Adam, maps.

    python benchmarks/memory.py [--stage 1|2] [--device cpu|cuda] [--json FILE]

Each row is a process of its own that takes two steps. CPU: the most memory that the process ever held, less what it
held when the libraries were imported. CUDA: `torch.cuda.max_memory_allocated`.
"""
import argparse
import json
import resource
import subprocess
import sys
import time

import torch

from training_step import about, make_recipe, our_step, plain_step

ROWS = {"plain": None, "precision=fp32": {}, "precision=bf16": {"precision": "bf16"},
        "recompute=true": {"recompute": True},
        "precision=bf16 recompute=true": {"precision": "bf16", "recompute": True}}


def most_held():
    "The most bytes that this process ever held."
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measure(name, stage, device):
    "(peak bytes, seconds of the second step) of one row, in this process."
    start, recipe = most_held(), make_recipe("paper", stage, weights="", **(ROWS[name] or {}))
    step = (plain_step if ROWS[name] is None else our_step)(recipe, device)
    step()
    begin = time.perf_counter()
    step()
    if device == "cuda": torch.cuda.synchronize()
    seconds = time.perf_counter() - begin
    return (torch.cuda.max_memory_allocated() if device == "cuda" else most_held() - start), seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--stage", type=int, default=2, choices=(1, 2))
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--row", choices=ROWS, help="measure only this, in this process")
    parser.add_argument("--json")
    args = parser.parse_args()
    if args.row:
        print(json.dumps(measure(args.row, args.stage, args.device)))
        sys.exit()
    found = {}
    for row in ROWS:
        command = [sys.executable, __file__, "--row", row, "--stage", str(args.stage), "--device", args.device]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().split("\n")
        found[row] = json.loads(lines[-1])
    plain = found["plain"][0]
    print(f"stage {args.stage}, {about(args.device)}")
    for row, (peak, seconds) in found.items():
        print(f"{row:32} {peak / 1e9:5.2f} GB  {peak / plain:4.0%} of plain   second step {seconds:.2f} s")
    print(f"ratio {min(peak for peak, _ in found.values()) / plain:.2f} (target 0.5)")
    if args.json:
        with open(args.json, "w") as file: json.dump({"machine": about(args.device), "bytes and seconds": found}, file, indent=1)
