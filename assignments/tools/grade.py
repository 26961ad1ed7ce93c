"""Grade a folder of submissions.

    python assignments/tools/grade.py a1 submissions                    into grading/a1
    python assignments/tools/grade.py a1 submissions --seed 2027 --jobs 4 --cell-time 120
    python assignments/tools/grade.py a1 moodle_download.zip

The folder holds a folder or a notebook a student, or what Moodle or Canvas gave; it is never written to. What has been
graded is not graded again; stop it whenever you like and start it again.
"""
import argparse
import hashlib
import importlib.util
import json
import multiprocessing
import multiprocessing.connection
import os
import re
import signal
import subprocess
import sys
import time
import unicodedata
import zipfile
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import course
import psutil
import sandbox
from tqdm import tqdm

TOOLS = Path(__file__).resolve().parent
PARTS = ("results", "feedback", "course", "work", "logs", "incoming")  # of the grading folder; the rest is yours
LARGEST, MEMBERS = 200 * sandbox.MB, 20_000                             # of a zip file: bytes of a member, members
MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?$")
CANVAS = re.compile(r"(?P<name>[^_]+)_(?:LATE_)?(?P<id>\d+)_\d+_.+$")
WEAKER = "It stops mistakes and simple attacks; install bubblewrap for more."
EXTRA = 120  # seconds that a submission's process may take beyond its limit


class BadInput(ValueError):
    "What was given cannot be graded; the message says why, in one sentence."


# Whose is it

def student_of(name):
    "(student, number in the LMS or '') from the name of a folder or file, as Moodle, Canvas or a person gave it."
    stem = re.sub(r"\.(ipynb|zip)$", "", unicodedata.normalize("NFC", name), flags=re.I)
    found = MOODLE.match(stem) or CANVAS.match(stem)
    return (safe(found["name"]), found["id"]) if found else (safe(stem), "")


def safe(name):
    "A name that every system takes for a file."
    name = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|]', "_", name).strip().lstrip(".").rstrip(". ")
    while len(name.encode()) > 150: name = name[:-1]
    return name or "unnamed"


# What was handed in

@dataclass
class Entry:
    "What one student handed in: notebooks found, and sentences about what was found in their place."
    student: str
    number: str = ""
    notebooks: list = field(default_factory=list)  # (path, name as the student gave it, time)
    notes: list = field(default_factory=list)


def ignored(path):
    "Whether a system or an editor left it there."
    return path.name.startswith(".") or path.name == "__MACOSX" or path.name.endswith("~")


def open_zip(path, entry, incoming):
    "Take the notebooks out of a student's zip file; nothing is written under a name that the zip file gives."
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist()[:MEMBERS]:
                name = Path(info.filename.replace("\\", "/"))
                left = any(ignored(Path(p)) and p != ".." for p in name.parts)
                if info.is_dir() or left or name.suffix.lower() != ".ipynb": continue
                target = incoming / digest(path.name, entry.student, info.filename)[:16] / safe(name.name)
                if copy_member(archive, info, target): entry.notebooks.append((target, name.name, info.date_time))
                else: entry.notes.append(f"{name.name} in {path.name} is larger than {LARGEST // sandbox.MB} MB")
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
        entry.notes.append(f"{path.name} cannot be unpacked ({type(error).__name__})")


def copy_member(archive, info, target):
    "Write a member of a zip file to `target`; False where it is too large."
    if info.file_size > LARGEST: return False
    with archive.open(info) as file: data = file.read(LARGEST + 1)
    if len(data) > LARGEST: return False
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return True


def look_at(path, entry, incoming, deep=6):
    "Collect the notebooks at and below a path; links are not followed."
    if ignored(path): return
    if path.is_symlink():
        if path.suffix == ".ipynb": entry.notes.append(f"{path.name} is a link: hand in the notebook itself")
    elif path.is_dir():
        for inner in sorted(path.iterdir())[:MEMBERS] if deep else (): look_at(inner, entry, incoming, deep - 1)
    elif path.suffix.lower() == ".ipynb":
        if path.is_file(): entry.notebooks.append((path, path.name, time.localtime(path.stat().st_mtime)[:6]))
        else: entry.notes.append(f"{path.name} is not a file")
    elif path.suffix.lower() == ".zip" and path.is_file(): open_zip(path, entry, incoming)


