"""Which processes the parent ends, and when it starts others, with a clock that jumps."""

from plone.app.taskqueue.settings import Settings
from plone.app.taskqueue.worker.orphans import reap
from plone.app.taskqueue.worker.overseer import Overseer
from plone.app.taskqueue.worker.process import Process
from plone.app.taskqueue.worker.slot import Slot

import os
import pytest
import signal
import subprocess
import sys
import time


@pytest.fixture
def process():
    process = Process({"zope_conf": "", "given": {}, "log": {}, "dead": []})
    os.kill(process.pid, signal.SIGSTOP)
    yield process
    process.kill()
    process._popen.wait()
    process.close()


@pytest.fixture
def later(monkeypatch):
    """Let time pass."""
    gone = [0.0]
    clock = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: clock() + gone[0])

    def later(seconds: float) -> None:
        gone[0] += seconds

    return later


def look(overseer: Overseer, process: Process, later, seconds: float, **settings):
    """Look each second, as the parent does."""
    for _ in range(round(seconds)):
        later(1)
        overseer.look([process], Settings(**settings))


def test_a_process_that_starts_may_be_silent(process, later, caplog):
    look(Overseer(), process, later, 100)
    assert not process.is_ending
    assert caplog.text.count("has been starting for 60 seconds") == 1


def test_a_process_that_is_silent_beyond_its_lease_is_killed(process, later):
    overseer = Overseer()
    process.last_sign = time.monotonic()
    look(overseer, process, later, 24, lease_seconds=20)
    assert not process.is_ending
    look(overseer, process, later, 2, lease_seconds=20)
    assert process.is_ending
    later(1)
    process.poll()
    assert process._popen.wait() == -signal.SIGKILL


def test_time_in_which_the_parent_was_frozen_too_does_not_count(process, later):
    overseer = Overseer()
    process.last_sign = time.monotonic()
    process.stop("stop", 10)
    later(3600)
    overseer.look([process], Settings())
    assert not process.is_ending


def test_a_process_that_does_not_stop_in_time_is_killed(process, later):
    overseer = Overseer()
    process.stop("stop", 10)
    # A second order does not give it more time.
    look(overseer, process, later, 5)
    process.stop("reload", 10)
    look(overseer, process, later, 19)
    assert not process.is_ending
    look(overseer, process, later, 2)
    assert process.is_ending


def test_without_drain_seconds_it_may_take_as_long_as_its_jobs(process, later):
    process.stop("stop", None)
    look(Overseer(), process, later, 1000)
    assert not process.is_ending


def test_sighup_ends_the_wait_of_a_place_whose_processes_failed(later):
    slot = Slot()
    for _ in range(10):
        slot.failed(OSError("no room"))
        later(59)
    assert not slot.wanted
    slot.start_over()
    assert slot.wanted


def test_a_job_that_always_ends_its_process_does_not_keep_others_waiting_long(
    process, later
):
    slot = Slot()
    process.was_ready = True
    for _ in range(10):
        slot.ended(process, -signal.SIGSEGV)
        later(4)
        assert slot.wanted
    process.was_ready = False
    slot.ended(process, 1)
    later(59)
    assert not slot.wanted


def test_what_others_have_left_behind_is_reaped_and_own_processes_are_not():
    stranger, own = (subprocess.Popen([sys.executable, "-c", ""]) for _ in range(2))
    for each in (stranger, own):
        os.waitid(os.P_PID, each.pid, os.WEXITED | os.WNOWAIT)
    # Not known to be told of in any order.
    reap([stranger.pid, own.pid])
    reap([own.pid])
    assert own.wait() == 0
    reap([])
    with pytest.raises(ChildProcessError):
        os.waitpid(stranger.pid, 0)
    stranger.wait()
