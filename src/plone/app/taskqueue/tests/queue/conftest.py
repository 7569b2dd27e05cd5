from plone.app.taskqueue.tests.engine import engine  # noqa: F401 - a fixture
