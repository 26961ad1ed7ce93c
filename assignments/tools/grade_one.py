"""Grade one submission, in a process and an nbgrader course of its own.

The notebook is repaired, nbgrader's autograde runs it (its chain of preprocessors, with `Execute` replaced by `Run`
below), the marks come from nbgrader's gradebook, and nbgrader makes the feedback page. `Run` does what nbgrader's own
lacks:
- a graded cell counts only with the receipt that kernel.py sends back for its nonce;
- a cell that takes too long, prints without end or breaks a limit is stopped, and a sentence in the notes says so;
- where the kernel ends, a new one runs the earlier cells again, without the cell that ended it (for a check: without
  the answer that it checks). So one bad answer costs its own points alone.
"""
import copy
import hashlib
import html
import json
import logging
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import traceback
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty

import nbformat
import psutil
import release
import repair
import sandbox
import zmq
from nbclient.client import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbclient.util import ensure_async
from nbconvert.preprocessors import ClearMetadataPreprocessor, CSSHTMLHeaderPreprocessor
from nbconvert.preprocessors.sanitize import SanitizeHTML
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import (AssignLatePenalties, CheckCellMetadata, Execute, GetGrades, IgnorePattern,
                                    LimitOutput, SaveAutoGrades)
from traitlets import Bool, Integer

from ssnet.files import write_whole

TOOLS = Path(__file__).resolve().parent
STUDENT = "student"            # the name in the private gradebook; the true one may hold any character
MARK = "#graded "              # as in kernel.py
LARGEST = 16 * sandbox.MB      # bytes of one message from the kernel
KINDS = ("text/plain", "image/png", "image/jpeg")  # of output that a feedback page shows


@dataclass(frozen=True)
class Job:
    "What grading one submission needs; all paths are absolute."
    student: str
    file: str               # the submitted notebook; empty where there is none
    notes: tuple[str, ...]  # what was found on the way to it
    assignment: str
    seed: int
    course: str             # nbgrader's course: source/, release/, gradebook.db
    hidden: str             # the hidden checks
    out: str                # the grading folder
    key: str
    isolation: str
    limits: sandbox.Limits
    hide: tuple[str, ...] = ()  # folders that no submission may see
    number: str = ""            # the student's number in the LMS, where the submission's name holds it

    @property
    def work(self):
        "The folder of this job alone."
        return Path(self.out) / "work" / hashlib.sha256(self.student.encode()).hexdigest()[:12]


def plain(text):
    "Text that every file can hold: no control characters, no halves of characters."
    text = str(text).encode("utf-8", "replace").decode()
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "?", text)


