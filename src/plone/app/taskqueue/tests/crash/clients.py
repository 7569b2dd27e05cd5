"""What web clients do to a job, each in one transaction, by the name of the step."""

from collections.abc import Callable
from datetime import datetime
from datetime import UTC
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.cronjob import CronJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.job.taskjob import Job
from plone.app.taskqueue.queue.abandoning import abandon
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests.crash import jobs
from plone.app.taskqueue.tests.crash.counting import service_of
from ZODB.interfaces import IConnection


#: Where each leaves its job, by which the ledger sees whether it was kept.
_KEY = "of a client"
#: When nothing is due that waits for it.
_LATER = datetime(2100, 1, 1, tzinfo=UTC)


def _job(connection: IConnection) -> AsyncJob:
    return connection.root()[_KEY]


def _make(connection: IConnection, job: AsyncJob) -> None:
    connection.root()[_KEY] = job


def put(connection: IConnection) -> None:
    job = AsyncJob(jobs.work, 0)
    get_queues(connection)[""].put(job, ())
    _make(connection, job)


def withdraw(connection: IConnection) -> None:
    get_queues(connection)[""].remove(_job(connection))


def cancel_unclaimed(connection: IConnection) -> None:
    get_queues(connection)[""].cancel(_job(connection))


def _put_for_later(connection: IConnection) -> None:
    job = AsyncJob(jobs.work, 0)
    get_queues(connection)[""].put(job, (), begin_after=_LATER)
    _make(connection, job)


def hasten(connection: IConnection) -> None:
    get_queues(connection)[""].hasten(_job(connection))


def hold(connection: IConnection) -> None:
    service = service_of(connection)
    job = Job(service.next_id(), "work", 0)
    service.take_in(job, later=True)
    _make(connection, job)


def release(connection: IConnection) -> None:
    service_of(connection).queue.start(_job(connection))


def await_plan(connection: IConnection) -> None:
    service = service_of(connection)
    job = CronJob(service.next_id(), "work", 0, minute=range(60))
    service.take_in(job)
    _make(connection, job)


def _plan(connection: IConnection) -> None:
    service_of(connection).queue.plan_all()


def forget_plan(connection: IConnection) -> None:
    service_of(connection).queue.replan(_job(connection))


def rest(connection: IConnection) -> None:
    service_of(connection).queue.disable(_job(connection))


def tick_unasked(connection: IConnection) -> None:
    service_of(connection).queue.run_now(_job(connection))


def abandon_all(connection: IConnection) -> None:
    abandon(get_queues(connection)[""])


def _hold_and_cancel(connection: IConnection) -> None:
    hold(connection)
    service_of(connection).queue.cancel(_job(connection))


def discard_ended(connection: IConnection) -> None:
    service_of(connection).queue.forget(_job(connection))


def _state(connection: IConnection) -> State | None:
    job = connection.root().get(_KEY)
    return None if job is None else job.state


def _has_plan(connection: IConnection) -> bool:
    return not len(service_of(connection).queue.unplanned)


def _runs(connection: IConnection) -> int:
    return len(_job(connection).runs)


def _rests(connection: IConnection) -> bool:
    job = _job(connection)
    return service_of(connection).queue.resting.holds(job.key, job)


def _is_remembered(connection: IConnection) -> bool:
    service = service_of(connection)
    return any(
        job is _job(connection) for job in service.queue.finished(State.CANCELLED)
    )


#: By the name of the step: what comes before, the step itself, and how to see whether
#: it was taken, by what a question answers before and after.
ACTS: dict[str, tuple[list[Callable], Callable, Callable, object, object]] = {
    "put": ([], put, _state, None, State.PENDING),
    "withdraw": ([put], withdraw, _state, State.PENDING, State.NEW),
    "cancel_unclaimed": (
        [put],
        cancel_unclaimed,
        _state,
        State.PENDING,
        State.CANCELLED,
    ),
    "hasten": ([_put_for_later], hasten, _state, State.SCHEDULED, State.PENDING),
    "hold": ([service_of], hold, _state, None, State.HELD),
    "release": ([hold], release, _state, State.HELD, State.PENDING),
    "await_plan": ([service_of], await_plan, _state, None, State.SCHEDULED),
    "forget_plan": ([await_plan, _plan], forget_plan, _has_plan, True, False),
    "rest": ([await_plan, _plan], rest, _rests, False, True),
    "tick_unasked": ([await_plan, _plan], tick_unasked, _runs, 0, 1),
    "abandon": ([put], abandon_all, _state, State.PENDING, State.CANCELLED),
    "discard_ended": ([_hold_and_cancel], discard_ended, _is_remembered, True, False),
}
