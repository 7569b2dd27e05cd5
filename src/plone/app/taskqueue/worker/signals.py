"""The signals of a process that runs jobs."""

from collections.abc import Callable

import faulthandler
import os
import signal
import sys


#: Those that tell it to end.  Handlers run between any two steps of the main thread, so
#: they must take no lock.
_ENDS = (signal.SIGTERM, signal.SIGINT)
_HANDLED = (*_ENDS, signal.SIGHUP)


def listen(told: Callable[[], None]) -> None:
    """Call ``told`` in the main thread when the process is told to end."""
    for number in _ENDS:
        signal.signal(number, lambda number, frame: told())
    # That is for the parent.  Not ignored, which programs that jobs start would inherit.
    signal.signal(signal.SIGHUP, lambda number, frame: None)
    # What a job forks, such as a pool of ``multiprocessing``, ends as if it had no part in
    # this; also where it is told to before it has forgotten the handlers.
    os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=_forget)
    if sys.stderr is not None:
        faulthandler.enable()
        # Where all threads are, even while one of them keeps Python's lock.
        faulthandler.register(signal.SIGQUIT)


def _hold() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)


def _let_go() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)


def _forget() -> None:
    for number in _HANDLED:
        signal.signal(number, signal.SIG_DFL)
    _let_go()
