"""The run of a job: what its thread knows of it, and what it tells others.

A run is cheap until the job uses it.  From the first time that the job tells something
it is known to the other threads of the process, see ``dispatcher.live``.
"""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import capture
from plone.app.taskqueue.dispatcher import live
from plone.app.taskqueue.dispatcher import watchdog
from plone.app.taskqueue.dispatcher.checkpoint import Checkpoint
from plone.app.taskqueue.dispatcher.current import current
from plone.app.taskqueue.job import plain
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.queue.boards import Entry
from plone.app.taskqueue.queue.boards import Line
from plone.app.taskqueue.queue.boards import Progress
from plone.app.taskqueue.queue.leases import Lease
from typing import Any
from ZODB.interfaces import IDatabase

import logging
import os


logger = logging.getLogger("plone.app.taskqueue.dispatcher")

#: Most names of live annotations of one run.
NAMES_LIMIT = 50
#: Most lines of the log that readers of a running job are shown.
LINES_SHOWN = 20
#: How a process ends that a job has forked and not ended.
FORK_STATUS = 1


class Run:
    """One attempt at a job; a context manager that makes it this thread's current run.

    ``lease``, ``claim`` and ``index`` are those of ``guard.is_held``; ``database`` is
    the main one.  ``limit`` is in seconds.  Used in the job's thread, except
    ``annotate``, ``entry`` and the attributes, which any thread may use.
    """

    __slots__ = (
        "_annotations",
        "_checkpoint",
        "_lines",
        "_outer",
        "_process",
        "_shared",
        "began",
        "claim",
        "database",
        "dispatcher_uuid",
        "index",
        "job",
        "lease",
        "limit",
        "progress",
        "worker_id",
    )

    def __init__(
        self,
        job: AsyncJob,
        lease: Lease,
        claim: int,
        index: int,
        database: IDatabase,
        dispatcher_uuid: str | None = None,
        limit: float | None = None,
    ):
        self.job = job
        self.lease = lease
        self.claim = claim
        self.index = index
        self.database = database
        self.dispatcher_uuid = dispatcher_uuid
        self.limit = limit
        #: When the callable was called, on the monotonic clock; ``None`` before.
        self.began: float | None = None
        #: Read now, because other threads must not touch the lease.
        self.worker_id = lease.worker_id
        #: Done, total and message, as last told; ``None`` before.
        self.progress: Progress | None = None
        self._annotations: dict[str, bytes] | None = None
        self._lines: capture.Lines | None = None
        self._checkpoint: Checkpoint | None = None
        self._shared = False

    def __enter__(self) -> "Run":
        if not capture.is_installed():
            capture.install()
        self._process = os.getpid()
        self._outer = current.run
        self.began = clock.monotonic()
        current.run = self
        if self.limit is not None:
            watchdog.watch(self)
        return self

    def __exit__(self, *error: Any) -> None:
        if os.getpid() != self._process:
            self._end_fork(error)
        current.run = self._outer
        if self.limit is not None:
            watchdog.release(self)
        if self._shared:
            live.forget(self)

    def _end_fork(self, error: Any) -> None:
        """End this process, which the job has forked, and which has come back from it."""
        # It has the connections to the database that the other one is using.
        logger.error(
            "%s has forked process %s, which has come back from the job. It is ended: "
            "what a job forks has to end by itself, with os._exit().",
            self.describe(),
            os.getpid(),
            exc_info=error if error[0] is not None else None,
        )
        os._exit(FORK_STATUS)

    @property
    def has_begun(self) -> bool:
        """True if the callable was called."""
        return self.began is not None

    @property
    def has_told(self) -> bool:
        """True if there is anything to keep of what the job has told."""
        return self._shared

    def _share(self) -> None:
        if not self._shared:
            self._shared = True
            live.show(self)

    # What the job tells

    def tell(
        self, done: int | float, total: int | float | None = None, message: str = ""
    ) -> None:
        """Set the progress.  ``ValueError``: see ``local.progress``."""
        if total is not None:
            total = plain.number(total, "The total of a progress")
        self.progress = (
            plain.number(done, "What is done of a progress"),
            total,
            plain.text(message, "The message of a progress", plain.MESSAGE_LIMIT),
        )
        self._share()

    def annotate(self, name: str, value: Any) -> None:
        """Set a live annotation.  ``ValueError``: see ``local.annotate``."""
        name = plain.text(name, "The name of an annotation", plain.NAME_LIMIT)
        data = plain.dump(value, f"The annotation {name!r}")
        annotations = self._annotations
        if annotations is None:
            annotations = self._annotations = {}
        if name not in annotations and len(annotations) >= NAMES_LIMIT:
            raise ValueError(
                f"A job has at most {NAMES_LIMIT} live annotations, and {name!r} would "
                "be one more. Put several values into one."
            )
        annotations[name] = data
        self._share()

    def capture(self, record: logging.LogRecord) -> None:
        """Keep a line of the log.  Raises what the record raises."""
        lines = self._lines
        if lines is None:
            lines = self._lines = capture.Lines()
        lines.add(record)
        self._share()

    # What it has told

    @property
    def annotations(self) -> dict[str, Any]:
        """The live annotations, as copies."""
        pickles = self._annotations
        if pickles is None:
            return {}
        # The copy is one step; another thread may add a name meanwhile.
        return {name: plain.load(data) for name, data in pickles.copy().items()}

    @property
    def lines(self) -> tuple[Line, ...]:
        """The last lines of its log, oldest first."""
        return () if self._lines is None else self._lines.kept()

    @property
    def dropped(self) -> int:
        """How many lines there were before ``lines``."""
        lines = self._lines
        return 0 if lines is None else max(0, lines.count - capture.LINES_LIMIT)

    def entry(self) -> Entry:
        """Return what there is to show now."""
        lines = self._lines
        shown = () if lines is None else lines.kept()[-LINES_SHOWN:]
        annotations = self._annotations
        return Entry(
            self.progress,
            () if annotations is None else tuple(annotations.copy().items()),
            shown,
            0 if lines is None else max(0, lines.count - len(shown)),
        )

    # What it is told

    def checkpoint(self) -> None:
        """Return if the run may go on; see ``local.checkpoint``."""
        if self._checkpoint is None:
            self._checkpoint = Checkpoint(self.database)
        error = self._checkpoint.verdict(self)
        if error is not None:
            raise error

    def describe(self) -> str:
        """Return the job's number and function, for messages."""
        return f"Job {id_of(self.job)} ({self.job.function_name})"
