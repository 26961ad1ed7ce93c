"""Hostile and broken submissions, each with the mark that it must get and words that its notes must hold.

A kind's mark is "full" (all points that a machine gives), "lost" (all but those of the attacked exercise) or "zero".
`Submission` starts as the released notebook with right answers; a kind changes it. OUTSIDE in the text of an attack
stands for a folder outside the grading folder, which no submission may touch; PORT for a port of this machine, which
no submission may reach. Every attack is bounded, in case that a limit does not hold.
"""
import copy
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from textwrap import indent

import nbformat

MARKER = "rehearsal-leftover"  # stands in the command line of every process that an attack starts


@dataclass
class Submission:
    "What a student hands in."
    assignment: str
    notebook: nbformat.NotebookNode
    target: str                                 # the attacked exercise, "mae"
    names: dict[str, str]                       # {exercise: the name that its check takes}
    outside: Path
    port: int
    student: str = ""                           # an odd name
    file: str = ""                              # the notebook's name; "" for none
    data: bytes | None = None                   # the notebook file's bytes, where they are not the notebook's
    files: dict = field(default_factory=dict)   # {name: bytes} beside it
    links: dict = field(default_factory=dict)   # {name: where the link leads}
    pipes: list = field(default_factory=list)   # names of pipes, which no one ever writes to

    def __post_init__(self):
        "The usual name; the answers' cells as they were handed out."
        self.file = f"{self.assignment}.ipynb"
        self.stubs = {e: self.cell(e).source.split("\n", 1)[1] for e in self.names}

    def bytes(self):
        "What the notebook file holds."
        if self.data is not None: return self.data
        return json.dumps(self.notebook, ensure_ascii=False).encode("utf-8", "surrogatepass")

    def cell(self, exercise, part=""):
        "The cell of an exercise: its answer, or its -check or -hidden."
        return next(c for c in self.notebook.cells if grade_id(c) == f"{self.assignment}-{exercise}{part}")

    def answer(self, exercise, text):
        "Put an answer into its cell, below the marker line."
        cell = self.cell(exercise)
        cell.source = cell.source.split("\n")[0] + "\n" + text

    def fill(self, text):
        "The text of an attack with this submission's places in it."
        return text.replace("OUTSIDE", str(self.outside)).replace("PORT", str(self.port)).replace(
            "MARKER", MARKER).replace("ANSWER", self.names[self.target]).replace("EXERCISE", self.target)


@dataclass(frozen=True)
class Kind:
    "A kind of hostile or broken submission."
    group: str      # "hostile" or "broken"
    name: str
    mark: str       # "full", "lost" or "zero"
    note: str       # words that the notes or messages must hold; several, divided by " or ": one of them
    change: Callable[[Submission], None]
    slow: bool = False  # runs into a limit of time, or nearly


KINDS: list[Kind] = []


def grade_id(cell):
    "A cell's nbgrader id, or None."
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def kind(group, mark, note="", slow=False):
    "Put a function that changes a submission into KINDS."
    def keep(change):
        "Take the function's name for the kind's."
        KINDS.append(Kind(group, change.__name__, mark, note, change, slow))
        return change
    return keep


