"""Make the student's version of an assignment, and prove that it gives nothing away.

    python assignments/tools/release.py a1               the variant of the source
    python assignments/tools/release.py a1 --seed 2027   another year's numbers and pictures
    python assignments/tools/release.py a1 --out DIR     instead of assignments/release
"""
import argparse
import logging
import os
import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import course
import nbformat
from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

# nbgrader starts `alembic` by its name; it stands beside this Python, which need not be an activated environment.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
TEXT_STUB = "*Write your answer here.*"
NOT_FOR_STUDENTS = shutil.ignore_patterns(".*", "__pycache__", "*.pyc", "*.ipynb")
PLACES = re.compile(r"(?:/home/|/root/|/Users/|/work/|/tmp/|[A-Z]:\\Users)[^\s\"']*")  # where a machine keeps files
SHORT = 12  # a line of fewer characters, such as `return out`, gives nothing away


# The private nbgrader course

def config(folder):
    "nbgrader's settings for the course in `folder`; grading uses the same."
    c, folder = Config(), Path(folder).resolve()
    c.CourseDirectory.root = str(folder)
    c.CourseDirectory.course_id = "ssnet"
    c.CourseDirectory.db_url = f"sqlite:///{folder / 'gradebook.db'}"
    c.NbGrader.logfile = ""
    c.ClearSolutions.code_stub = {"python": CODE_STUB}
    c.ClearSolutions.text_stub = TEXT_STUB
    return c


def source(assignment):
    "The folder with the assignment's source."
    folder = course.COURSE / "source" / assignment
    if re.fullmatch(r"\w+", assignment) and (folder / f"{assignment}.ipynb").is_file(): return folder
    known = ", ".join(sorted(p.stem for p in course.COURSE.glob("source/*/*.ipynb") if p.stem == p.parent.name))
    raise ValueError(f"there is no assignment {assignment}; there are: {known}")


def whole(seed):
    "The seed as a number."
    if re.fullmatch(r"[0-9]{1,9}", str(seed)): return int(seed)
    raise ValueError(f"the seed {seed} is no whole number from 0 to 999999999")


def variant(assignment, seed):
    "The text of checks.py for a seed, and what changes from year to year: its V."
    file = source(assignment) / "checks.py"
    if not file.is_file(): raise ValueError(f"source/{assignment} has no checks.py")
    text = course.with_seed(file.read_text(encoding="utf-8"), whole(seed))
    return text, course.load_module("checks", text, file).V


def fill(text, values, where):
    "Markdown with each {{name}} replaced by the variant's value of that name."
    def value(found):
        name = found[1].strip()
        if not hasattr(values, name): raise ValueError(f"{where}: {found[0]} is no value of the variant in checks.py")
        return str(getattr(values, name))
    return re.sub(r"\{\{([^{}]*)\}\}", value, text)


