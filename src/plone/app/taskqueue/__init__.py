"""Background jobs for Plone, kept in the ZODB and run as the user who queued them."""

from typing import Any
from zope.i18nmessageid import MessageFactory

import importlib


_ = MessageFactory("plone.app.taskqueue")

#: What lovely.remotetask had at its top, and where it is.
_ELSEWHERE = {"TaskService": "plone.app.taskqueue.service"}
_MODULES = frozenset({"interfaces", "job", "service", "task", "testing"})


def __getattr__(name: str) -> Any:
    # Not before it is asked for: the engine shall not import the fronts.
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _ELSEWHERE:
        return getattr(importlib.import_module(_ELSEWHERE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