# Attacks in the text of an answer.
# `in`: runs when a check calls the answer, which then returns None.
# `everywhere`: the same for all exercises.
# `before`: runs in the answer's cell, above an answer that returns None.
# `beside`: runs in the answer's cell, below the right answer.
ATTACKS = r'''
# %% in endless_loop | lost | longer than | slow
while True: pass
# %% in loop_that_catches_interrupts | lost | longer than | slow
while True:
    try:
        while True: pass
    except BaseException: pass
# %% in loop_in_c | lost | longer than | slow
sum(range(10 ** 15))
# %% in fork_bomb | lost |
import os, time
for _ in range(9):
    try: os.fork()
    except OSError: break
time.sleep(3)
# %% in burns_all_processors | lost | computing at once or refused
import os, time
end = time.monotonic() + 40
for _ in range(24):
    if os.fork() == 0:
        while time.monotonic() < end: pass
        os._exit(0)
while time.monotonic() < end: pass
# %% in thread_bomb | lost |
import threading, time
for _ in range(5000): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
# %% in twin | lost |
import os
if os.fork():
    os.wait()
    os._exit(0)
# %% in fills_the_disk | lost |
for folder in (".", "/tmp", "/dev/shm", "/var/tmp"):
    for i in range(20):
        with open(f"{folder}/rehearsal-{i}.bin", "wb") as file:
            for _ in range(20): file.write(bytes(2 ** 23))
raise OSError("the disk took it")
# %% in holds_deleted_files | lost | MB of files
import os, time
kept = [open(f"rehearsal-{i}", "wb") for i in range(7)]
for i, file in enumerate(kept):
    os.unlink(f"rehearsal-{i}")
    for _ in range(100): file.write(bytes(2 ** 20))
time.sleep(5)
# %% in many_files | lost |
for i in range(30000): open(f"rehearsal-{i}", "w").close()
# %% in fills_memory | lost |
import torch
kept = []
for _ in range(32): kept.append(torch.ones(2 ** 26))
# %% in fills_memory_in_many_processes | lost |
import os, time
for _ in range(6):
    if os.fork() == 0:
        kept = bytearray(b"x") * (3 * 2 ** 29)
        time.sleep(5)
        os._exit(0)
time.sleep(6)
# %% in prints_without_end | lost |
while True: print("rehearsal " * 100)
# %% in prints_a_lot | lost |
print("rehearsal " * 20_000_000)
# %% in writes_without_end_past_python | lost |
import os
while True: os.write(1, b"rehearsal " * 1000)
# %% in deletes_files | lost |
import os, shutil
if os.path.exists("checks.py") and not os.path.exists("../tools"): shutil.rmtree(os.getcwd(), ignore_errors=True)
shutil.rmtree("OUTSIDE", ignore_errors=True)
# %% in writes_outside | lost |
import os, tempfile
home = os.path.expanduser("~")
for folder in ("OUTSIDE", os.path.dirname("OUTSIDE"), home, tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm"):
    try: open(f"{folder}/MARKER", "w").write("was here")
    except OSError: pass
# %% in poisons_modules | lost |
import os, ssnet.checking, torch
for module in (ssnet.checking, torch):
    try:
        with open(module.__file__, "r+b") as file: file.write(file.read(1) and b"")
        os.utime(module.__file__)
    except OSError: pass
    try: open(os.path.dirname(module.__file__) + "/MARKER.py", "w").write("")
    except OSError: pass
# %% in calls_exit | lost |
exit()
# %% in calls_sys_exit | lost |
import sys
sys.exit(0)
# %% in calls_os_exit | lost | ended
import os
os._exit(0)
# %% in segfault | lost | ended or refused
import ctypes
ctypes.string_at(0)
# %% in recursion | lost |
return ANSWER(*inputs, **named)
# %% in recursion_without_limit | lost |
import sys
sys.setrecursionlimit(10 ** 9)
def deeper(n): return sorted([n], key=lambda _: deeper(n + 1))
deeper(0)
# %% in raises_base_exception | lost |
raise BaseException("rehearsal")
# %% in raises_keyboard_interrupt | lost |
raise KeyboardInterrupt
# %% in raises_what_cannot_be_printed | lost |
class Odd(Exception):
    def __str__(self): raise SystemExit
    __repr__ = __str__
raise Odd
# %% in raises_check_failed_with_markup | lost |
raise ValueError("<script>rehearsal()</script> \x1b[2J \x00 \u202e")
# %% in lone_surrogate | lost |
print("\ud800")
raise ValueError("\ud800")
# %% in network | lost |
import socket, subprocess
for family, address in ((socket.AF_INET, ("127.0.0.1", PORT)), (socket.AF_UNIX, "\0MARKER-PORT")):
    try: socket.socket(family).connect(address)
    except OSError: pass
subprocess.run(["bash", "-c", "echo MARKER > /dev/tcp/127.0.0.1/PORT"], capture_output=True)
# %% in reads_hidden | lost |
import glob, inspect, os, sys
for module in list(sys.modules.values()):
    if "hidden" in str(getattr(module, "__name__", "")):
        try: print(inspect.getsource(module))
        except Exception: pass
for folder in (os.getcwd(), os.path.dirname(os.getcwd())):
    for file in glob.glob(f"{folder}/**/*hidden*", recursive=True)[:20]:
        try: print(open(file).read())
        except Exception: pass
# %% in tells_hidden_in_its_error | lost |
import inspect, sys
raise ValueError(inspect.getsource(sys.modules["hidden"]) if "hidden" in sys.modules else "not yet")
# %% in kills_others | lost |
import os, signal
others = [os.getppid()]
for pid in filter(str.isdigit, os.listdir("/proc")):
    try: line = open(f"/proc/{pid}/cmdline", "rb").read()
    except OSError: continue
    if b"rehearsal-bystander" in line or b"grade.py" in line: others.append(int(pid))
for pid in others:
    try: os.kill(pid, signal.SIGKILL) if pid > 1 else None
    except OSError: pass
# %% in leaves_a_daemon | lost |
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 100)
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(3000)", "MARKER"])
    os._exit(0)
os.wait()
# %% in closes_every_file | lost |
import os
os.closerange(0, 1000)
# %% everywhere lies_when_compared | zero |
class Liar(float):
    def __eq__(self, other): return True
    __ne__ = __lt__ = __gt__ = lambda self, other: False
    __le__ = __ge__ = __eq__
    __hash__ = float.__hash__
    def __sub__(self, other): return 0.0
    __rsub__ = __sub__
    def __abs__(self): return 0.0
    shape, dtype = (), float
return Liar(123.0)
# %% everywhere looks_up_what_is_wanted | zero |
import sys
class Mirror:
    def __array__(self, *_, **__):
        import numpy
        frame = sys._getframe(1)
        while frame:
            if "want" in frame.f_locals: return numpy.asarray(frame.f_locals["want"], dtype=numpy.float64)
            frame = frame.f_back
        return numpy.zeros(())
    def __float__(self): return float(self.__array__())
return Mirror()
# %% everywhere tensor_that_looks_up_what_is_wanted | zero |
import sys, torch
class Mirror(torch.Tensor):
    def detach(self):
        frame = sys._getframe(1)
        while frame:
            if "want" in frame.f_locals: return torch.as_tensor(frame.f_locals["want"])
            frame = frame.f_back
        return torch.zeros(())
return torch.zeros(1).as_subclass(Mirror)
# %% in changes_the_check_that_calls_it | lost |
import sys
frame = sys._getframe(1)
while frame:
    for name in ("close", "expect", "same", "call"):
        if name in frame.f_globals: frame.f_globals[name] = lambda *a, **k: True
    frame = frame.f_back
# %% in leaves_a_thread_that_patches | lost |
import sys, threading
def patch():
    while True:
        for name in ("checks", "hidden", "ssnet.checking"):
            for key in list(vars(sys.modules[name])) if name in sys.modules else ():
                if key.startswith("check_") or key in ("close", "expect"):
                    setattr(sys.modules[name], key, lambda *a, **k: None)
threading.Thread(target=patch, daemon=True).start()
# %% in returns_without_end | lost |
class Endless:
    shape = property(lambda self: iter(int, 1))
    def __len__(self): return 10 ** 12
    def __getitem__(self, i): return self
return Endless()
# %% in returns_a_giant | lost |
import torch
return torch.zeros(1).expand(10 ** 13)
# %% everywhere looks_up_from_elsewhere | zero |
import textwrap
space = {"__name__": "torch.elsewhere"}
exec(textwrap.dedent("""
    import sys, numpy
    class Mirror:
        def __array__(self, *_, **__):
            frame = sys._getframe(1)
            while frame:
                if "want" in frame.f_locals: return numpy.asarray(frame.f_locals["want"], dtype=numpy.float64)
                frame = frame.f_back
            return numpy.zeros(())
        def __float__(self): return float(self.__array__())
"""), space)
return space["Mirror"]()
# %% everywhere looks_up_by_a_signal | zero |
import signal, numpy
class Mirror:
    def __array__(self, *_, **__):
        seen = []
        signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(frame))
        signal.raise_signal(signal.SIGUSR1)
        frame = seen and seen[0]
        while frame:
            if "want" in frame.f_locals: return numpy.asarray(frame.f_locals["want"], dtype=numpy.float64)
            frame = frame.f_back
        return numpy.zeros(())
    def __float__(self): return float(self.__array__())
return Mirror()
# %% in folders_hard_to_remove | lost |
import os
os.mkdir("locked")
open("locked/file", "w").close()
os.chmod("locked", 0)
open(b"\xff\xfe", "w").close()
for _ in range(3000):
    os.mkdir("deep")
    os.chdir("deep")
# %% in shows_what_is_no_output | lost |
from IPython import get_ipython
nonsense = {"text/plain": 1, "image/png": "no picture", "text/html": ["a", 3], "application/json": float("nan")}
get_ipython().display_pub.publish(nonsense)
# %% in asks_for_input | lost |
return input("Tell me: ")
# %% in stops_itself | lost | longer than | slow
import os, signal
os.kill(os.getpid(), signal.SIGSTOP)
# %% before stops_the_event_loop | lost |
import asyncio
asyncio.get_event_loop().call_later(0.2, asyncio.get_event_loop().stop)
# %% before changes_the_constants | lost |
import checks
for name in vars(checks.V): setattr(checks.V, name, 0)
checks.V = None
# %% before exit_at_the_top | lost |
exit()
# %% before os_exit_at_the_top | lost | ended
import os
os._exit(0)
# %% before patches_the_checks | lost |
import sys
import checks, ssnet.checking
for name in dir(checks):
    if name.startswith("check_"): setattr(checks, name, lambda *a, **k: None)
for name in ("expect", "close", "same", "call"): setattr(ssnet.checking, name, lambda *a, **k: True)
checks.expect = checks.close = checks.call = lambda *a, **k: True
# %% before patches_check_failed | lost |
import ssnet.checking
class Quiet(BaseException): pass
ssnet.checking.CheckFailed.__init__ = lambda self, *a: (_ for _ in ()).throw(Quiet())
ssnet.checking.CheckFailed.__str__ = lambda self: ""
# %% before patches_what_compares | lost |
import numpy, torch
for module in (numpy, torch):
    for name in ("allclose", "isclose", "equal", "array_equal"):
        if hasattr(module, name): setattr(module, name, lambda *a, **k: True)
numpy.testing.assert_allclose = lambda *a, **k: None
# %% before patches_builtins | lost |
import builtins
kept = builtins.isinstance
builtins.AssertionError = builtins.Exception
builtins.all = builtins.any = lambda *a: True
# %% before patches_import | lost |
import builtins, sys, types
class Fake(types.ModuleType):
    def __getattr__(self, name): return lambda *a, **k: None
kept = builtins.__import__
builtins.__import__ = lambda name, *a, **k: Fake(name) if name in ("checks", "hidden") else kept(name, *a, **k)
# %% before puts_its_own_hidden_module | lost |
import sys, types
class Fake(types.ModuleType):
    def __getattr__(self, name): return lambda *a, **k: None
for name in ("hidden", "checks"): sys.modules[name] = Fake(name)
checks = sys.modules["checks"]
# %% before writes_its_own_hidden_file | lost |
for file in ("hidden.py", "checks.py", "sitecustomize.py", "torch.py", "nbformat.py"):
    try: open(file, "w").write("def __getattr__(name): return lambda *a, **k: None\n")
    except OSError: pass
# %% before finds_modules_itself | lost |
import importlib.abc, importlib.machinery, sys
class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, *_): return importlib.machinery.ModuleSpec(name, self) if name == "hidden" else None
    def exec_module(self, module): module.__getattr__ = lambda name: lambda *a, **k: None
sys.meta_path.insert(0, Finder())
# %% before transforms_input | lost |
import ast
class Nothing(ast.NodeTransformer):
    def visit_Expr(self, node): return ast.Pass() if "check_" in ast.unparse(node) else node
try:
    get_ipython().input_transformers_post.append(lambda lines: ["pass\n"] if "check_" in "".join(lines) else lines)
    get_ipython().ast_transformers.append(Nothing())
except NameError: pass
# %% before forges_a_receipt | lost |
import json, os
for cell in ("check", "hidden"):
    line = json.dumps({"id": f"a1-EXERCISE-{cell}", "points": 100.0, "message": "", "passed": True, "nonce": ""})
    print(line)
    for fd in range(1, 20):
        try: os.write(fd, ("\n" + line + "\n").encode())
        except OSError: pass
# %% before edits_its_results | lost |
import glob, json, os
marks = json.dumps({"points": 100.0, "max_points": 100.0, "cells": [], "notes": []})
for folder in (".", os.path.dirname("OUTSIDE")):
    for pattern in ("**/*.json", "**/*.csv", "**/gradebook.db", "**/*.html"):
        for file in glob.glob(f"{folder}/{pattern}", recursive=True)[:200]:
            try: open(file, "w").write(marks)
            except OSError: pass
# %% before writes_at_exit | lost |
import atexit, os, time
atexit.register(lambda: time.sleep(3000))
# %% before ignores_signals | lost | longer than | slow
import signal
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGHUP, signal.SIGXCPU):
    signal.signal(number, signal.SIG_IGN)
while True: pass
# %% before raises_limits | lost |
import resource
for limit in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
    try: resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (ValueError, OSError): pass
kept = [bytearray(b"x") * 2 ** 28 for _ in range(24)]
# %% before stops_the_watch | lost |
import sys
sys.setprofile = lambda *_: None
sys.getprofile = lambda: None
# %% beside default_dtype | full |
import torch
torch.set_default_dtype(torch.float64)
# %% beside no_seed | full |
import torch
torch.manual_seed = lambda *_: torch.default_generator
# %% beside changes_folder | full |
import os
os.makedirs("elsewhere", exist_ok=True)
os.chdir("elsewhere")
# %% beside thread_that_never_ends | full |
import threading, time
threading.Thread(target=time.sleep, args=(3000,)).start()
# %% beside magics | full |
!echo hello > note.txt
%matplotlib inline
%pip --version
# %% beside shows_a_script | full |
from IPython.display import HTML, display
display(HTML("<script>rehearsal()</script>"))
'''


