"""The kernel that runs a submission: what stands here shares a process with the student's code, inside the sandbox.

Before any student code runs, it sets limits, imports `checks` and `hidden`, and records what the marks rest on.
A graded cell is not run by IPython, whose hooks a submission can replace, but by `verdict`, which
1. puts back what the submission replaced of that record, and under the names `checks` and `hidden` the true modules;
2. gives no marks where something was replaced while the check ran, or where the answer looked at the check's frames;
3. sends back the cell's nonce with what came out. Without this receipt the grader gives no marks.

What this cannot stop: an attack written against this very file. The student's code and the checks share one process,
so code that knows this source can hide its frames behind another module's globals, or patch the kernel class, and forge
a verdict. It cannot reach the marks of others, the network or your files: that is the sandbox's part. A human should
read the answers too: results/STUDENT.json holds them.
"""
import contextlib
import copy
import json
import os
import sys
import types

try: import fcntl
except ImportError: fcntl = None  # Windows

MARK = "#graded "                      # the first line of a graded cell: this and the cell's nonce
LIBRARIES = ("builtins", "math", "warnings", "torch", "torch.nn.functional", "torch.linalg", "torch.autograd", "numpy",
             "numpy.linalg", "numpy.testing")
CLASSES = (("torch", "Tensor"), ("torch.nn", "Module"))
OF_SYS = ("setprofile", "getprofile", "settrace", "gettrace", "_getframe", "exc_info", "addaudithook")
HARMLESS = {"print", "input", "open", "help", "exit", "quit", "_", "__repr__", "__str__", "__format__",
            "Storage"}  # torch.set_default_dtype changes that one
LONGEST = 2000                         # characters of a message


# What the marks rest on

def mark(value, depth=0):
    "What must stay the same of a value: a function's code and defaults, a class's methods, what a container holds."
    if depth > 6: return None
    if isinstance(value, types.FunctionType): return marked_function(value, depth)
    if isinstance(value, (list, tuple)): return [mark(v, depth + 1) for v in value]
    if isinstance(value, dict): return [(mark(k, depth + 1), mark(v, depth + 1)) for k, v in value.items()]
    if isinstance(value, types.SimpleNamespace): return mark(vars(value), depth + 1)
    if isinstance(value, (int, float, str, bytes, type(None))): return repr(value)
    if type(value).__module__ in ("torch", "numpy") and hasattr(value, "shape"):
        array = value.detach().cpu().numpy() if hasattr(value, "detach") else value
        return array.tobytes(), str(array.dtype), tuple(array.shape)
    return id(value)


def marked_function(value, depth):
    "A function's code, its defaults, and what it closes over."
    cells = [cell.cell_contents for cell in value.__closure__ or ()]
    parts = value.__defaults__, value.__kwdefaults__, cells
    return value.__code__, *(mark(part, depth + 1) for part in parts)


def methods(cls):
    "{name: value} of what a class defines that code can call."
    return {k: v for k, v in vars(cls).items() if callable(v) or isinstance(v, (property, classmethod, staticmethod))}


class Owner:
    "A module or a class, with the values that it had before any student code ran."

    def __init__(self, thing, names, deep):
        self.thing, self.deep = thing, deep
        self.values = {n: vars(thing)[n] for n in names}
        self.inner = {n: (f, f.__code__, f.__defaults__, f.__kwdefaults__) for n, f in self.values.items()
                      if isinstance(f, types.FunctionType)}
        spaces = {n: vars(v) for n, v in self.values.items() if isinstance(v, types.SimpleNamespace)}
        self.spaces = copy.deepcopy(spaces)
        self.before = {n: self.look(n) for n in self.values}

    def look(self, name):
        "The mark of what stands under a name now."
        value = vars(self.thing).get(name)
        if self.deep: return mark(value)
        return id(value), getattr(value, "__code__", None), getattr(value, "__defaults__", None)

    def replaced(self):
        "The names of what changed; for a class, of what was added too."
        new = set(methods(self.thing)) - set(self.values) - HARMLESS if isinstance(self.thing, type) else set()
        return [n for n in self.values if self.look(n) != self.before[n]] + sorted(new)

    def restore(self, name):
        "Put back what stood under a name."
        if name not in self.values: return delattr(self.thing, name)
        if name in self.spaces:
            vars(self.values[name]).clear()
            vars(self.values[name]).update(copy.deepcopy(self.spaces[name]))
        if name in self.inner:
            f, f.__code__, f.__defaults__, f.__kwdefaults__ = (self.inner[name][0], *self.inner[name][1:])
        setattr(self.thing, name, self.values[name])


