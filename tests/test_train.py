"Made from nbs/30_train.ipynb by tools/export.py: change the notebook, then `make export`."
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from ssnet.checkpoint import load_checkpoint
from ssnet.checkpoint import save_checkpoint
from ssnet.checkpoint import snapshot_path
from ssnet.checkpoint import snapshots_in
from ssnet.files import InputError
from ssnet.labels import IGNORE_INDEX
from ssnet.model import SSNet
from ssnet.recipe import build
from ssnet.recipe import make_recipe
from ssnet.train import Diary
from ssnet.train import Run
from ssnet.train import autocast
from ssnet.train import backward
from ssnet.train import batches
from ssnet.train import fit
from ssnet.train import label_shares
from ssnet.train import losses_of
from ssnet.train import make_optimizer
from ssnet.train import make_scaler
from ssnet.train import outputs_of
from ssnet.train import pick_device
from ssnet.train import set_rate
from ssnet.train import train_mode
from ssnet.train import update
from torch import nn
from unittest.mock import patch
import csv
import errno
import json
import os
import pytest
import signal
import socket
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


def gradient(recipe, **changes):
    "All gradients of one step, in a row, for the same network and pictures."
    recipe = replace(recipe, **changes)
    net, samples = build(recipe, 3), [Squares(4)[i] for i in range(4)]
    batch = {k: torch.stack([s[k] for s in samples]) for k in samples[0]}
    for i in range(4): batch["label"][i, : 15 * i] = IGNORE_INDEX                # the parts differ in labelled pixels
    losses = backward(train_mode(net, recipe), make_scaler(net, recipe), batch, batch, recipe)
    return torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None]), losses


SCRIPT = """
import json, sys, time, torch
torch.set_num_threads(1)
from ssnet.parallel import processes
from ssnet.recipe import build, make_recipe
from ssnet.train import Run, Stopped, fit

class Noise(torch.utils.data.Dataset):
    def __init__(self, pause): self.pause = pause
    def __len__(self): return 10
    def __getitem__(self, i):
        time.sleep(self.pause)
        image = torch.randn(3, 64, 64)  # "augmentation": depends on the generator that SeededView seeds
        label = (image[1] > 0).long()
        label[: 6 * i] = 255            # pictures differ in how many pixels have a label
        return {"image": image, "tags": torch.eye(2)[i % 2], "saliency": (image[0] > 0).float(), "label": label}

folder, data, settings = sys.argv[1], Noise(float(sys.argv[2])), json.loads(sys.argv[3])
workers = settings.pop("workers", 0)
recipe = make_recipe("tiny", settings.pop("stage", 1), **{"size": 64, "steps": 12, "batch": 2} | settings)
try:
    with processes():
        run = Run(folder, recipe, ("background", "a", "b"), save_every=2)
        fit(build(recipe, num_classes=3), data, data, run, workers=workers)
except Stopped as stop:
    print(stop)
    sys.exit(128 + stop.number)
"""


def training(folder, pause=0.0, place=None, **settings):
    "Start the script above as a process of its own; `place`: its place among several."
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder), str(pause), json.dumps(settings)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | (place or {}),
                            start_new_session=True)  # a group of its own, as torchrun does


def weights(folder):
    "All tensors of the folder's checkpoint."
    saved = load_checkpoint(Path(folder) / "checkpoint.safetensors")
    return saved.step, saved.model | {f"optimizer.{k}": v for k, v in saved.optimizer.items()}


def two_processes(folder, pause=0.0, **settings):
    "Start the script above in two processes that work together."
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        place = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(s.getsockname()[1])}
    return [training(folder, pause, place | {"RANK": str(r)}, **settings) for r in (0, 1)]


def ended(processes, seconds=120):
    "Wait for all: the exit status and the errors of each."
    said = [p.communicate(timeout=seconds)[1] for p in processes]
    return [p.returncode for p in processes], said


def distance_of_two_processes_from_one(folder, **settings):
    "How far the weights end apart, compared with how far they have moved."
    codes, said = ended([training(f"{folder}/one", **settings)] + two_processes(f"{folder}/two", **settings))
    assert codes == [0, 0, 0], said
    start = build(make_recipe("tiny", size=64, **settings), num_classes=3).state_dict()
    one, two = (load_checkpoint(f"{folder}/{n}/checkpoint.safetensors").model for n in ("one", "two"))
    row = lambda a, b: torch.cat([(a[k] - b[k]).flatten() for k in a if a[k].is_floating_point() and "running" not in k])
    return float(row(one, two).norm() / row(one, start).norm())


