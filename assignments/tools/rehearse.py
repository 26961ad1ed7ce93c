"""Grade made submissions whose marks are known, and look for every difference and every trace.

    python assignments/tools/rehearse.py a1                     200 submissions, in grading/rehearsal
    python assignments/tools/rehearse.py a1 --number 30 --seed 1 --out DIR --jobs 2 --cell-time 20
    python assignments/tools/rehearse.py a1 --only fork_bomb,zip_bomb,right,wrong

Right and wrong answers come from proof/, hostile and broken submissions from hostile.py. The exit status is 1 where a
mark or a note differs, where anything outside the grading folder was touched, or where a process is left over.
"""
import argparse
import ast
import csv
import hashlib
import html
import io
import json
import os
import platform
import random
import re
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from contextlib import redirect_stdout, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import course
import grade
import hostile
import nbformat
import psutil
import release
import repair
import sandbox

SHARES = {"right": 0.40, "wrong": 0.35, "hostile": 0.15, "broken": 0.10}  # from 200 on, every kind at least once
FIRST = ("Anna", "Ben", "Chloe", "Deniz", "Emil", "Fatima", "Goran", "Hana", "Ida", "Jun", "Kofi", "Lea", "Mia")
LAST = ("Kim", "Adams", "Bauer", "Costa", "Duarte", "Evans", "Fischer", "Garcia", "Haddad", "Ivanova", "Jensen",
        "Kowalski", "Lopez", "Meyer", "Nakamura", "Okafor", "O'Brien", "Ångström", "Müller", "李")
HOME_DEPTH = 3
MARK = ".rehearsal"  # the file that says that a folder is a rehearsal's and may be emptied


@dataclass
class Case:
    "One submission and what must come out."
    number: int
    group: str
    kind: str
    known: dict        # {graded cell: points}
    note: str          # words that notes or messages must hold; " or " between choices
    attacked: str = "" # the exercise
    student: str = ""  # the name that the grader must find
    shape: str = ""    # how it was handed in


# The known marks

def machine_cells(assignment):
    "The graded cells that a machine grades: {id: points}."
    cells = course.graded_cells(assignment).items()
    return {i: float(c.metadata.nbgrader.points) for i, c in cells if c.cell_type == "code"}


def checked_names(assignment):
    "{exercise: the name of the object that its check takes first}."
    cells, names = course.graded_cells(assignment), {}
    for e in course.exercises(assignment):
        source = (cells.get(f"{assignment}-{e}-check") or cells[f"{assignment}-{e}-hidden"]).source
        names[e] = re.search(r"check_\w+\(\s*(\w+)", source)[1]
    return names


