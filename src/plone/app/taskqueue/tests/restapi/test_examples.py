"""The examples of the documentation are what the services answer."""

from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.restapi.recording import FOLDER
from plone.app.taskqueue.tests.restapi.recording import Recorder
from plone.app.taskqueue.tests.restapi.test_cron import NIGHTLY
from plone.app.taskqueue.tests.restapi.test_openapi import described
from plone.app.taskqueue.tests.restapi.test_tasks import RestTasksTestCase

import transaction


PAGE = FOLDER.parent / "rest.md"

PREVIEW = {"schedule": {"crontab": "0 3 * * *", "timezone": "Europe/Berlin"}}


class TestExamples(RestTasksTestCase):
    maxDiff = None

    def setUp(self):
        super().setUp()
        self.recorder = Recorder(self.portal.absolute_url())
        self.portal.manage_delObjects("others")

    def show(self, name, method, path, body=None, shorten=lambda found: found):
        """Send a request and keep it as an example; return the answer."""
        answer = self.call(method, path, body)
        path = path.removeprefix(self.portal.absolute_url())
        self.recorder.record(name, method, path, body, answer, shorten)
        return answer

    def test_the_files_are_as_the_services_answer(self):
        self.show_ended_jobs()
        self.rest()
        self.show_open_jobs()
        self.show_tasks()
        self.show_cron()
        self.show_errors()
        self.go()
        self.assertEqual(self.recorder.different, [], "make examples writes them anew.")
        found = {path.name for path in FOLDER.iterdir()}
        self.assertEqual(found, self.recorder.names, "Some are of no example now.")

    def show_ended_jobs(self):
        done, failed, _ = (
            self.reference(job)
            for job in (
                self.ended(funcs.addNumbers, 1, 2),
                self.failed(),
                self.failed(),
            )
        )
        self.show("taskqueue", "GET", "/@taskqueue", shorten=_few_bars)
        self.show("jobs-list", "GET", "/@jobs?group=failed&b_size=1")
        self.show("jobs-get", "GET", f"/@jobs/{done}")
        self.show("my-jobs", "GET", "/@my-jobs?group=completed")
        self.show("content-jobs", "GET", "/test-folder/@jobs?group=completed")
        self.show(
            "content-expand", "GET", "/test-folder?expand=jobs", shorten=_jobs_alone
        )
        self.show("jobs-delete", "DELETE", f"/@jobs/{done}")
        body = {"action": "delete", "ids": [failed, done]}
        self.show("jobs-bulk", "POST", "/@jobs/@bulk", body)
        body = {"action": "delete", "filter": {"group": "failed"}, "expected_count": 2}
        self.show("jobs-bulk-other-count", "POST", "/@jobs/@bulk", body)
        body["expected_count"] = 1
        self.show("jobs-bulk-filter", "POST", "/@jobs/@bulk", body)

    def show_open_jobs(self):
        waiting = self.reference(self.queued(funcs.addNumbers, 1, 2))
        later = self.service.enqueue(funcs.addNumbers, self.folder, 3, 4, delay=3600)
        transaction.commit()
        self.show("jobs-run-now", "POST", f"/@jobs/{self.reference(later)}/run-now")
        self.show("jobs-cancel", "POST", f"/@jobs/{waiting}/cancel")
        self.show("jobs-retry", "POST", f"/@jobs/{waiting}/retry")
        self.show("queue-pause", "POST", "/@taskqueue/queues/default/pause")
        self.show("queue-resume", "POST", "/@taskqueue/queues/default/resume")

    def show_tasks(self):
        self.show("tasks-get", "GET", "/@tasks/tasks/tidy")
        body = {"task": "tidy", "service": "tasks", "input": {"name": "attic"}}
        self.show("jobs-add", "POST", "/@jobs", body)

    def show_cron(self):
        answer = self.show("cron-add", "POST", "/@cron", NIGHTLY)
        url = answer.headers["Location"]
        self.show("cron-edit", "PATCH", url, {"schedule": {"overlap": "queue"}})
        self.show("cron-disable", "POST", f"{url}/disable", shorten=_enabled_alone)
        self.show("cron-delete", "DELETE", url)
        self.show("cron-preview", "POST", "/@cron/@preview", PREVIEW)

    def show_errors(self):
        self.show("error-query", "GET", "/@jobs?group=lost&since=yesterday")
        body = {"task": "tidy", "input": {"name": "attic", "days": 0, "when": 1}}
        self.show("error-input", "POST", "/@jobs", body)
        self.show("error-not-found", "GET", "/@jobs/77")

    def test_the_page_shows_every_file_and_every_address(self):
        text = PAGE.read_text(encoding="utf-8")
        for path in FOLDER.iterdir():
            with self.subTest(path.name):
                self.assertIn(f"http-examples/{path.name}\n", text)
        for path, item in described()["paths"].items():
            for method in item:
                with self.subTest(method=method, path=path):
                    self.assertIn(f"| `{method.upper()} {path}` |", text)


def _few_bars(found):
    """Keep two bars of each chart; what has ended is in the last, whenever this runs."""
    for name in ("last_hour", "last_day"):
        before, last = found[name][-2:]
        for count in ("completed", "failed"):
            last[count] += before[count]
            before[count] = 0
        found[name] = [before, last]
    return found


def _jobs_alone(found):
    jobs = found["@components"]["jobs"]
    jobs["items"] = jobs["items"][:1]
    return {"@id": found["@id"], "@components": {"jobs": jobs}}


def _enabled_alone(found):
    return {name: found[name] for name in ("@id", "@type", "enabled", "next")}
