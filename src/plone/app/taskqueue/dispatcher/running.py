"""The dispatchers that run in this process, by uuid."""

from plone.app.taskqueue.interfaces import IDispatcher

import threading


_lock = threading.Lock()
_dispatchers: dict[str, IDispatcher] = {}


def add(dispatcher: IDispatcher) -> None:
    """Make it known.  ``ValueError``: one of that uuid runs already."""
    with _lock:
        if dispatcher.uuid in _dispatchers:
            raise ValueError(
                f"A dispatcher {dispatcher.uuid!r} runs in this process already. "
                "Stop it first, or leave the uuid out."
            )
        _dispatchers[dispatcher.uuid] = dispatcher


def remove(dispatcher: IDispatcher) -> None:
    """Forget it; nothing happens if it is not known."""
    with _lock:
        if _dispatchers.get(dispatcher.uuid) is dispatcher:
            del _dispatchers[dispatcher.uuid]


def get(
    uuid: str | None = None, default: IDispatcher | None = None
) -> IDispatcher | None:
    """Return the dispatcher of that uuid, or the only one there is without a uuid.

    ``LookupError``: no uuid given, and several run here.  Origin: zc.async.
    """
    with _lock:
        if uuid is not None:
            return _dispatchers.get(uuid, default)
        # Those of services serve one queue each, and are found through their services.
        general = {
            name: dispatcher
            for name, dispatcher in _dispatchers.items()
            if not dispatcher.queue_names
        }
        if len(general) > 1:
            raise LookupError(
                "Several dispatchers run in this process; name one of "
                + ", ".join(sorted(general))
            )
        return next(iter(general.values()), default)


def all_running() -> list[IDispatcher]:
    """Return all of them, those of services too."""
    with _lock:
        return list(_dispatchers.values())