def class_download(archive_path, target):
    "Unpack a class's zip file from an LMS into `target`: notebooks and zip files, and the folders they stood in."
    try:
        with zipfile.ZipFile(archive_path) as archive:
            for info in archive.infolist()[:MEMBERS]:
                parts = [p for p in info.filename.replace("\\", "/").split("/") if p not in ("", ".", "..")]
                if not parts or any(ignored(Path(p)) for p in parts): continue
                place = target.joinpath(*map(safe, parts))
                (place if info.is_dir() else place.parent).mkdir(parents=True, exist_ok=True)
                if not info.is_dir() and place.suffix.lower() in (".ipynb", ".zip"): copy_member(archive, info, place)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError) as error:
        raise BadInput(f"{archive_path} cannot be unpacked: {error}") from error
    return target


def collect(source, incoming):
    "[Entry] of all students in a folder or a zip file, and the names of what was passed over."
    source = Path(source)
    if not source.exists(): raise BadInput(f"there is no {source}")
    entries = [source] if source.is_file() else [p for p in sorted(source.iterdir()) if not ignored(p)]
    if len(entries) == 1 and entries[0].suffix.lower() == ".zip" and entries[0].is_file():
        return collect(class_download(entries[0], incoming / "download"), incoming)
    found, passed = {}, []
    for path in entries:
        if not path.is_dir() and path.suffix.lower() not in (".ipynb", ".zip"):
            passed.append(path.name)
            continue
        student, number = student_of(path.name)
        entry = found.setdefault((student, number), Entry(student, number))
        if path.is_symlink(): entry.notes.append(f"{path.name} is a link: hand in the notebook itself")
        else: look_at(path, entry, incoming)
    return unlike(list(found.values())), passed


def unlike(entries):
    "The entries, with the LMS's number behind names that two students share, capitals apart."
    names = [e.student.casefold() for e in entries]
    for entry, name in zip(entries, names):
        if names.count(name) > 1 and entry.number: entry.student = f"{entry.student} {entry.number}"
    taken = {}
    for entry in entries:
        count = taken[entry.student.casefold()] = taken.get(entry.student.casefold(), 0) + 1
        if count > 1: entry.student = f"{entry.student} ({count})"
    return entries


def choose(entry, assignment):
    "(path or '', notes): the notebook to grade of what a student handed in."
    def rank(found):
        "The name first, then the time."
        name = found[1].lower()
        named = re.search(rf"(^|[^a-z0-9]){assignment}([^a-z0-9]|$)", name) is not None
        return name == f"{assignment}.ipynb", named, found[2], name
    missing = f"there is no notebook (.ipynb) in what was handed in; {assignment}.ipynb is expected"
    if not entry.notebooks: return "", entry.notes or [missing]
    *others, chosen = sorted(entry.notebooks, key=rank)
    if not others: return str(chosen[0]), entry.notes
    names = ", ".join(sorted(o[1] for o in others))
    note = f"more than one notebook was handed in: {chosen[1]} was graded, and not {names}"
    return str(chosen[0]), [*entry.notes, note]


# The jobs

def digest(*parts):
    "A hash of texts, bytes and files."
    whole = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part if isinstance(part, bytes) else str(part).encode()
        whole.update(hashlib.sha256(data).digest())
    return whole.hexdigest()


def tool_files(assignment):
    "The files that marks depend on, beside the submission."
    ssnet = Path(sys.modules["ssnet.checking"].__file__)
    source = course.COURSE / "source" / assignment
    names = ("course", "release", "repair", "sandbox", "kernel", "grade", "grade_one")
    of_it = source / f"{assignment}.ipynb", source / "checks.py", course.COURSE / f"hidden/{assignment}.py"
    return [*(TOOLS / f"{n}.py" for n in names), ssnet, *of_it]


def make_course(assignment, seed, out):
    "nbgrader's course in out/course, made again where its source changed."
    import release
    stamp, key = out / "course/made.txt", digest(*tool_files(assignment), seed)
    if stamp.is_file() and stamp.read_text() == key: return
    sandbox.remove(out / "course")
    (out / "course").mkdir(parents=True)
    try: release.make_course(assignment, seed, out / "course")
    except ValueError as error: raise BadInput(str(error)) from error
    stamp.write_text(key)


