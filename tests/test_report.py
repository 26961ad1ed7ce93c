"Made from nbs/33_report.ipynb by tools/export.py: change the notebook, then `make export`."
from pathlib import Path
from ssnet.compose import compose_data
from ssnet.recipe import make_recipe
from ssnet.report import as_image
from ssnet.report import as_table
from ssnet.report import write_page
from ssnet.report import write_report
from ssnet.show import new_figure
from ssnet.stages import Data
from ssnet.stages import run_both
import tempfile


def test_a_page_is_one_file_that_fetches_nothing():
    "nbs/33_report.ipynb, cell 13"
    figure, axis = new_figure(2, 1)
    axis.plot([0, 1])
    with tempfile.TemporaryDirectory() as folder:
        table = as_table([["stage 1", 0.5], ["a < b", 1.0]], ["", "mIoU"])
        text = write_page(f"{folder}/x.html", "A & B", [("One", "why", [as_image(figure, "a line"), table])]).read_text()
    assert "A &amp; B" in text and "a &lt; b" in text and "<td>0.500</td>" in text
    assert 'src="data:image/png' in text and "http" not in text



def test_the_report_holds_every_figure_and_the_scores():
    "nbs/33_report.ipynb, cell 20"
    with tempfile.TemporaryDirectory() as folder:
        compose_data(f"{folder}/data", tag_count=8, saliency_count=8, val_count=2, test_count=4)
        data = Data.in_folder(f"{folder}/data")
        recipes = tuple(make_recipe("tiny", i, steps=2, batch=2) for i in (1, 2))
        quality = run_both(recipes, data, f"{folder}/run")
        stage = {"miou": 0.123, "miou_unseen_glyphs": 0.1, "mae": 0.456, "max_f": 0.5, "iou": [0.5] * 21}
        settings = {f"stage{r.stage}": {"size": r.size, "steps": r.steps} for r in recipes} | {"seed": 0}
        metrics = {"stage1": stage, "stage2": stage, "pseudo_labels": quality, "settings": settings}
        text = write_report(f"{folder}/run", data, metrics).read_text()
        assert (Path(folder) / "run/result.png").stat().st_size > 10_000
    assert text.count("<img") == 5 and "0.123" in text and "0.456" in text and "http" not in text
