"""Listing jobs, showing one, and what is done to them."""

from datetime import UTC
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.testing import wait_for_result
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.restapi.base import MEMBER
from plone.app.taskqueue.tests.restapi.base import RestTestCase
from urllib.parse import quote

import transaction


class TestListing(RestTestCase):
    def test_jobs_are_listed_newest_first_with_their_addresses(self):
        done, failed = self.ended(funcs.addNumbers, 1, 2), self.failed()
        answer = self.get("/@jobs")
        self.assertEqual(answer.status, 200)
        found = answer.json
        self.assertEqual(found["@id"], "http://nohost/plone/@jobs")
        self.assertEqual((found["items_total"], found["items_more"]), (2, False))
        self.assertNotIn("batching", found)
        self.assertEqual(
            [job["@id"] for job in found["items"]],
            [
                f"http://nohost/plone/@jobs/{self.reference(job)}"
                for job in (failed, done)
            ],
        )
        self.assertEqual(found["items"][0]["error"], "FooBared")
        self.assertEqual(found["items"][0]["created"], failed.created.isoformat())

    def test_each_part_of_the_filter_is_a_parameter(self):
        done, failed = self.ended(funcs.addNumbers, 1, 2), self.failed()
        between = quote(failed.created.isoformat())
        for query, expected in (
            ("group=failed", [failed]),
            ("group=running", []),
            (f"function={done.function_name}", [done]),
            ("error=RuntimeError", [failed]),
            ("text=foobar", [failed]),
            ("user=other-user", []),
            ("context=/test-folder&group=completed", [done]),
            ("queue=default", [failed, done]),
            ("queue=nowhere", []),
            ("sort_order=ascending", [done, failed]),
            (f"since={between}", [failed]),
            (f"until={between}", [done]),
        ):
            with self.subTest(query):
                found = self.get(f"/@jobs?{query}").json
                self.assertEqual(
                    [job["id"] for job in found["items"]],
                    [self.reference(job) for job in expected],
                )

    def test_a_list_is_read_in_pages_that_lead_to_each_other(self):
        jobs = [self.ended(funcs.addNumbers, 1, each) for each in range(5)]
        url = "/@jobs?group=completed&b_size=2"
        seen = []
        while url:
            found = self.get(url).json
            self.assertEqual(found["items_total"], 5)
            self.assertEqual(
                found["batching"]["first"],
                "http://nohost/plone/@jobs?b_start=0&group=completed&b_size=2",
            )
            seen += [job["id"] for job in found["items"]]
            url = found["batching"].get("next")
        self.assertEqual(seen, [self.reference(job) for job in reversed(jobs)])
        self.assertEqual(self.get("/@jobs?b_start=100").json["items"], [])

    def test_what_is_wrong_with_a_query_is_told_by_name(self):
        for query, fields in (
            ("group=lost", ["group"]),
            ("since=yesterday", ["since"]),
            ("since=2026-01-31", ["since"]),
            ("until=2026-01-31T12:00:00+00:00", ["until"]),
            ("until=0001-01-01T00:00:00%2B14:00", ["until"]),
            ("b_size=0", ["b_size"]),
            ("b_size=201", ["b_size"]),
            ("b_size=%D9%A3", ["b_size"]),
            ("b_start=-1", ["b_start"]),
            ("b_start=1e3", ["b_start"]),
            ("sort_order=random", ["sort_order"]),
            (f"text={'x' * 501}", ["text"]),
            ("groop=failed", ["groop"]),
            ("group=failed&group=completed", ["group"]),
            ("%3Cb%3E=1&user=x&b_size=x", ["b_size", "<b>"]),
        ):
            with self.subTest(query):
                answer = self.get(f"/@jobs?{query}")
                self.assertEqual(answer.status, 400)
                self.assertEqual(answer.fields, fields)
                self.assertEqual(answer.json["type"], "BadRequest")
                self.assertEqual(answer.json["status"], 400)
                self.assertEqual(
                    answer.headers["Content-Type"], "application/problem+json"
                )

    def test_times_at_the_ends_of_the_calendar_are_times(self):
        done = self.ended(funcs.addNumbers, 1, 2)
        for query, expected in (
            ("since=0001-01-01T00:00:00Z", [done]),
            ("until=9999-12-31T23:59:59Z", [done]),
            ("since=9999-12-31T23:59:59Z", []),
        ):
            with self.subTest(query):
                found = self.get(f"/@jobs?{query}").json
                self.assertEqual(len(found["items"]), len(expected))


