"""Services of lovely.remotetask, z3c.taskqueue and five.taskqueue in an old database.

Their packages need not be there, and none of their code is run: records are read as they
were stored.  No other code is run either until a job is read, whose input is made by the
classes of what is in it, as the database itself does.  Reading changes nothing in the
database.
"""

from plone.app.taskqueue.migration.finding import find_services
from plone.app.taskqueue.migration.finding import read_service
from plone.app.taskqueue.migration.moving import move
from plone.app.taskqueue.migration.oldjob import OldJob
from plone.app.taskqueue.migration.oldservice import OldService
from plone.app.taskqueue.migration.records import OldDataError
from plone.app.taskqueue.migration.removing import remove_old
from plone.app.taskqueue.migration.report import Report


__all__ = [
    "OldDataError",
    "OldJob",
    "OldService",
    "Report",
    "find_services",
    "move",
    "read_service",
    "remove_old",
]