def filled(assignment, seed, values):
    "The notebook with solutions of one variant."
    notebook = nbformat.read(source(assignment) / f"{assignment}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown": cell.source = fill(cell.source, values, f"{assignment}.ipynb, cell {cell.id}")
    notebook.metadata["ssnet"] = {"assignment": assignment, "seed": whole(seed)}
    return notebook


def make_course(assignment, seed, folder):
    "Write an nbgrader course into `folder`: source/a1, release/a1 and gradebook.db; return the folder."
    text, values = variant(assignment, seed)
    notebook, folder = filled(assignment, seed, values), Path(folder).resolve()
    if re.search(r"[\[\]*?{}]", str(folder)):
        raise ValueError(f"nbgrader cannot work in {folder}: it holds one of []*?{{}}")
    target = folder / "source" / assignment
    for old in (target, folder / "release" / assignment): shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(source(assignment), target, ignore=NOT_FOR_STUDENTS)
    (target / "checks.py").write_text(text, encoding="utf-8")
    nbformat.write(notebook, target / f"{assignment}.ipynb")
    settings = config(folder)
    settings.CourseDirectory.assignment_id = assignment
    generate(GenerateAssignment(coursedir=CourseDirectory(config=settings), config=settings))
    return folder


def generate(converter):
    "Run nbgrader; raise ValueError with its reason where it fails, which it writes into its log alone."
    said, handler = [], logging.Handler(logging.ERROR)
    handler.emit = lambda record: said.append(record.getMessage())
    converter.log.addHandler(handler)
    try: converter.start()
    except NbGraderException as error:
        reasons = re.findall(r"^[\w.]*(?:Error|Exception): (.*)", "\n".join(said), re.M) or said
        raise ValueError(f"nbgrader refuses {converter.coursedir.assignment_id}: {reasons[0]}") from error
    finally: converter.log.removeHandler(handler)


# What must not be in a release

def flat(text):
    "Text with each run of blanks as one space."
    return " ".join(text.split())


def sort_lines(notebook):
    "The notebook's lines by who may read them: {'public': [...], 'solution': [...], 'hidden test': [...]}."
    lines = {"public": [], "solution": [], "hidden test": []}
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader", {})
        kind = whole_cell = "solution" if marks.get("solution") and "BEGIN SOLUTION" not in cell.source else "public"
        for line in cell.source.split("\n"):
            if "BEGIN SOLUTION" in line: kind = "solution"
            elif "BEGIN HIDDEN TESTS" in line: kind = "hidden test"
            elif "END SOLUTION" in line or "END HIDDEN TESTS" in line: kind = whole_cell
            else: lines[kind].append(flat(line))
    return lines


def text_lines(path):
    "The lines of a text file, blanks joined."
    return [flat(line) for line in path.read_text(encoding="utf-8").split("\n")]


def secrets(assignment):
    "{line: what it is} of the lines that no student may see and that tell something."
    lines = sort_lines(course.notebook(assignment))
    prose = "\n".join(lines.pop("public"))
    public = "\n".join([prose, *text_lines(source(assignment) / "checks.py")])
    lines["hidden check"] = text_lines(course.COURSE / f"hidden/{assignment}.py")
    return {line: kind for kind, group in lines.items() for line in group
            if len(line) >= SHORT and line not in (prose if kind == "solution" else public)}


def strings(value):
    "All text in a notebook, or in a part of it."
    if isinstance(value, dict): return [text for key, part in value.items() for text in [str(key), *strings(part)]]
    if isinstance(value, (list, tuple)): return [text for part in value for text in strings(part)]
    return [value] if isinstance(value, str) else []


def told(text, secret):
    "What a file's text gives away."
    found = [f"{word!r}" for word in ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TESTS") if word in text]
    found += [f"the hidden module: {m!r}" for m in re.findall(r"(?:import|from) hidden\b|\bhidden\.check\w*", text)]
    found += [f"a path of a machine: {place}" for place in PLACES.findall(text)]
    lines = "\n".join(map(flat, text.split("\n")))
    return found + [f"a line of a {kind}: {line}" for line, kind in secret.items() if line in lines]


def wrong_cells(notebook, original):
    "What is wrong with the cells of a released notebook."
    found, marks = [], [(c, c.metadata.get("nbgrader", {})) for c in notebook.cells]
    for cell, mark in marks:
        name = mark.get("grade_id") or cell.id
        if cell.get("outputs"): found.append(f"{name} has an output")
        if cell.get("execution_count") is not None: found.append(f"{name} has an execution count")
        places = re.findall(r"\{\{[^{}]*\}\}", cell.source) if cell.cell_type == "markdown" else []
        found += [f"{name}: {place} is not filled in" for place in places]
        if mark.get("grade") and not isinstance(mark.get("points"), (int, float)): found.append(f"{name} has no points")
        if mark and not mark.get("grade_id"): found.append(f"{name} has nbgrader's metadata and no id")
        named = f"{name}:" in cell.source.split("\n")[0] or not (mark.get("grade") or mark.get("solution"))
        if not named: found.append(f"{name} does not begin with a line that names it")
    ids = [mark.get("grade_id") for _, mark in marks if mark]
    found += [f"{i} stands twice" for i in sorted({i for i in ids if i and ids.count(i) > 1})]
    same_cells = [c.id for c in notebook.cells] == [c.id for c in original.cells]
    found += [] if same_cells else ["cell ids differ from the source's"]
    wanted = [c.metadata.nbgrader.grade_id for c in original.cells if "nbgrader" in c.metadata]
    return found + ([]
                    if ids == wanted else [f"ids differ from the source's: {sorted(set(map(str, ids)) ^ set(wanted))}"])


def leaks(assignment, folder):
    "What must not be in the release in `folder`, as sentences; an empty list where all is well."
    folder, name, secret, found = Path(folder), f"{assignment}.ipynb", secrets(assignment), []
    if not (folder / name).is_file(): return [f"{name} is missing"]
    notebook = nbformat.read(folder / name, as_version=4)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        shown = path.relative_to(folder).as_posix()
        if not (source(assignment) / shown).is_file(): found.append(f"{shown}: no file of source/{assignment}")
        text = "\n".join(strings(notebook)) if shown == name else path.read_text(encoding="utf-8", errors="replace")
        found += [f"{shown}: {what}" for what in told(text, secret)]
    for_whom = notebook.metadata.get("ssnet", {}).get("assignment")
    if for_whom != assignment: found.append(f"{name}: does not say that it is {assignment}")
    return found + [f"{name}: {what}" for what in wrong_cells(notebook, course.notebook(assignment))]


# Writing it

def pack(folder, target):
    "A zip of `folder`, with the same bytes for the same files."
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder.parent).as_posix())  # dated 1980
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())


