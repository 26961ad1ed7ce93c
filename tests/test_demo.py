"Made from nbs/34_demo.ipynb by tools/export.py: change the notebook, then `make export`."
from pathlib import Path
from ssnet.demo import demo
from ssnet.demo import summary
import contextlib
import io
import json
import tempfile


def test_the_demo_writes_its_three_files_with_every_figure_in_its_place():
    "nbs/34_demo.ipynb, cell 22"
    with tempfile.TemporaryDirectory() as place, contextlib.redirect_stdout(io.StringIO()):
        metrics = demo(place, steps=2, pictures=16, tests=4)
        assert json.loads((Path(place) / "metrics.json").read_text()) == json.loads(json.dumps(metrics))
        assert (Path(place) / "report.html").exists() and (Path(place) / "result.png").exists()
    for stage in ("stage1", "stage2"):
        assert {"miou", "miou_unseen_glyphs", "mae", "max_f"} <= metrics[stage].keys()
        assert all(0 <= metrics[stage][k] <= 1 for k in ("miou", "miou_unseen_glyphs", "mae", "max_f"))
    assert 0 <= metrics["pseudo_labels"]["miou"] <= 1 and metrics["seconds"] > 0
    assert metrics["settings"]["stage2"]["steps"] == 2 and metrics["settings"]["crf_at_test"] is False
    assert "stage 2" in summary(metrics) and "6 snapshots" in summary(metrics)   # steps 0, 1 and 2 of each stage
    assert "snapshots" not in summary(metrics | {"snapshots": 0})