def test_one_pass_equals_two_where_batch_statistics_are_fixed_and_only_there():
    "nbs/30_train.ipynb, cell 11"
    recipe = make_recipe("tiny", 1, size=64)
    tag, saliency = torch.randn(3, 3, 64, 64), 1 + torch.randn(2, 3, 64, 64)
    for stage, reading in ((1, "paper"), (2, "authors")):
        net = build(make_recipe(reading if reading == "authors" else "tiny", stage, backbone="tiny", weights="", size=64), 3)
        for fixed, mode in ((True, net.eval), (False, net.train)):
            mode()
            two, one = outputs_of(net, tag, saliency, 2), outputs_of(net, tag, saliency, 1)
            assert [len(out.logits) for out in one] == [3, 2]
            for a, b in zip(two, one):
                pairs = [(x, y) for x, y in zip(a, b) if x is not None]
                assert len(pairs) == (6 if (stage, reading) == (2, "authors") else 5)
                assert all(torch.allclose(x, y, atol=1e-5) for x, y in pairs) == fixed



def test_in_a_mixture_of_two_batches_the_variance_is_larger_than_in_each():
    "nbs/30_train.ipynb, cell 12"
    a, b, norm = torch.tensor([[0.0], [2.0]]), torch.tensor([[10.0], [12.0]]), nn.BatchNorm1d(1, eps=1e-12)
    assert norm(a).flatten().tolist() == pytest.approx([-1, 1])         # mean 1, variance 1
    assert norm(torch.cat([a, b]))[:2].flatten().tolist() == pytest.approx([-6 / 26**0.5, -4 / 26**0.5])  # 6, 1 + 25



def test_a_precision_that_a_device_does_not_have_is_refused():
    "nbs/30_train.ipynb, cell 17"
    with pytest.raises(InputError, match="fp16 is not supported here on 'cpu'"): autocast(torch.device("cpu"), "fp16")
    with pytest.raises(InputError, match="bf16 is not supported here on 'mps'"): autocast(torch.device("mps"), "bf16")
    with patch("torch.cuda.is_bf16_supported", lambda including_emulation=True: including_emulation):  # an older GPU
        with pytest.raises(InputError, match="no bf16 of its own"): autocast(torch.device("cuda"), "bf16")



def test_new_layers_learn_faster_and_every_parameter_is_in_one_group():
    "nbs/30_train.ipynb, cell 20"
    recipe = make_recipe("tiny", 1, size=64, rate=0.1, new_factor=3)
    net = build(recipe)
    optimizer = make_optimizer(net, recipe)
    assert set_rate(optimizer, recipe, 0) == 0.1
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([0.1, 0.3])
    ids = [id(p) for g in optimizer.param_groups for p in g["params"]]
    assert len(ids) == len(set(ids)) == len(list(net.parameters()))



def test_a_step_in_parts_has_the_gradient_of_the_whole_batch():
    "nbs/30_train.ipynb, cell 27"
    for stage in (1, 2):
        recipe = make_recipe("tiny", stage, size=64, batch=4, frozen_norm=True)
        whole, losses = gradient(recipe)
        for changes in ({"accumulate": 2}, {"accumulate": 4}, {"accumulate": 2, "passes": 1}):
            parts, again = gradient(recipe, **changes)
            assert (parts - whole).norm() < 1e-5 * whole.norm()
            assert all(float(again[k]) == pytest.approx(float(losses[k]), rel=1e-5) for k in losses)
        thawed = [gradient(recipe, frozen_norm=False, accumulate=n)[0] for n in (1, 2)]
        assert (thawed[0] - thawed[1]).norm() > 1e-2 * thawed[0].norm()              # batch norm sees two pictures, not four



def test_a_pixel_weighs_the_same_in_a_part_with_few_labels():
    "nbs/30_train.ipynb, cell 28"
    batch = {"image": torch.zeros(4, 3, 2, 2), "label": torch.full((4, 2, 2), IGNORE_INDEX)}
    batch["label"][0], batch["label"][3, 0, 0] = 1, 1                                # four pixels and one
    assert label_shares(batch, make_recipe("tiny", 2, batch=4, accumulate=2)) == [4 / 2.5, 1 / 2.5]
    assert label_shares(batch, make_recipe("tiny", 1, batch=4, accumulate=2)) == [1, 1]
    batch["label"][:] = IGNORE_INDEX
    assert label_shares(batch, make_recipe("tiny", 2, batch=4, accumulate=2)) == [0, 0]
    batch["label"][0, 0, 0] = 1                                                      # one pixel in all
    assert label_shares(batch, make_recipe("tiny", 2, batch=4, accumulate=2)) == [2, 0]



