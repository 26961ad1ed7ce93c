"""The walls around a submission's kernel: how it is started, and the watch that ends it when it goes beyond its limits.

With bubblewrap (`bwrap`, Linux) the kernel sees the system and this Python read-only, its scratch folder, and nothing
else: no home, no assignments, no other submission, no network, no other process. Where bubblewrap is missing, a Python
audit hook (kernel.py) refuses what would leave the scratch folder; it holds against mistakes and simple attacks, not
against compiled code. Which of the two holds stands in every result.
"""
import errno
import importlib.util
import itertools
import json
import multiprocessing
import os
import platform
import re
import shutil
import site
import stat
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

BUBBLEWRAP, AUDIT_HOOK = "bubblewrap", "audit hook"
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/sys/devices/system/cpu")
ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime", "passwd", "group",
       "nsswitch.conf", "mime.types", "ssl/certs", "ssl/openssl.cnf")
INSIDE = Path("/grading")  # where the work folder stands in the sandbox
MB = 2 ** 20
BUSY_TIME = 10
PYTHON = os.path.abspath(sys.executable)  # the sandbox knows no folder but those that are named, so no `..`


@dataclass(frozen=True)
class Limits:
    "What a submission may use."
    cell_time: float = 900  # seconds for one cell
    time: float = 3600      # seconds for the whole submission
    memory: float = 4       # GB for all its processes together
    disk: float = 500       # MB in its folder
    files: int = 20000      # files in its folder
    processes: int = 64
    busy: float = 6         # threads and processes that compute at once, averaged over about BUSY_TIME seconds
    threads: int = 1024     # where the system can count them for the submission alone
    output: float = 5       # MB of output of one cell
    messages: int = 5000    # pieces of output of one cell
    grace: float = 10       # seconds to obey an interrupt


# How the kernel is started

def python_places():
    "The folders that this Python, its packages and ssnet live in."
    ssnet = importlib.util.find_spec("ssnet").submodule_search_locations
    found = [sys.prefix, sys.base_prefix, *site.getsitepackages(), site.getusersitepackages(), *ssnet]
    found += [os.path.dirname(os.path.realpath(sys.executable))]
    return [p for p in dict.fromkeys(map(os.path.abspath, found)) if os.path.isdir(p) and p != "/"]


def within(path, folder):
    "Whether `path` is `folder` or lies in it."
    return Path(path) == Path(folder) or Path(folder) in Path(path).parents


def system_mounts():
    "bwrap's arguments for the system: read-only, links as links."
    found = []
    for place in SYSTEM:
        if os.path.islink(place): found += ["--symlink", os.readlink(place), place]
        elif os.path.exists(place): found += ["--ro-bind", place, place]
    for name in ETC: found += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    places = [p for p in python_places() if not within(p, "/usr")]
    for place in places: found += ["--ro-bind", place, place]
    return found, places


def bubblewrap(work, hide=()):
    "The command that a kernel's command is put behind; `hide` names folders that no submission may see."
    mounts, places = system_mounts()
    hidden = [p for p in hide if any(within(p, place) for place in (*places, "/usr"))]
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]
    command += ["--bind", f"{work}/tmp", "/tmp", *mounts]  # in this order: the Python may live below /tmp
    for place in hidden: command += ["--tmpfs", place, "--remount-ro", place]
    command += ["--proc", "/proc", "--dev", "/dev", "--bind", f"{work}/shm", "/dev/shm", "--remount-ro", "/dev"]
    for name in ("scratch", "ipc"): command += ["--bind", f"{work}/{name}", f"{INSIDE}/{name}"]
    command += ["--ro-bind", f"{work}/trusted", f"{INSIDE}/trusted", "--remount-ro", "/"]
    for name, value in environment(INSIDE / "scratch").items(): command += ["--setenv", name, value]
    return [*command, "--chdir", f"{INSIDE}/scratch"]


