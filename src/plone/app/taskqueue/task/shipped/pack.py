"""``pack``: remove old revisions of objects from the database."""

from AccessControl.Permissions import view_management_screens
from plone.app.taskqueue import _
from plone.app.taskqueue.environment.walk import application
from plone.app.taskqueue.local import checkpoint
from plone.app.taskqueue.local import getJob
from plone.app.taskqueue.task.errors import TaskError
from plone.app.taskqueue.task.registration import task
from plone.app.taskqueue.task.shipped.place import current_site
from plone.app.taskqueue.task.shipped.rights import require
from ZODB.interfaces import IDatabase
from zope.interface import Interface
from zope.schema import Float
from zope.schema import Int
from zope.schema import TextLine

import transaction


class IPack(Interface):
    days = Float(
        title=_("Days"),
        description=_("Keep revisions that are not older; they can be undone."),
        min=0.0,
        max=36500.0,
        default=7.0,
    )
    database = TextLine(
        title=_("Database"),
        description=_("Its name in zope.conf; empty for the main one."),
        required=False,
        default="",
        missing_value="",
    )


class IPacked(Interface):
    before = Int(title=_("Bytes before"), min=0)
    after = Int(title=_("Bytes after"), min=0)


@task(
    "pack",
    title=_("Pack the database"),
    description=_("Remove old revisions of objects, to make room."),
    input_schema=IPack,
    output_schema=IPacked,
    unique=True,
    isolated=True,
)
def pack(days: float = 7.0, database: str = "") -> dict[str, int]:
    """Pack a database; return its size in bytes before and after.

    In a job the transaction is committed first, so that the storage need not keep what
    it has read: there is nothing in it but the job's own record.
    """
    root = application(current_site())
    require(view_management_screens, root, "pack the database")
    databases = root._p_jar.db().databases
    # The root is in the main one, whatever that is called.
    name = database or root._p_jar.db().database_name
    if name not in databases:
        raise TaskError(
            f"There is no database {name!r}; there are {', '.join(sorted(databases))}."
        )
    checkpoint()
    if getJob() is not None:
        transaction.commit()
    return pack_database(databases[name], days)


def pack_database(database: IDatabase, days: float) -> dict[str, int]:
    """Pack; return the size in bytes before and after.  Raises what the storage does."""
    before = database.getSize()
    database.pack(days=days)
    return {"before": before, "after": database.getSize()}