class Known:
    "The known marks of answers, by calling the plain check functions here; each check of an answer runs once."

    def __init__(self, assignment, seed):
        "Read the answers and load the checks."
        course.load_checks(assignment, seed)
        self.assignment, self.found, self.names = assignment, {}, checked_names(assignment)
        self.answers = {e: course.read_answers(assignment, e) for e in course.exercises(assignment)}
        self.cells, self.points = course.graded_cells(assignment), machine_cells(assignment)

    def passed(self, answers, exercise):
        "The ids of the exercise's checks that {exercise: Answer} passes, with all answers above it in place."
        space, passed = {"__name__": "__main__"}, []
        for answer in answers.values(): exec(answer.prelude, space)
        for answer in answers.values():
            exec(compile(answer.text, f"{answer.exercise}: {answer.title}", "exec"), space)
            if answer.exercise == exercise: break
        for part in ("check", "hidden"):
            if (cell := self.cells.get(i := f"{self.assignment}-{exercise}-{part}")) is None: continue
            with suppress(Exception), redirect_stdout(io.StringIO()):
                exec(cell.source, space)
                passed.append(i)
        return passed

    def marks(self, answers):
        "{graded cell: points} of {exercise: Answer}."
        passed = []
        for exercise, answer in answers.items():
            uses = [a for e, a in answers.items() if e != exercise and re.search(rf"\b{self.names[e]}\b", answer.text)]
            key = tuple((a.exercise, a.title) for a in [answer, *uses])
            if key not in self.found: self.found[key] = self.passed(answers, exercise)
            passed += self.found[key]
        return {i: points if i in passed else 0.0 for i, points in self.points.items()}

    def pick(self, rng, right=True):
        "An answer to each exercise, chosen by `rng`; where not `right`, some are wrong."
        chosen = {e: rng.choice([a for a in found if a.right]) for e, found in self.answers.items()}
        if right: return chosen
        for e in rng.sample(list(chosen), rng.randint(1, max(1, len(chosen) // 2))):
            chosen[e] = rng.choice([a for a in self.answers[e] if not a.right])
        return chosen

    def attacked(self, mark, answers, target):
        "The marks of a hostile or broken submission."
        if mark == "full": return self.marks(answers)
        if mark == "zero": return dict.fromkeys(self.marks(answers), 0.0)
        nothing = f"def {self.names[target]}(*inputs, **named): return None"
        gone = course.Answer(self.assignment, target, False, "nothing", "", answers[target].prelude, nothing)
        return self.marks(answers | {target: gone})


# Making the submissions

def port_of(folder):
    "The port that submissions try to reach."
    return 40000 + zlib.crc32(str(folder).encode()) % 9000


def plan(number, rng, only=()):
    "The kinds of the submissions, shuffled: 'right', 'wrong', or a kind of hostile.py; those in `only` alone, if any."
    if only: return [only[i % len(only)] for i in range(number)]
    chosen = []
    for group in ("hostile", "broken"):
        names = [k.name for k in hostile.KINDS if k.group == group]
        rng.shuffle(names)
        count = max(round(number * SHARES[group]), len(names) if number >= 200 else 0)
        chosen += [names[i % len(names)] for i in range(count)]
    right = round((number - len(chosen)) * SHARES["right"] / (SHARES["right"] + SHARES["wrong"]))
    chosen += ["right"] * right + ["wrong"] * (number - len(chosen) - right)
    rng.shuffle(chosen)
    return chosen


def whole(answer, notebook):
    "An answer's text, below what it uses of its prelude and the notebook has not defined above it."
    names, defined, text = lambda node: {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}, set(), answer.text
    for cell in notebook.cells:
        if hostile.grade_id(cell) == f"{answer.assignment}-{answer.exercise}": break
        if cell.cell_type == "code": defined |= set(repair.names(cell.source))
    body, todo, used = ast.parse(answer.prelude).body, names(ast.parse(text)) - defined, set()
    while todo:
        name = todo.pop()
        for node in body:
            if node in used or name not in repair.binds(node): continue
            used.add(node)
            todo |= names(node) - defined
    return "\n\n".join([*(ast.unparse(node) for node in body if node in used), text])


def start(assignment, folder, answers, known, target):
    "A submission: the released notebook with these answers in it."
    notebook = nbformat.read(folder / "released" / assignment / f"{assignment}.ipynb", as_version=4)
    sub = hostile.Submission(assignment, notebook, target, known.names, folder / "outside", port_of(folder))
    for exercise, answer in answers.items(): sub.answer(exercise, whole(answer, notebook))
    return sub


def write_json(path, value):
    "Write a value as a JSON file."
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")


def make(assignment, folder, number, seed, only=()):
    "Write `number` submissions into folder/submissions; return the list of Case."
    release.release(assignment, seed, folder / "released")
    rng, known, cases = random.Random(seed), Known(assignment, seed), []
    kinds = {k.name: k for k in hostile.KINDS}
    for n, name in enumerate(plan(number, rng, only)):
        answers, target = known.pick(rng, name != "wrong"), rng.choice(list(known.names))
        sub = start(assignment, folder, answers, known, target)
        if kind := kinds.get(name):
            kind.change(sub)
            case = Case(n, kind.group, name, known.attacked(kind.mark, answers, target), kind.note, target)
        else: case = Case(n, name, name, known.marks(answers), "")
        deliver(sub, case, folder / "submissions")
        cases.append(case)
    write_json(folder / "known.json", [asdict(c) for c in cases])
    return cases


def write_into(sub, place):
    "Write all files of a submission into the folder `place`."
    place.mkdir(parents=True)
    for name in filter(None, [sub.file, *sub.files]): (place / name).parent.mkdir(parents=True, exist_ok=True)
    for name, data in sub.files.items(): (place / name).write_bytes(data)
    for name in sub.pipes: os.mkfifo(place / name)
    for name, target in sub.links.items(): (place / name).symlink_to(target)
    if sub.file and sub.file not in [*sub.pipes, *sub.links]: (place / sub.file).write_bytes(sub.bytes())


def deliver(sub, case, folder):
    "Write a submission as a student, Moodle or Canvas would: a folder, a zip file, or a file with a long name."
    first, last = FIRST[case.number % len(FIRST)], LAST[case.number % len(LAST)]
    plain = not (sub.student or sub.files or sub.links or sub.pipes) and sub.file == f"{sub.assignment}.ipynb"
    case.shape = ("folder", "moodle", "canvas", "moodle zip")[case.number % 4]
    if case.shape != "moodle" and not plain: case.shape = "folder"
    if case.shape == "moodle zip" and not plain: case.shape = "moodle"
    case.student = f"{sub.student or f'{first} {last}'} {case.number:03d}"
    if case.shape == "folder":
        place, case.student = folder / case.student, grade.safe(case.student)
        return write_into(sub, place)
    if case.shape == "canvas":
        case.student = f"{last}{first}{case.number:03d}".lower()
        (folder / f"{case.student}_{4000 + case.number}_{9000 + case.number}_{sub.file}").write_bytes(sub.bytes())
        return
    place = folder / f"{case.student}_{7000 + case.number}_assignsubmission_file"
    write_into(sub, place)
    if case.shape == "moodle zip":
        (place / "work.zip").write_bytes(hostile.zipped({sub.file: sub.bytes()}))
        (place / sub.file).unlink()


# Traces

def entries(place, depth, skip):
    "All paths below `place`, at most `depth` folders down, without those in `skip`."
    for entry in os.scandir(place):
        path = Path(entry.path)
        if path in skip: continue
        yield path
        if depth > 1 and entry.is_dir(follow_symlinks=False): yield from entries(path, depth - 1, skip)


def state_of(path):
    "Size, times and, for small files outside environments, content of a path."
    info = path.lstat()
    if path.is_dir() and not path.is_symlink(): return ("folder", info.st_mode)
    small = path.is_file() and not path.is_symlink() and info.st_size < 100_000 and "site-packages" not in path.parts
    content = hashlib.sha256(path.read_bytes()).hexdigest() if small else ""
    return (info.st_size, info.st_mode, info.st_mtime_ns, info.st_ctime_ns, content)


def fingerprint(folder):
    "{path: state} of the repository, the home folder's top and `outside`; of folders for temporary files, our names."
    repository, temp = course.COURSE.parent, {Path(p) for p in (tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm")}
    skip, found = {folder, repository / ".git"}, {}
    places = [(repository, 99), (Path.home(), HOME_DEPTH), (folder / "outside", 9), (folder / "submissions", 9)]
    for place, depth in places:
        for path in entries(place, depth, skip - {place}):
            try: found[str(path)] = state_of(path)
            except FileNotFoundError: pass  # someone else's, gone meanwhile
    names = {str(p): "there" for place in temp if place.is_dir() for p in place.iterdir() if "rehearsal" in p.name}
    return names | found | {str(p): "there" for p in folder.iterdir()}


def touched(before, after, allowed):
    "What was made, changed or removed, as sentences; not what lies in `allowed`."
    what = {**{p: "removed" for p in before.keys() - after.keys()}, **{p: "made" for p in after.keys() - before.keys()},
            **{p: "changed" for p in before.keys() & after.keys() if before[p] != after[p]}}
    return [f"{p} was {w}" for p, w in sorted(what.items()) if not Path(p).is_relative_to(allowed)]


def leftover(before, folder):
    "Processes that came since `before` and belong to the grading, by command line, environment or parents."
    found = []
    for process in psutil.process_iter():
        if process.pid in before or process.pid == os.getpid(): continue
        with suppress(psutil.Error):
            line = " ".join(process.cmdline())
            lines = [line, *(" ".join(p.cmdline()) for p in process.parents() if p.pid not in before)]
            named = any(hostile.MARKER in text or str(folder) in text for text in lines)
            ours = named or process.environ().get("SSNET_REHEARSAL") == str(folder)
            if ours and process.status() != psutil.STATUS_ZOMBIE: found.append(f"process {process.pid}: {line[:120]}")
    return found


class Listener(threading.Thread):
    "Counts who reaches this machine's port, or its abstract socket."

    def __init__(self, port):
        "Listen at once."
        super().__init__(daemon=True)
        self.sockets, self.reached = [socket.create_server(("127.0.0.1", port))], 0
        if sys.platform == "linux":
            self.sockets.append(socket.socket(socket.AF_UNIX))
            self.sockets[-1].bind(f"\0{hostile.MARKER}-{port}")
            self.sockets[-1].listen()
        self.start()

    def run(self):
        "Count until the program ends."
        while True:
            for ready in select.select(self.sockets, [], [])[0]:
                ready.accept()[0].close()
                self.reached += 1


# Grading and comparing

def run_grader(folder, arguments, log):
    "Run the grader in a process of its own, as an instructor does; (seconds, sentences about its failure)."
    words = [sys.executable, str(course.COURSE / "tools" / "grade.py"), *map(str, arguments)]
    temp = tempfile.mkdtemp()
    environment = os.environ | {"SSNET_REHEARSAL": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": temp}
    began = time.monotonic()
    with open(folder / log, "w") as out:
        status = subprocess.run(words, stdout=out, stderr=out, env=environment).returncode
    failed = [f"the grader ended with status {status}: see {folder / log}"] if status else []
    failed += [f"the grader left {path}" for path in Path(temp).iterdir()]
    shutil.rmtree(temp)
    return time.monotonic() - began, failed


def results(graded):
    "{student: result} of a grading folder."
    return {r["student"]: r for r in (json.loads(p.read_text()) for p in sorted((graded / "results").glob("*.json")))}


def points(result):
    "{cell: points} of the cells that a machine grades."
    return {c["id"]: c["points"] for c in result["cells"] if c["kind"] != "manual"}


def said(result):
    "All that a result says to the student."
    return " ".join([*result["notes"], *(c["message"] for c in result["cells"])])


def compare(case, result):
    "What is not as it must be with one result, as sentences."
    if result is None: return ["there is no result"]
    got = points(result)
    wrong = [f"{i}: {got.get(i)} points, known {p:g}" for i, p in case.known.items() if got.get(i) != p]
    if extra := sorted(got.keys() - case.known.keys()): wrong.append(f"cells that do not exist: {extra}")
    if case.note and not any(words in said(result) for words in case.note.split(" or ")):
        wrong.append(f"no note says {case.note!r}: {result['notes']}")
    if case.group == "right" and result["notes"]: wrong.append(f"notes without need: {result['notes']}")
    return wrong


def told(assignment, graded):
    "Files for students or people that hold a line of the hidden checks, a live script, or a formula for a spreadsheet."
    answers = (course.COURSE / "proof" / assignment).glob("*.py")
    proof = release.flat(" ".join(p.read_text(encoding="utf-8") for p in answers))
    secret = [s for s, what in release.secrets(assignment).items() if what == "hidden check" and s not in proof]
    found = []
    for path in sorted(p for part in ("results/*", "feedback/*", "*.*") for p in graded.glob(part)):
        text = html.unescape(path.read_text(errors="replace"))
        found += [f"{path.name} holds a line of the hidden checks: {s}" for s in secret if s in release.flat(text)][:1]
        if path.suffix == ".html" and "<script>rehearsal()" in path.read_text(errors="replace"):
            found.append(f"{path.name} holds a script of a submission")
    if not (graded / "marks.csv").is_file(): return [*found, "marks.csv is missing"]
    with open(graded / "marks.csv", newline="", encoding="utf-8-sig") as file: rows = list(csv.reader(file))
    return found + [f"marks.csv holds a formula: {cell}" for row in rows for cell in row if cell[:1] in ("=", "@", "+")]


def same_twice(folder, arguments):
    "What a second run graded again, and the seconds it took."
    times = lambda: {p.name: p.stat().st_mtime_ns for p in (folder / "graded/results").glob("*.json")}
    before = times()
    seconds, failed = run_grader(folder, arguments, "second.log")
    return failed + [f"{name} was graded again" for name in before if times().get(name) != before[name]], seconds


def sample(folder, cases, rng):
    "Copy at most 12 submissions that end quickly into folder/again; return their cases."
    skip = {k.name for k in hostile.KINDS if k.slow} | {"notebook_is_a_pipe", "zip_bomb"}
    quick = [c for c in cases if c.kind not in skip]
    chosen = rng.sample(quick, min(12, len(quick), 1 + len(cases) // 10))
    (folder / "again").mkdir()
    for path in (folder / "submissions").iterdir():
        if not path.name.startswith(tuple(f"{c.student}_" for c in chosen) + tuple(c.student for c in chosen)): continue
        copy = shutil.copytree if path.is_dir() else shutil.copy
        copy(path, folder / "again" / path.name, **({"symlinks": True} if path.is_dir() else {}))
    return chosen


def same_fresh(folder, cases, words, rng):
    "Differences between a fresh grading of a sample and the first one, the number graded, the seconds."
    chosen, first = sample(folder, cases, rng), results(folder / "graded")
    seconds, failed = run_grader(folder, words(folder / "again", folder / "graded_again") + ["--fresh"], "third.log")
    second = results(folder / "graded_again")
    parts = lambda r: r and (points(r), r["notes"], [c["message"] for c in r["cells"]])
    pairs = [(c, parts(first.get(c.student)), parts(second.get(c.student))) for c in chosen]
    differ = [f"{c.student} ({c.kind}) differs the second time: {one} {two}" for c, one, two in pairs if one != two]
    return failed + differ, len(chosen), seconds


# The whole

def machine():
    "The machine, in words."
    memory = psutil.virtual_memory().total / 2 ** 30
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GB, {system}"


def bystander():
    "A process that no submission may end."
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100000)", "rehearsal-bystander"])


def check(given):
    "Raise ValueError where the command line asks for something that there is not."
    release.source(given.assignment)
    release.whole(given.seed)
    unknown = sorted(set(given.only) - {"right", "wrong", *(k.name for k in hostile.KINDS)})
    if unknown: raise ValueError(f"there is no kind {', '.join(unknown)}: give right, wrong or names from hostile.py")
    if min(given.number, given.jobs, given.cell_time, given.time) < 1: raise ValueError("numbers must be above 0")


def prepare(folder):
    "Empty the rehearsal's folder and put what must stay untouched into folder/outside."
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise ValueError(f"{folder} is not empty and no rehearsal's: name another --out, or delete it")
    sandbox.remove(folder)
    folder.mkdir(parents=True)
    (folder / MARK).write_text("rehearse.py made this folder and may empty it\n")
    (folder / "outside" / "deep").mkdir(parents=True)
    for name in ("keep.txt", "deep/keep.txt"): (folder / "outside" / name).write_text("nobody touches this\n")
    nbformat.write(nbformat.v4.new_notebook(), folder / "outside" / "secret.ipynb")


def watched(folder, words):
    "Run the grader for the first time; what it took and what it touched."
    listener, other = Listener(port_of(folder)), bystander()
    for log in ("first.log", "second.log", "third.log"): (folder / log).touch()
    processes, before = set(psutil.pids()), fingerprint(folder)
    try: seconds, failed = run_grader(folder, words(folder / "submissions", folder / "graded"), "first.log")
    finally: ended = other.poll() is not None or other.kill()
    other.wait()
    for _ in range(30):  # what ends by itself may take a moment
        if not (left := leftover(processes, folder)): break
        time.sleep(0.5)
    traces = failed + touched(before, fingerprint(folder), folder / "graded") + left
    if listener.reached: traces.append(f"a submission reached this machine's sockets {listener.reached} times")
    if ended: traces.append("a submission ended a process of another")
    return seconds, traces


def rehearse(given):
    "Make, grade, compare, in the folder that `prepare` made; return the report."
    folder = given.out.resolve()
    cases, rng = make(given.assignment, folder, given.number, given.seed, given.only), random.Random(given.seed)
    def words(source, out):
        "The grader's arguments."
        return [given.assignment, source, "--seed", given.seed, "--out", out, "--jobs", given.jobs,
                "--cell-time", given.cell_time, "--time", given.time]
    seconds, traces = watched(folder, words)
    found = results(folder / "graded")
    differ = {c.student: compare(c, found.get(c.student)) for c in cases}
    lines = [f"{c.student} ({c.kind}): {line}" for c in cases for line in differ[c.student]]
    lines += [f"a result of nobody: {s}" for s in sorted(found.keys() - differ.keys())]
    again, second = same_twice(folder, words(folder / "submissions", folder / "graded"))
    other, number, third = same_fresh(folder, cases, words, rng)
    lines += traces + told(given.assignment, folder / "graded") + again + other
    times = [r["seconds"] for r in found.values()] or [0.0]
    return {"machine": machine(), "assignment": given.assignment, "seed": given.seed, "number": len(cases),
            "jobs": given.jobs, "cell_time": given.cell_time, "seconds": round(seconds, 1),
            "median": statistics.median(times), "longest": max(times),
            "second_run": round(second, 1), "fresh": number, "fresh_seconds": round(third, 1), "differences": lines,
            "isolation": sorted({r["isolation"] for r in found.values()}),
            "cases": [asdict(c) | {"differs": differ[c.student], "result": found.get(c.student)} for c in cases]}


def table(report):
    "The report as a short table."
    lines = [f"{report['assignment'].upper()}, seed {report['seed']}",
             f"{'':10}{'kinds':>7}{'number':>8}{'marks equal':>14}{'notes as expected':>20}"]
    for group in (*SHARES, "all"):
        cases = [c for c in report["cases"] if group in (c["group"], "all")]
        notes = sum(any("note" in line for line in c["differs"]) for c in cases)
        marks = sum(any("note" not in line for line in c["differs"]) for c in cases)
        n = len(cases)
        kinds = len({c["kind"] for c in cases})
        lines.append(f"{group:10}{kinds:7}{n:8}{f'{n - marks} of {n}':>14}{f'{n - notes} of {n}':>20}")
    lines.append(f"Graded in {report['seconds'] / 60:.1f} minutes ({report['jobs']} at a time; {report['machine']}; "
                 f"isolation: {', '.join(report['isolation'])}).")
    lines.append(f"One submission: {report['median']:.1f} s (median), {report['longest']:.1f} s (longest).")
    lines.append(f"A second run, with nothing to do: {report['second_run']:.0f} s. "
                 f"{report['fresh']} graded afresh: {report['fresh_seconds']:.0f} s.")
    return "\n".join(lines)


def main(words=None):
    "The command line; returns the exit status."
    parser = argparse.ArgumentParser(description="Grade made submissions whose marks are known.")
    parser.add_argument("assignment", help="a1, a2, a3 or a4")
    parser.add_argument("--number", type=int, default=200, help="how many submissions (200)")
    parser.add_argument("--seed", type=int, default=0, help="the yearly variant, and what chance decides here (0)")
    parser.add_argument("--out", type=Path, default=Path("grading/rehearsal"), help="its folder, emptied first")
    parser.add_argument("--jobs", type=int, default=2, help="submissions at a time (2)")
    parser.add_argument("--cell-time", type=int, default=20, help="seconds for a cell (20)")
    parser.add_argument("--time", type=int, default=300, help="seconds for a submission (300)")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[], help="these kinds alone")
    given = parser.parse_args(words)
    try:
        check(given)
        prepare(given.out.resolve())
    except (ValueError, OSError) as error:
        print(f"Nothing was rehearsed: {release.reason(error)}", file=sys.stderr)
        return 1
    report = rehearse(given)
    write_json(given.out / "rehearsal.json", report)
    print(table(report))
    for line in report["differences"]: print(f"DIFFERENCE {line}")
    if not report["differences"]:
        print("No difference: marks and notes as known, nothing outside the grading folder touched, no process left.")
    return 1 if report["differences"] else 0


if __name__ == "__main__": sys.exit(main())
