"""Which jobs fill a site: the same for the same seed."""

from collections.abc import Callable
from dataclasses import dataclass
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests.filling import work

import random


#: Of a hundred jobs, how many end or stay in which state; all others are completed.
SHARES = {
    State.FAILED: 7,
    State.CANCELLED: 2,
    State.PENDING: 2,
    State.SCHEDULED: 1,
}

_DAY = 86_400.0
_QUOTAS = (None, None, None, "default")


@dataclass(frozen=True)
class Wish:
    """One job that is to be."""

    #: Numbers of the user and of the context, in the lists of who fills.
    user: int
    context: int
    function: Callable
    args: tuple
    quota: str | None
    priority: int
    state: State
    #: When it is queued, in seconds since the epoch.
    queued: float
    #: Seconds until it begins, and that it takes; a scheduled one is due so much later.
    wait: float
    duration: float


def make_plan(
    count: int, users: int, contexts: int, seed: int, now: float, days: float
) -> list[Wish]:
    """Return so many wishes, in the order of their times, which end at ``now``.

    Each state is there at least once if there are ten of them or more.
    """
    chance = random.Random(seed)
    states = _states(count)
    chance.shuffle(states)
    times = sorted(now - chance.random() * days * _DAY for _ in range(count))
    # What still waits was queued last.
    states.sort(key=lambda state: state in (State.PENDING, State.SCHEDULED))
    return [
        _wish(chance, state, queued, users, contexts)
        for state, queued in zip(states, times, strict=True)
    ]


def _states(count: int) -> list[State]:
    found: list[State] = []
    for state, share in SHARES.items():
        found += [state] * max(count * share // 100, 1 if count >= 10 else 0)
    return found + [State.COMPLETED] * (count - len(found))


def _wish(
    chance: random.Random, state: State, queued: float, users: int, contexts: int
) -> Wish:
    function = chance.choice(work.FUNCTIONS)
    number = chance.randrange(1, 1000)
    trouble = chance.randrange(len(work.COMPLAINTS))
    return Wish(
        # Some people and places have far more jobs than others.
        user=min(int(chance.expovariate(1)), users - 1),
        context=min(int(chance.expovariate(0.5)), contexts - 1),
        function=function,
        args=(number, trouble) if state is State.FAILED else (number,),
        quota=chance.choice(_QUOTAS),
        priority=chance.choice((0, 0, 0, 0, 5, -5)),
        state=state,
        queued=queued,
        wait=chance.expovariate(1 / 20),
        duration=chance.expovariate(1 / 4),
    )
