"""Web servers that only queue and workers that only run, as the how-to says."""

from plone.app.taskqueue.demo.site import EDITOR
from plone.app.taskqueue.tests.worker.instance import Pipe

import os
import pytest
import signal


#: Pages of the site that the editor may change.
FIRST, HELD, *OTHERS = (f"handbook/chapter-{number}/page-1" for number in range(7, 11))

#: Jobs for each of the others while a worker ends.
MANY = 10


@pytest.fixture
def pipes(tmp_path):
    paths = [tmp_path / name for name in ("begun", "end")]
    for path in paths:
        os.mkfifo(path)
    return [Pipe(path) for path in paths]


def jobs_of(fleet):
    [queue] = fleet.command("status")["queues"]
    return queue["jobs"]


def test_a_job_of_one_web_server_is_run_by_a_worker_and_seen_on_the_other(fleet):
    one, other = fleet.web_servers
    workers = fleet.workers(2)
    fleet.log_in(EDITOR)
    queued = one.get(f"{FIRST}/sign", title="Signed by a job")
    assert queued["pid"] == one.pid
    [line] = other.ledger(FIRST, 1)
    assert line["user"] == EDITOR
    assert line["pid"] in workers
    assert other.get(f"{FIRST}/ledger")["title"] == "Signed by a job"
    # That which waited in the file, before there was a server, is done as well.
    assert jobs_of(fleet)["pending"] == 0


def test_all_of_them_are_seen_to_have_the_same_code(fleet):
    workers = fleet.workers(2)
    told = fleet.command("doctor", "--try")
    assert told["problems"] == []
    assert any(f"process {pid} " in told["trial"] for pid in workers)
    told = fleet.command("status")
    seen = {each["pid"] for each in told["web_servers"]}
    assert seen == {each.pid for each in fleet.web_servers}
    codes = {each["code"] for each in (*told["workers"], *told["web_servers"])}
    assert len(codes) == 1


def test_a_worker_that_is_stopped_ends_its_job_and_another_does_the_rest(fleet, pipes):
    begun, end = pipes
    workers = fleet.workers(2)
    fleet.log_in(EDITOR)
    one, other = fleet.web_servers
    one.get(f"{HELD}/hold", begun=str(begun.path), end=str(end.path))
    leaving = int(begun.hear())
    workers[leaving].signal(signal.SIGTERM)
    workers[leaving].read_until("is stopping")
    for number in range(MANY):
        for web_server, page in zip(fleet.web_servers, OTHERS, strict=True):
            web_server.get(f"{page}/sign", title=f"Number {number}")
    [staying] = workers.keys() - {leaving}
    for web_server, page in zip(reversed(fleet.web_servers), OTHERS, strict=True):
        ledger = web_server.ledger(page, MANY)
        assert ledger == [{"user": EDITOR, "pid": staying}] * MANY
    assert other.ledger(HELD, 0) == []
    end.release()
    assert workers[leaving].end() == 0
    assert other.ledger(HELD, 1) == [{"user": EDITOR, "pid": leaving}]
    assert "Traceback" not in "".join(each.log for each in workers.values())
    fleet.command("check")
    counts = jobs_of(fleet)
    assert (counts["pending"], counts["leased"]) == (0, 0)
