"Made from nbs/30_train.ipynb by tools/export.py: change the notebook, then `make export`."
from pathlib import Path
from ssnet.checkpoint import load_checkpoint
from ssnet.files import InputError
from ssnet.recipe import build
from ssnet.recipe import make_recipe
from ssnet.train import Run
from ssnet.train import fit
from ssnet.train import losses_of
from ssnet.train import make_optimizer
from ssnet.train import make_scaler
from ssnet.train import pick_device
from ssnet.train import set_rate
from ssnet.train import update
from unittest.mock import patch
import csv
import errno
import os
import pytest
import signal
import subprocess
import sys
import tempfile
import time
import torch


class Squares(torch.utils.data.Dataset):
    "Noise with a coloured square: class 1 is red, class 2 is blue."
    def __init__(self, count, first=0): self.count, self.first = count, first
    def __len__(self): return self.count
    def __getitem__(self, i):
        i = i + self.first
        g = torch.Generator().manual_seed(i)
        image, mask, kind = torch.randn(3, 64, 64, generator=g) * 0.3, torch.zeros(64, 64), 1 + i % 2
        top, left = torch.randint(4, 28, (2,), generator=g).tolist()
        image[0 if kind == 1 else 2, top : top + 32, left : left + 32] += 2
        mask[top : top + 32, left : left + 32] = 1
        return {"image": image, "tags": torch.eye(2)[kind - 1], "saliency": mask, "label": (mask * kind).long()}


SCRIPT = """
import sys, time, torch
torch.set_num_threads(1)
from ssnet.recipe import build, make_recipe
from ssnet.train import Run, Stopped, fit

class Noise(torch.utils.data.Dataset):
    def __init__(self, pause): self.pause = pause
    def __len__(self): return 10
    def __getitem__(self, i):
        time.sleep(self.pause)
        image = torch.randn(3, 64, 64)  # "augmentation": depends on the generator that SeededView seeds
        return {"image": image, "tags": torch.eye(2)[i % 2], "saliency": (image[0] > 0).float()}

recipe = make_recipe("tiny", 1, size=64, steps=12, batch=2)
data = Noise(float(sys.argv[2]))
try:
    fit(build(recipe, num_classes=3), data, data, Run(sys.argv[1], recipe, ("background", "a", "b"), save_every=2))
except Stopped as stop:
    print(stop)
    sys.exit(128 + stop.number)
"""


def training(folder, pause=0.0):
    "Start the script above as a process of its own."
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder), str(pause)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def weights(folder):
    "All tensors of the folder's checkpoint."
    saved = load_checkpoint(Path(folder) / "checkpoint.safetensors")
    return saved.step, saved.model | {f"optimizer.{k}": v for k, v in saved.optimizer.items()}


def test_new_layers_learn_faster_and_every_parameter_is_in_one_group():
    "nbs/30_train.ipynb, cell 9"
    recipe = make_recipe("tiny", 1, size=64, rate=0.1, new_factor=3)
    net = build(recipe)
    optimizer = make_optimizer(net, recipe)
    assert set_rate(optimizer, recipe, 0) == 0.1
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([0.1, 0.3])
    ids = [id(p) for g in optimizer.param_groups for p in g["params"]]
    assert len(ids) == len(set(ids)) == len(list(net.parameters()))



def test_a_device_that_is_not_there_is_named():
    "nbs/30_train.ipynb, cell 14"
    assert pick_device("cpu").type == "cpu"
    for name in ("cuda:77", "abacus", "meta"):
        with pytest.raises(InputError, match=f"no device '{name}'"): pick_device(name)



def test_tags_and_saliency_masks_together_teach_the_classes_of_pixels():
    "nbs/30_train.ipynb, cell 30"
    recipe = make_recipe("tiny", 1, size=64, steps=60, batch=4)
    net = build(recipe, num_classes=3)
    with tempfile.TemporaryDirectory() as folder:
        log = fit(net, Squares(16), Squares(16, 100), Run(folder, recipe, ("background", "red", "blue")))
    assert log[-1]["L_s1"] < log[0]["L_s1"] / 2
    new = [Squares(60)[i] for i in range(40, 48)]
    with torch.no_grad():
        out = net.eval()(torch.stack([s["image"] for s in new]))
    label = torch.stack([s["label"] for s in new])
    assert (out.probs.argmax(1)[label > 0] == label[label > 0]).float().mean() > 0.8  # always saying "red" gives 0.5