def owners(modules):
    "{name: Owner} of everything that the checks rely on."
    found = {}
    trusted = modules | {"ssnet.checking": sys.modules["ssnet.checking"]}
    for name, module in trusted.items():
        found[name] = Owner(module, [n for n in vars(module) if n[:2] != "__"], deep=True)
        classes = [v for v in vars(module).values() if isinstance(v, type) and v.__module__ == name]
        found |= {f"{name}.{c.__name__}": Owner(c, list(methods(c)), deep=True) for c in classes}
    for name, module in list(sys.modules.items()):
        if name.startswith("ssnet.") and name not in trusted:
            functions = [n for n, v in vars(module).items() if isinstance(v, types.FunctionType)]
            found[name] = Owner(module, functions, deep=True)
    for name in filter(sys.modules.get, LIBRARIES):
        module = sys.modules[name]
        names = [n for n, v in vars(module).items() if callable(v) and n not in HARMLESS]
        found[name] = Owner(module, names, deep=False)
    found["sys"] = Owner(sys, OF_SYS, deep=False)
    classes = {f"{m}.{c}": getattr(sys.modules[m], c) for m, c in CLASSES}
    return found | {name: Owner(c, [n for n in methods(c) if n not in HARMLESS], False) for name, c in classes.items()}


class Guard:
    "The record of what the checks rely on."

    def __init__(self, modules): self.owners = owners(modules)

    def replaced(self, restore=False):
        "The names of what is no longer as it was; put back where `restore`."
        found = [(name, owner, n) for name, owner in self.owners.items() for n in owner.replaced()]
        if restore:
            for _, owner, n in found: owner.restore(n)
        return [f"{name}.{n}" for name, _, n in found]


# The audit hook: it sees who looks at frames; without a sandbox it also refuses what would leave the scratch folder

# event: which of its arguments are paths; which are the open folders that the paths start from
WRITES = {"os.remove": (0,), "os.rmdir": (0,), "os.rename": (0, 1), "os.mkdir": (0,), "os.link": (0, 1),
          "os.symlink": (1,), "os.chmod": (0,), "os.chown": (0,), "os.truncate": (0,), "os.utime": (0,),
          "os.setxattr": (0,), "os.removexattr": (0,), "os.chflags": (0,), "shutil.rmtree": (0,), "shutil.chown": (0,),
          "sqlite3.connect": (0,)}
DIR_FDS = {"os.remove": (1,), "os.rmdir": (1,), "os.rename": (2, 3), "os.mkdir": (2,), "os.link": (2, 3),
           "os.symlink": (2,), "os.chmod": (2,), "os.chown": (3,), "os.utime": (3,)}
REFUSED = ("subprocess.", "os.system", "os.fork", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "pty.",
           "ctypes.", "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
           "socket.gethostby", "resource.setrlimit", "resource.prlimit", "os.killpg", "signal.pthread_kill", "winreg.",
           "urllib.", "ftplib.", "syslog.", "webbrowser.")
WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def folder_of(fd):
    "The folder that an open descriptor stands for."
    if not hasattr(fcntl, "F_GETPATH"): return os.readlink(f"/proc/self/fd/{fd}")
    return os.fsdecode(fcntl.fcntl(fd, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))  # macOS


def inside(path, folder, fd=-1):
    "Whether a path, with links followed, lies below a folder."
    if isinstance(path, int): return True  # an open file
    path = os.fsdecode(path)
    if fd not in (-1, None): path = os.path.join(folder_of(fd), path)
    real = os.path.realpath(path)
    return real.startswith(folder + os.sep)


def hidden_from(path, secret):
    "Whether a path lies in a secret folder: (folder, places in it that may be read)."
    return any(inside(path, folder) and not any(inside(path, place) for place in places) for folder, places in secret)


def secrets_of(folders, public):
    "Each secret folder with the public places below it, such as a Python in the home folder; all links followed."
    folders, public = map(os.path.realpath, folders), list(map(os.path.realpath, public))
    return [(f, [p for p in public if p == f or p.startswith(f + os.sep)]) for f in folders]


