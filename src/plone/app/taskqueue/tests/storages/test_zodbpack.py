"""``zodbpack``, as an administrator runs it beside workers."""

from plone.app.taskqueue.postgresql.channel import adapter_of
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.storages.homes import EVERYWHERE
from plone.app.taskqueue.tests.storages.homes import WITH_HISTORY
from ZODB.POSException import ConflictError

import pytest
import subprocess
import sys


STORAGES = {
    name: make
    for name, make in {**EVERYWHERE, **WITH_HISTORY}.items()
    if name.startswith("postgresql")
}

_CONFIGURATION = """
<relstorage>
    keep-history {storage._options.keep_history}
    create-schema false
    <postgresql>
        driver psycopg2
        dsn {dsn}
    </postgresql>
</relstorage>
"""


@pytest.fixture
def zodbpack(engine, tmp_path):
    """Start it; it forgets all that is not needed now."""
    configuration = tmp_path / "zodbpack.conf"
    dsn = adapter_of(engine.storage)._dsn
    configuration.write_text(_CONFIGURATION.format(storage=engine.storage, dsn=dsn))
    command = [sys.executable, "-m", "relstorage.zodbpack", "--days", "-1"]
    log = tmp_path / "zodbpack.log"

    def start():
        with log.open("wb") as output:
            return subprocess.Popen([*command, configuration], stderr=output)

    yield start
    assert "Packed" in log.read_text(), log.read_text()


def test_jobs_run_and_claims_last_while_zodbpack_packs(engine, zodbpack):
    ended = engine.put(functions.effect, "job 0")
    engine.run()
    engine.put(functions.effect, "job 1")
    held = engine.hold()
    dispatcher = engine.dispatcher(threads=2)
    process = zodbpack()
    ids = []
    while process.poll() is None:
        try:
            ids.append(engine.put(functions.effect, "job 2"))
        except ConflictError:
            # The record without which it cannot be resolved has just been removed.
            continue
        engine.wait_for(ids[-1])
    assert process.returncode == 0
    assert dispatcher.stop(functions.PATIENCE)
    assert engine.times("job 2") == len(ids) > 0
    assert engine.job(ended).result == "job 0"
    assert engine.counts() == {"completed": len(ids) + 1, "leased": 1}
    engine.reopen()
    engine.fence(held.worker_id)
    engine.run()
    assert engine.times("job 1") == 1
