"""Grade a folder of submissions.

    python assignments/tools/grade.py a1 submissions                    into grading/a1
    python assignments/tools/grade.py a1 submissions --seed 2027 --jobs 4 --cell-time 120
    python assignments/tools/grade.py a1 moodle_download.zip

The folder holds a folder or a notebook a student, or what Moodle or Canvas gave; it is never written to. What has been
graded is not graded again; stop it whenever you like and start it again.
"""
import argparse
import hashlib
import importlib.metadata
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
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import course
import psutil
import sandbox
from repair import BYTES
from tqdm import tqdm

from ssnet.files import InputError, write_whole

try: import fcntl
except ImportError: fcntl = None  # Windows

TOOLS = Path(__file__).resolve().parent
PARTS = ("results", "feedback", "course", "work", "logs", "incoming")  # of the grading folder; the rest is yours
MARKER = ".grading"  # the file that says that a folder is a grading folder; who grades holds a lock on it
WORK = (".ipynb", ".zip")
LARGEST, MEMBERS = 200 * sandbox.MB, 20_000  # of a class's zip file: bytes of a zip file in it; notebooks and zip files
MOST = 20                                    # notebooks of a student
MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?$")  # a folder
MOODLE_FILE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)[_.].")
CANVAS = re.compile(r"(?!a\d_)(?P<name>[^_]+)_(?:LATE_)?(?P<id>\d+)_\d+_.")              # a file
VARIANT = re.compile(rb'"ssnet"\s*:\s*\{(?=[^{}]*"assignment"\s*:\s*"(\w+)")(?=[^{}]*"seed"\s*:\s*(\d{1,9})\b)')
EXTRA = 120  # seconds that a submission's process may take beyond its limit


class BadInput(ValueError):
    "What was given cannot be graded; the message says why, in one sentence."


def reason(error):
    "Why something failed, in a few words."
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:200]


# Whose is it

def clean(name):
    "A file's name as text that every file can hold."
    return os.fsencode(name).decode("utf-8", "replace")


def of_lms(name, folder):
    "The match of a name that Moodle or Canvas gave, or None; in a file's name the student's own words come last."
    return MOODLE.match(name) if folder else CANVAS.match(name) or MOODLE_FILE.match(name)


def student_of(name, folder=False):
    "(student, number in the LMS or '') from the name of a folder or file, as Moodle, Canvas or a person gave it."
    stem = unicodedata.normalize("NFC", name)
    if found := of_lms(stem, folder): return safe(found["name"]), found["id"]
    return safe(re.sub(r"\.(ipynb|zip)$", "", stem, flags=re.I)), ""


def safe(name):
    "A name that every system takes for a file; a long one is cut, and told from others by a hash."
    name = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|]', "_", name).strip().lstrip(".").rstrip(". ")
    if len(name.encode()) <= 200: return name or "unnamed"
    stem, suffix = os.path.splitext(name)
    tail = f"~{digest(name)[:8]}" + (suffix if suffix.lower() in WORK else "")
    return stem.encode()[:150].decode(errors="ignore") + tail


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


def is_work(path):
    "Whether a name is that of a notebook or a zip file."
    return path.suffix.lower() in WORK


def seen(folder):
    "What lies in a folder, files first."
    return sorted((p for p in folder.iterdir() if not ignored(p)), key=lambda p: (p.is_dir(), p.name))


def parts_of(info):
    "The folders and the name of a zip file's member; nothing for what a system or an editor left there."
    parts = [p for p in info.filename.replace("\\", "/").split("/") if p not in ("", ".", "..")]
    return [] if any(ignored(Path(p)) for p in parts) else parts


def full(entry):
    "Whether a student has as many notebooks as are looked at; a note then says so."
    note = f"more than {MOST} notebooks were handed in; the others were not looked at"
    if len(entry.notebooks) >= MOST and note not in entry.notes: entry.notes.append(note)
    return len(entry.notebooks) >= MOST


def open_zip(path, entry, incoming):
    "Take the notebooks out of a student's zip file; nothing is written under a name that the zip file gives."
    try:
        with zipfile.ZipFile(path) as archive:
            found = [(info, parts) for info in archive.infolist() if (parts := parts_of(info))]
            for info, parts in sorted(found, key=lambda f: (len(f[1]), f[1])):
                if info.is_dir() or not parts[-1].lower().endswith(".ipynb"): continue
                if full(entry): return
                place = incoming / digest(os.fsencode(path), info.filename, info.header_offset)[:16] / safe(parts[-1])
                copy_member(archive, info, place)
                entry.notebooks.append((place, parts[-1], info.date_time))
    except InputError: raise
    except Exception as error:  # zipfile stumbles in many ways over what a damaged file holds
        why = f"larger than {LARGEST // sandbox.MB} MB" if path.stat().st_size > LARGEST else reason(error)
        entry.notes.append(f"{clean(path.name)} cannot be unpacked ({why})")


