"""What makes a worker take each of its steps, and what is to come of it."""

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from plone.app.taskqueue import clock
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.batch import parallel
from plone.app.taskqueue.job.batch import serial
from plone.app.taskqueue.job.cronjob import CronJob
from plone.app.taskqueue.job.retry import Retry
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.directory import filing
from plone.app.taskqueue.queue.directory import shelves
from plone.app.taskqueue.schedule.crontab import Crontab
from plone.app.taskqueue.schedule.policies import Misfire
from plone.app.taskqueue.schedule.policies import Overlap
from plone.app.taskqueue.schedule.schedule import Schedule
from plone.app.taskqueue.tests.crash import calls
from plone.app.taskqueue.tests.crash import jobs
from plone.app.taskqueue.tests.crash import newer
from plone.app.taskqueue.tests.crash.counting import service_of
from plone.app.taskqueue.tests.crash.ledger import Ledger
from plone.app.taskqueue.tests.crash.nursery import Nursery
from plone.app.taskqueue.tests.functions import nothing
from typing import Any

import itertools


#: For whom a time that comes every minute has come.
_LATER = {"later": 61}
#: For whom several times have come, which he has to catch up with.
_MUCH_LATER = {"later": 181}


#: The role of a worker whose short jobs share claims, on a slow machine too.
FAST = {"fast": True}

#: The role of a worker that claims nothing, and so only looks after the others.
NOTHING = {"serve": ("of nobody",)}


@dataclass
class Stage:
    """What deeds work with."""

    ledger: Ledger
    nursery: Nursery
    #: Starts a worker with these options.
    start: Callable[..., int]
    numbers: Any = field(default_factory=itertools.count)
    #: How often each number is to be counted in the end.
    expected: dict[int, int] = field(default_factory=dict)

    def number(self, times: int = 1) -> int:
        """Return a new number, which is to be counted so often in the end."""
        number = next(self.numbers)
        self.expected[number] = times
        return number

    def queue(self, *made: AsyncJob, quotas: tuple = ()) -> list[int]:
        with self.ledger.connected() as connection:
            queue = get_queues(connection)[""]
            for job in made:
                queue.put(job, quotas)
            connection.transaction_manager.commit()
            return [job.id for job in made]


@dataclass
class Deed:
    """How one step is brought about."""

    #: Queues what leads to it, before the worker starts that will stand.
    before: Callable[[Stage], Any] = lambda stage: None
    #: Does the rest, given that worker and what ``before`` has returned.
    then: Callable[[Stage, int, Any], None] = lambda stage, worker, made: None
    #: What else the worker is started with.
    role: dict[str, Any] = field(default_factory=dict)
    #: True if it is the rescuer that takes the step.
    by_rescuer: bool = False
    #: True if it is a worker of the service.
    of_service: bool = False
    #: Called in the end with whether the step was kept.
    after: Callable[[Stage, Any, bool], None] = lambda stage, made, kept: None


def _work(stage: Stage) -> None:
    stage.queue(AsyncJob(jobs.work, stage.number()))


def _fail(stage: Stage) -> None:
    stage.queue(AsyncJob(jobs.fail, stage.number(0)))


def _fail_first(stage: Stage) -> None:
    job = AsyncJob(jobs.fail_first, stage.number())
    job.retry_policy_factory = Retry(times=1, delay=0.1)
    stage.queue(job)


def _batch(stage: Stage) -> None:
    members = [AsyncJob(jobs.work, stage.number()) for _ in range(3)]
    stage.queue(parallel(*members[:2]), serial(members[2]))


def _stopped_batch(stage: Stage) -> None:
    members = AsyncJob(jobs.fail, stage.number(0)), AsyncJob(jobs.work, stage.number(0))
    stage.queue(serial(*members, stop_on_failure=True))


def _give(stage: Stage) -> None:
    stage.queue(AsyncJob(jobs.give, stage.number(), stage.number()))


def _call_back(stage: Stage) -> None:
    number, _ = stage.number(), stage.number()
    stage.queue(AsyncJob(calls.call_back, number, ""))


def _ask(stage: Stage) -> int:
    return stage.queue(AsyncJob(jobs.ask_until_stopped, stage.number(0)))[0]


def _cancel_asking(stage: Stage, worker: int, job_id: int) -> None:
    stage.nursery.hear("asks", pid=worker)
    stage.ledger.cancel(job_id)


def _call_back_two(stage: Stage) -> int:
    number, _, _ = stage.number(), stage.number(), stage.number(0)
    return stage.queue(AsyncJob(calls.call_back, number, "inside", ""))[0]


