"""Dispatchers: claiming jobs and running them, in threads of this process."""

from plone.app.taskqueue.dispatcher.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher.options import Options
from plone.app.taskqueue.dispatcher.running import get


# What it is called in messages: where users of the package import it from.
Dispatcher.__module__ = __name__

__all__ = ["Dispatcher", "Options", "get"]
