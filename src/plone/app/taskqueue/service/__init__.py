"""The fronts through which code queues jobs."""

from plone.app.taskqueue.service.asyncservice import AsyncService


# What it is called in messages and logs: where users of the package import it from.
AsyncService.__module__ = __name__

__all__ = ["AsyncService"]
