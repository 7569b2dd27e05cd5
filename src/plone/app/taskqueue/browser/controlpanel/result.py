"""The result of a job as a file to be kept, never as a page to be shown."""

from plone.app.taskqueue.interfaces import IAdministration
from plone.namedfile.interfaces import INamedTyped
from plone.namedfile.utils import safe_basename
from Products.Five.browser import BrowserView
from typing import Any
from urllib.parse import quote
from zExceptions import NotFound
from zExceptions import Unauthorized


def is_file(result: Any) -> bool:
    """Say whether a result is to be downloaded: it is bytes, or a file of Plone."""
    return isinstance(result, bytes | bytearray) or INamedTyped.providedBy(result)


class Result(BrowserView):
    """``@@taskqueue-result?id=REFERENCE``.

    404 as if the job were not there for who may not see it, and where its result is no
    file; ``Unauthorized`` for who may see the job and not its details.
    """

    def __call__(self) -> Any:
        admin = IAdministration(self.context)
        reference = self.request.form.get("id", "")
        try:
            job = admin.job(reference)
        except LookupError as error:
            raise NotFound(str(error)) from error
        if not admin.access.may_see_details(job):
            raise Unauthorized("You may not see what came of this job.")
        result = admin.details(job)["result"]
        if not is_file(result):
            raise NotFound(f"The result of job {reference} is no file.")
        return self._sent(result, f"job-{reference}.bin")

    def _sent(self, result: Any, name: str) -> Any:
        response = self.request.response
        if INamedTyped.providedBy(result):
            name = safe_basename(result.filename) or name
            body = result.data
        else:
            body = bytes(result)
        # What a job made may be a page with a script: no browser is to run it here.
        response.setHeader("Content-Type", "application/octet-stream")
        response.setHeader("Content-Length", str(len(body)))
        response.setHeader(
            "Content-Disposition",
            f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        )
        response.setHeader("X-Content-Type-Options", "nosniff")
        response.setHeader("Content-Security-Policy", "sandbox")
        response.setHeader("Cache-Control", "private, no-store")
        return body
