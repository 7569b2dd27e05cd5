"""Old services in a database."""

from BTrees.LLBTree import LLBTree
from collections import deque
from collections.abc import Iterable
from collections.abc import Iterator
from persistent import Persistent
from plone.app.taskqueue.migration.oldservice import OldService
from plone.app.taskqueue.migration.records import load
from plone.app.taskqueue.migration.records import load_data
from plone.app.taskqueue.migration.records import OldDataError
from plone.app.taskqueue.migration.records import Record
from plone.app.taskqueue.migration.records import Reference
from plone.app.taskqueue.migration.records import text
from ZODB.interfaces import IConnection
from ZODB.serialize import referencesf
from ZODB.utils import p64
from ZODB.utils import u64
from ZODB.utils import z64

import logging


logger = logging.getLogger("plone.app.taskqueue.migration")

#: The classes of the three systems.
CLASSES = frozenset(
    {
        "five.taskqueue.service.TaskService",
        "lovely.remotetask.service.TaskService",
        "z3c.taskqueue.service.TaskService",
    }
)
#: A class is named within this many bytes of a record's beginning.
_HEAD = 500


def find_services(
    start: IConnection | Persistent, classes: Iterable[str] = ()
) -> Iterator[OldService]:
    """Yield the services that can be reached from an object, or from the root.

    ``classes``: dotted names of further classes, such as one's own that derive from
    those of the old packages.

    Reads each record once and keeps none of them; of a large site that takes minutes.
    What is only committed by this transaction is not seen.  A record that is damaged is
    logged and passed by.
    """
    connection, first = (
        (start._p_jar, start._p_oid) if isinstance(start, Persistent) else (start, z64)
    )
    wanted = CLASSES | frozenset(classes)
    modules = {name.rpartition(".")[0].encode() for name in wanted}
    # Which record has led to it: these trees need 16 bytes for each of millions.
    referrers = LLBTree({u64(first): u64(first)})
    waiting = deque([first])
    while waiting:
        oid = waiting.popleft()
        try:
            data = load_data(connection, oid)
            following = referencesf(data)
        except Exception as error:
            logger.warning("The record %#x is passed by: %s", u64(oid), error)
            continue
        for each in following:
            if referrers.insert(u64(each), u64(oid)):
                waiting.append(each)
        if any(module in data[:_HEAD] for module in modules):
            service = _service(connection, oid, data, wanted, referrers)
            if service is not None:
                yield service


def _service(
    connection: IConnection,
    oid: bytes,
    data: bytes,
    wanted: frozenset[str],
    referrers: LLBTree,
) -> OldService | None:
    try:
        record = load(connection, oid, data=data)
    except OldDataError as error:
        logger.warning("What may be an old task service is passed by. %s", error)
        return None
    if record.class_name not in wanted:
        return None
    return OldService(connection, record, _path(connection, record, referrers))


def read_service(service: Persistent) -> OldService:
    """Return an old service of which one has the object, broken as it is.

    ``OldDataError``: it is none, or damaged.
    """
    connection = service._p_jar
    record = load(connection, service._p_oid)
    if record.get("jobs") is None or record.get("_queue") is None:
        raise OldDataError(f"A {record.class_name} is no task service.")
    return OldService(connection, record, _path(connection, record, LLBTree()))


def _path(
    connection: IConnection, record: Record, referrers: LLBTree
) -> tuple[str, ...]:
    """Return the names of the object and of what it is in, as far as that is known."""
    names: list[str] = []
    seen = set()
    while record.oid not in seen:
        seen.add(record.oid)
        name = text(record.get("__name__") or record.get("id"))
        if isinstance(name, str) and name:
            names.insert(0, name)
        parent = record.get("__parent__")
        if isinstance(parent, Reference):
            following = parent.oid
        else:
            number = u64(record.oid)
            following = p64(referrers.get(number, number))
        try:
            record = load(connection, following)
        except OldDataError:
            break
    return tuple(names)
