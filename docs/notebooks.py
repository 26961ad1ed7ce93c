"""Cells of our notebooks as readers of the site see them: directives become captions, tests and helpers fold."""
import ast
import json
import re
from configparser import ConfigParser
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT / "nbs"
SETTINGS = ConfigParser(delimiters=["="], interpolation=None)
SETTINGS.read(ROOT / "settings.ini", encoding="utf-8")
PROJECT = SETTINGS["DEFAULT"]
GITHUB = f"https://github.com/{PROJECT['user']}/{PROJECT['repo']}/blob/{PROJECT['branch']}"
COLAB = GITHUB.replace("https://github.com", "https://colab.research.google.com/github")
BADGE = re.compile(r"\[!\[[^\]]*\]\(\S*?badge\S*?\)\]\((\S+?)\)")


def read(path):
    "The cells of the notebook `path`, each source and text output as one string."
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for cell in cells: cell["source"] = "".join(cell["source"])
    return cells


def title(path):
    "The first heading of the notebook `path`."
    return re.search(r"^# (.+)$", read(path)[0]["source"], re.M)[1]


def lead(path):
    "The first sentence below the first heading of the notebook `path`, badges and links left out."
    text = BADGE.sub("", read(path)[0]["source"]).split("\n", 1)[1].strip().split("\n\n")[0]
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.split(r"(?<=[.?!:])\s+(?=[A-Z])", text)[0].rstrip(":")


def module(path):
    "The module that the notebook `path` exports to, or ''."
    found = [re.match(r"#\| default_exp (\w+)", c["source"]) for c in read(path) if c["cell_type"] == "code"]
    return next((m[1] for m in found if m), "")


def definitions(source):
    "The names that `source` defines by def and class, and whether it only imports (and sets things up by calls)."
    try: body = ast.parse(source).body
    except SyntaxError: return [], False  # a cell with a `%` or `!` line
    names = [n.name for n in body if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    rest = [n for n in body if not isinstance(n, (ast.Import, ast.ImportFrom))]
    return names, len(rest) < len(body) and all(isinstance(n, ast.Expr) for n in rest)


def links(path, name):
    "The line below a notebook's title: Colab, GitHub, the page of its module."
    place = quote(path.relative_to(ROOT).as_posix())
    api = f"[API: `ssnet.{name}`](/api/{name}.rst)" if name else ""
    return f":::{{container}} ways\n[Open in Colab]({COLAB}/{place}) [On GitHub]({GITHUB}/{place}) {api}\n:::\n\n"


def outside(path, text):
    "`text` with links to files that are no page of the site turned into links to GitHub."
    def to(match):
        target = (path.parent / match[1]).resolve()
        if target == ROOT / "CONTRIBUTING.md": return "](/contributing.md"
        if target == ROOT / "assignments/README.md": return "](/assignments/README.md"
        staged = target.suffix in (".ipynb", ".png", ".jpg", ".svg") or not target.exists()
        return match[0] if staged else f"]({GITHUB}/{target.relative_to(ROOT).as_posix()}"
    return re.sub(r"\]\((?!\w+:)([^)#\s]+)", to, text)


def prose(path, text):
    "Markdown of the notebook `path` for the site: no picture from another host, HTML anchors as MyST's."
    text = BADGE.sub(r"[Open in Colab](\1)", text)
    text = re.sub(r'<a (?:id|name)="([^"]+)">\s*</a>', r"[]{#\1}", text)
    text = re.sub(r"(\.ipynb#)([^)\s]+)", lambda m: m[1] + m[2].lower(), text)  # headings: Jupyter keeps capitals, MyST does not
    return outside(path, text)


def markdown(text):
    "A markdown cell."
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def fold(cell, summary):
    "Make the code of `cell` fold under `summary`."
    cell["metadata"] = {"tags": ["hide-input"], "mystnb": {"code_prompt_show": summary, "code_prompt_hide": summary}}


def exported(cell, name):
    "A caption that links the definitions of an exported cell to the API, and the cell itself."
    names, only_imports = definitions(cell["source"])
    if only_imports: return fold(cell, f"Imports of ssnet.{name}") or [cell]
    made = "".join(f" {{py:obj}}`{n} <ssnet.{name}.{n}>`" for n in names)
    place = f"exported to {{py:mod}}`ssnet.{name}`{':' * bool(made)}{made}"
    return [markdown(f":::{{container}} exported\n{place}\n:::"), cell]


def code(cell, name, path):
    "The cells that stand for a code cell on the site: none, itself, or a caption and itself."
    match = re.match(r"#\|[ \t]*(\w+)[ \t]*(.*)\n?", cell["source"])
    kind, argument = match.groups() if match else ("", "")
    cell["source"] = cell["source"][match.end() if match else 0:]
    if not cell["source"].strip() or (cell["source"].startswith("try:\n    import ssnet") and "%pip" in cell["source"]):
        return []
    if kind == "export": return exported(cell, name)
    if kind == "hide_input":
        texts = [o["data"]["text/markdown"] for o in cell["outputs"] if "text/markdown" in o.get("data", {})]
        if texts: return [markdown(prose(path, "".join(t))) for t in texts]
        cell["metadata"] = {"tags": ["remove-input"]}
    elif kind == "test": fold(cell, f"Test: {argument.strip().replace('_', ' ')}")
    elif kind == "helper": fold(cell, f"Helper: {', '.join(definitions(cell['source'])[0]) or 'constants'}")
    elif definitions(cell["source"])[1] and not cell["outputs"]: fold(cell, "Imports")
    return [cell]


def prepare(path):
    "The notebook `path` for the site, as a dict."
    notebook, name = json.loads(path.read_text(encoding="utf-8")), module(path)
    cells = []
    for cell in read(path):
        if cell["cell_type"] == "code": cells += code(cell, name, path)
        else: cells.append(markdown(cell["source"]))
    head, _, rest = cells[0]["source"].partition("\n")
    cells[0]["source"] = f"{head}\n\n{links(path, name)}{BADGE.sub('', rest, count=1).strip()}"
    for cell in cells:
        if cell["cell_type"] == "markdown": cell["source"] = prose(path, cell["source"])
    for number, cell in enumerate(cells): cell["id"] = f"cell-{number}"
    return notebook | {"cells": cells}
