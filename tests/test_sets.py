"Made from nbs/08_sets.ipynb by tools/export.py: change the notebook, then `make export`."
from PIL import Image
from contextlib import contextmanager
from contextlib import redirect_stderr
from contextlib import redirect_stdout
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from pathlib import Path
from scipy.io import savemat
from scipy.sparse import csc_matrix
from ssnet.datasets import SaliencyDataset
from ssnet.datasets import VOCDataset
from ssnet.datasets import read_mask
from ssnet.files import InputError
from ssnet.labels import read_label
from ssnet.labels import tags_to_names
from ssnet.labels import voc_palette
from ssnet.sets import Archive
from ssnet.sets import HKU_IS
from ssnet.sets import PET
from ssnet.sets import Pet
from ssnet.sets import SBD
from ssnet.sets import SCORING
from ssnet.sets import SETS
from ssnet.sets import SOD
from ssnet.sets import ScoringSet
from ssnet.sets import TRAINAUG
from ssnet.sets import VOC
from ssnet.sets import check_each
from ssnet.sets import check_label_pair
from ssnet.sets import check_saliency_pair
from ssnet.sets import complaint
from ssnet.sets import deal_out
from ssnet.sets import find_part
from ssnet.sets import is_there
from ssnet.sets import known_set
from ssnet.sets import pet_classes
from ssnet.sets import picture_size
from ssnet.sets import place_all
from ssnet.sets import prepare
from ssnet.sets import read_pets
from ssnet.sets import read_sbd_label
from ssnet.sets import read_trimap
from ssnet.sets import save_label
from ssnet.sets import scoring_set
from ssnet.sets import script_parser
from ssnet.sets import size_range
from ssnet.sets import trainaug_names
from ssnet.sets import wrong_count
from ssnet.stages import Data
from torchvision.datasets import OxfordIIITPet
from torchvision.datasets import SBDataset
from torchvision.datasets import VOCSegmentation
from unittest.mock import patch
from zlib import crc32
import hashlib
import importlib.util
import io
import numpy as np
import pytest
import shutil
import ssnet
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import zipfile


def sbd_mat(label):
    "The bytes of a .mat file with a label mask, as SBD has them; the outlines of its 20 classes are left empty."
    buffer, outlines = io.BytesIO(), np.empty((20, 1), dtype=object)
    for number in range(20): outlines[number, 0] = csc_matrix(label.shape, dtype=np.uint8)
    present = np.unique(label[label > 0])
    savemat(buffer, {"GTcls": {"Segmentation": label, "Boundaries": outlines, "CategoriesPresent": present}},
            do_compression=True)
    return buffer.getvalue()


def jpeg(size=(60, 40), seed=0, **options):
    "The bytes of a JPEG of noise, (width, height)."
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def png(array, palette=False):
    "The bytes of a PNG; with `palette` an indexed one in VOC's colours."
    image, buffer = Image.fromarray(array), io.BytesIO()
    if palette: image.putpalette(voc_palette().tobytes())
    image.save(buffer, "PNG")
    return buffer.getvalue()


def of_name(name, kind="picture"):
    "A picture for a name, or its mask, as bytes: the size depends on the name, and so do the contents."
    seed = crc32(name.encode())
    width, height = (60, 40) if seed % 2 else (44, 50)
    if kind == "picture": return jpeg((width, height), seed, quality=98)
    mask = np.zeros((height, width), dtype=np.uint8)
    mask[10:30, 8:36] = 1
    if kind == "saliency": return png(mask * 255)
    if kind == "grey": return png(mask * 160 + np.roll(mask, 5) * 60)
    if kind == "trimap":
        mask[mask == 1] = 3
        mask[13:27, 11:33] = 1
        return png(np.where(mask == 0, 2, mask).astype(np.uint8))
    label = mask * np.uint8(1 + seed % 20)
    if kind == "mat": return sbd_mat(label)
    label[9] = 255
    return png(label, palette=True)


VOC_NAMES = {"train": ["2007_000001", "2007_000002"], "val": ["2007_000003", "2007_000004"]}
SBD_NAMES = {"train": ["2007_000002", "2007_000003", "2008_000001"], "val": ["2007_000004", "2008_000002"]}


def voc_files():
    "What is in VOCtrainval_11-May-2012.tar."
    files, top = {}, "VOCdevkit/VOC2012"
    masked = VOC_NAMES["train"] + VOC_NAMES["val"]
    for name in masked + ["2008_000001", "2008_000002", "2008_000003"]:
        files[f"{top}/JPEGImages/{name}.jpg"] = of_name(name)
        files[f"{top}/Annotations/{name}.xml"] = (
            f"<annotation><filename>{name}.jpg</filename><object><name>cat</name><part><name>head</name></part>"
            f"</object><object><name>person</name></object></annotation>").encode()
    for name in masked:
        for part in ("SegmentationClass", "SegmentationObject"):
            files[f"{top}/{part}/{name}.png"] = of_name(name, "label")
    for split, names in VOC_NAMES.items():
        files[f"{top}/ImageSets/Segmentation/{split}.txt"] = "".join(f"{name}\n" for name in names).encode()
    return {"VOCtrainval_11-May-2012.tar": files}


