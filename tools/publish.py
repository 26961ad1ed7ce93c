"""Put a run's figures into the notebooks: `python tools/publish.py runs/weights demo "make demo"`.

Writes nbs/results/NAME.json (scores, settings and the command) and nbs/images/NAME.png. For NAME `demo` the network
of stage 2 also becomes the one that the package carries, ssnet/data/tiny.safetensors.
"""
import json
import sys
from pathlib import Path

from PIL import Image

from ssnet.checkpoint import SHIPPED, load_network, save_checkpoint
from ssnet.demo import SPLITS
from ssnet.stages import Data, score_checkpoint

run, name, command = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
metrics = json.loads((run / "metrics.json").read_text())
if metrics["settings"]["resumed"]: sys.exit("This run was resumed, so its seconds are not those of the whole: run it anew.")
metrics["settings"]["command"] = command
for folder in ("nbs/results", "nbs/images"): Path(folder).mkdir(exist_ok=True)
Path(f"nbs/results/{name}.json").write_text(json.dumps(metrics, indent=1) + "\n")
Image.open(run / "result.png").convert("RGB").quantize(256).save(f"nbs/images/{name}.png", optimize=True)
if name == "demo":
    net, about = load_network(run / "stage2/checkpoint.safetensors")
    data, test = Data.in_folder(run / "data"), run / "data/saliency/test"
    save_checkpoint(SHIPPED, net, about.recipe, about.classes, about.step, half=True)
    scores = score_checkpoint(SHIPPED, data, SPLITS, test)  # of the file as it is shipped, in float16
    save_checkpoint(SHIPPED, net, about.recipe, about.classes, about.step, scores=scores, half=True)
    print(f"{SHIPPED.name}: {SHIPPED.stat().st_size / 1e6:.1f} MB, mIoU {scores['miou']:.3f}, MAE {scores['mae']:.3f}")
