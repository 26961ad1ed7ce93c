"Made from nbs/experiments/photographs.ipynb by tools/export.py: change the notebook, then `make export`."
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFont
from pathlib import Path
from ssnet.cutouts import CutOut
from ssnet.datasets import SaliencyDataset
from ssnet.datasets import VOCDataset
from ssnet.files import InputError
from ssnet.labels import read_classes
import contextlib
import importlib.util
import io
import lzma
import numpy as np
import os
import pytest
import ssnet
import tarfile
import tempfile


def load_script():
    "data_scripts/photos.py as a module, found from the current folder or else from where ssnet lies."
    near = [Path.cwd(), *Path.cwd().parents, *Path(ssnet.__file__).parents]
    root = next(p for p in near if (p / "settings.ini").is_file())
    spec = importlib.util.spec_from_file_location("photos", root / "data_scripts" / "photos.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def png(width, height, color, box=None, alpha=255):
    "The bytes of a PNG: a transparent canvas with an ellipse."
    image = Image.new("RGBA", (width, height))
    ImageDraw.Draw(image).ellipse(box or (5, 5, width - 6, height - 6), fill=(*color, alpha))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def blank(name, number): return CutOut(name, number, np.zeros((1, 1, 4), np.uint8))


def contact_sheet(rows, framed, side=62):
    "Rows of CutOuts as one picture, `rows` by name; those whose name is in `framed` get a frame."
    sheet = Image.new("RGB", (side * (2 + max(map(len, rows.values()))), side * len(rows)), (125, 150, 180))
    for y, (title, row) in enumerate(rows.items()):
        ImageDraw.Draw(sheet).text((6, y * side + side // 2 - 8), title, "black", ImageFont.load_default(13))
        for x, cut in enumerate(row, 2):
            image = Image.fromarray(cut.image)
            image.thumbnail((side - 8, side - 8))
            corner = x * side + (side - image.width) // 2, y * side + (side - image.height) // 2
            sheet.paste(image, corner, image)
            if cut.name in framed:
                box = (x * side, y * side, (x + 1) * side - 2, (y + 1) * side - 2)
                ImageDraw.Draw(sheet).rectangle(box, outline="white", width=2)
    return sheet


def tiny_deb(path, extra=(), broken=()):
    "Write a Debian package with four stamps of each class and of none; `extra`: more tar members."
    photos, tar_bytes = load_script(), io.BytesIO()
    folders = [starts.split()[0] for starts in photos.CLASSES.values()] + ["household/"]
    with tarfile.open(fileobj=tar_bytes, mode="w") as tar:
        for number, folder in enumerate(folders):
            for word in ("ant", "elk", "owl", "yak"):
                data = png(70, 60, (20 * number, 90, ord(word[0])))
                info = tarfile.TarInfo(f"./{photos.STAMPS}/{folder}{word}.png")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        for info in extra: tar.addfile(info)
    files = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": lzma.compress(tar_bytes.getvalue())}
    parts = [b"!<arch>\n"]
    for name, data in files.items():
        parts += [f"{name:16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode(), data, b"\n" * (len(data) % 2)]
    path.write_bytes(b"".join(parts))
    return path


def run_script(*words):
    "The script's exit status, and what it wrote to the two streams."
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = load_script().main([str(w) for w in words])
    return status, out.getvalue(), err.getvalue()


SMALL = ("--size", 48, "--train", 6, "--val", 2, "--test", 4)


def installed_stamps():
    "The installed stamps, or None; under pytest the test is skipped then, in a notebook a line is printed."
    folder = load_script().INSTALLED
    if folder.is_dir(): return folder
    reason = "the package tuxpaint-stamps-default is not installed"
    if "PYTEST_CURRENT_TEST" in os.environ: pytest.skip(reason)
    print("Not tested: " + reason)


def test_folders_decide_the_class_and_drawings_are_left_out():
    "nbs/experiments/photographs.ipynb, cell 9"
    photos = load_script()
    classes = ["no class", *photos.CLASSES]
    def named(path): return None if photos.class_of(path) is None else classes[photos.class_of(path)]
    assert named("animals/birds/duck.png") == "bird" and named("animals/mammals/deer/doe.png") == "hoofed animal"
    assert named("military/vehicles/bradley.png") == "vehicle" and named("hobbies/music/wind/bassoon.png") == "musical instrument"
    assert named("animals/fish/clownfish.png") == "fish" and named("animals/fish/lobster.png") == "no class"
    assert named("animals/mammals/bears/bear.png") == "carnivore" and named("animals/mammals/bears/toys/edward.png") == "no class"
    assert named("household/teapot.png") == "no class"
    assert named("animals/birds/cartoon/duck.png") is None and named("symbols/math/plus.png") is None
    assert named("animals/birds/duck.svg") is None and named("vehicles/dumper_mirror.png") is None
    assert len(photos.CLASSES) == 10



def test_a_cut_out_is_cropped_shrunk_and_must_have_a_sharp_outline():
    "nbs/experiments/photographs.ipynb, cell 11"
    photos = load_script()
    cut = photos.cut_out("animals/birds/duck.png", png(300, 200, (9, 90, 200), box=(50, 60, 149, 119)))
    assert (cut.name, cut.class_index) == ("animals/birds/duck", 1)
    assert cut.image.shape == (60, 100, 4) and cut.image[30, 50].tolist() == [9, 90, 200, 255] and cut.image[0, 0, 3] == 0
    assert max(photos.cut_out("a/b.png", png(900, 500, (1, 2, 3))).image.shape) == 256
    assert photos.cut_out("a/tiny.png", png(45, 45, (1, 2, 3))) is None               # 34 pixels
    assert photos.cut_out("a/glass.png", png(300, 200, (1, 2, 3), alpha=140)) is None   # see-through
    assert photos.cut_out("a/box.png", png(300, 200, (1, 2, 3), box=(-300, -300, 600, 500))) is None  # no surrounding
    with pytest.raises(InputError, match="stamp a/b.png is broken"): photos.cut_out("a/b.png", png(90, 90, (1, 2, 3))[:60])



def test_pictures_of_one_thing_are_never_divided():
    "nbs/experiments/photographs.ipynb, cell 16"
    photos = load_script()
    same = [photos.thing_of(f"a/{n}.png") for n in ("lion", "lion-2", "Lion_mirror", "lion3")]
    assert same == ["lion"] * 4 and photos.thing_of("a/3_earth.png") == "earth" and photos.thing_of("a/747.png") == "747"
    names = [f"{word}{variant}" for word in "ant bee cat dog emu fox gnu hen".split() for variant in ("", "-2", "_mirror")]
    blanks = [blank(f"{number}/{name}", number) for number in range(11) for name in names]
    for seed in range(5):
        kept, out = photos.split_cutouts(blanks, seed)
        assert len(kept) + len(out) == len(blanks) and not {c.name for c in kept} & {c.name for c in out}
        for number in range(11):
            things = [{photos.thing_of(c.name) for c in some if c.class_index == number} for some in (kept, out)]
            assert not things[0] & things[1] and len(things[1]) == 2  # a quarter of eight
    drawn = [[c.name for c in photos.split_cutouts(blanks, seed)[1]] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]



def test_a_thing_with_more_pictures_than_there_is_room_for_is_trained_on():
    "nbs/experiments/photographs.ipynb, cell 17"
    photos, names = load_script(), ["guitar", "guitar-2", "guitar-3", "guitar-4", "cello", "drum", "flute", "harp"]
    for seed in range(10):
        assert photos.held_out(names, np.random.default_rng(seed)) <= {"cello", "drum", "flute", "harp"}
    with pytest.raises(InputError, match=r"too few cut-outs of 'bird' \(1\)"):
        photos.split_cutouts([blank(f"{n}/{w}", n) for n in range(11) for w in ("ant", "bee")[: 1 if n == 1 else 2]])



def test_a_contact_sheet_frames_what_is_tested_on():
    "nbs/experiments/photographs.ipynb, cell 21"
    photos = load_script()
    cut = photos.cut_out("a/b.png", png(80, 80, (200, 0, 0)))
    sheet = np.asarray(contact_sheet({"one": [cut, cut], "two": [CutOut("c", 0, cut.image)]}, {"c"}))
    assert sheet.shape == (2 * 62, 4 * 62, 3) and sheet[31, 2 * 62 + 31].tolist() == [200, 0, 0]
    assert sheet[62, 2 * 62].tolist() == [255, 255, 255] and sheet[0, 2 * 62].tolist() == [125, 150, 180]



def test_a_package_file_becomes_a_complete_data_set():
    "nbs/experiments/photographs.ipynb, cell 29"
    with tempfile.TemporaryDirectory() as folder:
        out, deb = Path(folder) / "out", tiny_deb(Path(folder) / "stamps.deb")
        assert run_script("--from", deb, "--out", out, *SMALL)[0] == 0
        classes = read_classes(out / "voc")
        assert len(classes) == 11 and classes[0] == "background" and classes[2] == "hoofed animal"
        for split, count in ("train", 6), ("val", 2), ("test", 4):
            views = VOCDataset(out / "voc", split, labels="SegmentationClass")
            assert len(views) == count and views[0]["image"].shape == (3, 48, 48) and views[0]["tags"].shape == (10,)
            for sample in (views[i] for i in range(count)):  # a tag for each class in the mask
                assert {int(c) for c in sample["label"].unique() if c} <= {i + 1 for i, t in enumerate(sample["tags"]) if t}
            maps = SaliencyDataset(out / "saliency" / split / "images", out / "saliency" / split / "masks")
            assert len(maps) == count and set(maps[0]["saliency"].unique().tolist()) == {0, 1}
        rows = (out / "cutouts.csv").read_text().splitlines()
        assert rows[0] == "split,class,stamp" and len(rows) == 1 + 44 and sum(r.startswith("test,") for r in rows) == 11
        assert "version 2 or (at your option) any later version" in (out / "LICENSE.txt").read_text()



def test_folder_and_package_give_the_same_set_and_a_complete_set_is_left_alone_unless_forced():
    "nbs/experiments/photographs.ipynb, cell 30"
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        deb, unpacked = tiny_deb(folder / "stamps.deb"), folder / "unpacked"
        photos = load_script()
        for name, data in photos.read_deb(deb).items():
            path = unpacked / photos.STAMPS / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        assert photos.read_stamps(unpacked) == photos.read_stamps(deb) == photos.read_stamps(unpacked / photos.STAMPS)
        out = folder / "out"
        assert run_script("--from", deb, "--out", out, *SMALL)[0] == 0
        picture, mark = next((out / "voc/JPEGImages").iterdir()), out / "mark"
        before = picture.read_bytes()
        mark.touch()
        assert run_script("--from", "no longer there", "--out", out, *SMALL)[0] == 0 and mark.exists()
        status, _, error = run_script("--from", deb, "--out", out, *SMALL, "--seed", 1)
        assert status == 1 and "add --force" in error and mark.exists()
        assert run_script("--from", unpacked, "--out", out, *SMALL, "--force")[0] == 0
        assert not mark.exists() and picture.read_bytes() == before  # made anew, the same to the bit
        assert sorted(p.name for p in folder.iterdir()) == ["out", "stamps.deb", "unpacked"]



def test_a_broken_package_is_named_in_one_sentence_and_nothing_is_left():
    "nbs/experiments/photographs.ipynb, cell 31"
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        whole = tiny_deb(folder / "stamps.deb").read_bytes()
        middle = len(whole) - 500
        spoiled = {"cut": whole[:middle], "header": whole[:200], "empty": b"", "zip": b"PK" + whole,
                   "flipped": whole[:middle] + bytes(b ^ 255 for b in whole[middle:])}
        for name, data in spoiled.items():
            deb = folder / f"{name}.deb"
            deb.write_bytes(data)
            status, _, error = run_script("--from", deb, "--out", folder / "out", *SMALL)
            assert status == 1 and error.count("\n") == 1 and f"{name}.deb" in error, error
            assert ("no Debian package" if name in ("empty", "zip") else "download it again") in error
        assert all(p.suffix == ".deb" for p in folder.iterdir())



def test_nothing_to_read_is_one_sentence_that_says_how_to_get_it():
    "nbs/experiments/photographs.ipynb, cell 32"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "empty").mkdir()
        for source in ("missing", "missing.deb", "empty"):
            status, _, error = run_script("--from", Path(folder) / source, "--out", Path(folder) / "out", *SMALL)
            assert status == 1 and "apt install tuxpaint-stamps-default" in error and "--from FILE.deb" in error
            assert error.count("\n") == 1 and not (Path(folder) / "out").exists()
        assert run_script("--out", Path(folder) / "out", "--size", 8)[0] == 1



def test_a_package_cannot_write_outside_and_foreign_folders_are_left_alone():
    "nbs/experiments/photographs.ipynb, cell 33"
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        up, link = tarfile.TarInfo("../../evil.png"), tarfile.TarInfo("./usr/share/tuxpaint/stamps/animals/birds/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        deb = tiny_deb(folder / "stamps.deb", extra=(up, link))
        assert len(load_script().read_stamps(deb)) == 44  # neither of the two
        (folder / "mine").mkdir()
        (folder / "mine" / "thesis.txt").write_text("three years")
        status, _, error = run_script("--from", deb, "--out", folder / "mine", *SMALL, "--force")
        assert status == 1 and "mine" in error and error.count("\n") == 1
        assert (folder / "mine" / "thesis.txt").read_text() == "three years"



def test_the_real_package_gives_ten_classes_and_a_readable_data_set():
    "nbs/experiments/photographs.ipynb, cell 36"
    if installed_stamps():
        photos = load_script()
        found = photos.read_cutouts(installed_stamps())
        numbers = [c.class_index for c in found]
        assert len(found) > 250 and all(numbers.count(k) >= 6 for k in range(11))
        assert {"animals/birds/duck", "food/fruit/banana"} <= {c.name for c in found}
        kept, out = photos.split_cutouts(found)
        things = [{(c.class_index, photos.thing_of(c.name)) for c in some} for some in (kept, out)]
        assert 0.2 < len(out) / len(found) < 0.3 and not things[0] & things[1]
        with tempfile.TemporaryDirectory() as folder:
            assert run_script("--out", Path(folder) / "out", "--train", 8, "--val", 2, "--test", 8)[0] == 0
            views = VOCDataset(Path(folder) / "out/voc", "test", labels="SegmentationClass")
            assert views[0]["image"].shape == (3, 160, 160) and all(views[i]["tags"].any() for i in range(8))
