"""The walls: what a kernel's process can see and do, with bubblewrap and with the audit hook alone."""
import json
import os
import subprocess
import sys
import types
import wsgiref
from pathlib import Path

import kernel
import pytest
import sandbox

BWRAP = sandbox.probe()[0] == sandbox.BUBBLEWRAP
needs_bwrap = pytest.mark.skipif(not BWRAP, reason="bubblewrap (bwrap) is not installed or does not work here")
HOOKED = '''
import sys, types
sys.path[:0] = [{tools!r}]
sys.modules["ssnet.checking"] = types.ModuleType("ssnet.checking")
import os, kernel
os.chdir({scratch!r})
kernel.install_hook({{"started": True}}, os.path.realpath("."), kernel.secrets_of([{secret!r}], [{secret!r} + "/python"]), True)
kernel.close_doors()
'''
REFUSED = ["open('../new', 'w')", "os.open('../new', os.O_CREAT | os.O_WRONLY)", "os.remove('../sentinel')", "os.rename('in', '../in')",
           "os.rename('../sentinel', 'in')", "os.mkdir('../new')", "os.symlink('/etc', '../new')", "os.chmod('../sentinel', 0)", "os.system('true')",
           "os.fork()", "os.execv('/bin/true', ['true'])", "__import__('subprocess').run(['true'])", "__import__('shutil').rmtree('..')",
           "__import__('socket').create_connection(('127.0.0.1', 9))", "__import__('ctypes').CDLL(None)", "os.kill(os.getppid(), 9)",
           "open('../secret/hidden.py')", "os.listdir('../secret')", "__import__('sqlite3').connect('../new')", "os.truncate('../sentinel', 0)"]
ALLOWED = ["open('new', 'w').write('x')", "os.mkdir('folder')", "os.remove('in')", "open(os.devnull, 'w').write('x')", "open(os.__file__).read()",
           "__import__('tempfile').mkdtemp(dir='.')", "__import__('shutil').rmtree('in.d')", "__import__('asyncio').new_event_loop().close()",
           "__import__('threading').Thread(target=print).start()", "os.listdir('../secret/python')", "__import__('platform').processor()"]


def hooked(tmp_path, code):
    "Run code in a process with the audit hook; its last line of errors."
    for name in ("scratch/in.d", "secret/python"): (tmp_path / name).mkdir(parents=True)
    for name in ("scratch/in", "secret/hidden.py", "sentinel"): (tmp_path / name).write_text("here")
    start = HOOKED.format(tools=str(Path(kernel.__file__).parent), scratch=str(tmp_path / "scratch"), secret=str(tmp_path / "secret"))
    run = subprocess.run([sys.executable, "-c", f"{start}\n{code}"], capture_output=True, text=True)
    assert (tmp_path / "sentinel").read_text() == "here" and not (tmp_path / "new").exists()
    return run.stderr.strip().split("\n")[-1]


@pytest.mark.skipif(os.name == "nt", reason="names of POSIX functions")
@pytest.mark.parametrize("code", REFUSED)
def test_the_audit_hook_refuses(tmp_path, code): assert "PermissionError" in hooked(tmp_path, code)


@pytest.mark.parametrize("code", ALLOWED)
def test_the_audit_hook_allows(tmp_path, code): assert hooked(tmp_path, code) == ""


def boxed(tmp_path, code, hide=()):
    "The result of `code`, an expression, in the sandbox; else the last line of its errors."
    sandbox.make_folders(tmp_path / "work")
    run = subprocess.run([*sandbox.bubblewrap(tmp_path / "work", hide), sandbox.PYTHON, "-c", f"import json, os\nprint(json.dumps({code}))"],
                         capture_output=True, text=True)
    return json.loads(run.stdout) if run.returncode == 0 else run.stderr.strip().split("\n")[-1]


