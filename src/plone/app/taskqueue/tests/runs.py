"""Runs by hand, for tests of what is known of a run in its thread."""

from collections.abc import Callable
from plone.app.taskqueue.dispatcher.run import Run
from plone.app.taskqueue.tests import functions

import pytest


@pytest.fixture
def make_run(engine) -> Callable[..., Run]:
    """Queue a job, let a new worker claim it, and return its run, not begun."""

    def make_run(**options) -> Run:
        engine.put(functions.nothing)
        held = engine.hold(1)
        return Run(held.job(), held.lease, held.lease.claim, 0, engine.db, **options)

    return make_run


@pytest.fixture
def run(make_run) -> Run:
    """The run of a job, not begun."""
    return make_run()
