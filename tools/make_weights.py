"""Put stage 2 of a demo run into the package: `python tools/make_weights.py runs/weights`."""
import json
import sys
from pathlib import Path

from ssnet.checkpoint import SHIPPED, load_network, save_checkpoint

run = Path(sys.argv[1])
net, about = load_network(run / "stage2/checkpoint.safetensors")
metrics = json.loads((run / "metrics.json").read_text())
scores = {k: v for k, v in metrics["stage2"].items() if k in ("miou", "miou_unseen_glyphs", "mae", "max_f")}
save_checkpoint(SHIPPED, net, about.recipe, about.classes, about.step, scores=scores, half=True)
print(f"{SHIPPED.name}: {SHIPPED.stat().st_size / 1e6:.1f} MB, {scores}")