@needs_bwrap
def test_the_sandbox_shows_the_system_and_its_own_folder_alone(tmp_path):
    assert boxed(tmp_path, "sorted(os.listdir('/grading'))") == ["ipc", "scratch", "trusted"]
    assert boxed(tmp_path, "os.getcwd()") == "/grading/scratch"
    assert boxed(tmp_path, f"os.path.exists({str(Path(kernel.__file__))!r})") is False
    assert boxed(tmp_path, f"os.path.exists({str(tmp_path)!r})") is False
    assert boxed(tmp_path, "[p for p in os.listdir('/proc') if p.isdigit()].__len__()") <= 3


@needs_bwrap
@pytest.mark.parametrize("place", ["/", "/usr", "/etc", "/dev", os.path.dirname(os.__file__)])
def test_the_sandbox_cannot_write(tmp_path, place):
    assert boxed(tmp_path, f"os.path.isdir({place!r})") is True
    assert "Read-only file system" in boxed(tmp_path, f"open({place + '/rehearsal-leftover'!r}, 'w').write('x')")


@needs_bwrap
@pytest.mark.parametrize("place", ["/etc/ssl/private", "/etc/shadow"])
def test_the_sandbox_lacks(tmp_path, place): assert boxed(tmp_path, f"os.path.exists({place!r})") is False


@needs_bwrap
@pytest.mark.parametrize("place", ["/grading/scratch", "/tmp", "/dev/shm"])
def test_what_it_writes_lies_in_the_work_folder(tmp_path, place):
    assert boxed(tmp_path, f"open({place + '/file'!r}, 'wb').write(bytes(100000))") == 100000
    assert sandbox.used([tmp_path / "work"], 100)[0] >= 100000


@needs_bwrap
def test_folders_below_the_python_environment_can_be_hidden(tmp_path):
    place = os.path.dirname(wsgiref.__file__)
    assert "util.py" in boxed(tmp_path, f"os.listdir({place!r})") and boxed(tmp_path, f"os.listdir({place!r})", [place]) == []


@needs_bwrap
def test_the_environment_holds_nothing_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "1")
    found = boxed(tmp_path, "dict(os.environ)")
    assert found["OMP_NUM_THREADS"] == "1" and "SECRET_TOKEN" not in found


def test_used_counts_and_stops(tmp_path):
    for i in range(20): (tmp_path / f"{i}").write_bytes(bytes(5000))
    (tmp_path / "link").symlink_to("/")
    size, files = sandbox.used([tmp_path], 100)
    assert size >= 100_000 and files == 21 and sandbox.used([tmp_path], 5)[1] == 6


@pytest.mark.skipif(os.name == "nt", reason="depth by os.chdir")
def test_a_folder_too_deep_to_name_is_seen_and_deleted(tmp_path):
    (folder := tmp_path / "deep").mkdir()
    code = "import os\nopen('file', 'w')\nfor _ in range(3000):\n    os.mkdir('d' * 9); os.chdir('d' * 9)\nos.mkdir('shut', 0)"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
    assert sandbox.used([folder], 5000)[1] > 5000
    sandbox.remove(folder)
    assert not folder.exists()
    sandbox.remove(folder)


def watched(tmp_path, code, limits):
    "What a watchdog says of a process that runs `code`."
    sandbox.make_folders(tmp_path)
    watchdog = sandbox.Watchdog(tmp_path, sandbox.Limits(**limits))
    process = subprocess.Popen([sys.executable, "-c", f"import os, time\n{code}"], cwd=tmp_path / "scratch")
    watchdog.start()
    process.wait(60)
    watchdog.finished.set()
    watchdog.join()
    sandbox.kill_family()
    said = watchdog.told()
    assert watchdog.told() == ""
    return said


@pytest.mark.parametrize("limits, words", [({"time": 0.5}, "longer than 0.5 s"), ({"memory": 0.01}, "0.01 GB of memory"), ({"disk": 1}, "1 MB of files"),
                                           ({"files": 2}, "2 files"), ({"processes": 1}, "1 processes")])
