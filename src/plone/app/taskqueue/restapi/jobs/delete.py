"""``DELETE @jobs/ID`` forgets a job that has ended."""

from plone.app.taskqueue.restapi.service import JobService
from typing import Any


class JobsDelete(JobService):
    """Needs "Delete jobs"."""

    changes = True

    def answer(self) -> Any:
        if len(self.names) != 1:
            raise self.no_such_address()
        self.administration.do("delete", self.job(self.names[0]))
        return self.reply_no_content()