def attack(place, code):
    "The change that puts the code of an attack into the answer."
    def change(sub):
        "Change the answer of the attacked exercise, or all of them."
        if place == "everywhere":
            for exercise in sub.names: attack("in", code)(replace(sub, target=exercise))
            return
        text, empty = sub.fill(code), f"def {sub.names[sub.target]}(*inputs, **named):\n"
        right = sub.cell(sub.target).source.split("\n", 1)[1]
        wrong = empty + (indent(text, "    ") if place == "in" else "    return None")
        sub.answer(sub.target, {"in": wrong, "before": f"{text}\n{wrong}", "beside": f"{right}\n{text}"}[place])
    return change


for block in ATTACKS.split("\n# %% ")[1:]:
    head, _, code = block.partition("\n")
    (title, mark, note, *slow) = (part.strip() for part in head.split("|"))
    place, _, name = title.partition(" ")
    KINDS.append(Kind("hostile", name, mark, note, attack(place, code.rstrip("\n")), bool(slow)))


# What is done to the cells.

@kind("hostile", "lost", "changed the locked cell")
def edits_a_check(sub):
    "A check that always passes, for an answer that is wrong."
    attack("before", "")(sub)
    for part in ("-check", "-hidden"):
        cell = sub.cell(sub.target, part)
        cell.source = cell.source.split("\n")[0] + "\nprint('passed')"


