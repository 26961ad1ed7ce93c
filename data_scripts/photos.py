"""Compose a data set from photographs: the photographic stamps of Tux Paint, which are cut-outs and free software.

Ten classes come from the stamps' folders (bird, hoofed animal, flower …); the other photographs are salient objects of
no class. About a quarter of the cut-outs is set aside: they appear in the test pictures and nowhere else.

    python data_scripts/photos.py                      # from the installed package, into data/photos
    python data_scripts/photos.py --from stamps.deb    # from the package's file: any system, nothing is installed

It writes what every other data set here looks like: OUT/voc (JPEGImages, Annotations, SegmentationClass, ImageSets,
classes.txt) and OUT/saliency/{train,val,test}/{images,masks}.
"""
import argparse
import csv
import io
import json
import lzma
import re
import shutil
import sys
import tarfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from ssnet.compose import SceneRecipe, Split, build_folder, photographs, write_saliency, write_voc
from ssnet.cutouts import CutOut
from ssnet.files import InputError

STAMPS = "usr/share/tuxpaint/stamps"  # in the package
INSTALLED = Path("/", STAMPS)
HOW_TO_GET = ("the photographs come from Tux Paint's stamps: on Debian, Ubuntu and Colab run `apt install "
              "tuxpaint-stamps-default`; elsewhere download that package's file from "
              "https://packages.debian.org/tuxpaint-stamps-default and give it with `--from FILE.deb`.")

# Beginnings of the stamps' paths. Of two that fit, the longer one decides.
CLASSES = {
    "bird": "animals/birds/",
    "hoofed animal": "animals/mammals/bovines/ animals/mammals/camel/ animals/mammals/deer/ animals/mammals/equines/ "
                     "animals/mammals/giraffe animals/mammals/hippopotamus animals/mammals/pig animals/mammals/rhino "
                     "animals/mammals/wildboar",
    "flower": "plants/flowers/",
    "fruit": "food/fruit/ plants/trees/rambutan",
    "vegetable": "food/vegetables/",
    "fish": "animals/fish/",
    "insect": "animals/insects/",
    "vehicle": "vehicles/ military/vehicles/",
    "musical instrument": "hobbies/music/",
    "carnivore": "animals/mammals/cats/ animals/mammals/dogs/ animals/mammals/bears/ animals/mammals/badger "
                 "animals/mammals/ferret animals/mammals/aquatic/otter animals/mammals/aquatic/sea_lion",
}
# What lies in the folder of a class and is not of it
NO_CLASS = ("animals/fish/lobster animals/fish/shrimp animals/insects/Brown_slug animals/insects/Woodlouse "
            "animals/mammals/bears/toys/ food/vegetables/mushroom vehicles/wheel_tractor")
# Drawings, signs, scenes and doubles: not used. Folders "cartoon" and mirror images are left out as well.
LEFT_OUT = ("symbols/ cartoon/ clothes/ naturalforces/ people/body_parts/ town/flags/ town/houses/ town/roadsigns/ "
            "seasonal/easter/ seasonal/halloween/ seasonal/hanukkah/ seasonal/newyears/ animals/insects/bee "
            "animals/mammals/echidna animals/mammals/hedgehog food/pizza medical/tooth military/final-roll-call "
            "military/fireman seasonal/christmas/Santa seasonal/christmas/bow seasonal/christmas/candy_cane "
            "seasonal/christmas/santahat seasonal/christmas/stocking seasonal/christmas/tree "
            "town/monuments/inukshuk-outline vehicles/7spoke256 vehicles/emergency/sedan_police")


def class_of(
    path: str,     # of a stamp below the stamps' folder, e.g. "animals/birds/duck.png"
) -> int | None:   # 1 … 10 for a class, 0 for an object of no class, None for a stamp that is not used
    "The longest beginning that fits decides."
    rules = {start: number for number, starts in enumerate(CLASSES.values(), 1) for start in starts.split()}
    rules |= dict.fromkeys(NO_CLASS.split(), 0) | dict.fromkeys(LEFT_OUT.split())
    if not path.endswith(".png") or path.endswith("_mirror.png") or "/cartoon/" in path: return None
    fits = [start for start in rules if path.startswith(start)]
    return rules[max(fits, key=len)] if fits else 0


def thing_of(
    path: str,  # of a stamp
) -> str:       # e.g. "lion" for lion.png and lion-2.png
    "The first word of the file's name: pictures that share it may show one thing, and stay together."
    stem = Path(path).stem.lower()
    word = re.search("[a-z]+", stem)
    return word.group() if word else stem


