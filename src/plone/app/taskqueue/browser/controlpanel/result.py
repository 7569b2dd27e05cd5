"""The result of a job as a file to be kept, never as a page to be shown."""

from plone.app.taskqueue.administration.results import ResultFile
from plone.app.taskqueue.interfaces import IAdministration
from Products.Five.browser import BrowserView
from typing import Any
from urllib.parse import quote
from zExceptions import NotFound
from zExceptions import Unauthorized


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
        found = admin.result_file(job)
        if found is None:
            raise NotFound(f"The result of job {reference} is no file.")
        return self._sent(found)

    def _sent(self, found: ResultFile) -> bytes:
        response = self.request.response
        # What a job made may be a page with a script: no browser is to run it here.
        response.setHeader("Content-Type", "application/octet-stream")
        response.setHeader("Content-Length", str(len(found.data)))
        response.setHeader(
            "Content-Disposition",
            f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
        )
        response.setHeader("X-Content-Type-Options", "nosniff")
        response.setHeader("Content-Security-Policy", "sandbox")
        response.setHeader("Cache-Control", "private, no-store")
        return found.data
