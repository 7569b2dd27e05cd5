"""Why a job failed, kept as text that outlives the code that raised it."""

from collections.abc import Callable
from plone.app.taskqueue.interfaces import IFailure
from plone.app.taskqueue.job import payload
from plone.app.taskqueue.job.callables import resolve
from types import TracebackType
from typing import Any
from zope.interface import implementer

import traceback


#: Longest message and traceback kept, in characters; the middle is left out.
MESSAGE_LIMIT = 2_000
TRACEBACK_LIMIT = 16_000
#: Frames kept of a traceback: the last ones, which say where it broke.
FRAME_LIMIT = 40
#: The modules through which a job is called.
_ENGINE = frozenset(
    {
        "plone.app.taskqueue.dispatcher.alone",
        "plone.app.taskqueue.dispatcher.attempt",
        "plone.app.taskqueue.dispatcher.calling",
        "plone.app.taskqueue.dispatcher.runner",
        "plone.app.taskqueue.dispatcher.within",
        "plone.app.taskqueue.job.asyncjob",
        "plone.app.taskqueue.job.taskjob",
        "plone.app.taskqueue.queue.calling",
        "plone.app.taskqueue.service.siteservice",
        "plone.app.taskqueue.service.taskservice",
        "plone.app.taskqueue.task.function",
        "plone.app.taskqueue.task.performing",
        "plone.app.taskqueue.task.simple",
    }
)
#: Largest pickle of an exception kept, in bytes.
VALUE_LIMIT = 4_000

#: An exception class or its dotted name.
Kind = type[BaseException] | str


def _shorten(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n... {len(text) - limit} characters left out ...\n{text[-half:]}"


def _beyond_the_engine(trace: TracebackType | None) -> TracebackType | None:
    """Leave out our own first frames: they call the job and tell nobody anything."""
    first = trace
    while trace is not None and trace.tb_frame.f_globals.get("__name__") in _ENGINE:
        trace = trace.tb_next
    return first if trace is None else trace


def _safely(make: Callable[[], str], otherwise: str) -> str:
    """An exception's own code may fail, or memory be short: the job must still end."""
    try:
        # A subclass of ``str`` may be one that cannot be pickled.
        return str.__str__(make())
    except BaseException:
        return otherwise


def _dotted(name: str) -> str:
    return name.replace(":", ".").removeprefix("builtins.")


def _value_bytes(exception: BaseException) -> bytes | None:
    """Pickle the exception only if it can be read again and is small."""
    try:
        data = payload.dump(exception, "exception")
        restored = payload.load(data, None, "exception")
    except BaseException:
        return None
    if type(restored) is not type(exception) or len(data) > VALUE_LIMIT:
        return None
    return data


@implementer(IFailure)
class Failure:
    """An exception as plain values.  Holds no frame and nothing unpicklable."""

    #: The class is remembered while the failure is fresh, for ``check``: one that was
    #: made at run time, as some libraries do, cannot be imported later.
    __slots__ = ("_kind", "_state")

    def __init__(self, exception: BaseException):
        self._kind = kind = type(exception)
        trace = _beyond_the_engine(exception.__traceback__)
        self._state = (
            f"{kind.__module__}:{kind.__qualname__}",
            _shorten(
                _safely(lambda: str(exception), "(its message cannot be read)"),
                MESSAGE_LIMIT,
            ),
            _shorten(
                _safely(
                    lambda: "".join(
                        traceback.format_exception(
                            kind, exception, trace, limit=-FRAME_LIMIT
                        )
                    ),
                    f"{kind.__name__} (its traceback cannot be written)",
                ),
                TRACEBACK_LIMIT,
            ),
            _value_bytes(exception),
        )

    @classmethod
    def from_record(cls, state: tuple) -> "Failure":
        """Return the failure that ``as_record`` described."""
        failure = cls.__new__(cls)
        failure.__setstate__(state)
        return failure

    def as_record(self) -> tuple:
        """Return plain values for the job's record."""
        return self._state

    def __getstate__(self) -> tuple:
        return self._state

    def __setstate__(self, state: tuple) -> None:
        self._kind = None
        self._state = state

    @property
    def type_name(self) -> str:
        """The exception's dotted name, as ``module.Class``."""
        return _dotted(self._state[0])

    @property
    def type(self) -> Any:
        """See ``IFailure``."""
        try:
            return resolve(self._state[0])
        except LookupError:
            return self.type_name

    def check(self, *kinds: Kind) -> Kind | None:
        """Return the first of ``kinds`` that the exception is an instance of.

        A kind is an exception class or its name, ``module.Class`` or
        ``module:Class``; the module may be left out for Python's own.  ``None``: it is
        none of them.  ``TypeError``: something else was given.

        Of an exception whose class cannot be imported, nothing is known but its name
        once the failure was read from a record.  Origin: ``zc.twist.Failure``.
        """
        own = self._kind or self.type
        lineage = own.__mro__ if isinstance(own, type) else ()
        names = {_dotted(f"{base.__module__}:{base.__qualname__}") for base in lineage}
        names.add(self.type_name)
        for kind in kinds:
            if isinstance(kind, str):
                if _dotted(kind) in names:
                    return kind
            elif isinstance(kind, type) and issubclass(kind, BaseException):
                if kind in lineage:
                    return kind
            else:
                raise TypeError(
                    "A failure is compared with exception classes or their names, one "
                    f"by one, not with {kind!r}."
                )
        return None

    @property
    def value(self) -> BaseException:
        """See ``IFailure``."""
        if self._state[3] is not None:
            try:
                return payload.load(self._state[3], None, "exception")
            except LookupError:
                pass
        return RuntimeError(self.getErrorMessage())

    def getErrorMessage(self) -> str:
        """See ``IFailure``."""
        return self._state[1]

    def getTraceback(self) -> str:
        """See ``IFailure``."""
        return self._state[2]

    def __str__(self) -> str:
        return f"{self.type_name}: {self.getErrorMessage()}"

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.Failure {self}>"
