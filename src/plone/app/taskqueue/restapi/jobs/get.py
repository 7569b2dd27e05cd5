"""``GET @jobs`` lists jobs, ``GET @jobs/ID`` shows one."""

from plone.app.taskqueue.restapi.pages import as_page
from plone.app.taskqueue.restapi.query import read_query
from plone.app.taskqueue.restapi.serializing import job_as_json
from plone.app.taskqueue.restapi.serializing import list_as_json
from plone.app.taskqueue.restapi.service import JobService
from typing import Any


class JobsGet(JobService):
    """Lists of everybody's jobs need "View jobs"; a job can be one's own."""

    def answer(self) -> dict[str, Any]:
        if not self.names:
            return self._list()
        if len(self.names) > 1:
            raise self.no_such_address()
        return job_as_json(self.administration, self.job(self.names[0]), self.site_url)

    def _list(self) -> dict[str, Any]:
        wanted = read_query(self.request)
        page = self.administration.jobs(wanted.filter, wanted.start, wanted.size)
        items = list_as_json(self.administration, page.jobs, self.site_url)
        return as_page(self.request, page, wanted, items)