def sbd_files():
    "What is in benchmark.tgz."
    top = "benchmark_RELEASE/dataset"
    files = {"benchmark_RELEASE/README": b"See the paper."}
    for split, names in SBD_NAMES.items():
        files[f"{top}/{split}.txt"] = "".join(f"{name}\n" for name in names).encode()
        for name in names:
            files |= {f"{top}/img/{name}.jpg": of_name(name), f"{top}/cls/{name}.mat": of_name(name, "mat"),
                      f"{top}/inst/{name}.mat": of_name(name, "mat")}
    return {"benchmark.tgz": files}


def saliency_files(images, masks, kind="saliency", names="abcdef"):
    "Two dicts from path to bytes: pictures, masks."
    return ({f"{images}/{name}.jpg": of_name(name) for name in names} | {f"__MACOSX/{images}/._a.jpg": b"litter"},
            {f"{masks}/{name}.png": of_name(name, kind) for name in names} | {f"{masks}/Thumbs.db": b"litter"})


def saliency_archives():
    "What is in the archives of the saliency sets: from set to archive to path to bytes."
    duts = {name: saliency_files(f"{name}/{name}-Image", f"{name}/{name}-Mask") for name in ("DUTS-TR", "DUTS-TE")}
    omron = saliency_files("DUT-OMRON-image", "pixelwiseGT-new-PNG")
    ecssd = saliency_files("images", "ground_truth_mask")
    pascal = saliency_files("datasets/imgs/pascal", "datasets/masks/pascal", "grey")
    others = saliency_files("datasets/imgs/bruce", "datasets/masks/bruce")
    hku, sod = saliency_files("HKU-IS/imgs", "HKU-IS/gt"), saliency_files("SOD/Imgs", "SOD/Imgs")
    return {"duts-tr": {"DUTS-TR.zip": duts["DUTS-TR"][0] | duts["DUTS-TR"][1]},
            "duts-te": {"DUTS-TE.zip": duts["DUTS-TE"][0] | duts["DUTS-TE"][1]},
            "dut-omron": {"DUT-OMRON-image.zip": omron[0], "DUT-OMRON-gt-pixelwise.zip.zip": omron[1]},
            "ecssd": {"images.zip": ecssd[0], "ground_truth_mask.zip": ecssd[1]},
            "pascal-s": {"salObj.zip": pascal[0] | pascal[1] | others[0] | others[1]},
            "hku-is": {"HKU-IS.zip": hku[0] | hku[1]}, "sod": {"SOD.zip": sod[0] | sod[1]}}


def pet_files():
    "What is in images.tar.gz and annotations.tar.gz: five cats and five dogs to train on, two of each to test on."
    rows = [(f"Abyssinian_{n}", "1 1 1") for n in range(7)] + [(f"beagle_{n}", "5 2 4") for n in range(7)]
    lists = {"trainval": [row for row in rows if row[0][-1] in "01234"],
             "test": [row for row in rows if row[0][-1] in "56"]}
    images = {f"images/{name}.jpg": of_name(name) for name, _ in rows} | {"images/Abyssinian_1.mat": b"litter"}
    notes = {f"annotations/trimaps/{name}.png": of_name(name, "trimap") for name, _ in rows}
    notes |= {f"annotations/trimaps/._{name}.png": b"litter" for name, _ in rows}
    for split, chosen in lists.items():
        notes[f"annotations/{split}.txt"] = "".join(f"{name} {numbers}\n" for name, numbers in chosen).encode()
    return {"images.tar.gz": images, "annotations.tar.gz": notes}


ARCHIVES = {"voc2012": voc_files, "sbd": sbd_files, "pet": pet_files}
SMALL = {"voc2012": {"pictures": 7, "train": 2, "val": 2}, "sbd": {"pictures": 5, "train": 3, "val": 2},
         "trainaug": {"trainaug": 4}, "pet": {"train": 5, "saliency": 4, "val": 1, "test": 4}}


def pack(path, files):
    "Write an archive; its name says how."
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items(): archive.writestr(name, data)
        return path
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def unpacked(folder, name):
    "The files of a set in a folder, as a user has them."
    for files in contents(name).values():
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
    return folder


def contents(name):
    "From archive to path to bytes, for a set."
    return ARCHIVES[name]() if name in ARCHIVES else saliency_archives()[name]


def small_sets(folder, site, names):
    "Write the archives of sets into the folder of a server; the table with their addresses, checksums and counts."
    sets = {name: replace(entry, counts=SMALL.get(name, {"pairs": 6})) for name, entry in SETS.items()}
    for name in names:
        paths = [pack(folder / name / file, files) for file, files in contents(name).items()]
        sums = [hashlib.md5(path.read_bytes()).hexdigest() for path in paths]
        sets[name] = replace(sets[name], archives=tuple(
            Archive(archive.file, (site.url(f"{name}/{archive.file}"),), archive.md5 and md5)
            for archive, md5 in zip(SETS[name].archives, sums)))
    return sets


