"""The names under which z3c.taskqueue and lovely.remotetask were known are there."""

from plone.app.taskqueue import interfaces
from plone.app.taskqueue.interfaces import ICronJob
from plone.app.taskqueue.interfaces import IJob
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.interfaces import ITaskService
from plone.app.taskqueue.job import CronJob
from plone.app.taskqueue.job import Job
from plone.app.taskqueue.service import BaseTaskService
from plone.app.taskqueue.service import TaskService
from plone.app.taskqueue.task import EchoTask
from plone.app.taskqueue.task import SimpleTask
from plone.app.taskqueue.testing import ITaskStub
from plone.app.taskqueue.testing import TaskServiceStub
from zope.interface.verify import verifyClass
from zope.interface.verify import verifyObject

import importlib
import pytest
import subprocess
import sys


PACKAGE = "plone.app.taskqueue"

#: Where the names were, and are, below the package's own; what they are in a process
#: that has imported nothing else of the package.
NAMES = [
    "TaskService",
    "service.TaskService",
    "service.BaseTaskService",
    "service.getAutostartServiceNames",
    "service.bootStrapSubscriber",
    "task.TaskError",
    "task.SimpleTask",
    "task.EchoTask",
    "job.Job",
    "job.CronJob",
    "interfaces.ITaskService",
    "interfaces.ITask",
    "interfaces.IJob",
    "interfaces.ICronJob",
    "interfaces.QUEUED",
    "interfaces.PROCESSING",
    "interfaces.CANCELLED",
    "interfaces.ERROR",
    "interfaces.COMPLETED",
    "interfaces.DELAYED",
    "interfaces.CRONJOB",
    "interfaces.STARTLATER",
    "testing.TaskServiceStub",
    "testing.ITaskStub",
]


def run_python(code):
    """Return what the code prints in a new process."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", NAMES)
def test_each_name_can_be_imported_and_reached_as_an_attribute(name):
    module, _, own = f"{PACKAGE}.{name}".rpartition(".")
    imported = getattr(importlib.import_module(module), own)
    reached = importlib.import_module(PACKAGE)
    for part in name.split("."):
        reached = getattr(reached, part)
    assert reached is imported


@pytest.mark.parametrize("module", ["interfaces", "job", "service", "task", "testing"])
def test_each_module_may_be_the_first_that_is_imported(module):
    names = [each for each in NAMES if each.startswith(f"{module}.")]
    run_python(
        "\n".join(
            f"from {PACKAGE}.{module} import {each.rpartition('.')[2]}"
            for each in names
        )
    )


def test_the_top_level_and_the_interfaces_import_neither_plone_nor_zope():
    loaded = run_python(
        f"import sys; before = set(sys.modules); import {PACKAGE}; "
        f"import {PACKAGE}.interfaces; print(*sorted(set(sys.modules) - before))"
    ).split()
    ours = [each for each in loaded if each.startswith(PACKAGE)]
    assert ours == [PACKAGE, f"{PACKAGE}.interfaces"]
    foreign = ("OFS", "Products", "Zope2", "ZPublisher", "ZODB", "BTrees", "plone.api")
    heavy = [
        each
        for each in loaded
        if each.partition(".")[0] in foreign
        or (each.startswith("plone.app.") and each not in ours)
    ]
    assert heavy == []


def test_a_name_that_is_not_there_is_an_attribute_error_as_of_any_module():
    with pytest.raises(AttributeError, match="'TaskQueue'"):
        importlib.import_module(PACKAGE).TaskQueue  # noqa: B018


def test_the_words_of_the_statuses_are_those_of_the_old_systems():
    words = "queued processing cancelled error completed delayed cronjob".split()
    names = [each.upper() for each in words]
    assert [getattr(interfaces, name) for name in names] == words
    assert interfaces.STARTLATER == "start later"


@pytest.mark.parametrize("made", [TaskService, BaseTaskService, TaskServiceStub])
def test_services_keep_what_their_interface_promises(made):
    assert verifyClass(ITaskService, made)
    assert verifyObject(ITaskService, made())


def test_jobs_keep_what_their_interfaces_promise():
    for interface, job in (
        (IJob, Job(1, "echo", {})),
        (ICronJob, CronJob(1, "echo", {}, minute=(0,))),
    ):
        assert verifyClass(interface, type(job))
        assert verifyObject(interface, job)


def test_tasks_keep_what_their_interface_promises():
    for task in (SimpleTask(repr), EchoTask()):
        assert verifyClass(ITask, type(task))
        assert verifyObject(ITask, task)
        assert not ITaskStub.providedBy(task)
    assert ITaskStub.isOrExtends(ITask)
    assert list(ITaskStub.names()) == []
