"""A module that another one imports from."""

from plone.app.taskqueue.task import task


@task("elsewhere")
def elsewhere():
    return "elsewhere"
