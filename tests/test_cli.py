"Made from nbs/40_cli.ipynb by tools/export.py: change the notebook, then `make export`."
from PIL import Image
from pathlib import Path
from ssnet.checkpoint import SHIPPED
from ssnet.cli import COMMANDS
from ssnet.cli import main
from ssnet.cli import parse
from ssnet.cli import read_config
from ssnet.compose import compose_data
from ssnet.files import InputError
from ssnet.labels import write_label
import contextlib
import io
import json
import numpy as np
import pytest
import shutil
import subprocess
import sys
import tempfile


def call(*words):
    "Run `ssnet WORDS`; return (exit status, what it printed, what it said on the error stream)."
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try: main([str(w) for w in words])
        except SystemExit as stop: return stop.code, out.getvalue(), err.getvalue()


@contextlib.contextmanager
def composed():
    "A small data folder and an empty place beside it."
    with tempfile.TemporaryDirectory() as folder:
        compose_data(f"{folder}/data", tag_count=8, saliency_count=8, val_count=2, test_count=4)
        yield Path(folder)


QUICK = ("--set", "steps=2", "--set", "batch=2", "--device", "cpu")


def one_sentence(result, *words):
    "Whether a call failed with status 2 and one line that holds all the words."
    status, _, err = result
    assert status == 2 and err.startswith("ssnet: ") and err.count("\n") == 1, (status, err)
    assert all(str(w) in err for w in words), err
    return True


FULL_DISK = """
import resource, sys
from ssnet.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))   # no file may grow beyond 200 kB, as on a full disk
main(sys.argv[1:])
"""


def test_a_configuration_speaks_where_the_command_line_is_silent():
    "nbs/40_cli.ipynb, cell 19"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.toml"
        path.write_text('preset = "paper"\nrun = "runs/x"\nworkers = 3\n[data]\nvoc = "v"\ntrain_split = "trainaug"\n'
                        '[both]\nprecision = "bf16"\n[stage2]\nsteps = 7\n[labels]\ncrf = true\nscales = [1.0, 0.5]\n')
        args = parse(["train", "--stage", "2", "--config", str(path), "--set", "rate=1", "--workers", "1"])
        assert (args.preset, args.folder, args.voc, args.train_split) == ("paper", str(Path("runs/x/stage2")), "v", "trainaug")
        assert args.set == ["precision=bf16", "steps=7", "rate=1"] and args.workers == 1      # the command line comes last
        assert args.pseudo_labels == str(Path("runs/x/pseudo")) and args.stage1 == str(Path("runs/x/stage1"))
        args = parse(["pseudo-label", "--config", str(path)])
        assert args.set == ["crf=true", "scales=1.0,0.5"] and args.out == str(Path("runs/x/pseudo")) and args.workers == 3
        args = parse(["evaluate", "--config", str(path), "--data", "ecssd"])
        assert args.target == str(Path("runs/x/stage2")) and args.data == "ecssd"
        args = parse(["train", "--stage", "1", "--config", str(path), "--data", "d"])
        assert (args.data, args.voc, args.train_split) == ("d", None, None)                   # --data names all the pictures
        for text, message in (("[stage2]\nstep = 7", "no setting 'step'"), ("[labels]\npases = 2", "no setting 'pases'")):
            path.write_text(text)
            with pytest.raises(InputError, match=message): parse(["train", "--stage", "1", "--config", str(path)])
        path.write_text("workers = 1.5")
        with pytest.raises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
            parse(["train", "--stage", "1", "--config", str(path)])
        for text, message in (("steps = 3", "The top of .* cannot hold 'steps'"), ("[date]", "cannot hold 'date'"),
                              ('data = "d"', "'data' in .* must be a section"),
                              ('[data]\nvok = "v"', r"\[data\] of .* cannot hold 'vok'"), ("a = ", "is no TOML")):
            path.write_text(text)
            with pytest.raises(InputError, match=message): read_config(path)
        with pytest.raises(InputError, match="There is no configuration"): read_config(Path(folder) / "none.toml")



