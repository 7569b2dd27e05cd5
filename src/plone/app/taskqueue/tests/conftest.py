"""The engine on a FileStorage, for the tests that need no Plone."""

from plone.app.taskqueue.tests.crash.network import cable as cable
from plone.app.taskqueue.tests.crash.report import (
    pytest_terminal_summary as pytest_terminal_summary,
)
from plone.app.taskqueue.tests.engine import engine as engine
from plone.app.taskqueue.tests.engine import home as home
from plone.app.taskqueue.tests.runs import make_run as make_run
from plone.app.taskqueue.tests.runs import run as run
from plone.app.taskqueue.tests.service.place import place as place
from plone.app.taskqueue.tests.storages.postgresql import postgresql as postgresql
