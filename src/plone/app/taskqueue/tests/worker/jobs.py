"""Jobs that tell the test, and hear of it, by named pipes."""

from pathlib import Path
from plone.app.taskqueue.local import checkpoint

import ctypes
import multiprocessing
import os
import re
import subprocess
import sys
import threading


def tell_and_wait(begun: str, end: str) -> None:
    """Say that it runs, and end when told to."""
    Path(begun).write_text(str(os.getpid()))
    Path(end).read_text()


def tell(begun: str) -> None:
    """Say in which process it runs."""
    Path(begun).write_text(str(os.getpid()))


def ask_for_ever(begun: str) -> None:
    """Say that it runs, and run until a checkpoint ends it."""
    tell(begun)
    while True:
        checkpoint()


_kept = []


def grow(megabytes: int) -> None:
    """Take memory and keep it."""
    _kept.append(bytearray(os.urandom(1_000_000) * megabytes))


# Those that do to their process what no job should


def end_a_fork(told: str) -> None:
    """Fork a process, terminate it, and say how it ended."""
    fork = multiprocessing.get_context("fork").Process(target=threading.Event().wait)
    fork.start()
    fork.terminate()
    fork.join(20)
    Path(told).write_text(str(fork.exitcode))
    fork.kill()


def fork_and_fail(told: str) -> None:
    """Fork a process that fails, and say how it ended."""
    pid = os.fork()
    if pid == 0:
        raise ValueError("in the fork")
    status = os.waitpid(pid, 0)[1]
    Path(told).write_text(str(os.waitstatus_to_exitcode(status)))


def write_to_the_wire(told: str) -> None:
    """Write rubbish where only the process itself may write, to its parent."""
    os.write(int(sys.argv[1]), b'\xff\xfe\n[1]\n{"event": 1}\n')
    tell(told)


def leave_a_thread(told: str) -> None:
    """Start a thread that never ends."""
    threading.Thread(target=threading.Event().wait, daemon=False).start()
    tell(told)


def keep_the_lock(told: str) -> None:
    """Let no other thread of the process run, for years."""
    tell(told)
    re.match(r"(a+)+$", "a" * 60 + "b")


def crash(told: str) -> None:
    """Read what is at no address."""
    tell(told)
    ctypes.string_at(0)


def start_a_program(begun: str, end: str) -> None:
    """Start a program that ends when told to, say which, and wait for it."""
    program = subprocess.Popen(["cat", end], stdout=subprocess.DEVNULL)
    Path(begun).write_text(f"{os.getpid()} {program.pid}")
    program.wait()
