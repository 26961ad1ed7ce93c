"""How long `import ssnet` takes, as a ratio to `import torch, torchvision`, both in new processes of the same run.

    python benchmarks/import_time.py
"""
import statistics
import subprocess
import sys
import time

PEER = "import torch, torchvision"
OURS = "import ssnet.cli, ssnet.stages, ssnet.predict, ssnet.report"  # every module but the demo's pictures


def seconds(code):
    "The time of a new Python that runs `code`."
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - begin


rows = [(seconds(PEER), seconds(OURS)) for _ in range(8)][1:]  # the first fills the disk's cache
peer, ours = (statistics.median(column) for column in zip(*rows))
print(f"{PEER}: {peer:.2f} s\n{OURS}: {ours:.2f} s\nratio {ours / peer:.2f} (target 1.3), median of {len(rows)}")
