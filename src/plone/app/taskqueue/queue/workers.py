"""Workers: who is registered to hold leases in this database."""

from persistent import Persistent


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
        return (
            self.id,
            self.host,
            self.pid,
            self.threads,
            self.started,
            self.beats,
            self.fenced,
        )

    def __setstate__(self, state: tuple) -> None:
        (
            self.id,
            self.host,
            self.pid,
            self.threads,
            self.started,
            self.beats,
            self.fenced,
        ) = state

    def beat(self) -> None:
        """Change the record, so that observers see that the worker lives."""
        self.beats += 1
