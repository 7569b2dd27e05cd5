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
    #: What starts a worker: a module of Python and its arguments.
    arguments: str

    @property
    def command(self) -> list[str]:
        module = f"{__package__}.{self.module}"
        return [sys.executable, "-m", *self.arguments.format(module=module).split()]

    @property
    def version(self) -> str | None:
        """The version that is installed; ``None``: none is."""
        try:
            return version(self.name)
        except PackageNotFoundError:
            return None


QUEUES = (
    Queue(
        "Huey",
        "Redis",
        "with_huey",
        "huey.bin.huey_consumer {module}.huey -w1 -kthread -n",
    ),
    Queue(
        "Celery",
        "Redis",
        "with_celery",
        "celery -A {module} worker --pool=solo "
        "--without-gossip --without-mingle --without-heartbeat",
    ),
    Queue("Dramatiq", "Redis", "with_dramatiq", "dramatiq {module} -p1 -t1"),
    Queue(
        "RQ",
        "Redis",
        "with_rq",
        "rq.cli worker -c {module} -w rq.SimpleWorker -q",
    ),
    Queue(
        "Procrastinate",
        "PostgreSQL",
        "with_procrastinate",
        "procrastinate -a {module}.app worker --concurrency=1 --delete-jobs=successful",
    ),
)
