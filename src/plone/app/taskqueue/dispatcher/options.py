"""How a dispatcher works; every figure has a default that suits a small site."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """Options of one dispatcher.  ``ValueError`` names a value that cannot be."""

    #: Threads that run jobs.
    threads: int = 1
    #: Seconds between looks at the queue when nothing rings; the net beneath wake-ups.
    poll_seconds: float = 1.0
    #: Seconds without a sign of life after which a worker's jobs are taken from it.
    lease_seconds: float = 20.0
    #: Seconds for which jobs may join a transaction that short jobs share; 0: never.
    group_seconds: float = 0.05
    #: Most jobs that one claim takes: of those so short that they share transactions,
    #: and of those that do not.
    batch: int = 512
    isolated_batch: int = 64
    #: Days for which finished jobs are kept; ``None``: for ever.
    retention_days: float | None = 7.0
    #: How often one run is repeated for conflicts before the job fails with the last.
    conflicts: int = 30
    #: Seconds between looks at what running jobs tell, to show it to other processes.
    live_seconds: float = 1.0

    #: Seconds after its time limit for which a job may fail to answer before this whole
    #: process is ended; ``None``: never.
    kill_seconds: float | None = None
    #: Patterns, as those of file names, of the names of the queues that it serves, of
    #: which ``default`` is another name for the one without; none: all.
    queues: tuple[str, ...] = ()
    #: Patterns of the functions, ``module:name`` or ``task:NAME``, that it runs; none: all.
    only: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, least in (
            ("threads", 1),
            ("poll_seconds", 0.01),
            ("lease_seconds", 0.1),
            ("group_seconds", 0),
            ("batch", 1),
            ("isolated_batch", 1),
            ("conflicts", 0),
            ("live_seconds", 0.01),
        ):
            value = getattr(self, name)
            if value < least:
                raise ValueError(f"{name} must be at least {least}, not {value!r}.")
        if self.kill_seconds is not None and self.kill_seconds < 0:
            raise ValueError(
                f"kill_seconds must be at least 0, not {self.kill_seconds!r}."
            )
        if self.retention_days is not None and self.retention_days < 0:
            raise ValueError(
                f"retention_days must be at least 0, not {self.retention_days!r}."
            )
