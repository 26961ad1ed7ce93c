"""Run every notebook from top to bottom, each in a kernel of its own; nothing is written back.

    python tools/run_notebooks.py            all of them
    python tools/run_notebooks.py 13_model   those whose path contains the word

SSNET_QUICK=1 is set: a notebook that trains does fewer steps, and says so. Every code cell must have run.
Each runs in an empty folder, as in Colab, but for those of `AT_HOME`, which read the repository.
"""
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import nbformat
from nbclient import NotebookClient

from export import ROOT, notebooks

AT_HOME = ("nbs/index.ipynb", "nbs/experiments/paper.ipynb", "nbs/experiments/photographs.ipynb")


def run(path):
    "Run one notebook; return what to say about it and whether it went well."
    name, begin = path.relative_to(ROOT).as_posix(), time.perf_counter()
    notebook = nbformat.read(path, as_version=4)
    cells = [c for c in notebook.cells if c.cell_type == "code" and c.source]
    for cell in cells:
        cell.execution_count = None
        if cell.metadata.get("tags"): return f"FAILED {name}: a cell has tags, which may skip it or hide its error", False
    try:
        with tempfile.TemporaryDirectory() as empty:
            place = {"path": str(path.parent) if name in AT_HOME else empty}
            NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": place}).execute()
    except Exception as error:  # a failing cell, a timeout, a dead kernel
        return f"FAILED {name}\n{error}", False
    if not all(c.execution_count for c in cells): return f"FAILED {name}: a cell did not run", False
    return f"ran    {name}  {time.perf_counter() - begin:.0f} s", True


if __name__ == "__main__":
    os.environ |= {"SSNET_QUICK": "1", "OMP_NUM_THREADS": "1"}
    paths = [p for p in notebooks(ROOT) if not sys.argv[1:] or any(word in str(p) for word in sys.argv[1:])]
    good = 0
    with ThreadPoolExecutor(2) as pool:
        for text, went_well in pool.map(run, paths):
            print(text, flush=True)
            good += went_well
    print(f"notebooks: {good} passed, {len(paths) - good} failed")
    sys.exit(good < len(paths))