def test_a_device_that_is_not_there_is_named():
    "nbs/30_train.ipynb, cell 31"
    assert pick_device("cpu").type == "cpu"
    for name in ("cuda:77", "abacus", "meta"):
        with pytest.raises(InputError, match=f"no device '{name}'"): pick_device(name)



def test_a_gpu_without_a_number_is_the_first_and_with_one_is_chosen():
    "nbs/30_train.ipynb, cell 32"
    with patch("torch.zeros"), patch("torch.cuda._get_device_index", wraps=torch.cuda._get_device_index) as asked, \
            patch("torch._C._cuda_setDevice", create=True), patch("torch.cuda._check_stray_context", create=True):
        assert pick_device("cuda") == torch.device("cuda") and not asked.called  # "cuda" has no number to choose
        assert pick_device("cuda:1") == torch.device("cuda:1") and asked.called



def test_the_scale_of_fp16_goes_on_as_it_was():
    "nbs/30_train.ipynb, cell 37"
    recipe = make_recipe("tiny", 1, size=64, precision="fp16")
    net = build(recipe, 3)
    optimizer, scaler = make_optimizer(net, recipe), make_scaler(net, recipe)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(folder, recipe, ("background", "red", "blue"))
        assert run.resume(net, optimizer, scaler, "") == 0
        for factor in (1, float("inf"), 1):                                  # the second step overflows
            scaler.scale(factor * net(torch.zeros(2, 3, 64, 64)).logits.sum()).backward()
            update(net, optimizer, scaler, recipe, 0)
        run.save(net, optimizer, scaler, 3)
        again = make_scaler(net, recipe)
        assert Run(folder, recipe, run.classes).resume(net, optimizer, again, "") == 3
    assert again.state_dict() == scaler.state_dict()
    assert scaler.get_scale() == 2.0**15 and scaler.state_dict()["_growth_tracker"] == 1   # halved, and one good step since



def test_wait_is_the_share_of_the_time_in_which_the_loop_has_no_batch():
    "nbs/30_train.ipynb, cell 40"
    recipe = make_recipe("tiny", 1, size=64, batch=4, steps=2)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(folder, recipe, ("background", "red", "blue"))
        with patch("time.perf_counter", side_effect=[0.0, 3.0, 4.0, 4.0, 5.0, 6.0, 6.0]), closing(Diary(run, 0)) as diary:
            for step in diary.watch([1, 2]):      # the batches come after 3 s and 1 s, each step takes 1 s
                diary.losses(step, {"total": torch.tensor(float(step))})
    row = run.log[-1]
    assert (row["step"], row["total"], row["wait"]) == (2, 1.5, 4 / 6) and row["pictures_per_s"] == 2 * 2 * 4 / 6



def test_tags_and_saliency_masks_together_teach_the_classes_of_pixels():
    "nbs/30_train.ipynb, cell 51"
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