def sentence(text, most=500):
    "The first lines of a message as one line, not too long."
    text = " ".join(re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", plain(text)).split())
    return text if len(text) <= most else text[:most - 1] + "…"


# Cells

def mark_of(cell):
    "A cell's nbgrader metadata."
    return cell.metadata.get("nbgrader", {})


def is_check(cell):
    "Whether a machine grades the cell."
    return cell.cell_type == "code" and utils.is_grade(cell) and not utils.is_solution(cell)


def exercise_of(assignment, grade_id):
    "a1-mae-hidden → mae."
    return re.sub(r"-(check|hidden)$", "", grade_id.removeprefix(f"{assignment}-"))


def name_of(cell, index):
    "How notes name a cell."
    return f"cell {mark_of(cell)['grade_id']}" if mark_of(cell).get("grade_id") else f"cell {index + 1} of the notebook"


def error_output(ename, message):
    "An output that says why a cell failed; nbgrader then gives no points."
    return nbformat.v4.new_output("error", ename=ename, evalue=message, traceback=[f"✗ {message}"])


def size_of(value):
    "About how many characters a message's content holds."
    if isinstance(value, str): return len(value)
    if isinstance(value, dict): return sum(map(size_of, value.values()))
    return sum(map(size_of, value)) if isinstance(value, list) else 8


def clean(value):
    "Outputs with all their text made plain."
    if isinstance(value, str): return plain(value)
    if isinstance(value, dict): return nbformat.NotebookNode({plain(k): clean(v) for k, v in value.items()})
    return [clean(v) for v in value] if isinstance(value, list) else value


class Stopped(Exception):
    "The kernel cannot go on; the message says why."


class Run(Execute):
    "Runs a submission's cells in the sandbox. `for_job` makes the subclass of one job."
    job: Job
    notes: list     # sentences
    messages: dict  # {grade id: why the check failed}
    startup_timeout = Integer(120)        # seconds
    iopub_timeout = Integer(10)           # seconds that the rest of a cell's output may take
    raise_on_iopub_timeout = Bool(False)  # the receipt comes on another way

    # The kernel

    def create_kernel_manager(self):
        "A manager for the sandboxed kernel; sockets in ../ipc, as seen from the course and from the scratch folder."
        self.kernel_name = "graded"
        self.km = super().create_kernel_manager()
        self.km.connection_file = str(self.job.work / "trusted/connection.json")
        if os.name != "nt": self.km.transport, self.km.ip = "ipc", "../ipc/k"
        self.km.context.setsockopt(zmq.MAXMSGSIZE, LARGEST)
        return self.km

    def start(self):
        "Start a fresh kernel in a fresh sandbox; tries twice. Raises Stopped where the submission's time ends."
        for again in (True, False):
            try: return self.launch()
            except (RuntimeError, psutil.Error, StopIteration) as error:
                reason = self.watchdog.told()
                if self.watchdog.out_of_time: raise Stopped(reason) from error
                if not again: raise RuntimeError(sentence(reason or error)) from error

    def launch(self):
        "Start a kernel, and wait until it answers."
        self.stop()
        prepare_sandbox(self.job)
        self.reset_execution_trackers()
        self.create_kernel_manager()
        said = self.job.work / "ipc/said.txt"  # counts as a file of the submission
        with said.open("w") as file: self.start_new_kernel(stdout=subprocess.DEVNULL, stderr=file)
        try: self.start_new_kernel_client()
        except RuntimeError as error:
            text = said.read_text(errors="replace").strip()[-2000:]
            self.log.error(text)
            raise RuntimeError(f"{error} ({text.splitlines()[-1]})" if text else str(error)) from error
        self.kernel = kernel_process(self.km.provisioner.process.pid)
        (self.job.work / "trusted/hidden.py").unlink()  # the kernel has read it; no submission shall

    def stop(self):
        "End the kernel and all that it started."
        with self.watchdog.lock:
            sandbox.kill_family()
            if self.km is not None: self._cleanup_kernel()
            self.km = self.kc = None
            self.watchdog.told()

    def interrupt(self):
        "Interrupt the running cell."
        with suppress(psutil.Error): self.kernel.send_signal(signal.SIGINT)

    # The notebook

    def preprocess(self, nb, resources, km=None):
        "Run the notebook; a new kernel goes on after the end of one, while there is something left to grade."
        NotebookClient.__init__(self, nb, km)
        self._check_assign_resources(resources)
        self.left_out, self.blamed, self.raised, at = set(), {}, {}, 0
        self.watchdog = sandbox.Watchdog(self.job.work, self.job.limits)
        self.watchdog.start()
        try:
            while at < len(nb.cells): at = self.run_from(at)
        finally:
            self.watchdog.finished.set()
            self.stop()
        return nb, self.resources

    def run_from(self, first):
        "Run the cells from `first` on in a new kernel, after those before; returns where another one must go on."
        try: self.start()
        except Stopped as end:
            self.note(str(end))
            return self.give_up(first, str(end))
        before = [i for i in range(first) if self.nb.cells[i].cell_type == "code" and not is_check(self.nb.cells[i])]
        for index in before + list(range(first, len(self.nb.cells))):
            if index in self.left_out: continue
            try: self.run_cell(index, again=index < first)
            except Stopped as end: return self.go_on(index, str(end), max(first, index + 1))
        return len(self.nb.cells)

    def go_on(self, index, reason, after):
        "Note why the kernel ended in a cell, leave that cell out from now on; returns where to go on."
        cell, rest = self.nb.cells[index], self.nb.cells[after:]
        self.note(f"{name_of(cell, index)}: {reason}")
        self.leave_out(index, reason)
        if not self.watchdog.out_of_time and any(map(is_check, rest)): return after
        return self.give_up(after, reason)

    def give_up(self, first, reason):
        "Give the checks from cell `first` on no points; returns the end of the notebook."
        for cell in filter(is_check, self.nb.cells[first:]): self.fail(cell, "NotRun", f"not run, because {reason}")
        return len(self.nb.cells)

    def leave_out(self, index, reason):
        "Never run a cell again; for a check, neither the answer that it checks."
        cell = self.nb.cells[index]
        self.left_out.add(index)
        if not is_check(cell):
            cell.outputs = cell.get("outputs", []) + [error_output("Stopped", reason)]
            return
        self.fail(cell, "Stopped", reason)
        exercise = exercise_of(self.job.assignment, mark_of(cell)["grade_id"])
        self.blamed[exercise] = reason
        answer = f"{self.job.assignment}-{exercise}"
        self.left_out |= {i for i, c in enumerate(self.nb.cells) if mark_of(c).get("grade_id") == answer}

    def note(self, text):
        "Add a sentence to the notes, once."
        if sentence(text) not in self.notes: self.notes.append(sentence(text))

    # A cell

    def run_cell(self, index, again=False):
        "Run a cell; `again`: only for what it does, in a new kernel. Raises Stopped where the kernel cannot go on."
        cell = self.nb.cells[index]
        if cell.cell_type != "code": return
        if is_check(cell): return self.run_check(cell, index)
        run = copy.deepcopy(cell) if again else cell
        reply = self.execute(run, index)
        self.nb.cells[index] = cell
        if utils.is_solution(cell): self.raised[mark_of(cell)["grade_id"]] = raised(reply["content"])
        if any(p.get("source") == "ask_exit" for p in reply["content"].get("payload") or [] if isinstance(p, dict)):
            self.note(f"{name_of(cell, index)} calls exit(); the notebook was run to its end all the same")

    def execute(self, cell, index):
        "The kernel's reply to a cell, whose outputs are then limited and plain. Raises Stopped."
        self.reply, self.size, self.pieces, self.flood, self.late, self.idle = None, 0, 0, False, False, False
        try: self.execute_cell(cell, index)
        except Stopped as end: raise Stopped(self.watchdog.told() or str(end)) from None
        except Exception as error: raise Stopped(self.watchdog.told() or ended(error)) from error
        finally: self.watchdog.relax()
        if reason := self.watchdog.told() or self.watchdog.broken(): raise Stopped(reason)
        cell.outputs = shown(cell.get("outputs", []))
        limits, name = self.job.limits, name_of(cell, index)
        most = f"{limits.output:g} MB or {limits.messages} pieces"
        if self.late: self.note(f"{name} took longer than {limits.cell_time:g} s and was stopped")
        if self.flood: self.note(f"{name} gave more output than {most}; it was stopped")
        if self.reply and not self.idle: self.note(f"{name} gave an output too large to be read; it was left out")
        return self.reply or {"content": {}}

    def run_check(self, cell, index):
        "Run a graded cell; it passes only with a receipt for its nonce."
        exercise = exercise_of(self.job.assignment, mark_of(cell)["grade_id"])
        if exercise in self.blamed: return self.fail(cell, "NotRun", f"not run, because {self.blamed[exercise]}")
        nonce, source = secrets.token_hex(16), cell.source
        cell.source = f"{MARK}{nonce}\n{source}"
        try: reply = self.execute(cell, index)
        finally: cell.source = source
        receipt = reply["content"].get("receipt")
        cell.outputs = [out for out in cell.outputs if out.output_type == "stream"]
        for out in cell.outputs: out.name = "stdout"  # nbgrader takes anything on stderr for a failure
        if not isinstance(receipt, dict) or receipt.get("nonce") != nonce:
            raise Stopped("the check gave no receipt: it was not run")
        self.judge(cell, exercise, receipt)

    def judge(self, cell, exercise, receipt):
        "Keep what a receipt says."
        for name in names_in(receipt, "restored"):
            self.note(f"the submission replaced {name}; the original was put back before the checks")
        for name in names_in(receipt, "shadowed"):
            self.note(f"the submission put something else under the name {name}; the checks used the original")
        if self.late or self.flood: self.blamed[exercise] = "its check was stopped"
        most = self.job.limits.cell_time
        if self.late: return self.fail(cell, "Stopped", f"took longer than {most:g} s and was stopped")
        if self.flood: return self.fail(cell, "Stopped", "prints without end and was stopped")
        if receipt.get("passed") is True: return
        why = self.raised.get(f"{self.job.assignment}-{exercise}") if receipt.get("ename") == "NameError" else ""
        self.fail(cell, str(receipt.get("ename")), why or message_of(receipt))
        if names_in(receipt, "spoiled") or out_of_memory(receipt): raise Stopped(message_of(receipt))

    def fail(self, cell, ename, message):
        "Give a graded cell no points, and say why."
        cell.outputs = cell.get("outputs", []) + [error_output(ename, sentence(message))]
        self.messages[mark_of(cell)["grade_id"]] = sentence(message)

    # What nbclient calls

    def on_cell_executed(self, **kwargs):
        "Keep the reply."
        self.reply = kwargs["execute_reply"]
        if not is_check(kwargs["cell"]): super().on_cell_executed(**kwargs)

    def _get_timeout(self, cell):
        "Seconds for a cell."
        return self.job.limits.cell_time

    def handle_comm_msg(self, outs, msg, cell_index):
        "Nothing: widgets are not shown, and their data not kept."

    async def _async_handle_timeout(self, timeout, cell=None):
        "Interrupt a cell that takes too long; the reply that it then gives. Raises Stopped where it gives none."
        self.late = True
        grace = self.job.limits.grace / 3
        for _ in range(3):
            self.interrupt()
            with suppress(Empty): return await ensure_async(self.kc.shell_channel.get_msg(timeout=grace))
        raise Stopped(f"it took longer than {timeout:g} s and did not stop when it was interrupted")

    def process_message(self, msg, cell, cell_index):
        "nbclient's, but a cell that gives too much output is interrupted, and the rest of its output dropped."
        self.pieces, self.size = self.pieces + 1, self.size + size_of(msg["content"])
        state, limits = msg["content"].get("execution_state"), self.job.limits
        self.idle = self.idle or state == "idle"
        if self.size > limits.output * sandbox.MB or self.pieces > limits.messages:
            if not self.flood:
                self.watchdog.give(limits.grace, "it printed without end and did not stop when it was interrupted")
                self.interrupt()
            self.flood = True
            if state != "idle": return None
        return super().process_message(msg, cell, cell_index)


def ended(error):
    "Why the kernel ended, where no limit was broken."
    if isinstance(error, DeadKernelError): return "the kernel ended"
    return f"the kernel could not be understood ({type(error).__name__})"


def raised(content):
    "What a reply says of an answer's cell that raised an error."
    if content.get("status") != "error": return ""
    if content.get("ename") == "NotImplementedError": return "not answered"
    return f"the answer's cell raised {content.get('ename')}: {content.get('evalue')}"


def names_in(receipt, key):
    "The names that a receipt lists; nothing else, whatever it holds."
    found = receipt.get(key)
    return [sentence(n, 80) for n in found[:3]] if isinstance(found, list) else []


def out_of_memory(receipt):
    "Whether an answer filled the memory, which would be missing to the next one."
    return receipt.get("ename") == "MemoryError" or re.search("MemoryError|allocate memory", str(receipt.get("evalue")))


def message_of(receipt):
    "One sentence for a check that failed."
    ename, evalue = (str(receipt.get(k) or "") for k in ("ename", "evalue"))
    if ename in ("CheckFailed", "Replaced", "Peeked"): return evalue
    if ename == "NotImplementedError": return "not answered"
    if ename == "SystemExit": return "the answer ends Python (sys.exit)"
    return f"{ename}: {evalue}" if evalue else ename


def shown(outputs):
    "Outputs as the feedback page shows them: text and pictures, no HTML or script of the submission's."
    outputs = [clean(out) for out in outputs]
    for out in outputs:
        data = out.get("data", {}).items()
        if "data" in out: out["data"] = {k: v for k, v in data if k in KINDS and isinstance(v, (str, list))}
        out.pop("metadata", None) if "data" not in out else out.update(metadata={})
    return outputs


# The sandbox of a job

def kernel_process(pid):
    "The Python process of the kernel, below what started it."
    process = psutil.Process(pid)
    return next(p for p in [process, *process.children(recursive=True)] if p.name() != "bwrap")


def prepare_sandbox(job):
    "The folders of the sandbox: what the kernel imports, and a scratch folder with checks.py, as students have it."
    sandbox.make_folders(job.work)
    checks = Path(job.course, "source", job.assignment, "checks.py")
    files = {"trusted/kernel.py": TOOLS / "kernel.py", "trusted/checks.py": checks, "trusted/hidden.py": job.hidden,
             "scratch/checks.py": checks}
    for target, file in files.items(): shutil.copyfile(file, job.work / target)
    shutil.copytree(Path(job.out, "work/matplotlib"), job.work / "scratch/.matplotlib")
    command, variables = sandbox.kernel_command(job.work, job.limits, job.isolation, job.hide)
    spec = {"argv": command, "env": variables, "display_name": "graded", "language": "python"}
    folder = job.work / "jupyter/kernels/graded"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    os.environ["JUPYTER_PATH"] = str(job.work / "jupyter")


# nbgrader

def private_course(job, notebook):
    "A course for this job alone, with the repaired notebook handed in; returns nbgrader's settings."
    folder, name = job.work / "course", job.assignment
    no_notebook = shutil.ignore_patterns("*.ipynb")
    shutil.copytree(Path(job.course, "source", name), folder / "source" / name, ignore=no_notebook)
    shutil.copyfile(Path(job.course, "gradebook.db"), folder / "gradebook.db")
    (handed := folder / "submitted" / STUDENT / name).mkdir(parents=True)
    nbformat.write(notebook, handed / f"{name}.ipynb")
    config = release.config(folder)
    config.CourseDirectory.assignment_id, config.CourseDirectory.student_id = name, STUDENT
    config.SanitizeHTML.enabled = True
    config.GenerateFeedback.preprocessors = [GetGrades, CSSHTMLHeaderPreprocessor, SanitizeHTML]  # no script in a text
    return config


def autograde(job, config):
    "Run the notebook as nbgrader does; the class that ran it, with its notes and messages."
    run = type("Run", (Run,), {"job": job, "notes": [], "messages": {}})
    chain = [run, IgnorePattern, ClearMetadataPreprocessor, LimitOutput, SaveAutoGrades, AssignLatePenalties]
    config.Autograde.autograde_preprocessors = [*chain, CheckCellMetadata]
    Autograde(coursedir=CourseDirectory(config=config), config=config).start()
    return run


def released(job):
    "The notebook as it was handed out."
    return nbformat.read(Path(job.course, "release", job.assignment, f"{job.assignment}.ipynb"), as_version=4)


def scores(job, config):
    "{grade id: points or None} from nbgrader's gradebook."
    with Gradebook(config.CourseDirectory.db_url, config.CourseDirectory.course_id) as book:
        found = book.find_submission_notebook(job.assignment, job.assignment, STUDENT)
        return {grade.name: grade.auto_score for grade in found.grades}


def cells_of(job, points, messages):
    "The graded cells as the result lists them."
    found = []
    for cell in filter(utils.is_grade, released(job).cells):
        name, manual = mark_of(cell)["grade_id"], cell.cell_type != "code" or utils.is_solution(cell)
        kind = "manual" if manual else "hidden" if name.endswith("-hidden") else "check"
        found.append({"id": name, "exercise": exercise_of(job.assignment, name), "kind": kind,
                      "points": None if manual else points.get(name, 0.0), "max": float(mark_of(cell)["points"]),
                      "message": messages.get(name, "")})
    return found


def answers_of(job, notebook):
    "{exercise: source} of the answers' cells."
    cells = [c for c in notebook.cells if utils.is_solution(c)]
    return {exercise_of(job.assignment, mark_of(c)["grade_id"]): plain(c.source) for c in cells}


def feedback(job, config, cells, notes):
    "nbgrader's feedback page, under the student's name; its list names the checks and says what each found."
    GenerateFeedback(coursedir=CourseDirectory(config=config), config=config).start()
    page = job.work / "course/feedback" / STUDENT / job.assignment / f"{job.assignment}.html"
    text = page.read_text(encoding="utf-8")
    for cell in cells:
        found = f": {html.escape(cell['message'])}" if cell["message"] else ""
        entry = rf'(<a href="#{cell["id"]}">)[^<]*(</a>[^<]*)'
        text = re.sub(entry, lambda m: f"{m[1]}{cell['id']}{m[2]}{found}", text, count=1)
    said = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
    text = text.replace('<div id="toc">', f'{said}<div id="toc">', 1)
    write_whole(Path(job.out, "feedback", f"{job.student}.html"), text.encode())


# One submission

def run(job):
    "Repair, run and mark a submission: (cells, notes, answers). Raises repair.Unreadable."
    if not job.file: raise repair.Unreadable(job.notes[-1])
    notebook, notes = repair.repair(released(job), repair.read_submission(Path(job.file)))
    answers = answers_of(job, notebook)
    config = private_course(job, notebook)
    graded = autograde(job, config)
    cells = cells_of(job, scores(job, config), graded.messages)
    empty = answers_of(job, released(job))
    for cell in cells:
        e = cell["exercise"]
        if cell["kind"] == "manual" and answers.get(e) == empty.get(e): cell["message"] = "not answered"
    notes = list(dict.fromkeys([*job.notes, *map(sentence, notes), *graded.notes]))
    feedback(job, config, cells, notes)
    return cells, notes, answers


def write_result(job, cells, notes, answers, seconds):
    "Write results/STUDENT.json whole or not at all; its points are None where the machine's are."
    points = [c["points"] for c in cells if c["kind"] != "manual"]
    total = None if None in points else float(sum(points))
    result = {"student": job.student, "assignment": job.assignment, "seed": job.seed, "points": total,
              "max_points": float(sum(c["max"] for c in cells)), "cells": cells, "notes": notes,
              "isolation": job.isolation, "seconds": round(seconds, 1), "answers": answers, "lms_id": job.number,
              "key": job.key}
    data = json.dumps(result, indent=1, ensure_ascii=False).encode()
    write_whole(Path(job.out, "results", f"{job.student}.json"), data)


def write_nothing(job, notes, seconds=0.0, points=0.0):
    "The result and the page of a submission that cannot be run; no points (None) where the grader failed: no key."
    text = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
    head = f"<!DOCTYPE html><meta charset='utf-8'><title>{job.assignment}</title>"
    page = f"{head}<h1>{job.assignment}: not graded</h1>{text}"
    write_whole(Path(job.out, "feedback", f"{job.student}.html"), page.encode())
    points = points if job.key else None
    cells = [c if c["kind"] == "manual" else c | {"points": points} for c in cells_of(job, {}, {})]
    write_result(job, cells, notes, {}, seconds)


def grade(job):
    "Grade one submission and write its result; nothing but the result and the feedback page stays."
    start, here = time.monotonic(), os.getcwd()
    sandbox.remove(job.work)
    job.work.mkdir(parents=True)
    try: cells, notes, answers = run(job)
    except repair.Unreadable as error:
        notes = list(dict.fromkeys([*job.notes, sentence(error)]))
        return write_nothing(job, notes, time.monotonic() - start)
    finally:
        os.chdir(here)
        sandbox.remove(job.work)
    write_result(job, cells, notes, answers, time.monotonic() - start)


def reason_in(log):
    "The last line of a log that names an error; nbgrader's own names none, as it points to the lines above."
    return next(iter(re.findall(r"^[\w.]*Error: .*", log, re.M)[::-1]), "")


def main(job):
    "The start of the process of one submission: no output, orphans kept, all ended and deleted whatever happens."
    log = Path(job.out, "logs", f"{job.student}.txt")
    with log.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        logging.basicConfig(level=logging.ERROR)
        warnings.simplefilter("ignore")
        sandbox.keep_orphans()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the business of grade.py
        try: grade(job)
        except Exception as error:
            traceback.print_exc()
            print(reason_in(log.read_text(encoding="utf-8", errors="replace")) or error, file=sys.stderr, flush=True)
            sys.exit(1)
    log.unlink()
