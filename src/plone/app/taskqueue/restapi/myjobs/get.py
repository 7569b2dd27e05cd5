"""``GET @my-jobs`` lists one's own jobs, ``GET @my-jobs/ID`` shows one."""

from plone.app.taskqueue.restapi.myjobs.own import own_job
from plone.app.taskqueue.restapi.pages import as_page
from plone.app.taskqueue.restapi.query import read_query
from plone.app.taskqueue.restapi.serializing import job_as_json
from plone.app.taskqueue.restapi.serializing import list_as_json
from plone.app.taskqueue.restapi.service import JobService
from typing import Any


class MyJobsGet(JobService):
    """Needs "View own jobs"."""

    def answer(self) -> dict[str, Any]:
        if not self.names:
            return self._list()
        if len(self.names) > 1:
            raise self.no_such_address()
        job = own_job(self, self.names[0])
        return job_as_json(self.administration, job, self.site_url)

    def _list(self) -> dict[str, Any]:
        wanted = read_query(self.request)
        page = self.administration.own_jobs(wanted.filter, wanted.start, wanted.size)
        items = list_as_json(self.administration, page.jobs, self.site_url)
        positions = self.administration.positions(page.jobs)
        for item in items:
            item["position"] = positions.get(item["id"])
        return as_page(self.request, page, wanted, items)