def test_five_commands_go_from_pictures_to_scores():
    "nbs/40_cli.ipynb, cell 23"
    with composed() as at:
        data = ("--data", at / "data", "--device", "cpu")
        assert call("train", "--stage", 1, "--run", at / "one", "--data", at / "data", *QUICK)[0] == 0
        status, out, _ = call("pseudo-label", "--checkpoint", at / "one", "--out", at / "pseudo", *data, "--set", "crf=true")
        assert status == 0 and "object_accuracy" in out and len(list((at / "pseudo").glob("*.png"))) == 8
        stage2 = ("--pseudo-labels", at / "pseudo", "--stage1", at / "one")
        assert call("train", "--stage", 2, "--run", at / "two", "--data", at / "data", *stage2, *QUICK)[0] == 0
        status, out, _ = call("evaluate", at / "two", *data, "--out", at / "scores")
        assert status == 0 and "no CRF, scales 1.0, no flip, no tags" in out
        scores = json.loads((at / "scores/data-test/scores.json").read_text())["results"][0]
        assert 0 <= scores["scores"]["miou"] <= 1 and scores["pictures"] == 4 and scores["settings"]["tags"] is False
        assert "mae" in json.loads((at / "scores/data-saliency-test/scores.json").read_text())["results"][0]["scores"]
        status, out, _ = call("predict", at / "data/voc/JPEGImages", "--out", at / "out", "--checkpoint", at / "two")
        assert status == 0 and len(list((at / "out").glob("*_mask.png"))) == len(list((at / "data/voc/JPEGImages").iterdir()))
        status, out, _ = call("info", at / "two")
        assert status == 0 and "stage 2" in out and '"steps": 2' in out



def test_a_configuration_file_drives_all_commands():
    "nbs/40_cli.ipynb, cell 24"
    with composed() as at:
        config = at / "c.toml"
        config.write_text(f'run = "{(at / "run").as_posix()}"\ndevice = "cpu"\nvalidate_on = 1\n'
                          f'[data]\ndata = "{(at / "data").as_posix()}"\n[both]\nsteps = 1\nbatch = 2\n'
                          '[labels]\npasses = 2\nflip = false\n')
        for words in (("train", "--stage", 1), ("pseudo-label",), ("train", "--stage", 2), ("evaluate", "--data", at / "data")):
            status, out, err = call(*words, "--config", config)
            assert status == 0, err
        assert len(list((at / "run/pseudo").glob("*_[01].png"))) == 16
        assert (at / "run/stage2/evaluation/data-test/table.md").is_file()



def test_a_training_goes_on_and_another_recipe_is_refused():
    "nbs/40_cli.ipynb, cell 25"
    with composed() as at:
        train = ("train", "--stage", 1, "--run", at / "one", "--data", at / "data")
        assert call(*train, *QUICK)[0] == 0
        before = (at / "one/checkpoint.safetensors").read_bytes()
        assert call(*train, *QUICK)[0] == 0                                       # finished already: nothing to do
        status, _, err = call(*train, *QUICK, "--set", "rate=0.5")
        assert status == 2 and "another recipe ('rate' differs)" in err
        assert (at / "one/checkpoint.safetensors").read_bytes() == before



