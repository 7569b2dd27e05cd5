"""kill -9 at every named step of a job's life, by whoever takes it."""

from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests.crash import clients
from plone.app.taskqueue.tests.crash import points
from plone.app.taskqueue.tests.crash.counting import service_of
from plone.app.taskqueue.tests.crash.deeds import bury_the_dead
from plone.app.taskqueue.tests.crash.deeds import DEEDS
from plone.app.taskqueue.tests.crash.deeds import NOTHING
from plone.app.taskqueue.tests.crash.deeds import Stage
from plone.app.taskqueue.tests.crash.steps import POINTS
from plone.app.taskqueue.tests.crash.steps import STEPS

import pytest


_LEASE = 0.5


def test_each_step_is_known_here():
    assert set(STEPS) == set(DEEDS) | set(clients.ACTS)


def _chosen(step: str, thorough: bool) -> list[str]:
    """All points of the step; in the short form one, and another for the next step."""
    number = list(STEPS).index(step)
    return list(POINTS) if thorough else [POINTS[number % len(POINTS)]]


def test_a_worker_killed_at_any_step_loses_no_job_and_repeats_none(
    ledger, nursery, start_worker, thorough, tell
):
    ledger.prepare(1000)
    with ledger.connected() as connection:
        name = service_of(connection).queue.name
        connection.transaction_manager.commit()

    def start(of_service: bool = False, **options) -> int:
        queues = (name,) if of_service else ()
        return start_worker(
            lease_seconds=_LEASE, poll_seconds=0.2, queues=queues, **options
        )

    stage = Stage(ledger, nursery, start)
    rescuer = start_worker(role=NOTHING, lease_seconds=_LEASE)
    kills = 0
    for step, deed in DEEDS.items():
        for point in _chosen(step, thorough):
            role = {**deed.role, "stand": (step, point)}
            if deed.by_rescuer:
                nursery.stop(rescuer)
                victim = start_worker(role={**role, **NOTHING}, lease_seconds=_LEASE)
                nursery.hear("ready", pid=victim)
                made = deed.before(stage)
            else:
                made = deed.before(stage)
                victim = start(
                    deed.of_service,
                    role=role,
                    retention_days=0 if step.startswith("forget") else 7,
                )
            deed.then(stage, victim, made)
            nursery.hear("stands", pid=victim, point=f"{step}, {point}")
            nursery.kill(victim)
            kills += 1
            if deed.by_rescuer:
                rescuer = start_worker(role=NOTHING, lease_seconds=_LEASE)
            deed.after(stage, made, point in points.KEPT)
            _let_all_end(stage, nursery)

    nursery.stop(rescuer)
    bury_the_dead(ledger, nursery, start_worker)
    ledger.verify(stage.expected)
    with ledger.connected() as connection:
        service = service_of(connection)
        service.queue.check()
        assert [times() for times in service.ticks.values()] == [1] * len(service.ticks)
        assert len(service.ticks)
    tell(f"{kills} kills: 0 lost, 0 repeated")


def _let_all_end(stage, nursery) -> None:
    workers = [stage.start(), stage.start(True)]
    stage.ledger.await_quiet()
    for worker in workers:
        nursery.hear("ready", pid=worker)
        nursery.stop(worker)


@pytest.mark.parametrize("step", clients.ACTS)
def test_a_client_killed_at_its_step_has_taken_it_or_has_not(
    step, ledger, nursery, server, thorough
):
    before, act, ask, left, right = clients.ACTS[step]
    for point in _chosen(step, thorough):
        ledger.prepare(1)
        for prepare in before:
            _commit(ledger, prepare)
        client = nursery.start(
            "act", address=server.address, act=step, stand=(step, point)
        )
        nursery.hear("stands", pid=client)
        assert _ask(ledger, ask) == (right if point in points.KEPT else left)
        nursery.kill(client)
        if point not in points.KEPT:
            _commit(ledger, act)
        assert _ask(ledger, ask) == right
        with ledger.connected() as connection:
            for queue in get_queues(connection).values():
                queue.check()
            connection.root().pop("of a client", None)
            connection.transaction_manager.commit()


def _commit(ledger, act) -> None:
    with ledger.connected() as connection:
        act(connection)
        connection.transaction_manager.commit()


def _ask(ledger, ask):
    with ledger.connected() as connection:
        return ask(connection)