def swap(new, target):
    "Put the folder `new` in the place of `target`."
    if target.exists(): os.rename(target, new.with_name("old"))
    os.rename(new, target)


def release(assignment, seed, out):
    "Write out/a1 and out/a1.zip for students, whole or not at all; return the folder. Raises ValueError on a leak."
    source(assignment)
    out = Path(out).resolve()
    out.mkdir(parents=True, exist_ok=True)
    hold = tempfile.TemporaryDirectory
    with hold() as private, hold(dir=out, prefix=f".{assignment}-") as beside:
        made = make_course(assignment, seed, private) / "release" / assignment
        if found := leaks(assignment, made): raise ValueError("this must not be handed out:\n  " + "\n  ".join(found))
        new = Path(beside) / assignment
        shutil.copytree(made, new)
        pack(new, new.with_suffix(".zip"))
        swap(new, out / assignment)
        os.replace(new.with_suffix(".zip"), out / f"{assignment}.zip")
    return out / assignment


def reason(error):
    "What an error says, for people."
    if not isinstance(error, OSError) or not error.filename: return str(error)
    return f"{error.filename} cannot be read or written ({error.strerror}): check the path, or name another --out"


def main(words=None):
    "The command line; returns the exit status."
    parser = argparse.ArgumentParser(description="Make the student's version of an assignment.")
    parser.add_argument("assignment", help="a1, a2, a3 or a4")
    parser.add_argument("--seed", default="0", help="the yearly variant, a whole number (0)")
    parser.add_argument("--out", default=str(course.COURSE / "release"), help="where to write it (assignments/release)")
    given = parser.parse_args(words)
    try: folder = release(given.assignment, given.seed, given.out)
    except (ValueError, OSError) as error:
        print(f"Nothing was written: {reason(error)}", file=sys.stderr)
        return 1
    files = ", ".join(sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()))
    print(f"Wrote {os.path.relpath(folder)} ({files}) and {os.path.relpath(folder)}.zip: variant {int(given.seed)}.")
    print(f"Checked: no solution, no hidden check, no output.\nHand out {given.assignment}.zip. Students unpack it, "
          f"work in {given.assignment}.ipynb beside checks.py, and hand in {given.assignment}.ipynb alone.\n"
          f"Grade with the same seed ({int(given.seed)}).")
    return 0


if __name__ == "__main__": sys.exit(main())
