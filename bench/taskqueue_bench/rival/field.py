"""The other queues, each as its documentation has it run one thread."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version

import sys


@dataclass(frozen=True)
class Queue:
    """One of them."""

    name: str
    #: Keeps the jobs: ``Redis`` or ``PostgreSQL``.
    server: str
    #: Of this package: queues jobs, and is what the command names.
    module: str
    #: Starts a worker.
    command: tuple[str, ...]

    def full_command(self) -> list[str]:
        module = f"{__package__}.{self.module}"
        return [sys.executable, *(word.format(module=module) for word in self.command)]

    @property
    def version(self) -> str | None:
        """The version that is installed; ``None``: none is."""
        try:
            return version(self.name)
        except PackageNotFoundError:
            return None


#: What Celery's workers tell each other is of no use here.
_ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat")

QUEUES = (
    Queue(
        "Huey",
        "Redis",
        "with_huey",
        ("-m", "huey.bin.huey_consumer", "{module}.huey", "-w1", "-kthread", "-n"),
    ),
    Queue(
        "Celery",
        "Redis",
        "with_celery",
        ("-m", "celery", "-A", "{module}", "worker", "--pool=solo", *_ALONE),
    ),
    Queue(
        "Dramatiq",
        "Redis",
        "with_dramatiq",
        ("-m", "dramatiq", "{module}", "-p1", "-t1"),
    ),
    Queue(
        "RQ",
        "Redis",
        "with_rq",
        ("-m", "rq.cli", "worker", "-c", "{module}", "-w", "rq.SimpleWorker", "-q"),
    ),
    Queue(
        "Procrastinate",
        "PostgreSQL",
        "with_procrastinate",
        ("-m", "procrastinate", "-a", "{module}.app", "worker", "--concurrency=1"),
    ),
)