def test_the_watchdog_ends_what_breaks_a_limit(tmp_path, limits, words):
    code = "for i in range(4): open(str(i), 'wb').write(bytes(10**6))\nkept = bytearray(b'x') * 10**8\n"
    assert words in watched(tmp_path, code + "__import__('subprocess').Popen(['sleep', '60'])\ntime.sleep(60)", limits)


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells this of a process")
HELD = "kept = [os.memfd_create('x') for _ in range(3)]\nfor fd in kept: os.write(fd, bytes(10**6))\ntime.sleep(60)"
UNLINKED = "kept = open('x', 'wb', 0)\nos.unlink('x')\nkept.write(bytes(3 * 10**6))\ntime.sleep(60)"
FORKS = "kept = bytearray(b'x') * (50 * 10**6)\nfor _ in range({n}):\n    if not os.fork(): break\nend = time.monotonic() + {s}\n"


@linux
@pytest.mark.parametrize("code", [HELD, UNLINKED])
def test_files_without_a_name_count(tmp_path, code): assert "2 MB of files" in watched(tmp_path, code, {"disk": 2})


@linux
def test_memory_that_processes_share_counts_once(tmp_path):
    code = FORKS + "time.sleep({s})"
    assert watched(tmp_path / "1", code.format(n=4, s=2), {"memory": 0.15}) == ""
    assert "0.15 GB" in watched(tmp_path / "2", code.format(n=4, s=60).replace("time.sleep", "kept = bytes(kept)\ntime.sleep"), {"memory": 0.15})


@linux
def test_who_computes_on_too_many_processors_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "BUSY_TIME", 1)
    code = FORKS + "while time.monotonic() < end: pass"
    assert watched(tmp_path / "1", code.format(n=1, s=3), {"busy": 4}) == ""
    assert "4 threads and processes were computing" in watched(tmp_path / "2", code.format(n=9, s=60), {"busy": 4})


def test_the_path_of_an_open_folder(tmp_path, monkeypatch):
    fd = os.open(tmp_path, os.O_RDONLY)
    if sys.platform.startswith("linux"): assert kernel.folder_of(fd) == os.path.realpath(tmp_path)
    as_on_a_mac = types.SimpleNamespace(F_GETPATH=50, fcntl=lambda fd, command, room: b"/a folder".ljust(len(room), b"\0"))
    monkeypatch.setattr(kernel, "fcntl", as_on_a_mac)
    assert kernel.folder_of(fd) == "/a folder"
    os.close(fd)


# What the guard sees

def tampered(change):
    "What a Guard reports after a change, and after it put everything back."
    import types
    module = types.ModuleType("checks")
    exec("import types\nfrom ssnet.checking import close\nV = types.SimpleNamespace(beta=0.3)\nLIMIT = 3\n"
         "def check(x, kind=1): return close(x, 1, 'x')\nclass Odd(Exception):\n    def __str__(self): return 'odd'", vars(module))
    module.Odd.__module__ = "checks"
    guard = kernel.Guard({"checks": module})
    assert guard.replaced() == []
    change(module)
    found = guard.replaced(restore=True)
    assert guard.replaced() == []
    return found


def code_of(f): return f.__code__


@pytest.mark.parametrize("change, name", [
    (lambda m: setattr(m, "check", print), "checks.check"), (lambda m: setattr(m, "LIMIT", 9), "checks.LIMIT"),
    (lambda m: setattr(m.V, "beta", 1.0), "checks.V"), (lambda m: setattr(m.check, "__defaults__", (2,)), "checks.check"),
    (lambda m: setattr(m.check, "__code__", code_of(lambda x, kind=1: None)), "checks.check"),
    (lambda m: setattr(m.Odd, "__init__", print), "checks.Odd.__init__"), (lambda m: setattr(m.Odd, "__str__", print), "checks.Odd.__str__"),
    (lambda m: setattr(__import__("numpy"), "isclose", print), "numpy.isclose"),
    (lambda m: setattr(__import__("torch").Tensor, "__eq__", print), "torch.Tensor.__eq__"),
    (lambda m: setattr(__import__("ssnet.checking").checking, "same", print), "ssnet.checking.same")])
def test_the_guard_sees_and_puts_back(change, name):
    import ssnet.checking  # noqa: F401
    assert name in tampered(change)
