"""Dispatchers: claiming jobs and running them, in threads of this process."""

from plone.app.taskqueue.dispatcher.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher.options import Options
from plone.app.taskqueue.dispatcher.running import get


__all__ = ["Dispatcher", "Options", "get"]