def environment(scratch):
    "All environment variables of a submission's kernel."
    kept = {k: os.environ[k] for k in ("SYSTEMROOT", "PATHEXT", "LD_LIBRARY_PATH") if k in os.environ}
    path = os.pathsep.join([os.path.dirname(PYTHON), "/usr/local/bin", "/usr/bin", "/bin"])
    homes = dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP"), str(scratch))
    places = {"MPLCONFIGDIR": "matplotlib", "TORCH_HOME": "torch", "IPYTHONDIR": "ipython",
              "JUPYTER_RUNTIME_DIR": "jupyter"}
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONDONTWRITEBYTECODE"), "1")
    return kept | homes | {name: f"{scratch}/.{place}" for name, place in places.items()} | one | {
        "PATH": path, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0", "CUDA_VISIBLE_DEVICES": ""}


FOLDERS = ("scratch", "ipc", "trusted", "shm", "tmp")


def remove(folder):
    "Delete a folder, however deep a submission made it and whatever its rights; nothing where it is missing."
    names = itertools.count()
    if os.path.islink(folder): return os.unlink(folder)
    while os.path.isdir(folder) and (entries := list(os.scandir(folder))):
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
                continue
            os.chmod(entry.path, 0o700)
            for inner in list(os.scandir(entry.path)):
                if inner.is_dir(follow_symlinks=False): os.chmod(inner.path, 0o700)  # else it cannot be moved
                os.rename(inner.path, os.path.join(folder, f"to be deleted {next(names)}"))
            os.rmdir(entry.path)
    if os.path.isdir(folder): os.rmdir(folder)


def make_folders(work):
    "Make the folders of a sandbox anew, empty."
    for name in FOLDERS:
        remove(Path(work, name))
        Path(work, name).mkdir(parents=True)


def counts_own_processes():
    "Whether RLIMIT_NPROC counts a sandbox's processes alone (Linux 5.14 on), and not all of the user's."
    return tuple(int(n) for n in re.findall(r"\d+", platform.release())[:2]) >= (5, 14)


def kernel_command(work, limits, isolation, hide=()):
    "(command, environment) that start a kernel for the sandbox folder `work`."
    place = INSIDE if isolation == BUBBLEWRAP else Path(work).resolve()
    variables = environment(place / "scratch")
    settings = {
        "trusted": f"{place}/trusted", "scratch": f"{place}/scratch", "connection": f"{place}/trusted/connection.json",
        "memory": int(limits.memory * 1024 * MB), "disk": int(limits.disk * MB), "alone": isolation == AUDIT_HOOK,
        "processes": limits.threads if isolation == BUBBLEWRAP and counts_own_processes() else None,
        "secret": list(map(str, hide)), "public": python_places(), "environment": sorted(variables)}
    command = [PYTHON, f"{place}/trusted/kernel.py", json.dumps(settings)]
    return (bubblewrap(work, hide) if isolation == BUBBLEWRAP else []) + command, variables


def probe(hide=()):
    "Which isolation holds here: bubblewrap where it starts this Python with its packages, else the audit hook."
    if not sys.platform.startswith("linux") or not shutil.which("bwrap"): return AUDIT_HOOK, "bwrap is not installed"
    with tempfile.TemporaryDirectory() as work:
        make_folders(work)
        run = subprocess.run([*bubblewrap(work, hide), PYTHON, "-c", "import numpy, zmq, ssnet"],
                             capture_output=True, text=True, timeout=120)
    return (BUBBLEWRAP, "") if run.returncode == 0 else (AUDIT_HOOK, run.stderr.strip().split("\n")[-1])


# The watch

def keep_orphans():
    "Let processes whose parent ends become children of this one, where the system can (Linux)."
    if not sys.platform.startswith("linux"): return
    import ctypes
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def family():
    "All processes below this one."
    with suppress(psutil.Error): return psutil.Process().children(recursive=True)
    return []


def kill_family(seconds=10):
    "End all processes below this one; whoever is born meanwhile too. Raises TimeoutError where one stays."
    end = time.monotonic() + seconds
    while processes := [p for p in family() if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]:
        for process in processes:
            with suppress(psutil.Error): process.kill()
        psutil.wait_procs(processes, timeout=0.5)
        if time.monotonic() > end: raise TimeoutError(f"{len(processes)} processes of the submission cannot be ended")


def memory_of(process, exact=False):
    "Bytes of memory of a process; `exact` (slow): a share only of what it shares with others, where the system tells."
    if exact:
        with suppress(psutil.Error, AttributeError): return process.memory_full_info().pss
    with suppress(psutil.Error): return process.memory_info().rss
    return 0


def too_much_memory(processes, most):
    "Whether some processes together have more than `most` bytes of memory."
    return all(sum(memory_of(p, exact) for p in processes) > most for exact in (False, True))


def busy(processes):
    "How many threads of some processes compute or wait for a processor; 0 where the system does not tell (no Linux)."
    count = 0
    for process in processes:
        with suppress(OSError):
            for thread in os.listdir(f"/proc/{process.pid}/task"):
                with suppress(OSError), open(f"/proc/{process.pid}/task/{thread}/stat", "rb") as file:
                    count += file.read().rpartition(b")")[2].split()[0] == b"R"
    return count


def deleted(processes):
    "Bytes of files without a name that some processes hold open; 0 where the system does not tell (no Linux)."
    found = {}
    for process in processes:
        with suppress(OSError):
            for fd in os.listdir(f"/proc/{process.pid}/fd"):
                with suppress(OSError):
                    info = os.stat(f"/proc/{process.pid}/fd/{fd}")
                    if info.st_nlink or not stat.S_ISREG(info.st_mode): continue
                    found[info.st_dev, info.st_ino] = info.st_blocks
    return 512 * sum(found.values())


def size_of(entry):
    "Bytes that a file takes on the disk."
    info = entry.stat(follow_symlinks=False)
    return info.st_blocks * 512 if hasattr(info, "st_blocks") else info.st_size


def used(folders, most):
    "(bytes, files) in some folders; stops beyond `most` files. A folder too deep to look into counts as too many."
    size, files, todo = 0, 0, [str(f) for f in folders]
    while todo and files <= most:
        try:
            with os.scandir(todo.pop()) as entries: found = list(itertools.islice(entries, most + 1))
        except OSError as error:
            files += most + 1 if error.errno == errno.ENAMETOOLONG else 0
            continue
        files += len(found)
        for entry in found:
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False): todo.append(entry.path)
                else: size += size_of(entry)
    return size, files