def copy_member(archive, info, target):
    "Write a member of a zip file to `target`, with its time; of one too large just enough to be refused later."
    with archive.open(info) as file: data = file.read(1 + (LARGEST if target.suffix.lower() == ".zip" else BYTES))
    write_whole(target, data)
    when = time.mktime((*info.date_time, 0, 0, -1))
    os.utime(target, (when, when))


def look_at(path, entry, incoming, deep=6):
    "Collect the notebooks at and below a path; links are not followed, and what cannot be read becomes a note."
    name, suffix = clean(path.name), path.suffix.lower()
    try:
        if path.is_symlink():
            if is_work(path) or deep == 6: entry.notes.append(f"{name} is a link: hand in the notebook itself")
        elif path.is_dir():
            for inner in seen(path) if deep else (): look_at(inner, entry, incoming, deep - 1)
        elif suffix == ".ipynb" and not path.is_file(): entry.notes.append(f"{name} is not a file")
        elif suffix == ".ipynb" and not full(entry):
            entry.notebooks.append((path, name, time.localtime(path.stat().st_mtime)[:6]))
        elif suffix == ".zip" and path.is_file(): open_zip(path, entry, incoming)
    except OSError as error: entry.notes.append(f"{name} cannot be read ({reason(error)})")


def class_download(archive_path, target, passed):
    "Unpack a class's zip file into `target`: notebooks and zip files, empty stand-ins for what else lies near the top."
    target.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(archive_path) as archive:
            members = [(info, parts) for info in archive.infolist() if (parts := parts_of(info))]
            if sum(is_work(Path(parts[-1])) for _, parts in members) > MEMBERS:
                raise BadInput(f"{archive_path} holds more than {MEMBERS} notebooks and zip files")
            for info, parts in members: unpack(archive, info, parts, target, passed)
    except (BadInput, InputError): raise
    except Exception as error:  # as in open_zip
        raise BadInput(f"{archive_path} cannot be unpacked ({reason(error)}): get it again") from error
    return target