@kind("hostile", "full")
def raises_the_points(sub):
    "A thousand points for every check."
    for cell in sub.notebook.cells:
        if "points" in cell.metadata.get("nbgrader", {}): cell.metadata.nbgrader.points = 1000


@kind("hostile", "lost")
def makes_checks_answers(sub):
    "The metadata say that each check is an answer, and holds other code."
    attack("before", "")(sub)
    for part in ("-check", "-hidden"):
        cell = sub.cell(sub.target, part)
        cell.metadata.nbgrader.update(grade=False, solution=True, locked=False)
        cell.source = "pass"


@kind("hostile", "lost")
def swaps_the_ids(sub):
    "The check that fails has another's id, and the other way round."
    attack("before", "")(sub)
    other = next(e for e in sub.names if e != sub.target)
    one, two = sub.cell(sub.target, "-check"), sub.cell(other, "-check")
    one.metadata.nbgrader.grade_id, two.metadata.nbgrader.grade_id = (
        two.metadata.nbgrader.grade_id, one.metadata.nbgrader.grade_id)
    one.source, two.source = two.source, one.source


@kind("hostile", "full", "stood 2 times")
def copies_cells(sub):
    "Answer and checks twice, ids and all."
    for part in ("", "-check", "-hidden"):
        cell = sub.cell(sub.target, part)
        sub.notebook.cells.insert(sub.notebook.cells.index(cell), copy.deepcopy(cell))


