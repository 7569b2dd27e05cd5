"""Leases: the jobs that one thread of one worker holds, and what became of them.

A lease is one record that only its own thread writes while that thread lives.  A job
that ends is marked in it, in the commit that keeps its outcome, and moves to the history
with a later claim of the lease, together with others.  So the commit that carries a job's work touches the job
and the lease and nothing that anybody else writes: it cannot fail for the queue's sake.
Whoever takes over from a dead worker writes both, which is what stops a late commit.

What the lease holds is a record beside it, which only claims write: so the lease that
each of those commits writes is small, however much was claimed at once.
"""

from collections.abc import Iterator
from persistent import Persistent
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import CODES
from plone.app.taskqueue.job.states import State


#: In place of a state's code: the job has not ended, or has gone elsewhere.
_HELD = 0
GONE = 255


class _Claimed(Persistent):
    """The jobs of a lease in their order."""

    jobs: tuple[AsyncJob, ...] = ()

    def __getstate__(self) -> tuple[AsyncJob, ...]:
        return self.jobs

    def __setstate__(self, state: tuple[AsyncJob, ...]) -> None:
        self.jobs = state


class Lease(Persistent):
    """The jobs of one claim.  ``claim`` counts this lease's claims."""

    def __init__(self, worker_id: str, slot: int):
        self.worker_id = worker_id
        self.slot = slot
        self.claim = 0
        self.quota_names: tuple[str, ...] = ()
        self._claimed = _Claimed()
        self._codes = b""

    def __getstate__(self) -> tuple:
        return (
            self.worker_id,
            self.slot,
            self.claim,
            self.quota_names,
            self._claimed,
            self._codes,
        )

    def __setstate__(self, state: tuple) -> None:
        (
            self.worker_id,
            self.slot,
            self.claim,
            self.quota_names,
            self._claimed,
            self._codes,
        ) = state

    @property
    def key(self) -> str:
        """Its name among the queue's leases."""
        return lease_key(self.worker_id, self.slot)

    def hold(self, quota_names: tuple[str, ...], jobs: list[AsyncJob]) -> None:
        """Begin a new claim with these jobs, beside those that have ended."""
        self.claim += 1
        self.quota_names = quota_names
        self._claimed.jobs += tuple(jobs)
        self._codes += bytes(len(jobs))

    def mark(self, index: int, state: State) -> None:
        """Write down that the job at ``index`` has ended in ``state``."""
        codes = bytearray(self._codes)
        codes[index] = CODES[state]
        self._codes = bytes(codes)

    def let_go(self, index: int) -> None:
        """Write down that the job at ``index`` is elsewhere now; others keep theirs."""
        codes = bytearray(self._codes)
        codes[index] = GONE
        self._codes = bytes(codes)

    def drop(self, index: int) -> None:
        """Forget the job at ``index``, which has gone elsewhere."""
        jobs = self._claimed.jobs
        self._claimed.jobs = jobs[:index] + jobs[index + 1 :]
        self._codes = self._codes[:index] + self._codes[index + 1 :]

    def clear(self) -> None:
        """Forget all jobs and begin a claim of nothing."""
        self._claimed.jobs = ()
        self._codes = b""
        self.hold((), [])

    def clear_ended(self) -> None:
        """Forget the jobs that have ended, which have gone to the history."""
        held = [job for _, job in self.held_jobs()]
        self._claimed.jobs = tuple(held)
        self._codes = bytes(len(held))

    def holds(self, claim: int, index: int) -> bool:
        """Say whether the job at ``index`` of that claim is still to be run."""
        return (
            self.claim == claim
            and index < len(self._codes)
            and self._codes[index] == _HELD
        )

    @property
    def marks(self) -> bytes:
        """One byte a job: 0 while held, 255 if gone, else the code of its state."""
        return self._codes

    @property
    def held(self) -> int:
        """Number of jobs that have not ended."""
        return self._codes.count(_HELD)

    def held_jobs(self) -> list[tuple[int, AsyncJob]]:
        """Return index and job of those that have not ended."""
        return [
            (index, job)
            for index, (job, code) in enumerate(
                zip(self._claimed.jobs, self._codes, strict=True)
            )
            if code == _HELD
        ]

    @property
    def size(self) -> int:
        """Number of jobs, held or ended."""
        return len(self._codes)

    def ended(self, state: State) -> int:
        """Number of jobs that ended in that state."""
        return self._codes.count(CODES[state])

    def ended_jobs(self, state: State) -> Iterator[AsyncJob]:
        """Iterate over the jobs that ended in that state."""
        code = CODES[state]
        return (
            job
            for job, its in zip(self._claimed.jobs, self._codes, strict=True)
            if its == code
        )


def lease_key(worker_id: str, slot: int) -> str:
    """Return the name of a worker's lease for one of its threads."""
    return f"{worker_id}:{slot:03d}"


def worker_of(key: str) -> str:
    """Return the id of the worker whose lease has that name."""
    return key.rpartition(":")[0]