def test_bad_input_gets_one_sentence():
    "nbs/40_cli.ipynb, cell 28"
    with composed() as at:
        voc = at / "data/voc"
        train = ("train", "--stage", 1, "--run", at / "run", "--data", at / "data", *QUICK)
        assert one_sentence(call("train", "--stage", 1, "--run", at / "run", "--data", at / "nowhere"), "nowhere")
        assert one_sentence(call("train", "--stage", 1, "--run", at / "run"), "--data FOLDER")
        assert one_sentence(call(*train, "--set", "step=3"), "no setting 'step'")
        assert one_sentence(call(*train, "--set", "steps"), "NAME=VALUE")
        assert one_sentence(call(*train, "--preset", "huge"), "no preset 'huge'")
        assert one_sentence(call(*train, "--device", "cuda:9"), "no device 'cuda:9'")
        assert one_sentence(call("train", "--stage", 2, "--run", at / "run", "--data", at / "data", *QUICK), "pseudo-label")
        score = ("evaluate", "--device", "cpu", "--out", at / "run", "--data")
        assert one_sentence(call(*score, at / "data", at / "none.safetensors"), "none.safetensors")
        assert one_sentence(call(*score, at / "data", voc / "classes.txt"), "safetensors")
        assert one_sentence(call(*score, "voc13-val"), "no set 'voc13-val'", "ecssd")
        assert one_sentence(call(*score, "ecssd", "--root", at), "data_scripts/ecssd.py")
        assert one_sentence(call(*score, at / "data", "--scales", "big"), "big")
        assert one_sentence(call(*score, at / "data", "--scales", "0"), "above 0")
        assert one_sentence(call(*score, "voc12-val", "--split", "val"), "--split")
        assert one_sentence(call(*score, at / "data/voc", "--weighted"), "--weighted")
        assert call("compare", at)[0] == call(*train, "--workers", -1)[0] == 2
        assert one_sentence(call("train", "--stage", 1, "--data", at / "data"), "--run is missing")
        assert one_sentence(call(*train, "--save-every", 0), "at least 1")
        assert one_sentence(call(*score, at / "data", "--split", "nowhere"), "nowhere")
        pseudo = ("pseudo-label", "--checkpoint", at / "x", "--data", at / "data", "--out", at / "run")
        assert one_sentence(call(*pseudo, "--set", "threshold=9"), "[0, 1)")
        assert one_sentence(call(*pseudo, "--set", "crf=maybe"), "'crf' cannot be 'maybe'")
        assert not (at / "run").exists()



def test_bad_pictures_and_masks_are_named():
    "nbs/40_cli.ipynb, cell 29"
    with composed() as at:
        voc, run = at / "data/voc", ("train", "--stage", 1, "--run", at / "run", "--data", at / "data", *QUICK)
        test = (voc / "ImageSets/Segmentation/test.txt").read_text().split()[0]
        evaluate = ("evaluate", "--data", at / "data", "--device", "cpu", "--out", at / "scores")
        mask = voc / f"SegmentationClass/{test}.png"
        good = mask.read_bytes()
        write_label(mask, np.zeros((50, 60), dtype=np.uint8))
        assert one_sentence(call(*evaluate), f"{test}.png", "60×50")
        write_label(mask, np.full((96, 96), 77, dtype=np.uint8))
        assert one_sentence(call(*evaluate, "--out", at / "again"), f"{test}.png", "77")
        mask.write_bytes(good)
        texts = {xml: xml.read_text() for xml in (voc / "Annotations").iterdir()}
        for xml in texts: xml.write_text("<annotation><object><name>unicorn</name></object></annotation>")
        assert one_sentence(call(*run), "unicorn", ".xml")
        for xml, text in texts.items(): xml.write_text(text)
        for picture in (voc / "JPEGImages").iterdir(): picture.write_bytes(picture.read_bytes()[:600])
        assert one_sentence(call(*run), ".jpg", "cannot be read")
        (voc / "ImageSets/Segmentation/train.txt").write_text("")
        assert one_sentence(call(*run), "'train' is empty")
        assert not (at / "run/checkpoint.safetensors").exists()



def test_finished_predictions_are_scored_and_compared():
    "nbs/40_cli.ipynb, cell 30"
    with composed() as at:
        words = ("--data", at / "data", "--device", "cpu", "--out", at / "scores")
        assert call("evaluate", *words)[0] == 0
        maps = at / "maps"
        shutil.copytree(at / "scores/data-saliency-test/saliency", maps / "ours")
        shutil.copytree(at / "data/saliency/test/masks", maps / "truth")
        words = ("--data", at / "data/saliency/test", *words[2:])
        status, out, _ = call("evaluate", maps / "truth", *words)
        assert status == 0 and "| truth | 1.0000" in out and "not known" in out
        assert one_sentence(call("evaluate", maps / "truth", *words, "--flip"), "finished predictions")
        status, out, _ = call("compare", maps, "--data", at / "data", "--out", at / "table")
        assert status == 0 and "ours: NOT SCORED" in out and out.index("| truth |") < out.index("| ours |")
        assert (at / "table/data-saliency-test/curves.png").is_file() and (at / "table/data-test/table.md").is_file()



