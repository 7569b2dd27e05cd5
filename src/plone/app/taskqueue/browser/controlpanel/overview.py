"""The first tab: how it stands, in a sentence, in tables and in two charts."""

from collections.abc import Mapping
from plone.app.taskqueue import _
from plone.app.taskqueue import clock
from plone.app.taskqueue.administration.access import PAUSE_QUEUES
from plone.app.taskqueue.browser.controlpanel.base import ControlPanelView
from plone.app.taskqueue.browser.controlpanel.charts import Chart
from plone.app.taskqueue.browser.controlpanel.charts import day_text
from plone.app.taskqueue.browser.controlpanel.charts import hour_text
from plone.app.taskqueue.browser.live import fingerprint
from plone.app.taskqueue.browser.live import LiveView
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any

import functools


#: Bootstrap's class, the icon, and the word for each level of health.
LEVELS = {
    "good": ("success", "check-circle", _("level_good", default="Good")),
    "warning": (
        "warning",
        "exclamation-triangle",
        _("level_warning", default="Warning"),
    ),
    "bad": ("danger", "exclamation-octagon", _("level_bad", default="Trouble")),
}
#: The numbers of a queue that have a column, each with the group of jobs behind it.
COLUMNS = ("waiting", "running", "scheduled", "failed")
#: Seconds that a job has run when the page is loaded anew for its sake.
_LASTING = 5


class Overview(ControlPanelView):
    """``@@taskqueue-controlpanel``."""

    template = ViewPageTemplateFile("overview.pt")
    buttons = {"form.button.Pause": "pause", "form.button.Resume": "resume"}
    columns = COLUMNS

    def pause(self) -> None:
        name = self.text("queue")
        with self.missing():
            self.admin.pause(name)
        self.tell(
            _(
                "message_paused",
                default="The queue ${queue} is paused: no worker takes jobs from it.",
                mapping={"queue": name},
            )
        )

    def resume(self) -> None:
        name = self.text("queue")
        with self.missing():
            self.admin.resume(name)
        self.tell(
            _(
                "message_resumed",
                default="The queue ${queue} goes on.",
                mapping={"queue": name},
            )
        )

    @functools.cached_property
    def health(self) -> dict[str, Any]:
        health = self.admin.health()
        kind, icon, word = LEVELS[health.level]
        return {"kind": kind, "icon": icon, "word": word, "text": health.text}

    @functools.cached_property
    def workers(self) -> list[dict[str, Any]]:
        return self.admin.workers()

    @functools.cached_property
    def queues(self) -> list[dict[str, Any]]:
        return self.admin.queue_states()

    @functools.cached_property
    def charts(self) -> list[Chart]:
        return [
            Chart("hour", self.admin.last_hour()),
            Chart("day", self.admin.last_day()),
        ]

    @functools.cached_property
    def may_pause(self) -> bool:
        return self.admin.access.may(PAUSE_QUEUES)

    def live_url(self) -> str:
        return self.url("taskqueue-live", seen=self.shape())

    def shape(self) -> str:
        """Return what changes when other rows are to be seen."""
        running = [job for worker in self.workers for job in worker["jobs"]]
        return fingerprint(
            self.health["kind"],
            [(w["id"], w["silent"], w["threads"]) for w in self.workers],
            # Those that end at once would have the page loaded all the time.
            [job["id"] for job in running if _lasts(job)],
            int(clock.now() // 60) if running else 0,
            [(q["name"], q["paused"], q["oldest"] is None) for q in self.queues],
            self.charts[0].bars()[-1].when,
        )

    @functools.cached_property
    def texts(self) -> dict[str, str]:
        """The words and numbers that change while the rows stay."""
        texts = {"health": self.translate(self.health["text"])}
        for worker in self.workers:
            texts[f"seen-{worker['id']}"] = self.age_text(worker["seen"])
        for queue in self.queues:
            for column in COLUMNS:
                texts[f"{column}-{queue['name']}"] = self.number(queue[column])
            if queue["oldest"] is not None:
                texts[f"oldest-{queue['name']}"] = self.age(queue["oldest"])
        hour, day = self.charts
        texts["chart-hour"] = self.translate(hour_text(hour, self.number))
        texts["chart-day"] = self.translate(day_text(day, self.number))
        return texts

    def age_text(self, moment: Any) -> str:
        return self.translate(
            _(
                "some_time_ago",
                default="${time} ago",
                mapping={"time": self.age(moment)},
            )
        )

    def progress(self) -> dict[str, int | None]:
        """Return how far the jobs are that tell it, in percent."""
        return {
            job["id"]: job["progress"]["percent"]
            for worker in self.workers
            for job in worker["jobs"]
            if job["progress"]
        }


def _lasts(job: Mapping[str, Any]) -> bool:
    started = job["started"]
    return started is not None and clock.now() - started.timestamp() > _LASTING


class OverviewLive(LiveView):
    """``@@taskqueue-live``: what has changed on the first tab."""

    def answer(self) -> dict[str, Any]:
        overview = Overview(self.context, self.request)
        return {
            "texts": overview.texts,
            "progress": overview.progress(),
            "reload": self.request.form.get("seen") != overview.shape(),
        }
