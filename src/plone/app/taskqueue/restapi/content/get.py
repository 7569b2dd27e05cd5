"""``GET OBJECT/@jobs`` lists the jobs that are about an object."""

from dataclasses import replace
from plone.app.taskqueue.restapi.content.naming import name_of
from plone.app.taskqueue.restapi.pages import as_page
from plone.app.taskqueue.restapi.problems import FieldError
from plone.app.taskqueue.restapi.problems import refuse_fields
from plone.app.taskqueue.restapi.query import read_query
from plone.app.taskqueue.restapi.serializing import list_as_json
from plone.app.taskqueue.restapi.service import JobService
from typing import Any


class ContentJobsGet(JobService):
    """With "View jobs" those of everybody, with "View own jobs" one's own."""

    def answer(self) -> dict[str, Any]:
        if self.names:
            raise self.no_such_address()
        wanted = read_query(self.request)
        if wanted.filter.context:
            refuse_fields([FieldError("context", "It is this object, always.")])
        meant = replace(wanted.filter, context=name_of(self.context))
        page = self.administration.visible_jobs(meant, wanted.start, wanted.size)
        items = list_as_json(self.administration, page.jobs, self.site_url)
        return as_page(self.request, page, wanted, items)