@kind("hostile", "full", "stood 2 times")
def copies_an_answer_below(sub):
    "The first try stays, wrong; a copy of the cell below it is right."
    cell = sub.cell(sub.target)
    sub.notebook.cells.insert(sub.notebook.cells.index(cell) + 1, copy.deepcopy(cell))
    attack("before", "")(sub)


@kind("hostile", "full", "missing")
def drops_checks(sub):
    "The checks of an exercise are gone."
    for part in ("-check", "-hidden"): sub.notebook.cells.remove(sub.cell(sub.target, part))


@kind("hostile", "lost", "missing")
def drops_an_answer(sub):
    "The answer's cell is gone."
    sub.notebook.cells.remove(sub.cell(sub.target))


@kind("hostile", "full", "missing")
def drops_given_cells(sub):
    "The setup cell, all text and all plain cells are gone."
    sub.notebook.cells = [c for c in sub.notebook.cells if (i := grade_id(c)) and "-given-" not in i]


@kind("hostile", "full", "changed the locked cell")
def edits_a_given_cell(sub):
    "The setup cell brings its own checks."
    given = next(c for c in sub.notebook.cells if "-given-" in (grade_id(c) or ""))
    given.source += "\nclass checks:\n    def __getattr__(self, name): return lambda *a: None\nchecks = checks()"
    sub.answer(sub.target, sub.cell(sub.target).source.split("\n", 1)[1])