def test_tags_are_used_only_when_asked_for_by_name():
    "nbs/40_cli.ipynb, cell 31"
    with composed() as at:
        words = ("evaluate", "--data", at / "data", "--device", "cpu")
        shutil.rmtree(at / "data/saliency")
        plain, tagged = (call(*words, *more) for more in (("--out", at / "a"), ("--out", at / "b", "--use-tags", "--crf")))
        assert plain[0] == tagged[0] == 0 and "no tags" in plain[1] and "TAGS USED" in tagged[1] and "dense CRF" in tagged[1]



def test_a_network_is_shared_as_a_folder():
    "nbs/40_cli.ipynb, cell 32"
    with composed() as at:
        assert call("convert", SHIPPED, "--out", at / "shared")[0] == 0
        status, out, _ = call("info", at / "shared")
        assert status == 0 and "stage 2" in out
        assert one_sentence(call("convert", SHIPPED, "--out", at / "x", "--stage", 1), "stage 2")



def test_a_broken_picture_is_named_and_the_status_says_so():
    "nbs/40_cli.ipynb, cell 33"
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        Image.new("RGB", (40, 30)).save(at / "good.png")
        (at / "bad.png").write_bytes(b"no picture")
        words = ("predict", at / "good.png", at / "bad.png", at / "missing.png", "--out", at / "out", "--device", "cpu")
        status, out, _ = call(*words)
        assert status == 1 and "1 of 3 pictures" in out
        assert [name in line for name, line in zip(("missing", "bad"), [x for x in out.split("\n") if "NOT DONE" in x])] == [1, 1]
        assert "drawn glyphs, not photographs" in out
        assert sorted(p.name for p in (at / "out").iterdir()) == ["good_mask.png", "good_overlay.png", "good_saliency.png"]



def test_the_tour_is_plain_text_in_a_file_and_a_bad_picture_gets_one_sentence():
    "nbs/40_cli.ipynb, cell 34"
    status, out, err = call("tour")                                   # no terminal here: no pause, no colours
    assert status == 0 and not err and "\x1b" not in out and "S = Σ v_i H_i" in out and "read on" in out
    assert call("tour", "--plain", "--no-pause")[:2] == (0, out)
    with tempfile.TemporaryDirectory() as folder:
        bad, good = Path(folder) / "bad.png", Path(folder) / "good.png"
        bad.write_bytes(b"no picture")
        Image.new("RGB", (40, 70), "red").save(good)
        assert one_sentence(call("tour", "--picture", bad), "bad.png")
        assert one_sentence(call("tour", "--picture", Path(folder) / "none.png"), "none.png")
        assert "Yours has none" in call("tour", "--picture", good)[1].replace("\n", " ")



def test_output_that_nobody_reads_ends_in_one_sentence():
    "nbs/40_cli.ipynb, cell 35"
    words = [sys.executable, "-c", "from ssnet.cli import main; main()", "info"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()                                            # as `head` does when it has enough
    said = process.stderr.read()
    assert process.wait(60) == 141 and said == "ssnet: stopped, for nobody reads its output any more.\n", said



def test_a_full_disk_leaves_nothing_half_written():
    "nbs/40_cli.ipynb, cell 37"
    with composed() as at:
        train = ["train", "--stage", 1, "--data", at / "data", *QUICK]
        assert call(*train, "--run", at / "run")[0] == 0
        before = (at / "run/checkpoint.safetensors").read_bytes()
        for place in ("run", "new"):
            words = [str(w) for w in (*train, "--run", at / place)]
            if place == "run": words += ["--save-every", "1"]
            done = subprocess.run([sys.executable, "-c", FULL_DISK, *words], capture_output=True, text=True)
            assert done.returncode == (0 if place == "run" else 2), done.stderr     # "run" is finished: nothing to write
        assert "could not be written" in done.stderr and "Traceback" not in done.stderr, done.stderr
        assert (at / "run/checkpoint.safetensors").read_bytes() == before
        assert not [p for p in (at / "new").rglob("*") if p.suffix in (".safetensors", ".part")]



def test_help_teaches_and_comes_at_once():
    "nbs/40_cli.ipynb, cell 38"
    for command in COMMANDS:
        status, out, _ = call(command, "--help")
        assert status == 0 and "example:" in out and f"ssnet {command}" in out
    code = "import sys, ssnet.cli; ssnet.cli.make_parser(); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
