"""Read what a student handed in, and make of it a notebook that can be graded.

Only the locked cells are put back: each once, in its original text, at a place where it can run. Students' own cells
and answers stay in their order. Notes tell the student what was done.
"""
import ast
import copy
import json
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import nbformat
from release import CODE_STUB, TEXT_STUB

BYTES, CELLS = 20_000_000, 5_000  # of a submission, at most
# A graded cell's first line names it: `# a1-mae: your answer`.
MARK = re.compile(r"^(?:#|<!--)[ \t]*(\w+-[\w-]+):[ \t]*(?:your answer|[\d.]+ points?\b)", re.M)
MAKE = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell, "raw": nbformat.v4.new_raw_cell}
KINDS = {b"%PDF": "a PDF file", b"PK\x03\x04": "a zip archive or an office document",
         b"\x1f\x8b": "a compressed archive",
         b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"<": "a web page"}


class Unreadable(ValueError):
    "What was handed in is no notebook that can be read; the message is one sentence for the student."


# Reading

def contents(path):
    "The text of a file that may be a notebook."
    path = Path(path)
    if not path.is_file(): raise Unreadable(f"There is no file {path.name}.")
    size = path.stat().st_size
    if size > BYTES:
        raise Unreadable(f"{path.name} has {size / 1e6:.0f} MB, more than {BYTES // 10**6}: clear its outputs first.")
    data = path.read_bytes()
    if not data.strip(): raise Unreadable(f"{path.name} is empty.")
    for start, kind in KINDS.items():
        if data.startswith(start): raise Unreadable(f"{path.name} is {kind}, not a notebook (.ipynb).")
    try: return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(f"{path.name} holds bytes that are no text in UTF-8, so it is no notebook.") from None


def text_of(value, where):
    "A cell's text, which a file holds as one text or as a list of lines."
    if isinstance(value, list) and all(isinstance(line, str) for line in value): value = "".join(value)
    try:
        if isinstance(value, str) and value.encode("utf-8") is not None: return value
    except UnicodeEncodeError: pass
    raise Unreadable(f"{where} of the notebook has no text that can be read.")


def read_cell(number, cell):
    "A clean cell from what a file holds: its text, its id, its grade id, its pictures; nothing else."
    where = f"Cell {number}"
    if not isinstance(cell, dict): raise Unreadable(f"{where} of the notebook is no cell.")
    if cell.get("cell_type") not in list(MAKE): raise Unreadable(f"{where} of the notebook is neither code nor text.")
    made, id = MAKE[cell["cell_type"]](text_of(cell.get("source"), where)), cell.get("id")
    made.id = id if isinstance(id, str) and re.fullmatch(r"[\w-]{1,64}", id, re.A) else f"cell-{number}"
    marks = cell.get("metadata", {}).get("nbgrader") if isinstance(cell.get("metadata"), dict) else None
    if isinstance(marks, dict) and isinstance(marks.get("grade_id"), str):
        made.metadata["nbgrader"] = {"grade_id": marks["grade_id"]}
    pictures = cell.get("attachments")
    if made.cell_type == "markdown" and isinstance(pictures, dict):
        made["attachments"] = {text_of(n, where): {text_of(m, where): text_of(b, where) for m, b in p.items()}
                               for n, p in pictures.items() if isinstance(p, dict)}
    return made


def read_submission(path):
    "The notebook in a file, without outputs; raises Unreadable."
    name = Path(path).name
    try: data = json.loads(contents(path))
    except Unreadable: raise
    except ValueError:
        raise Unreadable(f"{name} is no notebook: it is not in the format JSON (cut off, or renamed).") from None
    except RecursionError: raise Unreadable(f"{name} is nested too deeply to be read.") from None
    if isinstance(data, dict) and data.get("nbformat") == 3: data = from_version_3(data, name)
    if not isinstance(data, dict) or data.get("nbformat") != 4 or not isinstance(data.get("cells"), list):
        raise Unreadable(f"{name} is JSON, but no notebook of version 4.")
    if len(data["cells"]) > CELLS: raise Unreadable(f"{name} has {len(data['cells'])} cells, more than {CELLS}.")
    notebook = nbformat.v4.new_notebook(cells=[read_cell(i, cell) for i, cell in enumerate(data["cells"], 1)])
    ours = data.get("metadata", {}).get("ssnet") if isinstance(data.get("metadata"), dict) else None
    if isinstance(ours, dict) and isinstance(ours.get("assignment"), str) and isinstance(ours.get("seed"), int):
        notebook.metadata["ssnet"] = {"assignment": ours["assignment"], "seed": ours["seed"]}
    return notebook


