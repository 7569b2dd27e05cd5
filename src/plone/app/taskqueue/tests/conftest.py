"""The engine on a FileStorage, for the tests that need no Plone."""

from plone.app.taskqueue.tests.engine import engine as engine
