"""Which code a process runs, so that others can see where it is not theirs."""

from functools import cache
from importlib import metadata
from typing import Any

import hashlib


#: The distribution whose version is told by name.
_OURS = "plone.app.taskqueue"
#: Letters of a fingerprint: enough to tell the few apart that ever meet.
_LETTERS = 8


class _Release:
    """What the configuration says that versions do not."""

    name = ""


def set_release(name: str) -> None:
    """Say the name of the code that is deployed here; empty: versions tell all."""
    _Release.name = name


def own_code() -> str:
    """Return what stands for the code of this process: ``version/fingerprint``.

    The fingerprint is one of the names and versions of all installed distributions, and
    of the setting ``release``.  Two checkouts of one version look the same without that.
    """
    return _code(_Release.name)


@cache
def _code(release: str) -> str:
    versions: dict[str, str] = {}
    for each in metadata.distributions():
        # The first on the path is the one that is imported.
        versions.setdefault(str(each.metadata["Name"]).lower(), each.version)
    text = repr((sorted(versions.items()), release))
    fingerprint = hashlib.sha256(text.encode()).hexdigest()[:_LETTERS]
    return f"{versions.get(_OURS, '?')}/{fingerprint}"


def others_differ(queues: Any) -> bool:
    """Say whether jobs are also run by a worker of other code than this process has."""
    own = own_code()
    return any(
        worker.runs_jobs and worker.code not in ("", own)
        for worker in queues.workers.values()
    )