def unpack(archive, info, parts, target, passed):
    "Unpack one member of a class's zip file."
    place, folder = target.joinpath(*map(safe, parts)), info.filename[-1] in "/\\"
    if is_work(place) and not folder:
        if place.exists(): passed.append(f"{info.filename} (stands twice)")
        else: copy_member(archive, info, place)
        return
    if folder or len(parts) > 3: return target.joinpath(*map(safe, parts[:3])).mkdir(parents=True, exist_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.touch()


def wraps(folder):
    "Whether a folder holds students: names that an LMS gave, or several folders and zip files with work in them."
    inner = seen(folder)
    named = [p for p in inner if of_lms(clean(p.name), p.is_dir())]
    if any(p not in named and not p.is_dir() and p.suffix.lower() != ".zip" for p in inner): return False
    return bool(named) or sum(map(holds_work, inner)) > 1


def holds_work(path):
    "Whether a path is a notebook or a zip file, or has one below it."
    if path.is_symlink() or not path.is_dir(): return is_work(path)
    with suppress(OSError): return any(map(holds_work, seen(path)))
    return False


def unwrapped(folder):
    "The folder, or the one inside that a system or a person put around the students' work."
    inner = folder
    while len(found := seen(inner)) == 1 and found[0].is_dir() and not found[0].is_symlink():
        inner = found[0]
        if of_lms(clean(inner.name), True): return folder
        if wraps(inner): return inner
    return folder


def handed_in(source, incoming, passed):
    "The files and folders of the students: in a folder, or in the zip file of a class, which may lie alone in it."
    if source.is_file() and source.suffix.lower() != ".zip": return [source]
    if source.is_file(): return seen(unwrapped(class_download(source, incoming / "download", passed)))
    entries, doubles = seen(unwrapped(source)), []
    if len(entries) != 1 or not may_be_class(entries[0]): return entries
    with suppress(BadInput):  # a student's, and damaged
        inner = unwrapped(class_download(entries[0], incoming / "download", doubles))
        if wraps(inner):
            passed += doubles
            return seen(inner)
    return entries


def may_be_class(path):
    "Whether a path is a zip file that no LMS named after one student."
    is_zip = path.suffix.lower() == ".zip" and path.is_file() and not path.is_symlink()
    return is_zip and not of_lms(clean(path.name), False)


def collect(source, incoming):
    "[Entry] of all students in a folder or a zip file, and the names of what was passed over."
    source, found, passed = Path(source), {}, []
    for path in handed_in(source, incoming, passed):
        name, folder = clean(path.name), path.is_dir()
        if not (folder or is_work(path) or of_lms(name, folder)):
            passed.append(f"{name} (no notebook)")
            continue
        key = student_of(name, folder)
        look_at(path, found.setdefault(key, Entry(*key)), incoming)
    return unlike(sorted(found.values(), key=lambda e: e.student)), passed


def unlike(entries):
    "The entries, with the LMS's number behind names that two students share, capitals apart."
    names = [e.student.casefold() for e in entries]
    for entry, name in zip(entries, names):
        if names.count(name) > 1 and entry.number: entry.student = f"{entry.student} {entry.number}"
    taken = set()
    for entry in entries:
        name, count = entry.student, 1
        while entry.student.casefold() in taken: entry.student, count = f"{name} ({count + 1})", count + 1
        taken.add(entry.student.casefold())
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
    "The files that marks depend on, beside the submission: the tools, ssnet, the assignment and its checks."
    ssnet = Path(sys.modules["ssnet"].__file__).parent
    source = course.COURSE / "source" / assignment
    names = ("course", "release", "repair", "sandbox", "kernel", "grade", "grade_one")
    of_it = source / f"{assignment}.ipynb", source / "checks.py", course.COURSE / f"hidden/{assignment}.py"
    return [*(TOOLS / f"{n}.py" for n in names), *sorted(ssnet.glob("*.py")), *sorted(ssnet.glob("data/*")), *of_it]


def versions():
    "This Python and the packages that compute and grade, in their versions."
    return [sys.version, *(importlib.metadata.version(name) for name in ("torch", "numpy", "nbgrader"))]


def contents(file):
    "(bytes, notes) of a notebook file: all that is ever graded of it."
    if not file: return b"", []
    try:
        with open(file, "rb") as opened: return opened.read(BYTES + 1), []
    except OSError as error: return b"", [f"{clean(Path(file).name)} cannot be read ({reason(error)})"]


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
    common = digest(*files, options.seed, options.limits, isolation, *versions())
    hide = tuple(str(p) for p in (course.COURSE, options.source, out, Path.home()))
    jobs = []
    for entry in entries:
        file, notes = choose(entry, options.assignment)
        data, unread = contents(file)
        file, notes = "" if unread else file, [*notes, *unread]
        jobs.append(grade_one.Job(
            entry.student, file, tuple(notes), options.assignment, options.seed, str(out / "course"),
            str(course.COURSE / f"hidden/{options.assignment}.py"), str(out), digest(common, data, *notes), isolation,
            options.limits, hide, entry.number))
    return jobs


def read_result(out, student):
    "An earlier result, or an empty one."
    path = out / "results" / f"{student}.json"
    with suppress(OSError, ValueError, TypeError): return dict(json.loads(path.read_text(encoding="utf-8")))
    return {}


def check_earlier(out, assignment, seed):
    "Raise BadInput where the grading folder holds marks of something else."
    for path in sorted((out / "results").glob("*.json")):
        result = read_result(out, path.stem)
        if (result.get("assignment", assignment), result.get("seed", seed)) != (assignment, seed):
            held = f"{result.get('assignment')}, seed {result.get('seed')}"
            raise BadInput(f"{out} holds marks of {held}: give another --out, or --fresh")


def check_variant(entries, options):
    "Raise BadInput where most notebooks were handed out for another assignment or seed; a single one gets a note."
    files = (contents(choose(entry, options.assignment)[0])[0] for entry in entries)
    said = Counter(found[-1] for data in files if (found := VARIANT.findall(data)))
    (name, seed), count = next(iter(said.most_common(1)), ((b"", b"0"), 0))
    name, seed = name.decode(), int(seed)
    if count < 2 or 2 * count <= said.total() or (name, seed) == (options.assignment, options.seed): return
    other = f"A={name} " if name != options.assignment else ""
    raise BadInput(f"most notebooks are variant {seed} of {name}: give {other}SEED={seed} (--seed {seed})")


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


def check_options(options):
    "Raise BadInput where the command line names what there is not, or folders that lie in each other."
    out, source = options.out, options.source
    if options.assignment not in course.ASSIGNMENTS:
        raise BadInput(f"there is no assignment {options.assignment}; there are {', '.join(course.ASSIGNMENTS)}")
    if not source.exists(): raise BadInput(f"there is no {source}")
    if sandbox.within(out, source):
        raise BadInput(f"{out} lies in {source}, which is never written to: give another --out")
    if sandbox.within(source, out):
        raise BadInput(f"{source} lies in {out}, where grading deletes files: give another --out")


@contextmanager
def held(out):
    "Keep the grading folder for one grader alone; it is made where it is missing. Raises BadInput."
    try:
        if out.exists() and not (out / MARKER).is_file() and (out.is_file() or any(out.iterdir())):
            raise BadInput(f"{out} exists and is no grading folder: give another --out")
        out.mkdir(parents=True, exist_ok=True)
        file = open(out / MARKER, "a")
    except OSError as error:
        raise BadInput(f"{out} cannot be made or written to ({reason(error)}): give another --out") from error
    with file:
        try:
            if fcntl: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error: raise BadInput(f"another grader works in {out}") from error
        except OSError: pass  # a file system without locks
        if not file.tell(): file.write(f"grade.py made this folder and may delete in it: {', '.join(PARTS)}\n")
        file.flush()
        yield


def listed(names):
    "Some names in words."
    return ", ".join(names) if len(names) < 10 else f"{names[0]} … {names[-1]}"


def prepare(options):
    "Check what was given and make the grading folder ready: ([Entry], isolation)."
    out, source = options.out, options.source
    for name in ("work", "incoming", "logs"): sandbox.remove(out / name)
    if not options.fresh: check_earlier(out, options.assignment, options.seed)
    entries, passed = collect(source, out / "incoming")
    if not entries: raise BadInput(f"{source} holds no submission: a folder or a notebook a student is expected")
    if passed: print(f"Passed over: {', '.join(passed)}")
    names = [e.student for e in entries]
    print(f"{len(names)} student{'s' * (len(names) > 1)}: {listed(names)}")
    check_variant(entries, options)
    for name in ("results", "feedback", "course") if options.fresh else (): sandbox.remove(out / name)
    for name in ("results", "feedback", "work", "incoming", "logs"): (out / name).mkdir(parents=True, exist_ok=True)
    kept = sorted({p.stem for p in (out / "results").glob("*.json")} - set(names))
    if kept: print(f"{len(kept)} kept from earlier, not in FROM: {listed(kept)}")
    make_course(options.assignment, options.seed, out)
    isolation, why = sandbox.probe([str(course.COURSE)])
    weaker = f" ({why}); it stops mistakes and simple attacks, not a determined attacker" if why else ""
    print(f"Isolation: {isolation}{weaker}.")
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
    import summary
    summary.write_summary(out)
    print(f"In {os.path.relpath(out)}: results/ (JSON), feedback/ (HTML), marks.csv, summary.html.")


def read_options(words):
    "The command line."
    defaults = sandbox.Limits()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assignment", help="a1, a2, a3 or a4")
    parser.add_argument("source", metavar="FROM", help="a folder of submissions, or a zip file from Moodle or Canvas")
    parser.add_argument("--seed", type=int, default=0, help="the yearly variant that was handed out (0)")
    parser.add_argument("--out", help="the grading folder (grading/A)")
    parser.add_argument("--jobs", type=int, default=2, help="submissions at a time (2)")
    parser.add_argument("--cell-time", type=float, default=defaults.cell_time, help="seconds for a cell (900)")
    parser.add_argument("--time", type=float, default=defaults.time, help="seconds for a submission (3600)")
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


def whole(options):
    "Grade and conclude; returns the exit status."
    failures = grade(options)
    if failures: print(f"The grader failed at {failures} submissions: see {options.out / 'logs'}.", file=sys.stderr)
    conclude(options.out)
    return 1 if failures else 0


def main(words=None):
    "The command line; returns the exit status."
    options = read_options(words)
    signal.signal(signal.SIGTERM, stop)
    try:
        check_options(options)
        with held(options.out): return whole(options)
    except BadInput as error:
        print(f"Nothing was graded: {error}.", file=sys.stderr)
        return 1
    except (InputError, OSError) as error:
        why = str(error).rstrip(".")
        print(f"Stopped: {why}. Marks given so far are kept; the same command goes on.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. What was graded is kept; the same command goes on.", file=sys.stderr)
        return 130


if __name__ == "__main__": sys.exit(main())
