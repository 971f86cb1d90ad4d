"""Runs Python programs that a model has had a part in, each in a process of its own that can do little harm.

Reads a JSON list of programs; writes a JSON list of "passed", "failed" or "late". A program passes that comes to its end. It has
SECONDS of time, MEMORY_BYTES of memory, an empty folder in which it can write nothing, and none of what starts processes,
removes files or opens connections. That keeps mistakes from doing damage; it is no wall against malice.
"""

import json
import os
import resource
import signal
import sys
import tempfile
import time

SECONDS = 4
MEMORY_BYTES = 1 << 30
PASSED = 86
FORBIDDEN_MODULES = ["subprocess", "socket", "shutil", "ctypes", "multiprocessing", "threading", "asyncio", "urllib", "http", "signal"]
ALLOWED_OF_OS = ["getcwd", "listdir", "path", "sep", "linesep", "fspath", "PathLike", "environ", "name", "get_terminal_size"]


def confine():
    for fd in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), fd)
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.setrecursionlimit(1000)
    for name in FORBIDDEN_MODULES:
        sys.modules[name] = None
    os.environ.clear()


def execute(program, end):
    """In a child: leaves with PASSED if the program comes to its end."""
    code = 1
    try:
        confine()
        for name in dir(os):
            if callable(getattr(os, name)) and name not in ALLOWED_OF_OS and not name.startswith("__"):
                setattr(os, name, None)
        exec(compile(program, "solution.py", "exec"), {"__name__": "__main__"})
        code = PASSED
    except BaseException:
        pass
    end(code)


def outcome_of(program):
    pid = os.fork()
    if pid == 0:
        execute(program, os._exit)
    deadline = time.monotonic() + SECONDS
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL):
                return "late"
            return "passed" if os.WIFEXITED(status) and os.WEXITSTATUS(status) == PASSED else "failed"
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return "late"
        time.sleep(0.002)


def main():
    programs = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        outcomes = [outcome_of(program) for program in programs]
        os.chdir("/")
    json.dump(outcomes, sys.stdout)


if __name__ == "__main__":
    main()