def data_stream(
    file,        # an open .deb
    path: Path,  # its name, for messages
):               # the uncompressed data.tar, to be read from front to back
    "Find data.tar.xz in a Debian package, which is an `ar` archive: a magic word, then 60-byte headers and files."
    end = file.seek(0, io.SEEK_END)
    file.seek(0)
    if file.read(8) != b"!<arch>\n": raise InputError(f"{path} is no Debian package: {HOW_TO_GET}")
    while len(header := file.read(60)) == 60 and header[58:] == b"`\n" and header[48:58].strip().isdigit():
        name, size = header[:16].decode("ascii", "replace").strip().rstrip("/"), int(header[48:58])
        if file.tell() + size > end: break
        if name == "data.tar.xz": return lzma.open(file)
        if name.startswith("data.tar"):
            raise InputError(f"{path} is packed as {name}; only data.tar.xz can be read: fetch Debian's own package.")
        file.seek(size + size % 2, io.SEEK_CUR)
    raise InputError(f"{path} is cut short or broken: download it again.")


def read_deb(
    path: Path,  # a Debian package
) -> dict:       # path below the stamps' folder -> the PNG file, as bytes
    "Read the stamps that are used out of a package. Nothing is unpacked to the disk."
    found = {}
    try:
        with open(path, "rb") as file, data_stream(file, path) as stream:
            tar = tarfile.open(fileobj=stream, mode="r|")
            for member in tar:
                inside, _, name = member.name.removeprefix("./").partition(STAMPS + "/")
                if member.isreg() and not inside and class_of(name) is not None:
                    found[name] = tar.extractfile(member).read()
    except (EOFError, lzma.LZMAError, tarfile.TarError, OSError) as error:
        raise InputError(f"{path} cannot be read to its end ({error}): download it again.") from error
    return found


def read_folder(
    folder: Path,  # the stamps' folder, or an unpacked package
) -> dict:         # path below the stamps' folder -> the PNG file, as bytes
    "Read the stamps that are used out of a folder."
    if (folder / STAMPS).is_dir(): folder = folder / STAMPS
    names = (p.relative_to(folder).as_posix() for p in sorted(folder.rglob("*.png")))
    return {name: (folder / name).read_bytes() for name in names if class_of(name) is not None}


def read_stamps(
    source: Path,  # a .deb, or a folder
) -> dict:         # path below the stamps' folder -> the PNG file, as bytes; sorted
    "The photographic stamps of a package. Raises InputError where there are none."
    if not source.exists(): raise InputError(f"There is nothing at {source}: {HOW_TO_GET}")
    found = read_folder(source) if source.is_dir() else read_deb(source)
    if not found: raise InputError(f"{source} holds no stamps: {HOW_TO_GET}")
    return dict(sorted(found.items()))


def cut_out(
    path: str,        # of the stamp, which becomes the cut-out's name
    data: bytes,      # its PNG file
    side: int = 256,  # the longer side is made no longer than this
) -> CutOut | None:   # None where there is no sharp outline, or under 40 pixels of it
    "A stamp, cropped to its opaque part. Raises InputError where the PNG is broken."
    try: image = Image.open(io.BytesIO(data)).convert("RGBA")
    except Exception as error: raise InputError(f"The stamp {path} is broken ({error}): get it anew.") from error
    alpha = np.asarray(image.getchannel("A"))
    soft, solid = ((alpha > 20) & (alpha < 235)).sum(), (alpha >= 128).sum()
    box = image.getchannel("A").point(lambda a: 255 * (a >= 128)).getbbox()
    if box is None or soft > 0.6 * solid or solid == alpha.size: return None
    image = image.crop(box)
    if max(image.size) < 40: return None
    image.thumbnail((side, side), Image.Resampling.BOX)
    return CutOut(path.removesuffix(".png"), class_of(path), np.asarray(image))


def read_cutouts(
    source: Path,  # a .deb, or a folder
) -> list:         # CutOuts, sorted by name
    "The photographs of a package as cut-outs. Raises InputError."
    return [c for path, data in read_stamps(source).items() if (c := cut_out(path, data))]


def held_out(
    names: list,         # of the cut-outs of one class
    rng,                 # NumPy's generator
    share: float = 0.25,  # of the cut-outs that shall be tested on
) -> set:                # names of the cut-outs for the test pictures
    "Draw things until the share is reached; a thing with more pictures than there is room for is passed over."
    things = {}
    for name in sorted(names): things.setdefault(thing_of(name), []).append(name)
    room, chosen = max(1, round(share * len(names))), set()
    for thing in rng.permutation(sorted(things)):
        if len(chosen) + len(things[thing]) <= room: chosen.update(things[thing])
    return chosen


def split_cutouts(
    cutouts: list,  # all CutOuts
    seed: int = 0,  # another seed, another split
) -> tuple:         # (cut-outs to train with, cut-outs to test with)
    "Split each class, and the objects of no class, by cut-out. Raises InputError where a class has too few."
    rng, test = np.random.Generator(np.random.PCG64(seed)), set()
    for number, name in enumerate(["no class", *CLASSES]):
        names = [c.name for c in cutouts if c.class_index == number]
        chosen = held_out(names, rng)
        if not chosen or len(chosen) == len(names):
            raise InputError(f"There are too few cut-outs of '{name}' ({len(names)}): give the whole stamps package.")
        test |= chosen
    return [c for c in cutouts if c.name not in test], [c for c in cutouts if c.name in test]


