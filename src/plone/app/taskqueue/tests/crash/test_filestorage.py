"""A single process on a FileStorage: nobody is there to rescue, until it starts again."""

from plone.app.taskqueue.tests.crash import jobs
from plone.app.taskqueue.tests.crash import points
from plone.app.taskqueue.tests.crash.ledger import Ledger
from ZODB import DB
from ZODB.FileStorage import FileStorage

import pytest


@pytest.mark.parametrize(
    "point", ["inside", "between", "voted", "finishing", "finished"]
)
def test_the_next_start_takes_over_what_a_killed_process_held(
    point, nursery, tmp_path, tell
):
    path, count = tmp_path / "Data.fs", 10
    _with_ledger(
        path,
        lambda ledger: (
            ledger.prepare(count),
            ledger.queue(jobs.stand_at, *((each, point) for each in range(count))),
        ),
    )
    options = {"lease_seconds": 0.5}

    def start() -> int:
        return nursery.start("work", address=f"file:{path}", options=options)

    kept = point in points.KEPT
    worker = start()
    for _ in range(count):
        nursery.hear("stands", pid=worker)
        nursery.kill(worker)
        worker = start()
    # Nobody else can look into the storage, so count the runs: stopping ends the last.
    for _ in range(count if kept else 2 * count):
        nursery.hear("attempt")
    nursery.hear("ready", pid=worker)
    nursery.stop(worker)

    def verify(ledger: Ledger) -> None:
        ledger.verify(times=1, workers=count if kept else 0)
        interruptions = ledger.jobs(lambda job: job.interruptions)
        assert interruptions == [int(not kept)] * count

    _with_ledger(path, verify)
    tell(f"{count} kills, 0 lost, 0 repeated")


def _with_ledger(path, do) -> None:
    database = DB(FileStorage(str(path)))
    try:
        do(Ledger(database))
    finally:
        database.close()
