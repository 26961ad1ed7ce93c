"""One picture of 256×256 through SSNet with DenseNet-169: the network the plain way (SAM as a convolution) against its
copy by `ssnet.inference.fast`. The output must be the same to 1e-4.

    python benchmarks/inference.py [--device cpu|cuda] [--repeats 20] [--json FILE]

Both take turns; the shortest time of each counts.
"""
import argparse
import json
import time

import torch

from ssnet.inference import fast
from ssnet.model import build_ssnet
from training_step import about, plain


def seasoned(net, device):
    "The network after a pass in training mode, so that its batch norms have seen something."
    net = net.to(device).train()
    with torch.no_grad(): net(torch.randn(4, 3, 256, 256, device=device))
    return net.eval()


def measure(stage, device, repeats):
    "(seconds plain, seconds fast, largest difference of the outputs) of one stage."
    torch.manual_seed(0)
    net, image = seasoned(build_ssnet(stage), device), torch.randn(1, 3, 256, 256, device=device)
    quick = fast(net)
    networks, times = (plain(net), quick), ([], [])
    with torch.inference_mode():
        for _ in range(repeats + 3):
            for network, row in zip(networks, times):
                start = time.perf_counter()
                network(image)
                if device == "cuda": torch.cuda.synchronize()
                row.append(time.perf_counter() - start)
        pairs = zip(*(network(image) for network in networks))
        difference = torch.stack([(a - b).abs().max() for a, b in pairs if a is not None]).max().item()  # nan stays nan
    return *(min(row[3:]) for row in times), difference


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--json")
    args = parser.parse_args()
    if args.device == "cuda": torch.backends.cudnn.allow_tf32 = False  # fp32 means fp32
    print(about(args.device))
    found = {stage: measure(stage, args.device, args.repeats) for stage in (1, 2)}
    for stage, (slow, quick, difference) in found.items():
        print(f"stage {stage}: plain {slow * 1e3:.0f} ms, fast {quick * 1e3:.0f} ms, "
              f"ratio {slow / quick:.2f} (target 1.5), largest difference {difference:.0e} (target 1e-04)")
    if args.json:
        with open(args.json, "w") as file: json.dump({"machine": about(args.device), "stages": found}, file, indent=1)
