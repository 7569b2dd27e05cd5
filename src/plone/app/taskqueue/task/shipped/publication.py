"""``publish-due`` and ``expire-due``: change the state of content when its date comes."""

from bisect import bisect_right
from DateTime import DateTime
from plone.app.taskqueue import _
from plone.app.taskqueue.task.registration import task
from plone.app.taskqueue.task.shipped.place import absolute
from plone.app.taskqueue.task.shipped.place import at
from plone.app.taskqueue.task.shipped.place import current_site
from plone.app.taskqueue.task.shipped.place import IPlace
from plone.app.taskqueue.task.shipped.portions import Portions
from Products.CMFCore.utils import getToolByName
from Products.CMFCore.WorkflowCore import WorkflowException
from transaction.interfaces import TransientError
from typing import Any
from zope.interface import Interface
from zope.schema import Int
from zope.schema import TextLine
from zope.schema import Tuple

import logging
import transaction


# Not below the name of the package, whose own lines are not kept with a job.
logger = logging.getLogger("taskqueue.tasks")

#: Content without a date counts as effective since 1970 began, give or take a zone.
_FIRST = DateTime("1970/01/03 00:00:00 UTC")


class IDue(IPlace):
    portal_types = Tuple(
        title=_("Content types"),
        description=_("Names of types; none for all of them."),
        value_type=TextLine(),
        required=False,
        default=(),
        missing_value=(),
    )


class IPublishDue(IDue):
    states = Tuple(
        title=_("States"),
        description=_("In which content waits for its date."),
        value_type=TextLine(),
        min_length=1,
        default=("private", "pending"),
    )
    transition = TextLine(title=_("Transition"), default="publish")


class IExpireDue(IDue):
    states = Tuple(
        title=_("States"),
        description=_("Out of which content is taken when it expires."),
        value_type=TextLine(),
        min_length=1,
        default=("published",),
    )
    transition = TextLine(title=_("Transition"), default="reject")


class IChanged(Interface):
    done = Int(title=_("Changed"), default=0)
    waiting = Int(title=_("Not due since the last change"), default=0)
    refused = Int(title=_("Refused by the workflow"), default=0)
    failed = Int(title=_("Failed"), default=0)


@task(
    "publish-due",
    title=_("Publish what is due"),
    description=_("Publish content whose publishing date has come."),
    input_schema=IPublishDue,
    output_schema=IChanged,
    # Who may see nothing would be told that nothing is due.
    wants_user=True,
    unique=True,
    isolated=True,
)
def publish_due(
    path: str = "",
    portal_types: tuple[str, ...] = (),
    states: tuple[str, ...] = ("private", "pending"),
    transition: str = "publish",
) -> dict[str, int]:
    """Publish content whose publishing date has come while it was in its state.

    So content that was retracted after its date is not published again.
    """
    work = ("publish-due", absolute(path), portal_types, states, transition)
    return _change("effective", *work)


@task(
    "expire-due",
    title=_("Retract what has expired"),
    description=_("Take back content whose expiration date has come."),
    input_schema=IExpireDue,
    output_schema=IChanged,
    # Who may see nothing would be told that nothing is due.
    wants_user=True,
    unique=True,
    isolated=True,
)
def expire_due(
    path: str = "",
    portal_types: tuple[str, ...] = (),
    states: tuple[str, ...] = ("published",),
    transition: str = "reject",
) -> dict[str, int]:
    """Take back content whose expiration date has come while it was in its state.

    So content that is published on purpose after its date stays.
    """
    work = ("expire-due", absolute(path), portal_types, states, transition)
    return _change("expires", *work)


def _change(
    date: str, name: str, top: str, portal_types: tuple, states: tuple, transition: str
) -> dict[str, int]:
    """Do a transition, where the user may, on what the user sees and is due."""
    site = current_site()
    workflows = getToolByName(site, "portal_workflow")
    now = DateTime()
    due = _due_paths(site, date, now, top, portal_types, states)

    def handle(path: str) -> str:
        obj = at(path)
        if obj is None or not _is_due(workflows, obj, getattr(obj, date)(), now):
            return "waiting"
        # One that fails must not take the others with it, nor leave half a change.
        savepoint = transaction.savepoint(optimistic=True)
        try:
            workflows.doActionFor(obj, transition)
        except WorkflowException as error:
            savepoint.rollback()
            logger.warning("%s is due, and the workflow refuses: %s", path, error)
            return "refused"
        except TransientError:
            raise
        except Exception:
            savepoint.rollback()
            raise
        return "done"

    def following(last: str, limit: int) -> list[str]:
        begin = bisect_right(due, last)
        return due[begin : begin + limit]

    work = (name, top, portal_types, states, transition)
    portions = Portions(work)
    # What was changed before is not due any more.
    total = portions.counts.total() + len(due) - bisect_right(due, portions.last)
    return portions.run(following, handle, total)


def _due_paths(
    site: Any, date: str, now: DateTime, top: str, portal_types: tuple, states: tuple
) -> list[str]:
    catalog = getToolByName(site, "portal_catalog")
    query = {
        "path": top,
        "review_state": states,
        date: {"query": (_FIRST, now), "range": "min:max"},
        # What has expired, or is not yet effective, is what is looked for.
        "show_inactive": True,
    }
    if portal_types:
        query["portal_type"] = portal_types
    return sorted(brain.getPath() for brain in catalog(query))


def _is_due(workflows: Any, obj: Any, date: DateTime, now: DateTime) -> bool:
    """Say whether the date came after the content had entered its state."""
    since = workflows.getInfoFor(obj, "time", None) or obj.created()
    return max(_FIRST, since) < date <= now
