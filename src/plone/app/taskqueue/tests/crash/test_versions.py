"""Workers of two versions on one database, killed and replaced while they run.

``TASKQUEUE_OLDER`` names the commit of the older one; what it keeps and what today's
code makes of that is in ``tests/releases``.
"""

from pathlib import Path
from plone.app.taskqueue.tests.crash import jobs
from plone.app.taskqueue.tests.crash.nursery import Nursery

import io
import os
import pytest
import subprocess
import tarfile


OLDER = os.environ.get("TASKQUEUE_OLDER")

JOBS = 500
KILLS = 4
OPTIONS = {"lease_seconds": 1, "poll_seconds": 0.1}


@pytest.fixture
def older(tmp_path):
    """Processes that run the older version."""
    here = Path(__file__).parents[6]
    archive = subprocess.run(
        ["git", "archive", OLDER, "src"], cwd=here, capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as source:
        source.extractall(tmp_path / "older", filter="data")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "older" / "src")}
    nursery = Nursery(tmp_path / "older.log", environment)
    yield nursery
    nursery.close()


@pytest.mark.skipif(OLDER is None, reason="only if TASKQUEUE_OLDER names a commit")
def test_workers_of_two_versions_lose_and_repeat_nothing(
    ledger, nursery, older, server, tell
):
    def start(who: Nursery) -> int:
        return who.start("work", address=server.address, options=OPTIONS, wait=30)

    ledger.prepare(JOBS)
    running = {who: start(who) for who in (nursery, older)}
    share = JOBS // (KILLS + 1)
    for kill in range(KILLS + 1):
        first = kill * share
        for number in range(first, first + share):
            # One by one, so that both have some of them.
            ledger.queue(jobs.work, (number,))
        if kill < KILLS:
            for who in running:
                who.kill(running[who])
                running[who] = start(who)
    ledger.await_ended(JOBS)
    for who, pid in running.items():
        who.stop(pid)
    # Those that were killed while they held nothing are forgotten later.
    ledger.verify(times=1, workers=len(ledger.beats()))
    for who in running:
        assert len(who.kills()) == KILLS
        assert "Traceback" not in who.written()
    tell(f"{JOBS} jobs, {2 * KILLS} kills, with workers of {OLDER}: nothing lost")
