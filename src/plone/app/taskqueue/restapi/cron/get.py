"""``GET @cron`` lists cron jobs, ``GET @cron/ID`` shows one."""

from plone.app.taskqueue.restapi.cron.finding import cron_job_of
from plone.app.taskqueue.restapi.cron.serializing import cron_as_json
from plone.app.taskqueue.restapi.service import JobService
from typing import Any


class CronGet(JobService):
    """Needs "View jobs"."""

    def answer(self) -> dict[str, Any]:
        match self.names:
            case []:
                return self._list()
            case [reference]:
                return self._shown(cron_job_of(self, reference))
        raise self.no_such_address()

    def _list(self) -> dict[str, Any]:
        items = [self._shown(job) for job in self.administration.cron_jobs()]
        return {
            "@id": f"{self.site_url}/@cron",
            "items": items,
            "items_total": len(items),
        }

    def _shown(self, job: Any) -> dict[str, Any]:
        return cron_as_json(self.administration, job, self.site_url)
