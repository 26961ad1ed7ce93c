"""Check what stands in the notebooks beside their code: python tools/check_notebooks.py

Every notebook but the index opens in Colab; the glossary's names are in the package; no notebook is over 500 KB, and all
together are under 8 MB. (Links are checked by docs/check_links.py, with those of the site.)
"""
import importlib
import json
import pkgutil
import re
import sys
from configparser import ConfigParser

from export import ROOT, notebooks

SETTINGS = ConfigParser(delimiters=["="], interpolation=None)
SETTINGS.read(ROOT / "settings.ini", encoding="utf-8")
OURS = "{user}/{repo}".format_map(SETTINGS["DEFAULT"])
BADGE = f"colab.research.google.com/github/{OURS}/blob/{SETTINGS['DEFAULT']['branch']}/"
INSTALL = "try:\n    import ssnet\nexcept ImportError:  # a clean Colab runtime: about 2 minutes"


def cells(path):
    "The sources of the cells of a notebook, with their kinds."
    return [(c["cell_type"], "".join(c["source"])) for c in json.loads(path.read_text(encoding="utf-8"))["cells"]]


def not_for_colab(path):
    "What a notebook lacks to open in a clean Colab runtime."
    place = path.relative_to(ROOT).as_posix()
    if f"{BADGE}{place})" not in cells(path)[0][1]: yield f"the first cell has no Colab badge that leads to {BADGE}{place}"
    code = [source for kind, source in cells(path) if kind == "code"]
    if code and not (code[0].startswith(INSTALL) and f"github.com/{OURS}" in code[0]):
        yield f"the first code cell does not install ssnet from github.com/{OURS} where it is missing"


def unknown_names(path):
    "Names of the glossary's code column that the package does not have."
    import ssnet
    modules = [importlib.import_module(f"ssnet.{m.name}") for m in pkgutil.iter_modules(ssnet.__path__)]
    for row in re.findall(r"^\| <a id.*", "\n".join(source for _, source in cells(path)), re.M):
        for name in re.findall(r"`([\w.]+)`", row.split(" | ")[2]):
            head, _, field = name.partition(".")
            owner = next((getattr(m, head) for m in modules if hasattr(m, head)), None)
            fields = [*getattr(owner, "__annotations__", {}), *dir(owner)]
            if owner is None or (field and field not in fields): yield f"the package has no '{name}'"


def findings():
    "Every complaint, with the file that it is about."
    paths = notebooks(ROOT)
    for path in paths:
        found = list(not_for_colab(path)) if path.stem != "index" else []
        if path.stem == "glossary": found += unknown_names(path)
        if path.stat().st_size > 500_000: found.append(f"{path.stat().st_size / 1e3:.0f} KB are more than 500")
        yield from (f"{path.relative_to(ROOT)}: {text}" for text in found)
    total = sum(p.stat().st_size for p in paths) / 1e6
    if total >= 8: yield f"nbs: {total:.2f} MB of notebooks are not under 8"
    print(f"{len(paths)} notebooks, {total:.2f} MB")


if __name__ == "__main__":
    complaints = list(findings())
    if complaints: sys.exit("\n".join(complaints))
    print("Colab cells, the glossary's names and sizes: all right.")
