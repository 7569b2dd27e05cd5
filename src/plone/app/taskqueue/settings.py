"""The settings of a process, from ``zope.conf`` and from environment variables.

.. code-block:: text

    <product-config plone.app.taskqueue>
      threads 2
    </product-config>

``PLONE_APP_TASKQUEUE_THREADS=2`` says the same and goes before it.  With ``worker-`` in
front of its name, ``worker-threads`` or ``PLONE_APP_TASKQUEUE_WORKER_THREADS``, a setting
is for ``taskqueue worker`` alone, and goes before the one without.  The table of all
settings is in ``docs/reference/settings.md``.
"""

from App.config import getConfiguration
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields
from dataclasses import MISSING
from plone.app.taskqueue.dispatcher import Options
from typing import Any

import difflib
import logging
import math
import os


logger = logging.getLogger("plone.app.taskqueue.startup")


#: Name of the section in ``zope.conf``.
SECTION = "plone.app.taskqueue"

#: What the names of environment variables begin with.
PREFIX = "PLONE_APP_TASKQUEUE_"

#: What the names of settings begin with that are for workers alone.
FOR_WORKERS = "worker_"


class SettingsError(ValueError):
    """A setting cannot be used; the message says which, why and what to write."""


def _whole(text: str) -> int:
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _number_or_never(text: str) -> float | None:
    return None if text.lower() == "never" else _number(text)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)


def _functions(text: str) -> tuple[str, ...]:
    patterns = _names(text)
    for pattern in patterns:
        # One that is no pattern, nor the name of anything, is never met.
        if not any(sign in pattern for sign in ":*?["):
            raise ValueError(pattern)
    return patterns


@dataclass(frozen=True)
class _Kind:
    """How a setting is read, and what to say if it cannot be."""

    read: Callable[[str], Any]
    wanted: str
    least: float | None = None
    most: float = math.inf


_DAY = 86_400

_KINDS = {
    "threads": _Kind(_whole, "a whole number from 0, for none, to 100", 0, 100),
    "database": _Kind(str, "the name of a <zodb_db> in zope.conf"),
    "lease_seconds": _Kind(_number, "a number of seconds from 1 to 86400", 1, _DAY),
    "poll_seconds": _Kind(
        _number, "a number of seconds from 0.01 to 86400", 0.01, _DAY
    ),
    "group_seconds": _Kind(_number, "a number of seconds to 60, 0 for never", 0, 60),
    "conflicts": _Kind(_whole, "a whole number to 1000, 0 for none", 0, 1000),
    "retention_days": _Kind(
        _number_or_never, "a number of days to 36500, or 'never'", 0, 36500
    ),
    "kill_seconds": _Kind(
        _number_or_never, "a number of seconds to 86400, or 'never'", 0, _DAY
    ),
    "stop_seconds": _Kind(
        _number, "a number of seconds to 86400, 0 for not waiting", 0, _DAY
    ),
    "installation": _Kind(str, "a name for this installation"),
    "release": _Kind(str, "a name of the deployed code, such as a commit"),
    "autostart": _Kind(str, "names of services: site@service, with * for all"),
    "queues": _Kind(_names, "names of queues with commas between, * for any letters"),
    "only": _Kind(
        _functions,
        "functions, module:name or task:NAME, with commas between, * for any",
    ),
    "prefetch": _Kind(_whole, "a whole number from 1 to 10000", 1, 10_000),
    "processes": _Kind(_whole, "a whole number from 1 to 100", 1, 100),
    "memory_mb": _Kind(_number_or_never, "a number of megabytes from 1, or 'never'", 1),
    "drain_seconds": _Kind(
        _number_or_never, "a number of seconds to 86400, or 'never'", 0, _DAY
    ),
}

#: What is otherwise in ``taskqueue worker`` if nothing is said: it does nothing else, and
#: is started again when it ends.
_WORKER_DEFAULTS = {"kill_seconds": 10.0}