def make_jobs(entries, options, isolation):
    "A Job a student."
    import grade_one
    out, files = options.out, tool_files(options.assignment)
    common = digest(*files, options.seed, options.limits, isolation, sys.version)
    hide = tuple(str(p) for p in (course.COURSE, options.source, out, Path.home()))
    jobs = []
    for entry in entries:
        file, notes = choose(entry, options.assignment)
        data = Path(file).read_bytes() if file else b""
        jobs.append(grade_one.Job(
            entry.student, file, tuple(notes), options.assignment, options.seed, str(out / "course"),
            str(course.COURSE / f"hidden/{options.assignment}.py"), str(out), digest(common, data, *notes), isolation,
            options.limits, hide, entry.number))
    return jobs


def read_result(out, student):
    "An earlier result, or an empty one."
    path = out / "results" / f"{student}.json"
    with suppress(OSError, ValueError): return json.loads(path.read_text(encoding="utf-8"))
    return {}


def check_earlier(out, assignment, seed):
    "Raise BadInput where the grading folder holds marks of something else."
    for path in sorted((out / "results").glob("*.json")):
        result = read_result(out, path.stem)
        if (result.get("assignment", assignment), result.get("seed", seed)) != (assignment, seed):
            held = f"{result['assignment']}, seed {result['seed']}"
            raise BadInput(f"{out} holds marks of {held}: give another --out, or --fresh")


# Running them

class Pool:
    "Runs jobs in processes of their own, a few at a time."

    def __init__(self, jobs, count):
        method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
        self.context, self.count = multiprocessing.get_context(method), count
        self.waiting, self.running = list(jobs), {}
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(TOOLS), os.environ.get("PYTHONPATH")]))
        os.environ["OMP_NUM_THREADS"] = "1"
        if method == "forkserver": self.context.set_forkserver_preload(["grade_one"])

    def start(self):
        "Start as many jobs as there is room for."
        import grade_one
        while self.waiting and len(self.running) < self.count:
            job = self.waiting.pop(0)
            process = self.context.Process(target=grade_one.main, args=(job,))
            process.start()
            self.running[process] = job, time.monotonic() + job.limits.time + EXTRA

    def finished(self):
        "Yield each job with the exit code of its process, as they end."
        try:
            while self.waiting or self.running:
                self.start()
                multiprocessing.connection.wait([p.sentinel for p in self.running], timeout=1)
                for process, (job, end) in list(self.running.items()):
                    if time.monotonic() > end: kill(process)
                    if process.is_alive(): continue
                    process.join()
                    del self.running[process]
                    yield job, process.exitcode
        finally:
            for process in self.running: kill(process)


def kill(process):
    "End a process and all below it."
    below = []
    with suppress(psutil.Error): below = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for child in below:
        with suppress(psutil.Error): child.kill()
    process.join()


def failed(job, code):
    "The result of a submission that the grader itself could not grade; it is graded again next time."
    import grade_one
    log = Path(job.out, "logs", f"{job.student}.txt")
    last = log.read_text(errors="replace").strip().split("\n")[-1] if log.is_file() else ""
    why = grade_one.sentence(last, 200) or f"exit code {code}"
    note = f"The grader failed here ({why}); no marks were given: see logs/{job.student}.txt, and grade it by hand"
    grade_one.write_nothing(replace(job, key=""), [*job.notes, note])
    return note


def line_of(result):
    "What the screen says of a graded submission."
    notes = f", {len(result['notes'])} notes" if result["notes"] else ""
    return f"{result['student']}: {result['points']:g} of {result['max_points']:g}{notes} ({result['seconds']:g} s)"


def run(jobs, count, out):
    "Grade all jobs; the number that the grader failed at."
    failures = 0
    with tqdm(total=len(jobs), unit="submission", disable=not jobs) as bar:
        for job, code in Pool(jobs, count).finished():
            if read_result(out, job.student).get("key") != job.key:
                failures += 1
                bar.write(f"{job.student}: {failed(job, code)}")
            else: bar.write(line_of(read_result(out, job.student)))
            bar.update()
    return failures


# The whole

@dataclass
class Options:
    "What to grade, and how."
    assignment: str
    source: Path
    out: Path
    seed: int
    jobs: int
    limits: sandbox.Limits
    fresh: bool = False