class TestOneJob(RestTestCase):
    def test_all_of_a_job_is_shown(self):
        job = self.ended(funcs.addNumbers, 1, 2)
        found = self.get(f"/@jobs/{self.reference(job)}").json
        self.assertEqual(found["state"], "completed")
        self.assertEqual(found["result"], 3)
        self.assertEqual(
            found["arguments"],
            [{"name": "first", "value": 1}, {"name": "second", "value": 2}],
        )
        self.assertEqual(found["actions"], ["retry", "delete"])
        self.assertEqual(
            [step["what"] for step in found["timeline"]],
            ["queued", "began", "completed"],
        )
        self.assertEqual(found["created"], job.created.astimezone(UTC).isoformat())

    def test_results_that_json_cannot_tell_are_shown_as_text(self):
        endless = []
        endless.append(endless)
        for given, expected in (
            ({"a": [1, 2.5, None, "<b>"]}, {"a": [1, 2.5, None, "<b>"]}),
            ([float("nan")], ["nan"]),
            ({1: 2, "1": 3}, "{1: 2, '1': 3}"),
            (b"\xff", "b'\\xff'"),
        ):
            with self.subTest(given=given):
                job = self.ended(funcs.returnContent, given)
                found = self.get(f"/@jobs/{self.reference(job)}").json
                self.assertEqual(found["result"], expected)
        for given in (10**5000, endless):
            job = self.ended(funcs.returnContent, given)
            self.assertEqual(self.get(f"/@jobs/{self.reference(job)}").status, 200)

    def test_a_result_that_is_a_file_is_told_with_where_it_is(self):
        job = self.ended(funcs.returnContent, b"\xff\xfe")
        reference = self.reference(job)
        found = self.get(f"/@jobs/{reference}").json["result_file"]
        self.assertEqual(
            found,
            {
                "filename": f"job-{reference}.bin",
                "size": 2,
                "download": f"http://nohost/plone/@@taskqueue-result?id={reference}",
            },
        )

    def test_a_job_that_is_not_there_is_not_found(self):
        missing = self.get("/@jobs/77")
        self.assertEqual(missing.status, 404)
        self.assertEqual(missing.json["type"], "NotFound")
        for path in ("/@jobs/x", "/@jobs/1/2", "/@jobs/%3Cb%3E", "/@jobs/" + "1" * 400):
            with self.subTest(path):
                self.assertEqual(self.get(path).status, 404)


class TestChanging(RestTestCase):
    def test_a_job_is_run_again_and_the_new_one_is_told(self):
        job = self.failed()
        answer = self.post(f"/@jobs/{self.reference(job)}/retry")
        self.assertEqual(answer.status, 202)
        url = answer.headers["Location"]
        self.assertEqual(answer.json["@id"], url)
        self.assertNotEqual(answer.json["id"], self.reference(job))
        wait_for_result(self.admin.job(answer.json["id"]), PATIENCE)
        self.assertEqual(self.get(url).json["state"], "failed")

    def test_a_waiting_job_is_cancelled_at_once_and_a_leased_one_is_told(self):
        self.rest()
        job = self.queued(funcs.addNumbers, 1, 2)
        answer = self.post(f"/@jobs/{self.reference(job)}/cancel", {})
        self.assertEqual((answer.status, answer.json["state"]), (200, "cancelled"))
        again = self.post(f"/@jobs/{self.reference(job)}/cancel")
        self.assertEqual((again.status, again.json["type"]), (409, "Conflict"))
        self.go()

    def test_a_job_with_a_time_is_run_now(self):
        job = self.service.enqueue(funcs.addNumbers, self.folder, 1, 2, delay=3600)
        transaction.commit()
        answer = self.post(f"/@jobs/{self.reference(job)}/run-now")
        self.assertEqual(answer.status, 202)
        self.assertEqual(self.run_job(job), 3)
        again = self.post(f"/@jobs/{self.reference(job)}/run-now")
        self.assertEqual(again.status, 409)

    def test_a_job_that_has_ended_is_deleted_and_no_other(self):
        done = self.ended(funcs.addNumbers, 1, 2)
        url = f"/@jobs/{self.reference(done)}"
        answer = self.call("DELETE", url)
        self.assertEqual((answer.status, answer.response.body), (204, b""))
        self.assertEqual(self.call("DELETE", url).status, 404)
        self.rest()
        waiting = self.queued(funcs.addNumbers, 1, 2)
        answer = self.call("DELETE", f"/@jobs/{self.reference(waiting)}")
        self.assertEqual(answer.status, 409)
        self.assertEqual(waiting.state, State.PENDING)
        self.go()

    def test_an_action_takes_no_members_and_only_its_own_address(self):
        url = f"/@jobs/{self.reference(self.failed())}"
        answer = self.post(f"{url}/retry", {"as": "admin"})
        self.assertEqual((answer.status, answer.fields), (400, ["as"]))
        for path in ("/@jobs", url, f"{url}/delete", f"{url}/retry/now", f"{url}/do"):
            with self.subTest(path):
                self.assertIn(self.post(path).status, (404, 400))
        self.assertEqual(self.get("/@jobs").json["items_total"], 1)

    def test_what_is_changed_is_written_down(self):
        self.post(f"/@jobs/{self.reference(self.failed())}/retry")
        self.assertEqual([each.action for each in self.admin.audit()[0]], ["retry"])


