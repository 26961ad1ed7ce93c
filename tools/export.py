"""Export the notebooks: `ssnet/*.py` by nbdev, `tests/test_*.py` and `README.md` by this script.

    python tools/export.py           write them
    python tools/export.py --check   write them elsewhere, show the difference, exit 1 if there is one

A cell that starts with `#| test some_name` becomes `def test_some_name()` in `tests/test_<notebook>.py`.
A cell that starts with `#| helper` is copied above the tests. A test may use what its notebook exports,
what its notebook imports, and the names of helper cells: anything else stops the export with the name.
"""
import ast
import builtins
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GENERATED = ("ssnet", "tests", "README.md")

CONFTEST = '''"A failing test names the notebook and the cell that it was made from. Made by tools/export.py."
import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        report.sections.append(("made from", item.function.__doc__ or "an unnamed cell"))
'''


def code_cells(path):
    "The code cells of notebook `path`: a list of (number, directive, argument, source)."
    found = []
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        match = re.match(r"#\|\s*(\w+)[ \t]*(.*)", source)
        found.append((number, *(match.groups() if match else ("", "")), source))
    return found


def bound_names(tree):
    "Names that the code of `tree` defines anywhere: assignments, arguments, imports, functions."
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load): names.add(node.id)
        elif isinstance(node, ast.arg): names.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name: names.add(node.name)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)): names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {a.asname or a.name.split(".")[0] for a in node.names}
    return names


def free_names(tree):
    "Names that the code of `tree` reads and does not define itself."
    loads = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return loads - bound_names(tree) - set(dir(builtins))


def top_level_names(source):
    "Names that `source` defines at its top level, imports left out."
    tree = ast.parse(source)
    body = [n for n in tree.body if not isinstance(n, (ast.Import, ast.ImportFrom))]
    names = {n.name for n in body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    plain = [n for n in body if not isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    return names | {x.id for n in plain for x in ast.walk(n) if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store)}


def imports_of(source):
    "The import statements at the top level of `source`: a dict of name to statement."
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for a in node.names:
                alias = ast.unparse(a)
                found[a.asname or a.name.split(".")[0]] = (
                    f"import {alias}" if isinstance(node, ast.Import) else f"from {node.module} import {alias}")
    return found


def is_python(source):
    "Whether a cell is plain Python (no `%` or `!` line)."
    return not re.search(r"^\s*[%!]", source, re.M)


def test_file(path, root):
    "The text of the test file of notebook `path`, or None where it has no test cell."
    cells = code_cells(path)
    shown = path.relative_to(root).as_posix()
    tests = [(n, arg.strip(), src) for n, directive, arg, src in cells if directive == "test"]
    if not tests:
        return None
    module = next((arg.strip() for _, directive, arg, _ in cells if directive == "default_exp"), None)
    exported = {name for _, d, _, src in cells if d == "export" for name in top_level_names(src)}
    imports = {k: v for _, _, _, src in cells if is_python(src) for k, v in imports_of(src).items()}
    helpers = {name: src for _, d, _, src in cells if d == "helper" for name in top_level_names(src)}
    needed, used_helpers = set(), []

    def resolve(number, source):
        for name in sorted(free_names(ast.parse(source))):
            if name in helpers:
                if helpers[name] not in used_helpers:
                    used_helpers.append(helpers[name])
                    resolve(number, helpers[name])
            elif name in exported: needed.add(f"from ssnet.{module} import {name}")
            elif name in imports: needed.add(imports[name])
            else: sys.exit(f"{shown}, cell {number}: the test reads '{name}', which its notebook neither exports nor "
                           f"imports; define it in the test or mark the cell that defines it `#| helper`")

    bodies = []
    for number, name, source in tests:
        if not re.fullmatch(r"[a-z]\w*", name): sys.exit(f"{shown}, cell {number}: '{name}' is no name for a test")
        if f"def test_{name}()" in "".join(bodies): sys.exit(f"{shown}, cell {number}: there are two tests '{name}'")
        resolve(number, source)
        body = source.split("\n", 1)[1].strip("\n")
        bodies.append(f'def test_{name}():\n    "{shown}, cell {number}"\n{textwrap.indent(body, "    ")}\n')
    order = {src: i for i, (_, _, _, src) in enumerate(cells)}
    blocks = [src.split("\n", 1)[1].strip("\n") for src in sorted(used_helpers, key=order.get)]
    head = f'"Made from {shown} by tools/export.py: change the notebook, then `make export`."'
    return head + "\n" + "\n".join(sorted(needed)) + "\n\n\n" + "\n\n\n".join([*blocks, *bodies])


def readme(root):
    "README.md from nbs/index.ipynb: its prose, and the text its cells print."
    cells = json.loads((root / "nbs/index.ipynb").read_text(encoding="utf-8"))["cells"]
    parts = []
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown": parts.append(source)
        elif not re.match(r"#\|\s*hide", source): parts.append(f"```python\n{source}\n```")
        for out in cell.get("outputs", []):
            text = out.get("data", {}).get("text/markdown")
            if text: parts.append("".join(text))
    text = "\n\n".join(parts) + "\n"
    text = re.sub(r"\]\((?=[\w./-]+\.ipynb)", "](nbs/", text)
    return re.sub(r"\]\((?=images/)", "](nbs/", text)


def notebooks(root):
    "The notebooks below nbs/, in order."
    return sorted(p for p in (root / "nbs").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)


def export(root):
    "Write ssnet/, tests/ and README.md below `root` from its notebooks."
    command = [sys.executable, "-c", "from nbdev.doclinks import nbdev_export; nbdev_export()"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if done.returncode: sys.exit(f"nbdev could not export the notebooks:\n{done.stdout}{done.stderr}")
    tests = root / "tests"
    shutil.rmtree(tests, ignore_errors=True)
    tests.mkdir()
    (tests / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    for path in notebooks(root):
        text = test_file(path, root)
        if text: (tests / f"test_{re.sub(r'^[0-9]+_', '', path.stem)}.py").write_text(text, encoding="utf-8")
    if (root / "nbs/index.ipynb").exists(): (root / "README.md").write_text(readme(root), encoding="utf-8")


def check(root):
    "Export a copy of the sources; print how the tree differs from it; return whether it does."
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(root, copy, ignore=shutil.ignore_patterns(".venv*", ".git", "runs", "data", "*.egg-info"))
        if (root / "ssnet/data").exists(): shutil.copytree(root / "ssnet/data", copy / "ssnet/data")
        for name in copy.glob("ssnet/*.py"): name.unlink()
        export(copy)
        changed = False
        for name in GENERATED:
            done = subprocess.run(["diff", "-ruN", "-x", "__pycache__", str(root / name), str(copy / name)],
                                  capture_output=True, text=True)
            print(done.stdout.replace(str(copy), "fresh export").replace(f"{root}{os.sep}", ""), end="")
            changed |= done.returncode != 0
    return changed


if __name__ == "__main__":
    if "--check" in sys.argv:
        if check(ROOT): sys.exit("What is committed differs from a fresh export (above): run `make export`.")
        print("ssnet/, tests/ and README.md are what the notebooks export.")
    else:
        export(ROOT)