def forbidden(event, args, scratch, secret):
    "Whether an event would leave the scratch folder, start a process, or use the network."
    if event == "open":
        path, mode, flags = args
        if isinstance(path, int) or path is None or path in (os.devnull, ":memory:"): return False
        writes = set(mode or "") & set("wax+") if isinstance(mode, str) else (flags or 0) & WRITE_FLAGS
        return not inside(path, scratch) if writes else hidden_from(path, secret)
    if event in ("os.listdir", "os.scandir"):
        if not isinstance(args[0], (str, bytes)): return False  # an open folder, or the one where the kernel works
        return hidden_from(os.path.join(os.fsdecode(args[0]), "any file"), secret)
    if event == "os.kill": return args[0] != os.getpid()
    if event == "sqlite3.connect" and args[0] == ":memory:": return False
    if event in WRITES:
        fds = [args[i] if i < len(args) else -1 for i in DIR_FDS.get(event, ())] + [-1, -1]
        return not all(inside(args[i], scratch, fd) for i, fd in zip(WRITES[event], fds))
    return event.startswith(REFUSED)


PEEKS = ("sys._getframe", "sys._current_frames", "sys._current_exceptions", "gc.get_objects", "gc.get_referrers",
         "gc.get_referents")
FRAMES = ("tb_frame", "gi_frame", "cr_frame", "ag_frame")


def peeks(event, args, frame, state):
    "Whether student code, while a check runs, looks at the frames or objects of what called it, or stops the watch."
    if event in ("sys.setprofile", "sys.settrace"): return frame.f_globals is not state["checking"]
    if event not in PEEKS and not (event == "object.__getattr__" and args[1] in FRAMES): return False
    if frame.f_globals.get("__name__") == "inspect" and frame.f_back: frame = frame.f_back
    return frame.f_globals is state["space"]


def install_hook(state, scratch, secret, alone):
    "Watch who looks at frames while a graded cell runs; where nothing else holds (`alone`), refuse what is forbidden."
    frame_of, watched = sys._getframe, {"sys.setprofile", "sys.settrace", "object.__getattr__", *PEEKS}
    def hook(event, args):
        if event in watched:
            if state.get("grading") and not state.get("inside"):
                state["inside"] = True  # _getframe comes here again
                if peeks(event, args, frame_of(1), state):
                    state["peeked"] = args[1] if event == "object.__getattr__" else event
                state["inside"] = False
        elif alone and state.get("started") and forbidden(event, args, scratch, secret):
            raise PermissionError(f"{event} is refused: a submission may only work in its own folder")
    sys.addaudithook(hook)


def close_doors():
    "What starts a process without telling the audit hook."
    try: import _posixsubprocess
    except ImportError: return
    def fork_exec(*_): raise PermissionError("subprocess is refused: a submission may not start programs")
    _posixsubprocess.fork_exec = fork_exec


# Graded cells

def text_of(error):
    "An error's message, with no halves of characters, which cannot be sent; some errors cannot even say that."
    try: return str(error)[:LONGEST].encode("utf-8", "replace").decode()
    except BaseException: return ""


@contextlib.contextmanager
def clean_room():
    "The settings that the checks expect, whatever the submission set; its own come back after."
    import warnings

    import numpy
    import torch
    dtype = torch.get_default_dtype()
    with warnings.catch_warnings(), numpy.errstate(all="warn"), torch.enable_grad():
        warnings.simplefilter("ignore")
        torch.set_default_dtype(torch.float32)
        try: yield
        finally: torch.set_default_dtype(dtype)


def verdict(run, guard, state):
    "Run a graded cell; the receipt without its nonce."
    restored = guard.replaced(restore=True)
    spoiled, ename, evalue = guard.replaced(), "", ""
    state.update(grading=True, peeked="")
    try:
        with clean_room(): run()
    except BaseException as error: ename, evalue = text_of(type(error).__name__), text_of(error)
    finally: state["grading"] = False
    spoiled += guard.replaced()
    if state["peeked"]: ename, evalue = "Peeked", f"the answer uses {state['peeked']} while it is checked"
    if spoiled: ename, evalue = "Replaced", f"the answer replaces {spoiled[0]} while it is checked"
    return {"passed": not ename, "ename": ename, "evalue": evalue, "restored": restored[:3], "spoiled": spoiled[:3]}


def true_names(space, modules):
    "Put the true modules under their names; the names that stood for something else."
    wrong = [n for n, m in modules.items() if n in space and space[n] is not m or sys.modules.get(n, m) is not m]
    sys.modules.update(modules)
    space.update({n: m for n, m in modules.items() if n in space})
    return wrong


def plain_shell(shell, known):
    "Take away what a cell put over IPython's own methods and transformers, so that the next cell runs."
    for name in set(vars(shell)) - known:
        if hasattr(type(shell), name): delattr(shell, name)
    for name in ("input_transformers_post", "ast_transformers"): getattr(shell, name).clear()