LICENCE = """\
The objects in these pictures are stamps of Tux Paint (Debian package tuxpaint-stamps-default),
Copyright 2002-2022 Bill Kendrick and the contributors to Tux Paint, https://tuxpaint.org,
licensed under the GNU General Public License, version 2 or (at your option) any later version:
https://www.gnu.org/licenses/old-licenses/gpl-2.0.html
The package credits no single stamp. cutouts.csv says which stamps were used, and in which split.
The backgrounds are textures made by ssnet, and photographs that scikit-image installs (terms: its data/README.txt).
The composed pictures contain the stamps: pass them on under the same licence.
"""


def write_photos(
    folder: Path,         # an empty folder
    source: Path,         # a .deb, or a folder
    counts: dict,         # number of pictures: "train", "val", "test"
    recipe: SceneRecipe,  # what the composer may do
    seed: int,            # of the split and of the pictures
) -> None:
    "Compose voc/ and saliency/, and write down what they were made from."
    cutouts = read_cutouts(source)
    train, test = split_cutouts(cutouts, seed)
    classes, backgrounds = ["background", *CLASSES], photographs()
    print(f"{len(cutouts)} cut-outs: {len(train)} to train with, {len(test)} to test with.")

    def split(name, share):
        named, others = ([c for c in (test if name == "test" else train) if bool(c.class_index) == x] for x in (1, 0))
        return Split(name, counts[name], named, others, share)
    write_voc(folder / "voc", [split(name, 0.0) for name in counts], classes, backgrounds, recipe, seed)
    write_saliency(folder / "saliency", [split(name, 0.5) for name in counts], backgrounds, recipe, seed)
    rows = [(part, classes[c.class_index] if c.class_index else "", c.name)
            for part, some in (("train", train), ("test", test)) for c in some]
    with open(folder / "cutouts.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("split", "class", "stamp"), *rows])
    (folder / "LICENSE.txt").write_text(LICENCE, encoding="utf-8")


EPILOG = """\
'val' holds new pictures of the cut-outs trained with, 'test' pictures of cut-outs never seen: two kinds of scores.
With the numbers above it takes about two minutes and 230 MB.
Licence of the stamps: GPL 2 or later; LICENSE.txt and cutouts.csv are written beside the data.
"""


def parser():
    "The command line."
    p = argparse.ArgumentParser("photos.py", description=__doc__, epilog=EPILOG,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--from", dest="source", metavar="DEB_OR_FOLDER", type=Path, default=INSTALLED,
                   help="package file, unpacked package, or stamps' folder (default: where the package installs them)")
    p.add_argument("--out", type=Path, default=Path("data/photos"), help="folder to write (default: data/photos)")
    p.add_argument("--size", type=int, default=160, help="side of the pictures in pixels (default: 160)")
    p.add_argument("--train", type=int, default=4000, help="training pictures, of each view (default: 4000)")
    p.add_argument("--val", type=int, default=200, help="validation pictures, of each view (default: 200)")
    p.add_argument("--test", type=int, default=500, help="test pictures, of each view (default: 500)")
    p.add_argument("--seed", type=int, default=0, help="another seed: other pictures, another split (default: 0)")
    p.add_argument("--force", action="store_true", help="compose anew even if OUT holds a set")
    return p


def build(
    args,     # of `parser`
) -> Path:    # the folder with the set
    "Compose the set whole or not at all; with --force the old one is replaced once the new one is complete."
    recipe = SceneRecipe(size=args.size, photo=0.6, tint=0.1)  # more photographs behind, truer colours
    counts = {"train": args.train, "val": args.val, "test": args.test}
    if args.size < 32 or min(counts.values()) < 1: raise InputError("--size must be 32 or more, the counts 1 or more.")
    settings = {"made_by": "photos.py", "counts": counts, "seed": args.seed, "recipe": asdict(recipe)}
    record = args.out / "composed.json"
    replace = args.force and record.is_file()  # --force never deletes a folder that this script did not make
    if record.is_file() and not replace and json.loads(record.read_text()) != json.loads(json.dumps(settings)):
        raise InputError(f"{args.out} was composed with other settings: add --force, or choose another --out.")
    folder = args.out.with_name(f".{args.out.name}.new") if replace else args.out
    if replace: shutil.rmtree(folder, ignore_errors=True)
    build_folder(folder, settings, lambda part: write_photos(part, args.source, counts, recipe, args.seed))
    if not replace: return folder
    shutil.rmtree(args.out)
    return folder.rename(args.out)


def main(
    arguments=None,  # list of words; default: the command line
) -> int:            # exit status
    "Run the script; what cannot be done is said in one sentence."
    try: folder = build(parser().parse_args(arguments))
    except (InputError, OSError) as error:
        print(f"photos.py: {error}", file=sys.stderr)
        return 1
    print(f"Photographs are in {folder}: voc/ for tags and label masks, saliency/ for saliency masks.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
