"""Pages that change by themselves: a small JSON, asked for again and again.

``static/taskqueue.js`` asks while the page is looked at, less and less often while
nothing changes.  Without it the page is as it was when it was loaded.
"""

from collections.abc import Mapping
from hashlib import sha256
from Products.Five.browser import BrowserView
from typing import Any

import json


def fingerprint(*parts: Any) -> str:
    """Return a short text that is the same as long as the parts are.

    A page that shows other rows than before is loaded anew; what else changes is told as
    texts.  ``parts`` have a ``repr`` that tells them apart.
    """
    return sha256(repr(parts).encode()).hexdigest()[:16]


class LiveView(BrowserView):
    """Answers in JSON, or with 304 if the asker has it already.  Writes nothing."""

    def answer(self) -> Mapping[str, Any]:
        """Return what the script understands.

        ``texts``: by the ``data-live`` of an element its text.  ``progress``: by the
        ``data-live-progress`` of a ``progress`` element its percent, or ``None``.
        ``reload``: the page has other rows by now.  ``done``: nothing will change.
        """
        raise NotImplementedError

    def __call__(self) -> str:
        body = json.dumps(
            {"texts": {}, "progress": {}, "reload": False, "done": False}
            | dict(self.answer()),
            sort_keys=True,
        )
        response = self.request.response
        response.setHeader("Cache-Control", "private, no-cache")
        etag = f'"{sha256(body.encode()).hexdigest()[:32]}"'
        response.setHeader("ETag", etag)
        # A proxy that compresses the answer calls it weak.
        known = self.request.getHeader("If-None-Match") or ""
        if etag in (each.strip().removeprefix("W/") for each in known.split(",")):
            response.setStatus(304)
            return ""
        response.setHeader("Content-Type", "application/json")
        response.setHeader("X-Content-Type-Options", "nosniff")
        return body