def prepare(options):
    "Check what was given and make the grading folder ready: ([Entry], isolation)."
    out, source = options.out, options.source
    if options.assignment not in course.ASSIGNMENTS:
        raise BadInput(f"there is no assignment {options.assignment}; there are {', '.join(course.ASSIGNMENTS)}")
    if sandbox.within(out, source):
        raise BadInput(f"{out} lies in {source}, which is never written to: give another --out")
    for name in PARTS if options.fresh else ("work", "incoming", "logs"): sandbox.remove(out / name)
    for name in ("results", "feedback", "work", "incoming", "logs"): (out / name).mkdir(parents=True, exist_ok=True)
    check_earlier(out, options.assignment, options.seed)
    entries, passed = collect(source, out / "incoming")
    if not entries: raise BadInput(f"{source} holds no submission: a folder or a notebook a student is expected")
    if passed: print(f"Passed over, as it is no notebook: {', '.join(passed)}")
    make_course(options.assignment, options.seed, out)
    isolation, why = sandbox.probe([str(course.COURSE)])
    print(f"Isolation: {isolation}" + (f" ({why}). {WEAKER}" if why else "."))
    return entries, isolation


def fonts(out):
    "Make matplotlib's list of fonts once, for all."
    environment = os.environ | {"MPLCONFIGDIR": str(out / "work/matplotlib")}
    words = [sys.executable, "-c", "import matplotlib.font_manager"]
    subprocess.run(words, check=True, capture_output=True, env=environment)


def grade(options):
    "Grade a folder; the number of submissions that the grader failed at."
    entries, isolation = prepare(options)
    jobs = make_jobs(entries, options, isolation)
    todo = [job for job in jobs if read_result(options.out, job.student).get("key") != job.key]
    done = len(jobs) - len(todo)
    if done: print(f"{done} of {len(jobs)} submissions were graded before and have not changed.")
    os.environ["IPYTHONDIR"] = str(options.out / "work/ipython")  # Jupyter makes that folder, else in the home
    if todo: fonts(options.out)
    failures = run(todo, options.jobs, options.out)
    for name in ("work", "incoming", *(() if failures else ("logs",))): sandbox.remove(options.out / name)
    return failures


def conclude(out):
    "Write marks.csv and summary.html, and say where everything is."
    written = importlib.util.find_spec("summary") is not None
    if written: importlib.import_module("summary").write_summary(out)
    parts = ["results/ (JSON)", "feedback/ (HTML)", *(["marks.csv", "summary.html"] if written else [])]
    print(f"In {os.path.relpath(out)}: {', '.join(parts)}.")


def read_options(words):
    "The command line."
    defaults = sandbox.Limits()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assignment", help="a1, a2, a3 or a4")
    parser.add_argument("source", metavar="FROM", help="a folder of submissions, or a zip file from Moodle or Canvas")
    parser.add_argument("--seed", type=int, default=0, help="the yearly variant that was handed out (0)")
    parser.add_argument("--out", help="the grading folder (grading/A)")
    parser.add_argument("--jobs", type=int, default=2, help="submissions at a time (2)")
    parser.add_argument("--cell-time", type=float, default=defaults.cell_time, help="seconds for a cell (300)")
    parser.add_argument("--time", type=float, default=defaults.time, help="seconds for a submission (1800)")
    parser.add_argument("--memory", type=float, default=defaults.memory, help="GB for a submission (4)")
    parser.add_argument("--disk", type=float, default=defaults.disk, help="MB of files for a submission (500)")
    parser.add_argument("--fresh", action="store_true", help="grade all again")
    given = parser.parse_args(words)
    limits = sandbox.Limits(cell_time=given.cell_time, time=given.time, memory=given.memory, disk=given.disk)
    if min(given.jobs, *asdict(limits).values()) <= 0 or given.seed < 0: parser.error("numbers must be above 0")
    out = Path(given.out or Path("grading", given.assignment)).resolve()
    return Options(given.assignment, Path(given.source).resolve(), out, given.seed, given.jobs, limits, given.fresh)


def stop(*_):
    "End as Ctrl-C does."
    raise KeyboardInterrupt


def main(words=None):
    "The command line; returns the exit status."
    options = read_options(words)
    signal.signal(signal.SIGTERM, stop)
    try: failures = grade(options)
    except BadInput as error:
        print(f"Nothing was graded: {error}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. What was graded is kept; the same command goes on.", file=sys.stderr)
        return 130
    conclude(options.out)
    if failures: print(f"The grader failed at {failures} submissions: see {options.out / 'logs'}.", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__": sys.exit(main())
