"""Workers: who is registered to hold leases in this database."""

from persistent import Persistent


#: The record's fields in their order: it is written for each sign of life, so it is short.
_FIELDS = ("id", "host", "pid", "threads", "started", "beats", "fenced")


class Worker(Persistent):
    """One start of one dispatcher; its id is never used again.

    Only its own heartbeat writes this record, and only where its leases do not change
    by themselves; whoever takes its leases writes it too, and so ends it.
    """

    def __init__(self, worker_id: str, host: str, pid: int, threads: int, now: float):
        self.id = worker_id
        self.host = host
        self.pid = pid
        self.threads = threads
        self.started = now
        self.beats = 0
        #: True once its leases were taken: it must not work under this id.
        self.fenced = False

    def __getstate__(self) -> tuple:
        return tuple(getattr(self, name) for name in _FIELDS)

    def __setstate__(self, state: tuple) -> None:
        self.__dict__.update(zip(_FIELDS, state, strict=True))

    def beat(self) -> None:
        """Change the record, so that observers see that the worker lives."""
        self.beats += 1
