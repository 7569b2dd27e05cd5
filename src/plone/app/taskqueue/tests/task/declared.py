"""A module with declared tasks, as an add-on has one."""

from plone.app.taskqueue.task import SimpleTask
from plone.app.taskqueue.task import task
from plone.app.taskqueue.tests.task.others import elsewhere
from zope.interface import Interface
from zope.interface import Invalid
from zope.interface import invariant
from zope.schema import Choice
from zope.schema import Int
from zope.schema import List
from zope.schema import Password
from zope.schema import TextLine
from zope.schema import Tuple


__all__ = ["elsewhere"]


class ITidy(Interface):
    path = TextLine(title="Path")
    days = Int(title="Days", min=1, default=30)
    kinds = Tuple(title="Kinds", value_type=TextLine(), required=False)
    colour = Choice(title="Colour", values=["red", "blue"], required=False)
    notes = List(title="Notes", required=False, default=[])
    secret = Password(title="Secret", required=False, min_length=3)

    @invariant
    def the_root_is_kept_for_long(data):
        if data.path == "/" and data.days < 7:
            raise Invalid("Of the whole site keep at least 7 days.")


class ITidied(Interface):
    number = Int(title="How many")


@task("tidy", input_schema=ITidy, output_schema=ITidied, redact=("secret",), priority=5)
def tidy(path, days=1, kinds=None, colour=None, notes=None, secret=None):
    return {"number": days}


@task("nightly")
def nightly():
    return "done"


@task("first")
@task("second", timeout=60)
def either(input):
    return input


class EverTask(SimpleTask):
    """Made by a factory."""

    title = "Ever"

    def __init__(self):
        super().__init__(nightly)


def key_of(input):
    return input["path"]


def polite(job):
    raise NotImplementedError
