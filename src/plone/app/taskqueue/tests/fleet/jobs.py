"""The jobs of the fleet's tests, and the views through which they are asked for."""

from AccessControl import getSecurityManager
from collections.abc import Callable
from pathlib import Path
from persistent.list import PersistentList
from plone.app.taskqueue.interfaces import IAsyncService
from plone.protect.interfaces import IDisableCSRFProtection
from Products.Five import BrowserView
from typing import Any
from zope.annotation.interfaces import IAnnotations
from zope.component import getUtility
from zope.interface import alsoProvides

import json
import os


_KEY = "plone.app.taskqueue.tests.fleet"


def sign(page: Any, title: str) -> None:
    """Give the page a title, and note in its ledger who did it."""
    _note(page)
    page.title = title
    page.reindexObject(idxs=["Title"])


def hold(page: Any, begun: str, end: str) -> None:
    """Say that it runs, go on when told to, and note who did it.

    It leaves the catalog alone, which others change meanwhile.
    """
    Path(begun).write_text(str(os.getpid()))
    Path(end).read_text()
    _note(page)


def _note(page: Any) -> None:
    user = getSecurityManager().getUser().getId()
    ledger = IAnnotations(page).setdefault(_KEY, PersistentList())
    ledger.append({"user": user, "pid": os.getpid()})


class Sign(BrowserView):
    """Queues a job for the page."""

    def __call__(self) -> str:
        return self.queue(sign, "title")

    def queue(self, function: Callable, *names: str) -> str:
        alsoProvides(self.request, IDisableCSRFProtection)
        given = [self.request.form[name] for name in names]
        getUtility(IAsyncService).enqueue(function, self.context, *given, quota=None)
        return json.dumps({"pid": os.getpid()})


class Hold(Sign):
    """Queues a job that waits for the test."""

    def __call__(self) -> str:
        return self.queue(hold, "begun", "end")


class Ledger(BrowserView):
    """Tells who has signed the page."""

    def __call__(self) -> str:
        ledger = IAnnotations(self.context).get(_KEY, ())
        return json.dumps({"title": self.context.title, "ledger": list(ledger)})
