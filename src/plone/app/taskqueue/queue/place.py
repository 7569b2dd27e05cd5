"""Where this process is: in which installation, and in which database its queues are."""

from plone.app.taskqueue.job.asyncjob import ROOT_KEY
from typing import Any
from ZODB.interfaces import IConnection


class _Place:
    """The database that the configuration chose; ``None`` is the main one."""

    database_name: str | None = None
    #: The name of this installation; empty: it has none.
    installation = ""


def set_database_name(name: str | None) -> None:
    """Choose the database that holds the queues of this process."""
    _Place.database_name = name or None


def set_installation(name: str) -> None:
    """Say the name of the installation that this process belongs to; empty: none."""
    _Place.installation = name


def installation() -> str:
    """Return the name of the installation that this process belongs to."""
    return _Place.installation


def queue_connection(connection: IConnection) -> IConnection:
    """Return the connection to the database that holds the queues.

    ``KeyError``: the configuration names a database that Zope does not have.
    """
    name = _Place.database_name
    if name is None or name == connection.db().database_name:
        return connection
    try:
        return connection.get_connection(name)
    except KeyError:
        known = ", ".join(sorted(connection.db().databases))
        raise KeyError(
            f"There is no database {name!r} for the job queues, only {known}. "
            f"Add <zodb_db {name}> to zope.conf, or correct the setting 'database'."
        ) from None


def find_queues(connection: IConnection) -> Any:
    """Return the queues if there are any yet, else ``None``; writes nothing."""
    return queue_connection(connection).root().get(ROOT_KEY)


def all_queues(connection: IConnection | None) -> list[Any]:
    """Return the queues that workers can find; none for what is in no database."""
    queues = None if connection is None else find_queues(connection)
    return [] if queues is None else list(queues.values())