def _cancel_callbacks(stage: Stage, worker: int, job_id: int) -> None:
    stage.nursery.hear("stands", pid=worker, point="inside")
    stage.ledger.cancel(job_id)
    stage.nursery.release(worker)


def _stop(stage: Stage, worker: int, made: Any) -> None:
    stage.nursery.hear("ready", pid=worker)
    stage.nursery.ask_to_stop(worker)


def _stop_after_work(stage: Stage, worker: int, made: Any) -> None:
    _work(stage)
    stage.nursery.hear("attempt", pid=worker)
    _stop(stage, worker, made)


def _stop_in_claim(stage: Stage, worker: int, made: Any) -> None:
    # Known to be fast, so that the next ones share a claim.
    for _ in range(2):
        stage.queue(AsyncJob(jobs.stand_at, stage.number()))
        stage.ledger.await_quiet()
    made = [
        AsyncJob(jobs.stand_at, stage.number(), *point)
        for point in [("inside",), (), (), ()]
    ]
    for job in made:
        # A transaction that they share would be finished with all of them.
        job.isolated = True
    stage.queue(*made, quotas=("default",))
    stage.nursery.hear("stands", pid=worker, point="inside")
    stage.nursery.ask_to_stop(worker)
    stage.nursery.release(worker)


def _stand(stage: Stage) -> None:
    stage.queue(AsyncJob(jobs.stand_at, stage.number(), "inside"))


def _hear_standing(stage: Stage, worker: int, made: Any) -> None:
    stage.nursery.hear("stands", pid=worker, point="inside")


def _put_many(stage: Stage) -> None:
    """Queue so many jobs that their rows are filed."""
    stage.queue(*(AsyncJob(nothing) for _ in range(filing.FILE_AT)))


def _put_often(stage: Stage) -> None:
    """Let there be many small segments."""
    for _ in range(shelves.MANY):
        _put_many(stage)
        with stage.ledger.connected() as connection:
            while filing.file(get_queues(connection)[""].lane(()), at_once=True):
                connection.transaction_manager.commit()


def _newer_function(stage: Stage) -> None:
    stage.queue(AsyncJob(newer.work, stage.number()))


def _newer_record(stage: Stage) -> int:
    number = stage.number()
    stage.queue(newer.NewerJob(jobs.work, number))
    return number


def _is_buried(stage: Stage, number: int, kept: bool) -> None:
    # Who cannot read it buries it for good, who can runs it.
    stage.expected[number] = 0 if kept else 1


def _die_in_job(stage: Stage, rescuer: int, made: Any) -> None:
    """Let a worker die that holds a job, now that the rescuer looks."""
    _stand(stage)
    worker = stage.start()
    stage.nursery.hear("stands", pid=worker, point="inside")
    stage.nursery.kill(worker)


def _die_in_newer_record(stage: Stage, rescuer: int, numbers: list) -> None:
    numbers.append(stage.number())
    stage.queue(newer.NewerJob(jobs.stand_at, numbers[0], "inside"))
    worker = stage.start()
    stage.nursery.hear("stands", pid=worker, point="inside")
    stage.nursery.kill(worker)


def _die_after_newer_record(stage: Stage, rescuer: int, numbers: list) -> None:
    worker = stage.start()
    numbers.append(_newer_record(stage))
    stage.ledger.await_quiet()
    _stand(stage)
    stage.nursery.hear("stands", pid=worker, point="inside")
    stage.nursery.kill(worker)


def _are_buried(stage: Stage, numbers: list, kept: bool) -> None:
    _is_buried(stage, numbers[0], kept)


def _cron(stage: Stage, **times: Any) -> int:
    """Add a cron job and return its number."""
    with stage.ledger.connected() as connection:
        service = service_of(connection)
        number = service.next_id()
        service.take_in(CronJob(number, "work", stage.number(), **times))
        connection.transaction_manager.commit()
        return number


def _delayed(stage: Stage) -> None:
    _cron(stage, delay=0.1)


def _recurring(stage: Stage, **times: Any) -> int:
    number = _cron(stage, **(times or {"minute": range(60)}))
    with stage.ledger.connected() as connection:
        service = service_of(connection)
        service.queue.plan_all()
        # The times are counted, and not the job itself.
        stage.expected[max(stage.expected)] = 0
        connection.transaction_manager.commit()
    return number


def _catching_up(stage: Stage) -> int:
    """Each time that has come is to have its run, one after the other."""
    policies = {"misfire": Misfire.ALL, "overlap": Overlap.QUEUE}
    return _recurring(stage, schedule=Schedule(Crontab("* * * * *"), **policies))


