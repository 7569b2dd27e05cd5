"""The commands of ``bin/instance``, called as plone.recipe.zope2instance calls them."""

from plone.app.taskqueue.tests.worker.instance import environ

import pathlib
import subprocess
import sys


#: What the recipe's ``main`` does with an entry point, and with its command line.
_PROGRAM = """
import sys
from plone.app.taskqueue.command.instance import taskqueue, worker

class Options:
    configfile = {conf!r}
    args = sys.argv[1:]

class ZopeCmd:
    options = Options()

ZopeCmd.do_worker = worker
ZopeCmd.do_taskqueue = taskqueue
getattr(ZopeCmd(), "do_" + " ".join(sys.argv[1:]).split()[0])(
    " ".join(" ".join(sys.argv[1:]).split()[1:])
)
"""


def call(instance, *arguments: str) -> subprocess.CompletedProcess:
    program = _PROGRAM.format(conf=str(instance.zope_conf))
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        env=environ(),
        timeout=60,
    )


def test_the_worker_is_started_with_the_zope_conf_of_the_instance(instance):
    instance.configure("threds 2")
    done = call(instance, "worker")
    assert done.returncode == 78
    assert "did you mean threads" in done.stderr


def test_arguments_are_passed_on_as_they_were_written(instance):
    for arguments in (("worker", "--threads", "a b"), ("worker --threads 'a b'",)):
        done = call(instance, *arguments)
        assert "--threads is 'a b': write a whole number" in done.stderr


def test_the_other_commands_are_there_too(instance):
    done = call(instance, "taskqueue", "worker", "--threads", "x")
    assert "--threads is 'x'" in done.stderr


def test_the_metadata_names_what_is_there():
    setup = pathlib.Path(__file__).parents[6] / "setup.py"
    if not setup.exists():
        # Installed from a wheel.
        return
    text = setup.read_text()
    for line in (
        "taskqueue = plone.app.taskqueue.command.main:main",
        "taskqueue = plone.app.taskqueue.command.instance:taskqueue",
        "worker = plone.app.taskqueue.command.instance:worker",
    ):
        assert line in text
        module, _, name = line.partition(" = ")[2].partition(":")
        assert callable(getattr(__import__(module, fromlist=[name]), name))
