"""What has changed on a page of jobs, for the script that asks."""

from collections.abc import Mapping
from plone.app.taskqueue.browser.live import LiveView
from plone.app.taskqueue.browser.myjobs.base import MemberView
from plone.app.taskqueue.browser.myjobs.rows import shape
from typing import Any


#: Jobs that one question may be about.
MOST = 50


class MyJobsLive(LiveView):
    """``@@my-jobs-live``: how the jobs stand that ``id`` names; ``was`` is their shape."""

    def answer(self) -> Mapping[str, Any]:
        page = MemberView(self.context, self.request)
        rows = page.rows_of(self._jobs(page))
        return {
            "texts": {f"note-{row.id}": page.translate(row.note) for row in rows},
            "progress": {
                row.id: row.progress["percent"] for row in rows if row.progress
            },
            "reload": shape(rows) != page.text("was"),
            "done": not any(row.can_change_by_itself for row in rows),
        }

    def _jobs(self, page: MemberView) -> list:
        given = self.request.form.get("id", [])
        references = given if isinstance(given, list) else [given]
        jobs = []
        for reference in references[:MOST]:
            try:
                jobs.append(page.admin.job(reference))
            except LookupError:
                # Deleted meanwhile, which the page learns from its shape; or crafted.
                continue
        return jobs
