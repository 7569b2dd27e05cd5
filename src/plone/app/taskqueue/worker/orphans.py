"""Processes that jobs have left behind."""

from collections.abc import Collection

import os


def reap(own: Collection[int]) -> None:
    """Let go of children that have ended and are not among the ids ``own``.

    Whatever the processes of jobs leave behind becomes a child of the first process of a
    container, which is the worker where nothing else is: it would stay as a zombie.
    """
    while True:
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if found is None or found.si_pid in own:
            return
        os.waitpid(found.si_pid, 0)
