"""Workers: who is registered to hold leases in this database."""

from persistent import Persistent
from plone.app.taskqueue import clock
from plone.app.taskqueue.queue.timekeeping import compare_after_commit


#: The record's fields in their order: it is written for each sign of life, so it is short.
#: New ones come last, and older records are without them.
_FIELDS = (
    "id",
    "host",
    "pid",
    "threads",
    "started",
    "beats",
    "fenced",
    "code",
    "told",
)


class Worker(Persistent):
    """One start of one dispatcher; its id is never used again.

    One without threads is a web server that only queues jobs: it holds nothing, and is
    there so that others know its code.

    Only its own heartbeat writes this record, and only where its leases do not change
    by themselves; whoever takes its leases writes it too, and so ends it.
    """

    #: What stands for its code, see ``dispatcher.code``; empty: it is not known.
    code = ""
    #: What its own clock said when it last wrote this record itself, in seconds since
    #: the epoch; ``None``: not known.
    told: float | None = None

    def __init__(
        self,
        worker_id: str,
        host: str,
        pid: int,
        threads: int,
        now: float,
        code: str = "",
    ):
        self.id = worker_id
        self.host = host
        self.pid = pid
        self.threads = threads
        self.started = now
        self.beats = 0
        #: True once its leases were taken: it must not work under this id.
        self.fenced = False
        self.code = code
        self.told = clock.host_now()

    def __getstate__(self) -> tuple:
        return tuple(getattr(self, name) for name in _FIELDS)

    def __setstate__(self, state: tuple) -> None:
        self.__dict__.update(zip(_FIELDS, state, strict=False))

    @property
    def runs_jobs(self) -> bool:
        """Say whether it is more than a web server that only queues jobs."""
        return self.threads > 0

    def beat(self) -> None:
        """Change the record, so that observers see that the worker lives."""
        self.beats += 1
        self.told = clock.host_now()
        compare_after_commit(self._p_jar, self)