class TestMany(RestTestCase):
    def test_those_that_are_named_are_done_and_others_refused(self):
        done, failed = self.ended(funcs.addNumbers, 1, 2), self.failed()
        ids = [self.reference(done), "77", self.reference(failed), "77"]
        answer = self.post("/@jobs/@bulk", {"action": "delete", "ids": ids})
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json["done"], 2)
        self.assertEqual([each["id"] for each in answer.json["refused"]], ["77"])
        self.assertEqual(self.get("/@jobs").json["items_total"], 0)

    def test_a_filter_needs_the_number_that_is_there(self):
        self.ended(funcs.addNumbers, 1, 2)
        self.failed()
        body = {"action": "delete", "filter": {"group": "failed"}}
        self.assertEqual(self.post("/@jobs/@bulk", body).fields, ["expected_count"])
        answer = self.post("/@jobs/@bulk", body | {"expected_count": 2})
        self.assertEqual((answer.status, answer.fields), (409, ["expected_count"]))
        self.assertEqual(self.get("/@jobs").json["items_total"], 2)
        answer = self.post("/@jobs/@bulk", body | {"expected_count": 1})
        self.assertEqual(answer.json, {"done": 1, "more": False, "refused": []})
        self.assertEqual(self.get("/@jobs").json["items_total"], 1)

    def test_what_is_wrong_with_the_body_is_told_by_name(self):
        for body, fields in (
            ({}, ["action"]),
            ({"action": "explode", "ids": []}, ["action"]),
            ({"action": "retry"}, ["ids"]),
            ({"action": "retry", "ids": [], "filter": {}}, ["ids", "expected_count"]),
            ({"action": "retry", "ids": ["1", 2, None]}, ["ids[1]", "ids[2]"]),
            ({"action": "retry", "ids": "1"}, ["ids"]),
            ({"action": "retry", "ids": ["1"] * 1001}, ["ids"]),
            ({"action": ["retry"], "ids": []}, ["action"]),
            ({"action": "retry", "ids": [], "force": True}, ["force"]),
            ({"action": "retry", "ids": [], "expected_count": 1}, ["expected_count"]),
            (
                {"action": "retry", "filter": {}, "expected_count": True},
                ["expected_count"],
            ),
            (
                {"action": "retry", "filter": {"group": 5}, "expected_count": 0},
                ["filter.group"],
            ),
            (
                {"action": "retry", "filter": {"b_size": "1"}, "expected_count": 0},
                ["filter.b_size"],
            ),
        ):
            with self.subTest(body=body):
                answer = self.post("/@jobs/@bulk", body)
                self.assertEqual((answer.status, answer.fields), (400, fields))

    def test_a_body_that_is_no_json_object_is_refused(self):
        for raw in (
            b"{",
            b"[]",
            b"null",
            b'"x"',
            b"\xff\xfe\x00",
            b"[" * 100_000,
            b'{"action": NaN}',
            b'{"expected_count": ' + b"1" * 5000 + b"}",
            b'{"action": "retry", "action": "delete", "ids": []}',
        ):
            with self.subTest(raw=raw[:30]):
                # plone.restapi looks for credentials in what is plain JSON.
                headers = {"Content-Type": "application/json; charset=utf-8"}
                answer = self.post("/@jobs/@bulk", raw=raw, headers=headers)
                self.assertEqual((answer.status, answer.json["status"]), (400, 400))

    def test_a_member_does_it_to_her_own_jobs_alone(self):
        mine = self.failed()
        self.as_member()
        hers = self.failed()
        self.as_administrator()
        ids = [self.reference(mine), self.reference(hers)]
        answer = self.post("/@jobs/@bulk", {"action": "retry", "ids": ids}, user=MEMBER)
        self.assertEqual(answer.json["done"], 1)
        self.assertEqual([each["id"] for each in answer.json["refused"]], ids[:1])
        body = {"action": "retry", "filter": {}, "expected_count": 3}
        self.assertEqual(self.post("/@jobs/@bulk", body, user=MEMBER).status, 403)