class Watchdog(threading.Thread):
    "Ends all processes below this one once they go beyond a limit; `reason` then says which."

    def __init__(self, work, limits):
        super().__init__(daemon=True)
        self.limits, self.folders = limits, [Path(work, n) for n in FOLDERS if n != "trusted"]
        self.end, self.parent, self.reason = time.monotonic() + limits.time, multiprocessing.parent_process(), ""
        self.deadline, self.deadline_reason, self.finished, self.out_of_time = None, "", threading.Event(), False
        self.load, self.looked = 0.0, time.monotonic()  # busy threads, averaged; when they were last counted
        self.lock = threading.Lock()  # held while it kills, so that it never kills the next kernel

    def run(self):
        "The thread's work."
        while not self.finished.wait(0.2):
            if self.parent and not self.parent.is_alive(): self.abandon()
            with self.lock:
                if reason := self.broken():
                    self.reason = self.reason or reason
                    with suppress(TimeoutError): kill_family()

    def abandon(self):
        "The grader was killed: end everything."
        with suppress(TimeoutError): kill_family()
        os._exit(1)

    def broken(self):
        "Which limit is broken; an empty text while none is."
        now, limits, processes = time.monotonic(), self.limits, family()
        if not processes: return ""
        if now > self.end:
            self.out_of_time = True
            return f"the whole submission took longer than {limits.time:g} s"
        if self.deadline and now > self.deadline: return self.deadline_reason
        if len(processes) > limits.processes: return f"more than {limits.processes} processes ran"
        if self.average(busy(processes), now) > limits.busy:
            return f"more than {limits.busy:g} threads and processes were computing at once"
        if too_much_memory(processes, limits.memory * 1024 * MB):
            return f"more than {limits.memory:g} GB of memory were used"
        size, files = used(self.folders, limits.files)
        if size + deleted(processes) > limits.disk * MB: return f"more than {limits.disk:g} MB of files were written"
        return f"more than {limits.files} files were written" if files > limits.files else ""

    def average(self, count, now):
        "The number of busy threads, averaged; the past fades within BUSY_TIME."
        self.load += (count - self.load) * min(1, (now - self.looked) / BUSY_TIME)
        self.looked = now
        return self.load

    def give(self, seconds, reason):
        "End everything in some seconds, unless `relax` comes first."
        self.deadline, self.deadline_reason = time.monotonic() + seconds, reason

    def relax(self):
        "Take back what `give` said."
        self.deadline = None

    def told(self):
        "The reason of the last end, which is then forgotten."
        reason, self.reason, self.deadline, self.load, self.looked = self.reason, "", None, 0.0, time.monotonic()
        return reason