class Answer(BaseHTTPRequestHandler):
    "Answers one request as the server's faults say, and notes it in the server's log."
    protocol_version = "HTTP/1.1"  # the connection stays open between requests, as with real servers

    def do_GET(self):
        "The file, or the rest of it from where the request asks; it breaks off where a drop says so."
        site, file = self.server, self.server.folder / self.path.lstrip("/")
        data = site.instead if site.instead is not None else file.read_bytes() if file.is_file() else None
        asked, mark = self.headers.get("Range"), f'"{crc32(data or b"")}"'
        first = int(asked[6:].rstrip("-")) if asked and not site.ignore_range else 0
        if self.headers.get("If-Range", mark) != mark: first = 0  # not the file that was begun
        status = 404 if data is None else 416 if first and first >= len(data) else 206 if first else 200
        body = data[first:] if status < 300 else b""
        sent = min(site.drops.pop(0) if site.drops else len(body), len(body))
        site.log.append({"path": self.path, "asked": asked, "status": status, "sent": sent})
        self.send_response(status)
        headers = {"Content-Length": len(body), "ETag": mark, "Content-Type": "application/octet-stream"}
        if first: headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
        for name, value in (headers | site.headers).items():
            if value is not None: self.send_header(name, str(value))
        self.end_headers()
        time.sleep(site.slow)
        self.wfile.write(body[:sent])
        self.close_connection = sent < len(body)

    def log_message(self, *_):
        "Nothing is printed; `log` has it."