def test_frozen_norm_stays_as_it_was_while_the_rest_learns():
    "nbs/30_train.ipynb, cell 52"
    recipe = make_recipe("tiny", 1, size=64, batch=2, steps=3, frozen_norm=True)
    net = build(recipe, 3)
    norms = {name for name, m in net.named_modules() if isinstance(m, nn.BatchNorm2d)}
    before = {k: v.clone() for k, v in net.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        fit(net, Squares(4), Squares(4), Run(folder, recipe, ("background", "red", "blue")),
            validate=lambda net: {} if net.eval() else None)
    changed = {k for k, v in net.state_dict().items() if not torch.equal(v, before[k])}
    assert norms and {k for k in before if k.rpartition(".")[0] not in norms} == changed



def test_a_compiled_network_has_the_same_names_and_learns_the_same():
    "nbs/30_train.ipynb, cell 53"
    recipe, saved, classes = make_recipe("tiny", 1, size=64, steps=2, batch=2), [], ("background", "red", "blue")
    quick = lambda net: nn.Module.compile(net, backend="eager")         # reads the network, but writes no new code
    with patch.object(SSNet, "compile", quick), tempfile.TemporaryDirectory() as folder:
        for choice in (False, True):
            net, part = build(recipe, 3), Run(f"{folder}/{choice}", replace(recipe, compile=choice), classes)
            fit(net, Squares(4), Squares(4), part)
            assert (net._compiled_call_impl is not None) == choice
            saved.append(load_checkpoint(part.path).model)
    assert saved[0].keys() == saved[1].keys()
    assert all(torch.allclose(saved[0][k], saved[1][k], atol=1e-5) for k in saved[0])



def test_stopped_by_ctrl_c_sigterm_or_sigkill_training_ends_with_the_same_bits():
    "nbs/30_train.ipynb, cell 56"
    with tempfile.TemporaryDirectory() as folder:
        whole = training(f"{folder}/whole", snapshot_every=5)
        assert whole.wait(120) == 0, whole.stderr.read()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            stopped = Path(folder) / number.name
            process = training(stopped, pause=0.05, snapshot_every=5)
            deadline = time.monotonic() + 100
            while not (stopped / "checkpoint.safetensors").exists() and time.monotonic() < deadline: time.sleep(0.01)
            process.send_signal(number)
            assert process.wait(60) == (-9 if number == signal.SIGKILL else 128 + number), process.stderr.read()
            assert 0 < weights(stopped)[0] < 12  # it was stopped on the way
            assert training(stopped, snapshot_every=5).wait(120) == 0
            (step_a, a), (step_b, b) = weights(f"{folder}/whole"), weights(stopped)
            assert step_a == step_b == 12 and a.keys() == b.keys()
            assert all(torch.equal(a[k], b[k]) for k in a), number.name
            one, two = snapshots_in(f"{folder}/whole"), snapshots_in(stopped)
            assert list(one) == list(two) == [0, 5, 10, 12]
            for step in one:
                a, b = load_checkpoint(one[step]), load_checkpoint(two[step])
                assert (b.step, b.optimizer) == (step, {}) and all(torch.equal(a.model[k], b.model[k]) for k in a.model)



def test_a_sigterm_to_the_whole_group_reaches_the_training_and_not_its_workers():
    "nbs/30_train.ipynb, cell 58"
    with tempfile.TemporaryDirectory() as folder:
        process, saved = training(folder, pause=0.05, workers=1), Path(folder) / "checkpoint.safetensors"
        deadline = time.monotonic() + 100
        while not saved.exists() and time.monotonic() < deadline: time.sleep(0.01)
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM, process.stderr.read()
        assert 0 < weights(folder)[0] < 12



def test_two_processes_do_what_one_does_where_batch_norm_is_frozen():
    "nbs/30_train.ipynb, cell 62"
    for frozen, low, high in ((True, 0, 1e-3), (False, 1e-2, 9)):
        with tempfile.TemporaryDirectory() as folder:
            distance = distance_of_two_processes_from_one(folder, stage=2, steps=4, batch=4, frozen_norm=frozen)
            print(f"frozen_norm={frozen}: distance / way = {distance:.0e}")
            assert low <= distance < high



def test_a_signal_to_one_of_two_processes_stops_both_and_nothing_is_lost():
    "nbs/30_train.ipynb, cell 64"
    with tempfile.TemporaryDirectory() as folder:
        codes, said = ended(two_processes(f"{folder}/whole"))
        assert codes == [0, 0], said
        stopped, step = Path(folder) / "stopped", 0
        saved = stopped / "checkpoint.safetensors"
        changed = lambda: saved.stat().st_mtime_ns if saved.exists() else 0
        for number, expected in ((signal.SIGTERM, [143, 143]), (signal.SIGKILL, [1, -9])):
            before, both, deadline = changed(), two_processes(stopped, pause=0.05), time.monotonic() + 100
            while changed() == before and time.monotonic() < deadline: time.sleep(0.01)
            both[1].send_signal(number)
            codes, said = ended(both)
            assert codes == expected, said
            assert step < weights(stopped)[0] < 12
            step = weights(stopped)[0]
        assert "another one ended" in said[0]
        codes, said = ended(two_processes(stopped))
        assert codes == [0, 0], said
        (step_a, a), (step_b, b) = weights(f"{folder}/whole"), weights(stopped)
        assert step_a == step_b == 12 and all(torch.equal(a[k], b[k]) for k in a)



def test_a_batch_that_cannot_be_shared_equally_is_refused():
    "nbs/30_train.ipynb, cell 65"
    recipe = replace(make_recipe("tiny", 1, size=64), batch=6, accumulate=4)
    with pytest.raises(InputError, match=r"batch of 6 cannot be shared by 1 processes in 4 part"):
        batches(Squares(4), recipe, 0)



def test_a_run_folder_belongs_to_one_recipe_and_one_set_of_classes():
    "nbs/30_train.ipynb, cell 66"
    recipe = make_recipe("tiny", 1, size=64, steps=1, batch=2)
    with tempfile.TemporaryDirectory() as folder:
        fit(build(recipe, 3), Squares(4), Squares(4), Run(folder, recipe, ("background", "red", "blue")))
        with pytest.raises(InputError, match=r"another recipe \('rate' differs\)"):
            Run(folder, make_recipe("tiny", 1, size=64, steps=1, batch=2, rate=0.5))
        with pytest.raises(InputError, match="other classes"): Run(folder, recipe, ("background", "cat", "dog"))
        with pytest.raises(InputError, match="other pictures"):
            fit(build(recipe, 3), Squares(5), Squares(4), Run(folder, recipe, ("background", "red", "blue")))



def test_snapshots_are_the_weights_of_their_step_and_change_nothing_that_is_learned():
    "nbs/30_train.ipynb, cell 67"
    recipe, classes = make_recipe("tiny", 1, size=64, steps=3, batch=2), ("background", "red", "blue")
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(snapshot_path(f"{folder}/kept", 1), build(recipe, 3), recipe)  # of a training that is gone
        for name, every in (("plain", 0), ("kept", 2)):
            run = Run(f"{folder}/{name}", replace(recipe, snapshot_every=every), classes)
            fit(build(recipe, 3), Squares(4), Squares(4), run)
        kept = {step: load_checkpoint(path).model for step, path in snapshots_in(f"{folder}/kept").items()}
        plain, last = load_checkpoint(f"{folder}/plain").model, load_checkpoint(run.path).model
        start = build(recipe, 3).state_dict()
        assert snapshots_in(f"{folder}/plain") == {} and list(kept) == [0, 2, 3]
        for a, b in ((kept[0], start), (kept[3], last), (last, plain)): assert all(torch.equal(a[k], b[k]) for k in a)
        assert any(not torch.equal(kept[2][k], kept[3][k]) for k in last)
        assert Run(f"{folder}/plain", replace(recipe, snapshot_every=1), classes).saved.step == 3   # may change: see above
        with patch("torch.distributed.is_initialized", lambda: True), patch("torch.distributed.get_rank", lambda: 1):
            run.snapshot(build(recipe, 3), 2)                                    # the second of two processes
        assert all(torch.equal(kept[2][k], v) for k, v in load_checkpoint(snapshots_in(run.folder)[2]).model.items())



def test_the_total_weighs_the_tags_as_the_recipe_says():
    "nbs/30_train.ipynb, cell 68"
    batch = {k: torch.stack([Squares(2)[i][k] for i in range(2)]) for k in ("image", "tags", "saliency", "label")}
    for weight in (1, 5):
        recipe = make_recipe("tiny", 1, size=64, tag_weight=weight)
        losses = losses_of(build(recipe, 3), batch, batch, recipe)
        assert torch.isclose(losses["total"], weight * losses["L_c"] + losses["L_s1"])



def test_a_full_disk_leaves_the_last_checkpoint_whole():
    "nbs/30_train.ipynb, cell 69"
    recipe = make_recipe("tiny", 1, size=64, steps=4, batch=2)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with tempfile.TemporaryDirectory() as folder:
        run = Run(folder, recipe, ("background", "red", "blue"), save_every=2)
        with patch("os.fsync", side_effect=[None, None, None, full]), pytest.raises(InputError, match="nothing was changed"):
            fit(build(recipe, 3), Squares(4), Squares(4), run)   # recipe, checkpoint and log are written; then the disk is full
        assert load_checkpoint(run.path).step == 2



def test_the_log_names_stage_and_losses():
    "nbs/30_train.ipynb, cell 70"
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
    "nbs/30_train.ipynb, cell 71"
    recipe = make_recipe("tiny", 1, size=64)
    net = build(recipe, 3)
    batch = {k: v[None] for k, v in Squares(1)[0].items()}
    batch["image"][0, 0, 0, 0] = float("nan")
    with pytest.raises(InputError, match="The loss became nan"):
        backward(net, make_scaler(net, recipe), batch, batch, recipe)



def test_mixed_precision_learns_on_the_cpu_too():
    "nbs/30_train.ipynb, cell 72"
    recipe = make_recipe("tiny", 1, size=64, steps=40, batch=4, precision="bf16")
    net = build(recipe, 3)
    with tempfile.TemporaryDirectory() as folder:
        log = fit(net, Squares(8), Squares(8), Run(folder, recipe, ("background", "red", "blue")))
    assert log[-1]["L_s1"] < log[0]["L_s1"]
    assert all(p.dtype == torch.float32 for p in net.parameters())