@kind("hostile", "full", "lost nbgrader's metadata")
def through_colab(sub):
    "Colab's way: no ids, its own metadata, an older format."
    sub.notebook.update(nbformat_minor=0, metadata={"colab": {"provenance": []}, "kernelspec": {"name": "python3"}})
    for n, cell in enumerate(sub.notebook.cells):
        cell.pop("id", None)
        cell["metadata"] = nbformat.NotebookNode({"id": f"Zk{n:09d}", "executionInfo": {"status": "ok"}})


@kind("hostile", "full", "lost nbgrader's metadata")
def colab_with_its_cells(sub):
    "Through Colab, with cells that install and upload."
    through_colab(sub)
    cells = ["!pip install -q ssnet", "from google.colab import files\nfiles.upload()", "%matplotlib inline"]
    sub.notebook.cells[0:0] = [nbformat.NotebookNode(cell_type="code", source=c, metadata={}, outputs=[],
                                                     execution_count=None) for c in cells]


# What is put into the files.

@kind("hostile", "lost")
def brings_its_own_modules(sub):
    "Modules beside the notebook that let everything pass."
    attack("before", "")(sub)
    for name in ("checks", "hidden", "sitecustomize", "usercustomize", "nbgrader_config", "ssnet", "conftest"):
        sub.files[f"{name}.py"] = b"def __getattr__(name): return lambda *a, **k: None\n"