class LocalServer(ThreadingHTTPServer):
    "Serves the files of `folder` on this machine: `with LocalServer(folder) as site: fetch((site.url('a.zip'),), …)`."

    def __init__(self, folder, drops=(), ignore_range=False, instead=None, slow=0.0, headers=None):
        "`drops`: bytes after which the 1st, 2nd … answer breaks off; `instead`: what is sent for any file."
        self.folder, self.drops, self.ignore_range, self.instead = Path(folder), list(drops), ignore_range, instead
        self.slow, self.headers, self.log = slow, headers or {}, []
        super().__init__(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def url(self, name):
        "The address of a file."
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def handle_error(self, *_):
        "A client that hangs up is part of the game."

    def __exit__(self, *_):
        "Stop, as the end of a `with` block."
        self.shutdown()
        self.server_close()


@contextmanager
def a_world(*names, said=None, **faults):
    "An empty data folder, and a server with the archives of sets: (root, site, table). What is printed goes to `said`."
    said = said or io.StringIO()
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(said), redirect_stderr(said):
        root, served = Path(folder) / "data", Path(folder) / "served"
        served.mkdir()
        with LocalServer(served, **faults) as site: yield root, site, small_sets(served, site, names)


SCRIPTS = {"voc2012": ("voc2012",), "sbd": ("sbd",), "trainaug": ("trainaug",), "duts": ("duts-tr", "duts-te"),
           "dut_omron": ("dut-omron",), "ecssd": ("ecssd",), "pascal_s": ("pascal-s",), "hku_is": ("hku-is",),
           "sod": ("sod",), "pet": ("pet",)}


def script_path(name):
    "A script of data_scripts/, found from the current folder or else from where ssnet lies."
    near = [Path.cwd(), *Path.cwd().parents, *Path(ssnet.__file__).parents]
    return next(p / f"data_scripts/{name}.py" for p in near if (p / f"data_scripts/{name}.py").is_file())


def script(name, *arguments, sets):
    "Run a script as Python runs it; its exit status."
    spec = importlib.util.spec_from_file_location(name, script_path(name))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main([str(argument) for argument in arguments], sets)


FETCHED = {script: members for script, members in SCRIPTS.items() if script not in ("hku_is", "sod")}


def fetched_for(members):
    "The sets that a script may fetch: its own, or those that it needs."
    return [need for name in members for need in (SETS[name].needs or (name,))]


def hostile(kind, path, files):
    "An archive with one member more, which wants to do harm: it climbs out, links out, or swells."
    more = {"climbs": {"../../../evil.jpg": b"evil"}, "swells": {"z.jpg": bytes(3_000_000)}, "links": {}}
    pack(path, files | more[kind])
    if kind == "links" and path.suffix == ".zip":
        link = zipfile.ZipInfo("z.jpg")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        with zipfile.ZipFile(path, "a") as archive: archive.writestr(link, "/etc/passwd")
    elif kind == "links":
        link = tarfile.TarInfo("z.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        with tarfile.open(path, "w") as archive: archive.addfile(link)


def test_the_table_says_what_the_issue_says():
    "nbs/08_sets.ipynb, cell 15"
    assert VOC.archives[0].md5 == "6cd6e144f989b92b3379bac3b3de84fd"
    assert SBD.archives[0].md5 == "82b4d87ceb2ed10f6038a1cba92111cb"
    pairs = {name: entry.counts["pairs"] for name, entry in SETS.items() if entry.kind == "saliency"}
    assert pairs == {"duts-tr": 10553, "duts-te": 5019, "dut-omron": 5168, "ecssd": 1000, "pascal-s": 850,
                     "hku-is": 4447, "sod": 300}
    assert TRAINAUG.counts == {"trainaug": 10582} and sum(PET.counts.values()) == 3680 + 3669
    assert not HKU_IS.archives and not SOD.archives  # no stable address
    for entry in SETS.values(): assert entry.licence and entry.citation and entry.role
    with pytest.raises(InputError, match="There is no set 'coco': the sets are voc2012, sbd, trainaug"):
        known_set("coco", SETS)



def test_trainaug_on_lists_made_by_hand():
    "nbs/08_sets.ipynb, cell 18"
    voc_train, voc_val = ["a", "b"], ["c", "d"]
    sbd_train, sbd_val = ["b", "c", "e"], ["d", "f"]  # c and d are test pictures: they must go
    assert trainaug_names(voc_train, voc_val, sbd_train + sbd_val) == ["a", "b", "e", "f"]
    assert trainaug_names([], voc_val, voc_val) == []



def test_an_sbd_mask_is_read_as_it_was_stored():
    "nbs/08_sets.ipynb, cell 25"
    label = np.array([[0, 0, 20], [8, 8, 0]], dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "2008_000001.mat"
        path.write_bytes(sbd_mat(label))
        assert (read_sbd_label(path) == label).all() and read_sbd_label(path).dtype == np.uint8
        save_label(Path(folder) / "a.png", label)
        assert (read_label(Path(folder) / "a.png", 21) == label).all()
        path.write_bytes(sbd_mat(label + 1))  # 21: there is no such class
        with pytest.raises(InputError, match="2008_000001.mat is no mask of SBD: it must be flat and hold 0 to 20"):
            read_sbd_label(path)
        path.write_bytes(b"MATLAB 5.0 MAT-file, cut short")
        with pytest.raises(InputError, match="2008_000001.mat is no mask of SBD .*fetch it again"): read_sbd_label(path)



def test_a_picture_is_read_to_its_end():
    "nbs/08_sets.ipynb, cell 30"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jpg"
        path.write_bytes(jpeg((60, 40)))
        assert picture_size(path) == (60, 40)
        exif = Image.Exif()
        exif[0x0112] = 6  # "turn me 90° clockwise"
        path.write_bytes(jpeg((60, 40), exif=exif))
        assert picture_size(path) == (40, 60)
        path.write_bytes(jpeg((60, 40))[:-40])
        with pytest.raises(InputError, match="a.jpg is broken and cannot be read .*truncated.*: fetch it again"):
            picture_size(path)
        path.write_text("<html>Not found</html>")
        with pytest.raises(InputError, match="a.jpg is broken"): picture_size(path)



def test_a_saliency_mask_must_fit_its_picture():
    "nbs/08_sets.ipynb, cell 33"
    with tempfile.TemporaryDirectory() as folder:
        image, mask = Path(folder) / "a.jpg", Path(folder) / "a.png"
        image.write_bytes(jpeg((3, 2)))
        for values, binary in ((([0, 0, 255], [0, 255, 255]), True), (([0, 90, 255], [0, 255, 255]), False)):
            mask.write_bytes(png(np.array(values, dtype=np.uint8)))
            assert check_saliency_pair(image, mask) == ((3, 2), binary)
        mask.write_bytes(png(np.zeros((3, 2), dtype=np.uint8)))
        with pytest.raises(InputError, match="a.png is 2×3 pixels, but its picture is 3×2"):
            check_saliency_pair(image, mask)
        mask.write_bytes(png(np.array([[0, 0, 1], [0, 1, 1]], dtype=np.uint8)))
        with pytest.raises(InputError, match="a.png holds 0 and 1, not 0 and 255"): check_saliency_pair(image, mask)



def test_a_label_mask_holds_classes_or_255():
    "nbs/08_sets.ipynb, cell 34"
    with tempfile.TemporaryDirectory() as folder:
        image, mask = Path(folder) / "a.jpg", Path(folder) / "a.png"
        image.write_bytes(jpeg((3, 1)))
        mask.write_bytes(png(np.array([[0, 20, 255]], dtype=np.uint8), palette=True))
        assert check_label_pair(image, mask, 21) == (3, 1)
        with pytest.raises(InputError, match="a.png holds the label 20: labels are 0 to 19, or 255"):
            check_label_pair(image, mask, 20)
        mask.write_bytes(png(np.zeros((1, 3, 3), dtype=np.uint8)))
        with pytest.raises(InputError, match="a.png is no label mask"): check_label_pair(image, mask, 21)



def test_problems_are_collected_and_hide_nothing():
    "nbs/08_sets.ipynb, cell 37"
    def check(number):
        if number % 2: raise InputError(f"{number} is odd.")
        return number * 10
    good, bad = check_each(check, [(n,) for n in range(5)], "numbers")
    assert good == [0, 20, 40] and bad == ["1 is odd.", "3 is odd."]
    assert wrong_count(7, 7, "pictures", "x") == []
    assert wrong_count(999, 1000, "pictures", "x") == ["x holds 999 pictures, but there must be 1,000."]
    assert size_range([(4, 5), (4, 3)]) == "4 × 3–5 pixels" and size_range([]) == "no picture"



def test_a_part_is_found_wherever_it_lies():
    "nbs/08_sets.ipynb, cell 46"
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder) / "download"
        (top / "salObj/datasets/imgs/pascal").mkdir(parents=True)
        (top / "__MACOSX/images").mkdir(parents=True)
        tails = ("datasets/imgs/pascal", "images")
        assert find_part([top], tails) == find_part([top / "salObj/datasets"], ("imgs/pascal",))
        assert find_part([top / "salObj/datasets/imgs/pascal"], tails).name == "pascal"  # the folder itself
        with pytest.raises(InputError, match="There is no masks or gt in .*download: give another"):
            find_part([top], ("masks", "gt"))
        for name in ("a", "b"): (top / name / "gt").mkdir(parents=True)
        with pytest.raises(InputError, match="Both .*a/gt and .*b/gt could be 'gt'"): find_part([top], ("gt",))



def test_files_are_linked_and_litter_stays_behind():
    "nbs/08_sets.ipynb, cell 49"
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        (top / "a/b").mkdir(parents=True)
        for name in ("1.jpg", "b/2.jpg", "._1.jpg", "Thumbs.db"): (top / "a" / name).write_text(name)
        assert place_all(top / "a", top / "new") == [True, True]
        assert sorted(p.name for p in (top / "new").rglob("*.*")) == ["1.jpg", "2.jpg"]
        shutil.rmtree(top / "a")  # the bytes have a second name: nothing is lost
        assert (top / "new/b/2.jpg").read_text() == "b/2.jpg"



def test_pets_are_dealt_out_to_three_hands_and_none_twice():
    "nbs/08_sets.ipynb, cell 56"
    pets = [Pet(f"beagle_{n}", 1, 2) for n in range(20)]
    hands = deal_out(pets)
    assert [pet.name for pet in hands["val"]] == ["beagle_9", "beagle_19"]
    assert [pet.name for pet in hands["saliency"]] == [f"beagle_{n}" for n in (1, 3, 5, 7, 11, 13, 15, 17)]
    assert sorted(pet.name for hand in hands.values() for pet in hand) == sorted(pet.name for pet in pets)
    lengths = {hand: len(pets) for hand, pets in deal_out([pets[0]] * 3680).items()}
    assert lengths == {hand: PET.counts[hand] for hand in lengths}



def test_the_lists_of_pets_are_read():
    "nbs/08_sets.ipynb, cell 57"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trainval.txt"
        path.write_text("#Image CLASS-ID SPECIES BREED ID\namerican_bulldog_9 2 2 1\nAbyssinian_10 1 1 1\n")
        pets = read_pets(path)
        assert pets == [Pet("Abyssinian_10", 1, 1), Pet("american_bulldog_9", 2, 2)]
        assert pet_classes(pets, "species") == ("background", "cat", "dog")
        assert pet_classes(pets, "breed") == ("background", "abyssinian", "american bulldog")
        with pytest.raises(InputError, match="'species' or 'breed', not 'colour'"): pet_classes(pets, "colour")
        path.write_text("Abyssinian_10 one\n")
        with pytest.raises(InputError, match="trainval.txt is no list of the Pet set"): read_pets(path)



def test_a_trimap_becomes_a_label_mask_or_a_saliency_mask():
    "nbs/08_sets.ipynb, cell 60"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.png"
        path.write_bytes(png(np.array([[1, 2, 3]], dtype=np.uint8)))
        assert read_trimap(path, (17, 0, 255)).tolist() == [[17, 0, 255]]
        assert read_trimap(path, (255, 0, 255)).tolist() == [[255, 0, 255]]
        path.write_bytes(png(np.array([[1, 2, 4]], dtype=np.uint8)))
        with pytest.raises(InputError, match="a.png is no trimap: it must be flat and hold 1, 2 and 3"):
            read_trimap(path, (1, 0, 255))



def test_every_script_fetches_lays_out_and_verifies_and_the_second_run_fetches_nothing():
    "nbs/08_sets.ipynb, cell 80"
    fetched = [name for name in SETS if SETS[name].archives]
    with a_world(*fetched) as (root, site, sets):
        for name, members in SCRIPTS.items():
            if name in ("hku_is", "sod"): continue
            assert script(name, "--root", root, sets=sets) == 0, name
            requests = len(site.log)
            assert script(name, "--root", root, sets=sets) == 0
            assert script(name, "--root", root, "--check", sets=sets) == 0
            assert len(site.log) == requests
            for member in members: assert is_there(sets[member], root)
        assert requests == sum(len(SETS[name].archives) for name in fetched)
        assert len(VOCDataset(root / "VOCdevkit/VOC2012", "trainaug")) == 4
        for folder in ("DUTS-TR", "DUTS-TE", "DUT-OMRON", "ECSSD", "PASCAL-S"):
            images, masks = sorted((root / folder).iterdir())
            assert len(SaliencyDataset(images, masks)) == 6
        assert not list(root.glob(".*"))  # nothing half-made stays
        assert not any("litter" in p.name or p.name.startswith("._") for p in root.rglob("*"))



def test_torchvision_reads_the_same_files():
    "nbs/08_sets.ipynb, cell 82"
    with a_world("voc2012", "sbd") as (root, site, sets):
        for name in ("voc2012", "sbd"): prepare(name, root, sets=sets)
        voc = VOCSegmentation(root, "2012", "val")
        assert [Path(p).stem for p in voc.images] == VOC_NAMES["val"] and voc[0][1].size == voc[0][0].size
        sbd = SBDataset(root / "SBD", "train", mode="segmentation")
        for (picture, label), name in zip(sbd, SBD_NAMES["train"]):
            ours = read_sbd_label(root / f"SBD/cls/{name}.mat")
            assert label.size == picture.size and (np.asarray(label) == ours).all()
        unpacked(root / "oxford-iiit-pet", "pet")
        pets = OxfordIIITPet(root, "trainval", ("binary-category", "segmentation"))
        assert len(pets) == 10 and pets[9][1][0] == 1 and set(np.unique(pets[9][1][1])) == {1, 2, 3}
        prepare("pet", root, [root / "oxford-iiit-pet"], sets=sets)  # the folder that torchvision makes



def test_a_script_runs_from_the_command_line():
    "nbs/08_sets.ipynb, cell 83"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, script_path("ecssd"), "--check", "--root", folder]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 1 and not done.stdout
        assert done.stderr.startswith(f"ecssd.py: ECSSD is not in {Path(folder) / 'ECSSD'}: run `python data_scripts/")
        for name, members in SCRIPTS.items():
            assert script_path(name).read_text(encoding="utf-8").count("\n") <= 25
            help_text = script_parser(members, "", SETS).format_help()
            for member in members: assert SETS[member].citation in help_text and SETS[member].licence in help_text



def test_every_script_takes_a_folder_and_archives_that_are_there():
    "nbs/08_sets.ipynb, cell 84"
    archived = [name for name in SETS if name != "trainaug"]
    for as_archive in (False, True):
        with a_world() as (root, site, sets):
            for name in archived:
                own = root.parent / "mine" / name
                archives = [pack(own / file, files) for file, files in contents(name).items()] if as_archive else []
                paths = archives or [unpacked(own, name)]
                more = ["--only", name] if SETS[name].script == "duts" else []
                assert script(SETS[name].script, "--root", root, *more, "--from", *paths, sets=sets) == 0, name
            assert script("trainaug", "--root", root, sets=sets) == 0
            assert not site.log and not (root / "downloads").exists()
            shutil.rmtree(root.parent / "mine")  # no link breaks
            for name, members in SCRIPTS.items(): assert script(name, "--root", root, "--check", sets=sets) == 0
            assert len(SaliencyDataset(root / "SOD/images", root / "SOD/masks")) == 6  # it came in one folder



def test_trainaug_makes_what_it_needs_from_what_it_is_given():
    "nbs/08_sets.ipynb, cell 85"
    with a_world() as (root, site, sets):
        paths = [pack(root.parent / file, files) for file, files in (contents("voc2012") | contents("sbd")).items()]
        assert script("trainaug", "--root", root, "--from", *paths, sets=sets) == 0
        assert is_there(sets["voc2012"], root) and is_there(sets["sbd"], root)



def test_a_set_without_an_address_says_what_to_do():
    "nbs/08_sets.ipynb, cell 86"
    with a_world() as (root, site, sets):
        for name in ("hku-is", "sod"):
            with pytest.raises(InputError, match=f"has no stable address: .*{SETS[name].script}.py --from"):
                prepare(name, root, sets=sets)
        with pytest.raises(InputError, match="There is no images or image .* in .*empty: give another"):
            (root / "empty").mkdir(parents=True)
            prepare("ecssd", root, [root / "empty"], sets=sets)
        assert [p.name for p in root.iterdir()] == ["empty"]



def test_every_script_goes_on_where_it_was_interrupted():
    "nbs/08_sets.ipynb, cell 89"
    for name, members in FETCHED.items():
        with a_world(*fetched_for(members), drops=[17_000, 0, 0, 0, 0]) as (root, site, sets), patch("time.sleep"):
            assert script(name, "--root", root, sets=sets) == 1
            parts = list(root.rglob("*.part"))
            kept = parts[0].stat().st_size
            assert len(parts) == 1 and kept > 0 and not is_there(sets[members[0]], root)
            begun = len(site.log)
            assert script(name, "--root", root, sets=sets) == 0
            assert site.log[begun]["asked"] == f"bytes={kept}-" and site.log[begun]["status"] == 206
            for member in members: assert is_there(sets[member], root)



def test_a_wrong_file_from_the_server_leaves_no_set():
    "nbs/08_sets.ipynb, cell 90"
    for name, members in FETCHED.items():
        with a_world(*fetched_for(members), instead=b"<html>We have moved.</html>") as (root, site, sets):
            reason = "could not be fetched.*md5" if sets[fetched_for(members)[0]].archives[0].md5 else "is no .tar"
            with pytest.raises(InputError, match=reason): prepare(members[0], root, sets=sets)
            assert not is_there(sets[members[0]], root) and not list(root.glob(".*"))
            site.instead = None
            shutil.rmtree(root / "downloads")  # as the message says
            assert script(name, "--root", root, sets=sets) == 0



def test_a_truncated_archive_leaves_no_set():
    "nbs/08_sets.ipynb, cell 91"
    for name, members in FETCHED.items():
        with a_world(*fetched_for(members)) as (root, site, sets):
            key = fetched_for(members)[0]
            file = site.folder / key / SETS[key].archives[0].file
            file.write_bytes(file.read_bytes()[:file.stat().st_size // 2])
            sets = sets | {key: replace(sets[key], archives=tuple(replace(a, md5=None) for a in sets[key].archives))}
            with pytest.raises(InputError, match=file.name): prepare(members[0], root, sets=sets)
            assert not is_there(sets[key], root) and not list(root.glob(".*"))



def test_a_hostile_archive_writes_nothing():
    "nbs/08_sets.ipynb, cell 93"
    for name, members in FETCHED.items():
        with a_world(*fetched_for(members)) as (root, site, sets):
            key = fetched_for(members)[0]
            first, files = next(iter(contents(key).items()))
            archives = tuple(replace(archive, md5=None, max_bytes=1_000_000) for archive in sets[key].archives)
            for kind in ("climbs", "links", "swells"):
                hostile(kind, site.folder / key / first, files)
                with pytest.raises(InputError, match=f"{first} is not unpacked"):
                    prepare(members[0], root, sets=sets | {key: replace(sets[key], archives=archives)})
                assert [p.name for p in root.iterdir()] == ["downloads"] and not list(root.parent.rglob("evil.jpg"))
                shutil.rmtree(root)



def test_what_a_killed_run_left_is_cleared_away():
    "nbs/08_sets.ipynb, cell 94"
    with a_world("voc2012", "sbd", "ecssd") as (root, site, sets):
        for left in (".ECSSD.part/images/a.jpg", ".unpack/ecssd/0/images/old.jpg"):
            (root / left).parent.mkdir(parents=True)
            (root / left).write_bytes(b"half")
        prepare("ecssd", root, sets=sets)
        assert not list(root.glob(".*")) and not list(root.rglob("old.jpg"))
        prepare("trainaug", root, sets=sets)
        names = root / "VOCdevkit/VOC2012/ImageSets/Segmentation/trainaug.txt"
        before = names.read_bytes()
        names.unlink()  # killed after the masks, before the list
        prepare("trainaug", root, sets=sets)
        assert names.read_bytes() == before



def test_all_that_is_wrong_with_a_set_is_named_and_nothing_is_deleted():
    "nbs/08_sets.ipynb, cell 95"
    with a_world("pascal-s") as (root, site, sets):
        prepare("pascal-s", root, sets=sets)
        images, masks = root / "PASCAL-S/images", root / "PASCAL-S/masks"
        (masks / "a.png").unlink()
        (images / "b.jpg").unlink()
        (images / "c.jpg").write_bytes((images / "c.jpg").read_bytes()[:-100])
        (masks / "d.png").write_bytes(png(np.zeros((7, 9), dtype=np.uint8)))
        before = sorted(root.rglob("*.*"))
        with pytest.raises(InputError) as told: prepare("pascal-s", root, check=True, sets=sets)
        for sentence in ("nothing was deleted. 5 problems", "a.jpg has no mask", "b.png has no picture",
                         "holds 4 pictures with masks, but there must be 6", "c.jpg is broken", "d.png is 9×7 pixels"):
            assert sentence in str(told.value)
        assert sorted(root.rglob("*.*")) == before and script("pascal_s", "--root", root, sets=sets) == 1
    assert complaint(["x"] * 12, Path("data")).splitlines()[-1].strip() == "… and 2 more."
    assert len(complaint(["x"] * 12, Path("data")).splitlines()) == 12



def test_verification_finds_what_is_wrong_in_every_kind_of_set():
    "nbs/08_sets.ipynb, cell 96"
    damage = {"voc2012": ("VOCdevkit/VOC2012/JPEGImages/2008_000003.jpg", "2008_000003.jpg is broken"),
              "sbd": ("SBD/img/2008_000001.jpg", "2008_000001.jpg is broken"),
              "trainaug": ("VOCdevkit/VOC2012/SegmentationClassAug/2008_000001.png", "2008_000001.png"),
              "duts-tr": ("DUTS-TR/DUTS-TR-Mask/c.png", "c.png"),
              "duts-te": ("DUTS-TE/DUTS-TE-Image/c.jpg", "c.jpg is broken"),
              "dut-omron": ("DUT-OMRON/images/c.jpg", "c.jpg is broken"), "ecssd": ("ECSSD/masks/c.png", "c.png"),
              "pascal-s": ("PASCAL-S/masks/c.png", "c.png"), "hku-is": ("HKU-IS/images/c.jpg", "c.jpg is broken"),
              "sod": ("SOD/masks/c.png", "c.png"),
              "pet": ("pet/voc/JPEGImages/beagle_6.jpg", "beagle_6.jpg is broken")}
    with a_world(*(name for name in damage if SETS[name].archives)) as (root, site, sets):
        for name, (file, sentence) in damage.items():
            own = [unpacked(root.parent / "mine" / name, name)] if name in ("hku-is", "sod") else None
            prepare(name, root, own, sets=sets)
            data = (root / file).read_bytes()
            (root / file).unlink()  # a new file: the old bytes have other names as well
            (root / file).write_bytes(data[:60])
            with pytest.raises(InputError, match=f"nothing was deleted(.|\n)*{sentence}"):
                prepare(name, root, check=True, sets=sets)
            (root / file).unlink()
            with pytest.raises(InputError, match="nothing was deleted"): prepare(name, root, check=True, sets=sets)
            (root / file).write_bytes(data)
            prepare(name, root, check=True, sets=sets)



def test_trainaug_has_the_right_names_tags_and_masks():
    "nbs/08_sets.ipynb, cell 98"
    with a_world("voc2012", "sbd") as (root, site, sets):
        prepare("trainaug", root, sets=sets)  # fetches VOC and SBD by itself
        voc = root / "VOCdevkit/VOC2012"
        data = VOCDataset(voc, "trainaug", labels="SegmentationClassAug")
        assert data.names == ["2007_000001", "2007_000002", "2008_000001", "2008_000002"]
        assert all(tags_to_names(data[i]["tags"]) == ["cat", "person"] for i in range(4))
        values = [set(np.unique(data[i]["label"]).tolist()) for i in range(4)]
        expected = [1 + crc32(name.encode()) % 20 for name in data.names]
        assert values == [{0, number, 255} if name.startswith("2007") else {0, number}
                          for name, number in zip(data.names, expected)]  # VOC's own masks have 255, SBD's have none
        (voc / "ImageSets/Segmentation/trainaug.txt").write_text("2007_000001\n2008_000001\n2008_000002\n2007_000003\n")
        with pytest.raises(InputError, match="trainaug holds 2007_000003, a picture of VOC's val(.|\n)*2007_000002, a"):
            prepare("trainaug", root, check=True, sets=sets)
        real = sets | {"trainaug": TRAINAUG}
        with pytest.raises(InputError, match="holds 4 names, but there must be 10,582"):
            prepare("trainaug", root, sets=real)



def test_pet_is_laid_out_for_training():
    "nbs/08_sets.ipynb, cell 99"
    for tags, classes in (("species", ("background", "cat", "dog")), ("breed", ("background", "abyssinian", "beagle"))):
        with a_world("pet") as (root, site, sets):
            assert script("pet", "--root", root, "--tags", tags, sets=sets) == 0
            data = Data.in_folder(root / "pet")
            assert data.classes == classes
            labels = {split: len(data.label_view(None, split)) for split in ("train", "val", "test")}
            assert labels == {"train": 5, "val": 1, "test": 4} and len(data.tag_view(None)) == 5
            assert [len(data.saliency_view(None)), len(data.saliency_view(None, data.val_saliency))] == [4, 1]
            sample = data.label_view(None, "test")[2]
            assert sample["name"] == "beagle_5" and set(np.unique(sample["label"]).tolist()) == {0, 2, 255}
            mask = read_mask(root / "pet/saliency/test/masks/beagle_5.png")
            assert ((sample["label"].numpy() != 0) == mask).all()
            other = {"species": "breed", "breed": "species"}[tags]
            with pytest.raises(InputError, match="laid out with other tags: move it away"):
                prepare("pet", root, tags=other, sets=sets)



def test_a_scoring_set_is_found_by_name():
    "nbs/08_sets.ipynb, cell 104"
    with a_world("voc2012", "ecssd", "pet") as (root, site, sets):
        for name in ("voc2012", "ecssd", "pet"): prepare(name, root, sets=sets)
        assert scoring_set("voc12-val", root) == ScoringSet("segmentation", root / "VOCdevkit/VOC2012", "val")
        assert scoring_set("ecssd", root) == ScoringSet("saliency", root / "ECSSD", "test")
        assert scoring_set("pet-test", root) == ScoringSet("segmentation", root / "pet/voc", "test")
        for name, (key, kind, _, split) in SCORING.items():
            if key not in ("voc2012", "ecssd", "pet") or name == "voc12-test": continue  # VOC's server has its masks
            found = scoring_set(name, root)
            if kind == "segmentation": VOCDataset(found.folder, found.split, labels="SegmentationClass")
            else: SaliencyDataset(found.folder / "images", found.folder / "masks")
        with pytest.raises(InputError, match="HKU-IS is not in .*HKU-IS: run `python data_scripts/hku_is.py --root"):
            scoring_set("hku-is", root)
        with pytest.raises(InputError, match="There is no set 'coco' to score on: there are voc12-val"):
            scoring_set("coco", root)
