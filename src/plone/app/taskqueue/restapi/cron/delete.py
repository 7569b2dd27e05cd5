"""``DELETE @cron/ID`` cancels a cron job and its runs, and forgets it."""

from plone.app.taskqueue.restapi.cron.finding import cron_job_of
from plone.app.taskqueue.restapi.service import JobService
from typing import Any


class CronDelete(JobService):
    """Needs "Manage cron jobs"."""

    changes = True

    def answer(self) -> Any:
        if len(self.names) != 1:
            raise self.no_such_address()
        self.administration.do_cron("delete", cron_job_of(self, self.names[0]))
        return self.reply_no_content()
