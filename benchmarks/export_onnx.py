"""ONNX against PyTorch: are the numbers the same, and which is faster? Both in one process, in turn.

    python benchmarks/export_onnx.py [--json FILE] [--backbones densenet169 tiny] [--repeats 5]

The networks have random weights, and batch norms that have seen random pictures. "difference" is the largest of any
output at 256×256, 100×75 and 200×331. "ratio" is PyTorch's time over onnxruntime's for one 256×256 picture.
"""
import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path

import onnxruntime
import torch

from ssnet.model import build_ssnet
from ssnet.share import export_onnx, largest_difference

SIZES = (256, 256), (100, 75), (200, 331)


def network(stage, reading, backbone):
    "A random network whose batch norms are at home with their input."
    torch.manual_seed(0)
    net = build_ssnet(stage, reading, backbone).train()
    with torch.no_grad(): net(torch.randn(2, 3, 256, 256))
    return net.eval()


def seconds(work):
    "How long one call takes."
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def compare(stage, reading, backbone, repeats):
    "One row of the table."
    net, image = network(stage, reading, backbone), torch.randn(1, 3, 256, 256)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        export = seconds(lambda: export_onnx(net, path))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        row = {"backbone": backbone, "stage": stage, "reading": reading, "MB": path.stat().st_size / 1e6,
               "export_seconds": export, "difference": largest_difference(net, path, SIZES)}
    with torch.inference_mode():
        times = [(seconds(lambda: net(image)), seconds(lambda: session.run(None, {"image": image.numpy()})))
                 for _ in range(repeats)]
    ours, theirs = map(min, zip(*times))
    return row | {"pytorch_ms": 1e3 * ours, "onnxruntime_ms": 1e3 * theirs, "ratio": ours / theirs}


def main():
    "Measure, print a table, and write it as JSON where asked to."
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--backbones", nargs="+", default=["densenet169"])
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    print(f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}, {torch.get_num_threads()} threads, "
          f"{platform.machine()}, {os.cpu_count()} cores")
    rows = []
    for backbone in args.backbones:
        for stage, reading in ((1, "paper"), (1, "authors"), (2, "paper"), (2, "authors")):
            rows.append(compare(stage, reading, backbone, args.repeats))
            cells = (f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in rows[-1].items())
            print("  ".join(cells), flush=True)
            if rows[-1]["difference"] > 1e-4: raise SystemExit("ONNX does not compute the same.")
    if args.json: args.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