def from_version_3(data, name):
    "A notebook of the old version 3 as version 4."
    try: return json.loads(nbformat.writes(nbformat.reads(json.dumps(data), as_version=4)))
    except Exception as error:  # its converter meets whatever the file holds
        raise Unreadable(f"{name} is a notebook of the old version 3 that cannot be converted.") from error


# What a cell defines

@lru_cache(maxsize=10_000)
def statements(text):
    "The statements of a code cell, its magics left out; None where it is no Python."
    plain = re.sub(r"^([ \t]*)[%!].*", r"\1pass", text, flags=re.M)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(plain).body
    except (SyntaxError, ValueError, RecursionError, MemoryError): return None


def binds(node):
    "{name: 'def' or 'set'} of what one statement defines; functions, classes and lambdas are 'def'."
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)): return {node.name: "def"}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(a.asname or a.name).split(".")[0]: "set" for a in node.names}
    if not isinstance(node, (ast.Assign, ast.AnnAssign)): return {}
    kind = "def" if isinstance(node.value, ast.Lambda) else "set"
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {n.id: kind for target in targets for n in ast.walk(target)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def names(text):
    "{name: 'def' or 'set'} of what a code cell defines."
    found = statements(text)
    if found is None: return dict.fromkeys(re.findall(r"^(?:def|class)\s+(\w+)", text, re.M), "def")
    return {name: kind for node in found for name, kind in binds(node).items()}


@lru_cache(maxsize=10_000)
def flat(text):
    "Text with each run of blanks as one space: differences of blanks are no edit."
    return " ".join(text.split())


@lru_cache(maxsize=10_000)
def lines(text):
    "The lines that tell cells apart: no mark, no stub, no blank line."
    dull = ["", *CODE_STUB.split("\n"), TEXT_STUB]
    return {flat(line) for line in text.split("\n") if not MARK.match(line) and flat(line) not in dull}


def added(original, edited):
    "What a student added to a locked cell: statements that define names of which the original knows nothing."
    known = names(original)
    new = [node for node in statements(edited) or [] if binds(node) and not binds(node).keys() & known.keys()]
    try: return "\n".join(ast.unparse(node) for node in new)
    except RecursionError: return ""  # no person writes such a nest


# Repair

@dataclass(eq=False)
class Piece:
    "A part of the submitted notebook: a released cell's (with its id) or the student's own (id None)."
    id: str | None
    text: str
    kind: str = "code"
    pictures: dict | None = None


class Repair:
    "One repair: `pieces` becomes the repaired notebook, step by step; `notes` say what was done."

    def __init__(self, released, submitted):
        self.cells = {c.metadata.nbgrader.grade_id: c for c in released.cells if "nbgrader" in c.metadata}
        self.ids, self.notes, self.lost = list(self.cells), [], []
        self.plain = {flat(c.source) for c in released.cells if "nbgrader" not in c.metadata}
        self.above = {b.metadata.nbgrader.grade_id: flat(a.source)
                      for a, b in zip(released.cells, released.cells[1:]) if "nbgrader" in b.metadata}
        self.pieces = [piece for cell in submitted.cells for piece in self.take_apart(cell)]

    def answer(self, id): return bool(self.cells[id].metadata.nbgrader.get("solution"))

    def given(self, id): return not self.answer(id) and not self.cells[id].metadata.nbgrader.get("grade")

    def original(self, id): return Piece(id, self.cells[id].source, self.cells[id].cell_type)

    def same(self, piece, id): return flat(piece.text) == flat(self.cells[id].source)

    def place(self, id): return next((i for i, piece in enumerate(self.pieces) if piece.id == id), None)

    def own(self): return [p for p in self.pieces if p.id is None and flat(p.text) not in self.plain]

    def note(self, text): self.notes += [text] if text not in self.notes else []

    def take_apart(self, cell):
        "The pieces of a submitted cell: one, or one for each mark where cells were merged."
        marks = cell.metadata.get("nbgrader", {})
        hint = next((i for i in (marks.get("grade_id"), cell.get("id")) if i in self.cells), None)
        first = {}
        for mark in MARK.finditer(cell.source):
            if mark[1] in self.cells: first.setdefault(mark[1], mark)
        found = list(first.values())
        ends = [m.start() for m in found[1:]] + [len(cell.source)]
        parts = [(m[1], cell.source[m.start():end].rstrip("\n")) for m, end in zip(found, ends)]
        parts = parts or [(hint, cell.source)]
        head = cell.source[:found[0].start()] if found else ""
        if head.strip():
            inside = hint in (None, *(i for i, _ in parts)) and self.answer(parts[0][0])
            if inside: parts[0] = (parts[0][0], head + parts[0][1])
            else: parts.insert(0, (None if hint in dict(parts) else hint, head.rstrip("\n")))
        held = " and ".join(i or "code of your own" for i, _ in parts)
        if len(parts) > 1: self.note(f"One cell held {held}; they were taken apart.")
        if "grade_id" not in marks: self.lost += [i for i, _ in parts if i]
        return [Piece(i, text, cell.cell_type, cell.get("attachments")) for i, text in parts]

    def one_of_each(self):
        "Of several copies of an answer the last changed one counts; other changed copies become ordinary cells."
        for id in self.ids:
            group = [p for p in self.pieces if p.id == id]
            if len(group) < 2: continue
            changed = [p for p in group if not self.same(p, id)]
            whole = [p for p in changed if self.names(id) <= names(p.text).keys()] or changed
            best = (whole or group)[-1] if self.answer(id) else next((p for p in group if p not in changed), group[0])
            self.pieces = [p for p in self.pieces if p.id != id or p is best or p in changed]
            for p in changed: p.id = id if p is best else None
            which = "the last one that you changed" if self.answer(id) else "the original"
            self.note(f"The cell {id} stood {len(group)} times in your notebook; {which} was graded.")

    def names(self, id): return set(names(self.cells[id].source)) if self.cells[id].cell_type == "code" else set()

    def find_lost(self):
        "Cells without any mark: found by most of their lines, a text answer also by what stands above it."
        for id in self.ids:
            if self.place(id) is not None or self.answer(id) and self.definers(id): continue
            want = lines(self.cells[id].source)
            same_kind = [p for p in self.own() if p.kind == self.cells[id].cell_type]
            near = [(len(want & lines(p.text)), -i, p) for i, p in enumerate(same_kind)]
            near = [item for item in near if item[0] and item[0] >= 0.6 * len(want)]
            below = [p for p in self.below(id) if p in same_kind and p.kind == "markdown"]
            if not near and not below: continue
            (max(near)[2] if near else below[0]).id = id  # of equals the first
            self.lost.append(id)

    def below(self, id):
        "The cells right below one that reads like the released cell above cell `id`."
        return [b for a, b in zip(self.pieces, self.pieces[1:]) if flat(a.text) == self.above.get(id)]

    def definers(self, id):
        "The student's own cells that define all that an answer cell defines, as functions where it has functions."
        want = {n: k for n, k in names(self.cells[id].source).items()} if self.names(id) else {}
        fits = lambda has: all(n in has and (has[n] == "def" or kind == "set") for n, kind in want.items())
        return [p for p in self.own() if want and p.kind == "code" and fits(names(p.text))]

    def restore_locked(self):
        "Original text for locked cells; what a student added to one runs in a cell of its own."
        for piece in [p for p in self.pieces if p.id and not self.answer(p.id)]:
            if self.same(piece, piece.id): continue
            code = piece.kind == self.cells[piece.id].cell_type == "code"
            more = added(self.cells[piece.id].source, piece.text) if code else ""
            self.note(f"You changed the locked cell {piece.id}; the original was graded." +
                      (f" What you added to it ({', '.join(names(more))}) runs in a cell of its own." if more else ""))
            if more: self.pieces.insert(self.pieces.index(piece) + self.given(piece.id), Piece(None, more))

    def answers_elsewhere(self):
        "An answer that was left as it was, or is gone, while the student's own cells define its names."
        for id in filter(self.answer, self.ids):
            at = self.place(id)
            if at is not None and not self.same(self.pieces[at], id): continue
            shown, left = ", ".join(sorted(self.names(id))), "left as it was" if at is not None else "missing"
            if whole := self.definers(id):
                whole[-1].id = id
                if at is not None: del self.pieces[at]
                self.note(f"The cell {id} was {left}; your own cell that defines {shown} was graded as your answer.")
            elif parts := [p for p in self.own() if p.kind == "code" and self.names(id) & names(p.text).keys()]:
                stub = self.pieces.pop(at) if at is not None else self.original(id)
                self.pieces.insert(self.pieces.index(parts[0]), stub)
                self.note(f"The cell {id} was {left}; what your own cells define counts: the checks run below.")

    def put_back(self):
        "Missing cells: given cells and answers after what precedes them, checks before what follows them."
        locked = []
        for k, id in enumerate(self.ids):
            if self.place(id) is not None: continue
            before = self.place(self.ids[k - 1]) if k else -1
            after = [at for i in self.ids[k + 1:] if (at := self.place(i)) is not None and at > before]
            check = not self.answer(id) and not self.given(id)
            at = min(after, default=len(self.pieces)) if check else before + 1
            self.pieces.insert(at, self.original(id))
            if self.answer(id): self.note(f"Your answer {id} was missing; it counts as not written.")
            else: locked.append(id)
        if locked: self.note(f"Locked cells were missing and were put back: {', '.join(locked)}.")

    def order(self):
        "Move locked cells that cannot run where they stand: given ones up, checks below their answer."
        moved = []
        for k, id in enumerate(self.ids):
            if self.answer(id): continue
            at, up = self.place(id), self.given(id)
            needs = self.ids[k + 1:] if up else [i for i in self.ids[:k] if id.startswith(f"{i}-")] or self.ids[:k]
            to = (min if up else max)(map(self.place, needs), default=at)
            if at <= to if up else at >= to: continue
            self.pieces.insert(to, self.pieces.pop(at))  # a check lands below: its own place above is gone
            moved.append(id)
        if moved: self.note(f"Locked cells were moved to where they can run: {', '.join(moved)}.")

    def notebook(self, released):
        "The repaired notebook."
        result, own = nbformat.v4.new_notebook(metadata=copy.deepcopy(released.metadata)), 0
        for p in self.pieces:
            own += p.id is None
            cell = copy.deepcopy(self.cells[p.id]) if p.id else MAKE[p.kind](p.text, id=f"own-{own}")
            if p.id and self.answer(p.id): cell.source = p.text
            if cell.cell_type == "markdown" and p.pictures: cell["attachments"] = copy.deepcopy(p.pictures)
            if p.id and p.kind != cell.cell_type:
                self.note(f"You turned the cell {p.id} into {p.kind}; it was graded as {cell.cell_type}.")
            result.cells.append(cell)
        return result


def foreign(released, submitted):
    "Notes on what comes from another assignment or another variant."
    mine, theirs, notes = released.metadata.get("ssnet", {}), submitted.metadata.get("ssnet", {}), []
    if theirs and theirs.get("assignment") != mine.get("assignment"):
        notes.append(f"This notebook was handed out for {theirs.get('assignment')}, not for {mine.get('assignment')}.")
    elif theirs and theirs.get("seed") != mine.get("seed"):
        notes.append(f"This notebook is variant {theirs.get('seed')}; variant {mine.get('seed')} was graded, "
                     "so numbers in its text may differ.")
    known = {c.metadata.nbgrader.grade_id for c in released.cells if "nbgrader" in c.metadata}
    marked = {m for c in submitted.cells for m in MARK.findall(c.source) if re.match(r"a\d-", m)}
    marked |= {c.metadata.nbgrader.grade_id for c in submitted.cells if "grade_id" in c.metadata.get("nbgrader", {})}
    if others := ", ".join(sorted(marked - known)):
        notes.append(f"These cells belong to no exercise of this assignment and were not graded: {others}.")
    return notes


def repair(released, submitted):
    "(the notebook to grade, in which each released nbgrader cell stands once; notes to the student)."
    work = Repair(released, submitted)
    work.notes = foreign(released, submitted) + work.notes
    for step in ("one_of_each", "find_lost", "restore_locked", "answers_elsewhere", "put_back", "order"):
        getattr(work, step)()
    if work.lost:
        work.note(f"{len(set(work.lost))} cells had lost nbgrader's metadata, as happens in Colab and some editors; "
                  "they were found by their first lines or their text.")
    return work.notebook(released), work.notes
