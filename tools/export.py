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


DIRECTIVES = ("default_exp", "export", "test", "helper", "hide_input")


def code_cells(path):
    "The code cells of notebook `path`: a list of (number, directive, argument, source)."
    found = []
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        match = re.match(r"#\| (\w+)[ \t]*(.*)", source)
        directive, argument = match.groups() if match else ("", "")
        if len(re.findall(r"^\s*#\s*\|", source, re.M)) != bool(match) or (match and directive not in DIRECTIVES):
            sys.exit(f"{path.name}, cell {number}: a directive stands in the first line, as `#| NAME`, "
                     f"and is one of {', '.join(DIRECTIVES)}")
        found.append((number, directive, argument.strip(), source))
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


def test_function(shown, number, name, source):
    "The cell `source` as a function; stops where that would change what it says."
    body = source.split("\n", 1)[1].strip("\n") if "\n" in source else ""
    text = f'def test_{name}():\n    "{shown}, cell {number}"\n{textwrap.indent(body, "    ")}\n'
    if not re.fullmatch(r"[a-z]\w*", name): sys.exit(f"{shown}, cell {number}: '{name}' is no name for a test")
    if not body: sys.exit(f"{shown}, cell {number}: the test '{name}' is empty")
    if ast.dump(ast.Module(ast.parse(text).body[0].body[1:], [])) != ast.dump(ast.parse(body)):
        sys.exit(f"{shown}, cell {number}: a text of several lines changes when it is indented; put it into a helper cell")
    return text


class Names:
    "Where the names that tests use come from: the notebook's exports, its imports, its helper cells."

    def __init__(self, shown, cells):
        self.shown, self.needed, self.used = shown, set(), []
        self.module = next((arg for _, d, arg, _ in cells if d == "default_exp"), None)
        self.exported = {name for _, d, _, src in cells if d == "export" for name in top_level_names(src)}
        self.imports = {k: v for _, _, _, src in cells if is_python(src) for k, v in imports_of(src).items()}
        self.helpers = {name: src for _, d, _, src in cells if d == "helper" for name in top_level_names(src)}

    def resolve(self, number, source):
        "Note the imports and helpers that `source` needs; stop where a name comes from elsewhere."
        for name in sorted(free_names(ast.parse(source))):
            helper = self.helpers.get(name)
            if helper and helper not in self.used:
                self.used.append(helper)
                self.resolve(number, helper)
            elif name in self.exported: self.needed.add(f"from ssnet.{self.module} import {name}")
            elif name in self.imports: self.needed.add(self.imports[name])
            elif not helper:
                sys.exit(f"{self.shown}, cell {number}: the test reads '{name}', which its notebook neither exports nor "
                         "imports; define it in the test or mark the cell that defines it `#| helper`")


def test_file(path, root):
    "The text of the test file of notebook `path`, or None where it has no test cell."
    cells, shown = code_cells(path), path.relative_to(root).as_posix()
    tests = [(number, name, source) for number, directive, name, source in cells if directive == "test"]
    if len({name for _, name, _ in tests}) < len(tests): sys.exit(f"{shown}: two tests have the same name")
    names = Names(shown, cells)
    for number, _, source in tests: names.resolve(number, source)
    order = [source for _, _, _, source in cells]
    blocks = [source.split("\n", 1)[1].strip("\n") for source in sorted(names.used, key=order.index)]
    bodies = [test_function(shown, *test) for test in tests]
    head = f'"Made from {shown} by tools/export.py: change the notebook, then `make export`."'
    return "\n\n\n".join(["\n".join([head, *sorted(names.needed)]), *blocks, *bodies]) if tests else None


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
    text = re.sub(r"\]\((?=[\w./-]+\.ipynb|images/)", "](nbs/", text)
    return text.replace("](../", "](")


def notebooks(root):
    "The notebooks below nbs/, in order."
    return sorted(p for p in (root / "nbs").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)


def export(root):
    "Write ssnet/, tests/ and README.md below `root` from its notebooks."
    for old in (root / "ssnet").rglob("*.py"): old.unlink()
    (root / "ssnet").mkdir(exist_ok=True)
    command = [sys.executable, "-c", "from nbdev.doclinks import nbdev_export; nbdev_export()"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if done.returncode: sys.exit(f"nbdev could not export the notebooks:\n{done.stdout}{done.stderr}")
    tests = root / "tests"
    shutil.rmtree(tests, ignore_errors=True)
    tests.mkdir()
    (tests / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    for path in notebooks(root):
        text = test_file(path, root)
        target = tests / f"test_{re.sub(r'^[0-9]+_', '', path.stem)}.py"
        if text and target.exists(): sys.exit(f"Two notebooks would both become {target.name}: rename one.")
        if text: target.write_text(text, encoding="utf-8")
    if (root / "nbs/index.ipynb").exists(): (root / "README.md").write_text(readme(root), encoding="utf-8")


def check(root):
    "Export a copy of the sources; print how the tree differs from it; return whether it does."
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(root, copy, ignore=shutil.ignore_patterns(".venv*", ".git", "runs", "data", "*.egg-info", "node_modules", "_docs", "build"))
        if (root / "ssnet/data").exists(): shutil.copytree(root / "ssnet/data", copy / "ssnet/data")
        export(copy)
        changed = False
        for name in GENERATED:
            done = subprocess.run(["diff", "-ru", "-x", "__pycache__", str(root / name), str(copy / name)],
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