@kind("hostile", "full")
def name_is_a_formula(sub):
    "A spreadsheet would run the student's name."
    sub.student = "=1+1"


@kind("hostile", "full")
def name_is_markup(sub):
    "A browser would run the student's name."
    sub.student = "<script>rehearsal()<img src=x onerror=rehearsal()>"


@kind("hostile", "zero", "link")
def notebook_is_a_link(sub):
    "The notebook is a link to a file outside."
    sub.links[sub.file] = sub.outside / "secret.ipynb"


@kind("hostile", "full")
def link_beside(sub):
    "A link to a folder outside, and one that leads to itself."
    sub.links |= {"data": sub.outside, "round": Path("round"), "up": Path("..")}


@kind("hostile", "zero")
def notebook_is_a_pipe(sub):
    "Who reads it waits for ever."
    sub.pipes.append(sub.file)


@kind("hostile", "zero", "clear its outputs")
def large_outputs(sub):
    "Sixty megabytes of outputs in the notebook."
    output = nbformat.v4.new_output("stream", text="rehearsal " * 6_000_000)
    sub.cell(sub.target).outputs = [output]


@kind("hostile", "full")
def markup_in_outputs(sub):
    "A script in the stored outputs and in the text cells."
    script = "<script>rehearsal()</script><img src=x onerror=rehearsal()>"
    sub.cell(sub.target).outputs = [nbformat.v4.new_output("display_data", {"text/html": script})]
    sub.notebook.cells.append(nbformat.v4.new_markdown_cell(script))


def zipped(members):
    "A zip file of {name: bytes}."
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items(): file.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


@kind("hostile", "full")
def zip_that_climbs(sub):
    "A zip file whose members lead outside."
    members = {sub.file: sub.bytes(), f"../../{MARKER}": "", f"{sub.outside}/{MARKER}": ""}
    sub.files["work.zip"], sub.file = zipped(members), ""


@kind("hostile", "zero")
def zip_bomb(sub):
    "A zip file of three megabytes that unpacks to three gigabytes."
    out, info = io.BytesIO(), zipfile.ZipInfo(sub.file)
    info.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(out, "w") as file, file.open(info, "w", force_zip64=True) as member:
        for _ in range(300): member.write(bytes(10 ** 7))
    sub.files["work.zip"], sub.file = out.getvalue(), ""


# Broken without a bad will.

def broken_file(name, note, make):
    "A kind whose notebook file holds other bytes."
    def change(sub):
        "Change the file's bytes."
        sub.data = make(sub.bytes())
    KINDS.append(Kind("broken", name, "zero", note, change))