def graded(code, kernel, modules, state):
    "The reply to a graded cell, with its receipt."
    head, _, source = code.partition("\n")
    space = kernel.shell.user_ns
    shadowed = true_names(space, modules)
    receipt = verdict(lambda: exec(compile(source, "check", "exec"), space), state["guard"], state)
    sys.modules.pop("hidden", None)  # not importable by the cells between
    receipt |= {"nonce": head[len(MARK):], "shadowed": shadowed}
    error = {k: receipt[k] for k in ("ename", "evalue")} | {"traceback": [], "status": "error"}
    reply = {"status": "ok", "execution_count": kernel.execution_count, "payload": [], "user_expressions": {}}
    return reply | ({} if receipt["passed"] else error) | {"receipt": receipt}


def make_kernel(modules, state):
    "The kernel class: IPython's, with graded cells run by `verdict`."
    from ipykernel.ipkernel import IPythonKernel

    def begin(shell):
        "Record what the marks rest on; exit() may not end the kernel."
        shell.unobserve_all("exit_now")
        state.update(started=True, space=shell.user_ns, checking=vars(sys.modules["ssnet.checking"]))
        state.update(guard=Guard(modules), shell=set(vars(shell)))

    class GradedKernel(IPythonKernel):
        "An IPython kernel whose graded cells no IPython hook can reach."

        async def do_execute(self, code, silent, store_history=True, user_expressions=None, allow_stdin=False, **more):
            "IPython's, but for graded cells."
            if "guard" not in state: begin(self.shell)
            plain_shell(self.shell, state["shell"])
            if code.startswith(MARK): return graded(code, self, modules, state)
            return await super().do_execute(code, silent, store_history, user_expressions, allow_stdin, **more)

    return GradedKernel


def make_app(app):
    "The app of IPython's kernel, which drops no output where the grader reads slowly."
    import zmq

    class GradedApp(app):
        "It sends all that a cell gives."

        def init_iopub(self, context):
            "IPython's, without a limit to what waits."
            context.setsockopt(zmq.SNDHWM, 0)
            super().init_iopub(context)

    return GradedApp


# The start

def set_limits(memory, disk, processes):
    "Limits of this process and its children, where the system knows them."
    try: import resource
    except ImportError: return  # Windows: the watchdog alone
    wanted = {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": disk, "RLIMIT_DATA": memory, "RLIMIT_NPROC": processes}
    for name, value in wanted.items():
        if value is None or not hasattr(resource, name): continue
        hard = resource.getrlimit(getattr(resource, name))[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try: resource.setrlimit(getattr(resource, name), (value, value))
        except (ValueError, OSError): pass  # macOS refuses some; the watchdog holds them


def load(name, folder):
    "Import a trusted module from its file, under its name."
    module = types.ModuleType(name)
    module.__file__ = f"<{name}>"
    with open(os.path.join(folder, f"{name}.py"), encoding="utf-8") as file: text = file.read()
    sys.modules[name] = module
    exec(compile(text, module.__file__, "exec"), vars(module))
    return module


def main(settings):
    "Start the kernel; returns when it ends."
    for name in set(os.environ) - set(settings["environment"]): del os.environ[name]
    set_limits(*(settings[k] for k in ("memory", "disk", "processes")))
    sys.path[:] = [p for p in sys.path if p and os.path.realpath(p) != os.path.realpath(settings["trusted"])]
    import torch._dynamo  # noqa: F401  the first optimiser would: it loads libraries and wraps torch.manual_seed
    import torchvision  # noqa: F401  loads libraries, too

    import ssnet.checking  # noqa: F401
    modules = {name: load(name, settings["trusted"]) for name in ("checks", "hidden")}
    del sys.modules["hidden"]
    state, scratch = {}, os.path.realpath(settings["scratch"])
    from ipykernel.kernelapp import IPKernelApp
    import matplotlib_inline.backend_inline  # noqa: F401  what the first figure would import
    import random

    import numpy
    import torch
    for seed in (random.seed, numpy.random.seed, torch.manual_seed): seed(0)
    if settings["alone"]: close_doors()
    install_hook(state, scratch, secrets_of(settings["secret"], [scratch, *settings["public"]]), settings["alone"])
    os.chdir(scratch)
    argv = ["-f", settings["connection"], "--HistoryManager.hist_file=:memory:", "--quiet"]
    make_app(IPKernelApp).launch_instance(argv=argv, kernel_class=make_kernel(modules, state))


if __name__ == "__main__": main(json.loads(sys.argv[1]))
