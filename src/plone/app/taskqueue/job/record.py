"""How a job is stored: a short positional tuple, and a mapping for what few jobs have."""

from persistent import Persistent
from plone.app.taskqueue.job.states import CODES
from plone.app.taskqueue.job.states import State
from typing import Any
from ZODB.utils import u64

import itertools
import operator


#: The record's fields in their order, with what a field is when the record is too
#: short to have it.  Short and positional, because there may be a million of them.
_FIELDS = (
    ("_code", CODES[State.NEW]),
    ("function_name", None),
    ("_arguments", None),
    ("surroundings", None),
    ("queue_name", None),
    ("_quota_names", ()),
    #: Place in its lane, which also tells when it was queued.
    ("key", None),
    ("isolated", False),
    ("interruptions", 0),
    ("cancel_requested", False),
    ("_finished", None),
    ("_run_seconds", None),
    ("_outcome", None),
    ("conflicts", 0),
    #: What most jobs do not have, by name.
    ("_extra", None),
)
_NAMES = tuple(name for name, _ in _FIELDS)
_DEFAULTS = tuple(default for _, default in _FIELDS)
_values_of = operator.itemgetter(*_NAMES)


def id_of(job: Persistent) -> int | None:
    """Return the job's id without loading its record, which may be unreadable."""
    return None if job._p_oid is None else u64(job._p_oid)


class Record(Persistent):
    """The stored form of a job."""

    def __getstate__(self) -> tuple:
        own = self.__dict__
        state = list(_values_of(own))
        while state and state[-1] == _DEFAULTS[len(state) - 1]:
            state.pop()
        if beyond := own["_beyond"]:
            state += _DEFAULTS[len(state) :] + beyond
        return tuple(state)

    def __setstate__(self, state: tuple) -> None:
        own = self.__dict__
        own.clear()
        # A newer version's record may be longer; what is beyond is kept as it is.
        own["_beyond"] = state[len(_NAMES) :]
        own.update(
            zip(_NAMES, itertools.chain(state, _DEFAULTS[len(state) :]), strict=False)
        )

    @property
    def has_extras(self) -> bool:
        """False for the usual job, of which there is nothing more to ask."""
        return self._extra is not None

    def extra(self, name: str, default: Any = None) -> Any:
        """Return what the job has under that name."""
        return default if self._extra is None else self._extra.get(name, default)

    def set_extra(self, name: str, value: Any) -> None:
        """Keep a value under that name; ``None`` removes it."""
        # A new mapping each time: the record sees no change inside of one.
        extra = dict(self._extra or ())
        if value is not None:
            extra[name] = value
        elif extra.pop(name, None) is None:
            return
        self._extra = extra or None
