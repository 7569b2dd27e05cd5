"""Capturing the log lines of a job: what its thread logs while it runs."""

from collections import deque
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.current import current
from plone.app.taskqueue.job.plain import MESSAGE_LIMIT
from plone.app.taskqueue.job.plain import NAME_LIMIT
from plone.app.taskqueue.queue.boards import Line

import logging


#: Most lines that are kept of one run.
LINES_LIMIT = 200
#: The engine's own loggers: they speak about jobs and not for them.
_OWN = "plone.app.taskqueue"


class Lines:
    """The last lines of one run.

    Only the run's thread adds to it; any thread may read.
    """

    def __init__(self) -> None:
        self._lines: deque[Line] = deque(maxlen=LINES_LIMIT)
        #: How many lines there were, kept or not.
        self.count = 0

    def add(self, record: logging.LogRecord) -> None:
        """Keep a record as text: what it refers to must not outlive the transaction."""
        self._lines.append(
            (
                clock.now(),
                int(record.levelno),
                str(record.name)[:NAME_LIMIT],
                _shorten(_text_of(record)),
            )
        )
        self.count += 1

    def kept(self) -> tuple[Line, ...]:
        """Return the lines that are still there, oldest first."""
        while True:
            try:
                return tuple(self._lines)
            except RuntimeError:
                # The run's thread has added one meanwhile.
                continue


def _text_of(record: logging.LogRecord) -> str:
    text = str.__str__(record.getMessage())
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return text
    return f"{text} ({type(error).__name__}: {error})"


def _shorten(text: str) -> str:
    return text if len(text) <= MESSAGE_LIMIT else f"{text[: MESSAGE_LIMIT - 1]}…"


class _Handler(logging.Handler):
    """Gives each record to the run of its thread, and touches nothing else."""

    def handle(self, record: logging.LogRecord) -> None:
        # Without the handler's lock: a run's lines belong to its thread.
        run = current.run
        if run is not None and not _is_own(record.name):
            try:
                run.capture(record)
            except BaseException:
                # Its arguments do not fit, or cannot be shown.  Whoever writes the
                # log says so; the job must not hear of it.
                pass
        if len(logging.root.handlers) == 1 and _is_unheard(record):
            logging.lastResort.handle(record)


def _is_own(name: str) -> bool:
    return name.startswith(_OWN) and name[len(_OWN) :][:1] in ("", ".")


def _is_unheard(record: logging.LogRecord) -> bool:
    """Say whether logging would write it itself if our handler was not there."""
    last = logging.lastResort
    if last is None or record.levelno < last.level:
        return False
    logger = logging.getLogger(record.name)
    while logger is not None and logger is not logging.root:
        if logger.handlers:
            return False
        logger = logger.parent
    return True


class _Installed:
    handler: logging.Handler | None = None


def is_installed() -> bool:
    """Say whether lines are captured in this process."""
    return _Installed.handler is not None


def install() -> None:
    """Capture lines from now on, in all threads; once for a process."""
    # Adding a handler that is there already changes nothing.
    _Installed.handler = handler = _Installed.handler or _Handler()
    logging.root.addHandler(handler)