def test_stopped_by_ctrl_c_sigterm_or_sigkill_training_ends_with_the_same_bits():
    "nbs/30_train.ipynb, cell 33"
    with tempfile.TemporaryDirectory() as folder:
        whole = training(f"{folder}/whole")
        assert whole.wait(120) == 0, whole.stderr.read()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            stopped = Path(folder) / number.name
            process = training(stopped, pause=0.05)
            deadline = time.monotonic() + 100
            while not (stopped / "checkpoint.safetensors").exists() and time.monotonic() < deadline: time.sleep(0.01)
            process.send_signal(number)
            assert process.wait(60) == (-9 if number == signal.SIGKILL else 128 + number), process.stderr.read()
            assert 0 < weights(stopped)[0] < 12  # it was stopped on the way
            assert training(stopped).wait(120) == 0
            (step_a, a), (step_b, b) = weights(f"{folder}/whole"), weights(stopped)
            assert step_a == step_b == 12 and a.keys() == b.keys()
            assert all(torch.equal(a[k], b[k]) for k in a), number.name



def test_a_run_folder_belongs_to_one_recipe_and_one_set_of_classes():
    "nbs/30_train.ipynb, cell 34"
    recipe = make_recipe("tiny", 1, size=64, steps=1, batch=2)
    with tempfile.TemporaryDirectory() as folder:
        fit(build(recipe, 3), Squares(4), Squares(4), Run(folder, recipe, ("background", "red", "blue")))
        with pytest.raises(InputError, match=r"another recipe \('rate' differs\)"):
            Run(folder, make_recipe("tiny", 1, size=64, steps=1, batch=2, rate=0.5))
        with pytest.raises(InputError, match="other classes"): Run(folder, recipe, ("background", "cat", "dog"))
        with pytest.raises(InputError, match="other pictures"):
            fit(build(recipe, 3), Squares(5), Squares(4), Run(folder, recipe, ("background", "red", "blue")))



def test_the_total_weighs_the_tags_as_the_recipe_says():
    "nbs/30_train.ipynb, cell 35"
    batch = {k: torch.stack([Squares(2)[i][k] for i in range(2)]) for k in ("image", "tags", "saliency", "label")}
    for weight in (1, 5):
        recipe = make_recipe("tiny", 1, size=64, tag_weight=weight)
        losses = losses_of(build(recipe, 3), batch, batch, recipe)
        assert torch.isclose(losses["total"], weight * losses["L_c"] + losses["L_s1"])



def test_a_full_disk_leaves_the_last_checkpoint_whole():
    "nbs/30_train.ipynb, cell 36"
    recipe = make_recipe("tiny", 1, size=64, steps=4, batch=2)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with tempfile.TemporaryDirectory() as folder:
        run = Run(folder, recipe, ("background", "red", "blue"), save_every=2)
        with patch("os.fsync", side_effect=[None, None, None, full]), pytest.raises(InputError, match="nothing was changed"):
            fit(build(recipe, 3), Squares(4), Squares(4), run)   # recipe, checkpoint and log are written; then the disk is full
        assert load_checkpoint(run.path).step == 2



def test_the_log_names_stage_and_losses():
    "nbs/30_train.ipynb, cell 37"
    recipe = make_recipe("tiny", 2, size=64, steps=10, batch=2)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(folder, recipe, ("background", "red", "blue"), validate_every=5)
        fit(build(recipe, 3), Squares(4), Squares(4), run, validate=lambda net: {"miou": 0.25})
        rows = list(csv.DictReader((Path(folder) / "log.csv").open()))
    assert [r["step"] for r in rows] == ["5", "10", "10"] and {r["stage"] for r in rows} == {"2"}
    last = rows[1]
    assert float(last["total"]) == pytest.approx(float(last["L_s1"]) + float(last["L_s2"]), rel=1e-5)
    assert rows[0]["val_miou"] == "0.25"



def test_a_loss_that_is_not_a_number_stops_the_training():
    "nbs/30_train.ipynb, cell 38"
    recipe = make_recipe("tiny", 1, size=64)
    net = build(recipe, 3)
    with pytest.raises(InputError, match="The loss became nan"):
        update(net, make_optimizer(net, recipe), make_scaler(net, recipe), torch.tensor(float("nan")), 0.0)



def test_mixed_precision_learns_on_the_cpu_too():
    "nbs/30_train.ipynb, cell 39"
    recipe = make_recipe("tiny", 1, size=64, steps=40, batch=4, precision="bf16")
    net = build(recipe, 3)
    with tempfile.TemporaryDirectory() as folder:
        log = fit(net, Squares(8), Squares(8), Run(folder, recipe, ("background", "red", "blue")))
    assert log[-1]["L_s1"] < log[0]["L_s1"]
    assert all(p.dtype == torch.float32 for p in net.parameters())