def _ending(stage: Stage) -> int:
    """The last of its times is in the second minute from now."""
    end = clock.as_datetime(clock.now() + 90)
    return _recurring(stage, schedule=Schedule(Crontab("* * * * *"), end=end))


def _await_runs(stage: Stage, number: int, role: dict, count: int) -> None:
    """Let a worker do for which the time has come by then, so many runs at least."""
    worker = stage.start(True, role=role)
    stage.nursery.hear("ready", pid=worker)

    def have_ended(queues: Any) -> bool:
        return service_of(queues._p_jar).runs_of(number) >= count

    stage.ledger.await_that(have_ended, f"{count} runs of cron job {number} have ended")
    stage.nursery.stop(worker)


def _forget_cron_job(stage: Stage, number: int) -> None:
    with stage.ledger.connected() as connection:
        service = service_of(connection)
        job = service.jobs.pop(number)
        if job.state is State.SCHEDULED:
            service.queue.cancel(job)
        connection.transaction_manager.commit()


def _end_recurring(stage: Stage, number: int, kept: bool) -> None:
    _await_runs(stage, number, _LATER, 1)
    _forget_cron_job(stage, number)


def _end_catching_up(stage: Stage, number: int, kept: bool) -> None:
    _await_runs(stage, number, _MUCH_LATER, 3)
    _forget_cron_job(stage, number)


def _end_ending(stage: Stage, number: int, kept: bool) -> None:
    _await_runs(stage, number, _MUCH_LATER, 1)
    with stage.ledger.connected() as connection:
        assert service_of(connection).jobs[number].state is State.COMPLETED
    _forget_cron_job(stage, number)


#: Forgets at once what others have left.
_PRUNING = {"later": 7200, "prune_seconds": 0.2}
#: Files at once, and claims nothing.
_FILING = {"file_seconds": 0.1, **NOTHING}
_WITHOUT = {"without": newer.__name__}

#: By the name of a step of a worker: what makes it take that step.
DEEDS: dict[str, Deed] = {
    "register": Deed(),
    "claim": Deed(_work),
    "complete": Deed(_work),
    "fail": Deed(_fail),
    "settle": Deed(then=_stop_after_work),
    "beat": Deed(_stand, _hear_standing),
    "unregister": Deed(then=_stop),
    "file": Deed(_put_many, role=_FILING),
    "shelve": Deed(_put_often, role=_FILING),
    "give_back": Deed(then=_stop_in_claim, role=FAST),
    "cancel_leased": Deed(_ask, _cancel_asking),
    "end_callback": Deed(_call_back),
    "finish": Deed(_call_back),
    "cancel_callback": Deed(_call_back_two, _cancel_callbacks),
    "postpone": Deed(_fail_first),
    "promote": Deed(_fail_first),
    "wait": Deed(_batch),
    "put": Deed(_batch),
    "tell": Deed(_batch),
    "recall": Deed(_batch),
    "discard": Deed(_stopped_batch),
    "inherit": Deed(_give),
    "set_apart": Deed(_newer_function, role=_WITHOUT),
    "interrupt": Deed(then=_die_in_job, by_rescuer=True),
    "bury": Deed(_newer_record, role=_WITHOUT, after=_is_buried),
    "bury_leased": Deed(
        lambda stage: [],
        _die_in_newer_record,
        _WITHOUT,
        by_rescuer=True,
        after=_are_buried,
    ),
    "bury_ended": Deed(
        lambda stage: [], _die_after_newer_record, _WITHOUT, by_rescuer=True
    ),
    "plan": Deed(_delayed, of_service=True),
    "begin_first": Deed(_delayed, of_service=True),
    "tick": Deed(_recurring, of_service=True, role=_LATER, after=_end_recurring),
    "go_on": Deed(
        _catching_up, of_service=True, role=_MUCH_LATER, after=_end_catching_up
    ),
    "run_out": Deed(_ending, of_service=True, role=_MUCH_LATER, after=_end_ending),
    # Last: it forgets what the others have left.
    "forget_some": Deed(_work, role=_PRUNING),
    "forget": Deed(_work, role=_PRUNING),
}


def bury_the_dead(ledger: Ledger, nursery: Nursery, start: Callable[..., int]) -> None:
    """Let a worker forget the dead that held nothing, which takes minutes else."""
    worker = start(role={**NOTHING, "idle_patience": 0}, lease_seconds=0.5)
    ledger.await_that(lambda queues: len(queues.workers) == 1, "the dead are forgotten")
    nursery.stop(worker)