broken_file("empty_file", "is empty", lambda data: b"")
broken_file("cut_off", "is no notebook", lambda data: data[:len(data) // 2])
broken_file("not_a_notebook", "is no notebook", lambda data: b"I could not open the notebook, sorry.\n")
broken_file("json_but_no_notebook", "no notebook of version 4", lambda data: b"[1, 2, 3]")
broken_file("pdf_renamed", "PDF", lambda data: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n")
broken_file("nested_too_deep", "nested too deeply", lambda data: b"[" * 200_000)


@kind("broken", "full")
def byte_order_mark(sub):
    "Saved by an editor that puts a byte order mark first."
    sub.data = b"\xef\xbb\xbf" + sub.bytes()


@kind("broken", "lost", "SyntaxError or syntax")
def syntax_error(sub):
    "An answer that does not compile."
    sub.answer(sub.target, f"def {sub.names[sub.target]}(x:\n    return x")


@kind("broken", "lost")
def tabs_and_spaces(sub):
    "An answer whose lines are indented with both."
    sub.answer(sub.target, f"def {sub.names[sub.target]}(x):\n\ty = x\n        return y")


@kind("broken", "zero", "not written yet or not answered")
def only_stubs(sub):
    "The released notebook as it was."
    for exercise, text in sub.stubs.items(): sub.answer(exercise, text)


@kind("broken", "lost")
def emptied_answer(sub):
    "Not even the marker line is left in the answer's cell."
    sub.cell(sub.target).source = ""


@kind("broken", "full")
def lost_the_marker(sub):
    "The marker line is gone from an answer."
    cell = sub.cell(sub.target)
    cell.source = cell.source.split("\n", 1)[1]


@kind("broken", "full", "taken apart")
def merged_cells(sub):
    "The answer's cell took in all cells down to the check."
    cells = sub.notebook.cells
    first, last = cells.index(sub.cell(sub.target)), cells.index(sub.cell(sub.target, "-check"))
    merged = [c for c in cells[first:last + 1] if c.cell_type == "code"]
    cells[first].source = "\n".join(c.source for c in merged)
    del cells[first + 1:last + 1]


@kind("broken", "full", "your own cell")
def answer_in_a_new_cell(sub):
    "The stub stays; the answer stands in a new cell below."
    cell = sub.cell(sub.target)
    text = cell.source.split("\n", 1)[1]
    sub.answer(sub.target, sub.stubs[sub.target])
    sub.notebook.cells.insert(sub.notebook.cells.index(cell) + 1, nbformat.v4.new_code_cell(text))


@kind("broken", "full")
def answers_in_another_order(sub):
    "The answers' cells stand in another order, each still above nothing but text."
    cells, answers = sub.notebook.cells, [sub.cell(e) for e in sub.names]
    first = cells.index(answers[0])
    for cell in answers: cells.remove(cell)
    cells[first:first] = answers[::-1]


@kind("broken", "full")
def old_format(sub):
    "Saved by a Jupyter of 2013."
    sub.data = nbformat.writes(nbformat.convert(copy.deepcopy(sub.notebook), 3), version=3).encode()


@kind("broken", "full")
def unknown_kernel(sub):
    "The kernel's name is one that is not installed."
    sub.notebook.metadata.kernelspec = {"name": "conda-env-saliency", "display_name": "saliency", "language": "python"}


@kind("broken", "zero", "no notebook")
def no_notebook(sub):
    "A script in place of the notebook."
    sub.files["a1.py"], sub.file = b"print('my answers')\n", ""


@kind("broken", "zero", "no notebook")
def nothing_at_all(sub):
    "An empty folder."
    sub.file = ""


@kind("broken", "zero", "cannot be unpacked")
def damaged_zip(sub):
    "A zip file that was damaged on the way."
    data = bytearray(zipped({sub.file: sub.bytes()}))
    data[60:90] = b"\xff" * 30
    sub.files["work.zip"], sub.file = bytes(data), ""


@kind("broken", "full")
def two_notebooks(sub):
    "An empty draft lies beside the notebook."
    draft = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("draft")])
    sub.files["Untitled.ipynb"] = nbformat.writes(draft).encode()


@kind("broken", "zero", "handed out for a9")
def another_assignment(sub):
    "The notebook of another assignment, under this one's name."
    cell = nbformat.v4.new_code_cell("# a9-depth: your answer\ndef depth(x): return x")
    other = nbformat.v4.new_notebook(cells=[cell])
    other.cells[0].metadata.nbgrader = dict(grade=False, solution=True, locked=False, task=False, schema_version=3,
                                            grade_id="a9-depth", cell_type="code")
    other.metadata["ssnet"] = {"assignment": "a9", "seed": 0}
    sub.notebook = other


@kind("broken", "full", "This notebook is variant")
def other_seed(sub):
    "Last year's notebook."
    sub.notebook.metadata.ssnet.seed += 1


@kind("broken", "full")
def other_name(sub):
    "A browser's name for a second download."
    sub.file = sub.file.replace(".ipynb", " (1).ipynb")


@kind("broken", "full")
def in_a_folder_in_a_folder(sub):
    "The notebook lies two folders down, beside what the system left there."
    sub.files |= {"__MACOSX/._a1.ipynb": b"\x00\x05\x16\x07", ".DS_Store": b"\x00"}
    sub.file = f"my work/{sub.assignment}/{sub.file}"
