"""How soon another worker begins the job of one that died, by default settings."""

from plone.app.taskqueue.tests.crash import jobs

import pytest


def test_a_dead_worker_s_job_begins_elsewhere_within_half_a_minute(
    thorough, ledger, nursery, start_worker, tell
):
    if not thorough:
        pytest.skip("it takes half a minute; make test-crash runs it")
    ledger.prepare(1)
    [job_id] = ledger.queue(jobs.stand_at, (0, "inside"))
    victim = start_worker()
    nursery.hear("stands", pid=victim)
    other = start_worker()
    nursery.hear("ready", pid=other)
    nursery.kill(victim)
    died = nursery.kills()[victim]
    seconds = nursery.hear("attempt", pid=other, id=job_id)["at"] - died
    ledger.await_ended(1)
    nursery.stop(other)

    ledger.verify(times=1)
    tell(f"{seconds:.1f} s")
    assert seconds < 30
