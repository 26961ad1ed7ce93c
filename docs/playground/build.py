"""Write what the playground page needs into one folder, which the site serves as `_static/playground/`.

    python docs/playground/build.py [--checkpoint FILE_OR_FOLDER] [--out FOLDER] [--node-modules FOLDER]

The folder gets the network as ONNX, onnxruntime-web (CPU), the sample pictures with their label masks, `about.json`
and the page's own scripts. Without --checkpoint it is the tiny network of the package.
"""
import argparse
import io
import json
import shutil
import sys
from pathlib import Path

from PIL import Image

from ssnet.checkpoint import load_network
from ssnet.compose import SceneRecipe, Split, photographs, scene_at
from ssnet.cutouts import openmoji_cutouts
from ssnet.files import InputError, write_picture, write_whole
from ssnet.labels import VOC_CLASSES, voc_palette
from ssnet.share import export_onnx
from ssnet.show import IMAGENET_MEAN, IMAGENET_STD

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PAGE_FILES = ("playground.js", "maths.js", "worker.js", "playground.css")
# The smallest build of onnxruntime-web: WebAssembly on the CPU. It runs on one thread (worker.js says so), because
# GitHub Pages does not send the headers that a browser wants for several.
RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")

# name -> (split, number of the picture, what it shows). New scenes, composed as the test sets are: in the split `test`
# the drawings were trained on, in `test_unseen` they were not. The last two were chosen because the network errs.
SAMPLES = {
    "horse-and-swan": ("test", 5, "A horse's head and a swan"),
    "screen-and-chair": ("test", 14, "A deck chair before a screen"),
    "dog-and-bus": ("test", 10, "A dog's head and a small bus"),
    "ship": ("test_unseen", 30, "A ship"),
    "trolleybus-and-cat": ("test_unseen", 22, "A trolleybus and a cat's head"),
    "bottle": ("test_unseen", 11, "A bottle"),
}
ENLARGED = 3  # scenes are composed at three times the size that the network sees, to look good


def sample_scene(
    split: str,  # "test" or "test_unseen"
    index: int,  # number of the picture
):               # a `Scene`, always the same
    "A test scene; blur grows with the picture, so that the network sees what it was tested on."
    plain = SceneRecipe()
    recipe = SceneRecipe(size=ENLARGED * plain.size, blur=ENLARGED * plain.blur)
    glyphs = openmoji_cutouts("train" if split == "test" else "unseen", size=128 * ENLARGED)
    clutter = openmoji_cutouts("unseen", classes=False, size=128 * ENLARGED)
    return scene_at(Split(split, index + 1, glyphs, clutter), index, photographs(), recipe, 0, "voc")


def write_sample(
    folder: Path,  # for pictures
    name: str,     # key of SAMPLES
) -> dict:         # what the page must know of it
    "Picture (JPEG, colours at full size) and label mask (grey PNG of class numbers) of one sample."
    split, index, alt = SAMPLES[name]
    scene, picture = sample_scene(split, index), io.BytesIO()
    Image.fromarray(scene.image).save(picture, "JPEG", quality=90, subsampling=0)
    write_whole(folder / f"{name}.jpg", picture.getvalue())
    write_picture(folder / f"{name}_truth.png", Image.fromarray(scene.label))
    return {"name": name, "picture": f"samples/{name}.jpg", "truth": f"samples/{name}_truth.png", "alt": alt,
            "seen": split == "test"}


def write_network(
    out: Path,                      # the folder
    checkpoint: str | Path | None,  # None: the network of the package
) -> dict:                          # what the page must know of it
    "The network as ONNX for pictures of its own size."
    net, about = load_network(checkpoint)
    size = about.recipe.size
    export_onnx(net, out / "ssnet.onnx", (size, size), about.classes)
    return {"network": None if checkpoint is None else "/".join(Path(checkpoint).parts[-2:]), "size": size,
            "classes": list(about.classes), "colors": voc_palette()[:len(about.classes)].tolist(),
            "mean": IMAGENET_MEAN, "std": IMAGENET_STD}


def copy_files(
    out: Path,           # the folder
    node_modules: Path,  # where npm put onnxruntime-web
) -> None:
    "The page's own files, and onnxruntime-web. InputError where it is missing."
    runtime = node_modules / "onnxruntime-web"
    missing = [name for name in RUNTIME_FILES if not (runtime / "dist" / name).is_file()]
    if missing: raise InputError(f"{runtime} has no dist/{missing[0]}: run npm install in docs/ first.")
    for name in PAGE_FILES: write_whole(out / name, (HERE / name).read_bytes())
    for name in RUNTIME_FILES: write_whole(out / name, (runtime / "dist" / name).read_bytes())


def build(
    out: Path,                             # the folder to fill; served as `_static/playground/`
    node_modules: Path,                    # where npm put onnxruntime-web
    checkpoint: str | Path | None = None,  # of `load_network`; None: the network of the package
) -> Path:                                 # the folder
    "All files of the playground but its page. Raises InputError."
    out, node_modules = Path(out), Path(node_modules)
    copy_files(out, node_modules)
    about = write_network(out, checkpoint)
    shutil.rmtree(out / "samples", ignore_errors=True)
    knows_them = tuple(about["classes"]) == VOC_CLASSES
    if not knows_them: print("The samples show VOC's classes, the network knows others: the page has no samples.")
    about["samples"] = [write_sample(out / "samples", name) for name in SAMPLES] if knows_them else []
    about["bytes"] = sum((out / name).stat().st_size for name in ("ssnet.onnx", *RUNTIME_FILES))
    write_whole(out / "about.json", json.dumps(about, indent=1).encode())
    return out


def main() -> int:
    "The command line; what cannot be done is said in one sentence."
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", type=Path, default=ROOT / "_docs/_static/playground", help="(default: in _docs)")
    p.add_argument("--checkpoint", help="a checkpoint, or the folder of a training (default: the package's network)")
    p.add_argument("--node-modules", type=Path, default=ROOT / "docs/node_modules", help="(default: docs/node_modules)")
    args = p.parse_args()
    try:
        out = build(args.out, args.node_modules, args.checkpoint)
    except (InputError, OSError) as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"{out}: {size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__": sys.exit(main())
