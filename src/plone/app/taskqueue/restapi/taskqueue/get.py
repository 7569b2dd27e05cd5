"""``GET @taskqueue`` tells how it stands; ``GET @taskqueue/queues/NAME`` shows a queue."""

from dataclasses import asdict
from plone.app.taskqueue.restapi.problems import not_found
from plone.app.taskqueue.restapi.serializing import chosen
from plone.app.taskqueue.restapi.serializing import summary_as_json
from plone.app.taskqueue.restapi.service import JobService
from plone.app.taskqueue.restapi.taskqueue.queues import queue_as_json
from typing import Any
from zope.i18n import translate


_WORKER = (
    "id",
    "host",
    "pid",
    "threads",
    "code",
    "started",
    "seen",
    "holds",
    "silent",
    "jobs",
    "jobs_elsewhere",
)
_BAR = ("since", "until", "completed", "failed")


class TaskQueueGet(JobService):
    """Needs "View jobs"."""

    def answer(self) -> dict[str, Any]:
        match self.names:
            case []:
                return self._all()
            case ["queues", *parts] if parts:
                # A server makes slashes of %2F, so that a name may be several.
                return self._queue("/".join(parts))
        raise self.no_such_address()

    def _queue(self, name: str) -> dict[str, Any]:
        for queue in self.administration.queue_states():
            if queue["name"] == name:
                return queue_as_json(queue, self.site_url)
        raise not_found(f"There is no queue {name!r} here.")

    def _all(self) -> dict[str, Any]:
        """Return health, workers, queues, and what has ended of late."""
        admin = self.administration
        health = admin.health()
        return {
            "@id": f"{self.site_url}/@taskqueue",
            "health": {
                "level": health.level,
                "text": translate(health.text, context=self.request),
            },
            "workers": [self._worker(worker) for worker in admin.workers()],
            "queues": [
                queue_as_json(queue, self.site_url) for queue in admin.queue_states()
            ],
            "last_hour": [chosen(asdict(bar), _BAR) for bar in admin.last_hour()],
            "last_day": [chosen(asdict(bar), _BAR) for bar in admin.last_day()],
        }

    def _worker(self, worker: dict[str, Any]) -> dict[str, Any]:
        jobs = [summary_as_json(job, self.site_url) for job in worker["jobs"]]
        return chosen(worker | {"jobs": jobs}, _WORKER)