@dataclass(frozen=True)
class Settings:
    """The settings of a process.  Dashes stand for underscores in ``zope.conf``."""

    #: Threads that run jobs in a web server's process; 0: none.
    threads: int = 1
    #: Name of the database that holds the queues; empty: the main one.
    database: str = ""
    #: Seconds without a sign of life after which a process's jobs go to others.
    lease_seconds: float = Options.lease_seconds
    #: Seconds between looks at the queues if nothing has woken the process.
    poll_seconds: float = Options.poll_seconds
    #: Seconds for which short jobs may share a transaction; 0: never.
    group_seconds: float = Options.group_seconds
    #: How often a job is repeated for conflicts.
    conflicts: int = Options.conflicts
    #: Days for which jobs that have ended are kept; ``None``: for ever.
    retention_days: float | None = Options.retention_days
    #: Seconds after its time limit for which a job may fail to answer before the whole
    #: process is ended; ``None``: never.
    kill_seconds: float | None = Options.kill_seconds
    #: Seconds that the end of the process waits for jobs that run.
    stop_seconds: float = 5.0
    #: Name of the installation that this process belongs to, so that a copy of its
    #: database elsewhere does not run its cron jobs; empty: it has none.
    installation: str = ""
    #: The name of the code that is deployed here, where the versions of distributions
    #: do not tell it.
    release: str = ""
    #: Services whose jobs are run in this process, see ``service.autostart``.
    autostart: str = ""
    #: Patterns of the names of queues whose jobs are run; none: of all queues.
    queues: tuple[str, ...] = ()
    #: Patterns of the functions whose jobs are run; none: all.
    only: tuple[str, ...] = ()
    #: Most jobs that one claim takes.
    prefetch: int = Options.batch

    # For ``taskqueue worker``

    #: Processes that run jobs, ``threads`` at a time in each.
    processes: int = 1
    #: Megabytes above which a process is replaced; ``None``: never.
    memory_mb: float | None = None
    #: Seconds that the end of a worker waits for jobs that run; ``None``: as long as they
    #: take.
    drain_seconds: float | None = None

    def options(self) -> Options:
        """Return the dispatcher's part of them; ``threads`` must not be 0."""
        return Options(
            threads=self.threads,
            poll_seconds=self.poll_seconds,
            lease_seconds=self.lease_seconds,
            group_seconds=self.group_seconds,
            retention_days=self.retention_days,
            conflicts=self.conflicts,
            kill_seconds=self.kill_seconds,
            queues=self.queues,
            only=self.only,
            batch=self.prefetch,
            isolated_batch=min(self.prefetch, Options.isolated_batch),
        )


def read_settings(
    section: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    worker: bool = False,
    given: Mapping[str, str] | None = None,
) -> Settings:
    """Return the settings of this process, or those of a worker.

    ``given`` are options of a command line, as it names them; they go before all others.

    ``SettingsError``: a name is unknown or a value cannot be used.
    """
    if section is None:
        configured = getattr(getConfiguration(), "product_config", None) or {}
        section = configured.get(SECTION) or {}
    values: dict[str, Any] = {}
    for key, text in section.items():
        name = key.replace("-", "_")
        where = f"{key} in <product-config {SECTION}> of zope.conf"
        values[name] = _read(name, text, where, key)
    for variable, text in (os.environ if environ is None else environ).items():
        name = variable.removeprefix(PREFIX).lower()
        # An empty variable is how compose files pass one that is not set.
        if variable.startswith(PREFIX) and text.strip():
            if _plain(name) not in _KINDS and not _near(name):
                # Kubernetes makes such names of a service that is called like us.
                logger.warning(
                    "The environment variable %s is left alone: there is no setting of "
                    "that name, nor one like it.",
                    variable,
                )
                continue
            values[name] = _read(name, text, f"environment variable {variable}", name)
    plain = {name: values[name] for name in values if name in _KINDS}
    if not worker:
        return Settings(**plain)
    if not plain.get("threads"):
        # 0 is what keeps web servers from running jobs.
        plain.pop("threads", None)
    special = {_plain(name): values[name] for name in values if name not in _KINDS}
    chosen = {
        name: _read(name, text, f"--{name.replace('_', '-')}", name)
        for name, text in (given or {}).items()
    }
    settings = Settings(**{**_WORKER_DEFAULTS, **plain, **special, **chosen})
    if not settings.threads:
        raise SettingsError(
            "A worker has at least 1 thread: leave worker-threads or --threads out."
        )
    return settings


def _plain(name: str) -> str:
    return name.removeprefix(FOR_WORKERS)


def _near(written: str) -> list[str]:
    known = [setting.replace("_", "-") for setting in _KINDS]
    return difflib.get_close_matches(_plain(written).replace("_", "-"), known, 1)


def _read(name: str, text: str, where: str, written: str) -> Any:
    kind = _KINDS.get(_plain(name))
    if kind is None:
        near = _near(written)
        known = ", ".join(setting.replace("_", "-") for setting in _KINDS)
        hint = f"did you mean {near[0]}?" if near else f"known are {known}."
        raise SettingsError(f"There is no setting for {where}: {hint}")
    text = text.strip()
    try:
        value = kind.read(text)
    except ValueError:
        value = MISSING
    beyond = (
        kind.least is not None
        and isinstance(value, int | float)
        and not kind.least <= value <= kind.most
    )
    if value is MISSING or beyond:
        raise SettingsError(f"{where} is {text!r}: write {kind.wanted}.")
    return value


assert set(_KINDS) == {field.name for field in fields(Settings)}
