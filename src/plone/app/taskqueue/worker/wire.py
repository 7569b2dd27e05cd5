"""Messages between a worker's parent process and its children, one per line."""

from collections.abc import Iterator
from typing import Any

import json
import socket


#: Seconds after which a message is not delivered to a process that does not read.
_PATIENCE = 5.0
_CHUNK = 65_536


class Wire:
    """One end of it.  When a process is gone the other one sees the end of the wire."""

    def __init__(self, end: socket.socket):
        self._end = end
        self._end.settimeout(_PATIENCE)
        self._rest = b""

    def fileno(self) -> int:
        """Return the number of its descriptor, to be waited for."""
        return self._end.fileno()

    def close(self) -> None:
        """Let the other side see its end."""
        self._end.close()

    def tell(self, **message: Any) -> None:
        """Send a message; nothing happens if nobody is there to hear it."""
        try:
            self._end.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            # Its end is noticed where messages are received.
            return

    def receive(self) -> list[dict[str, Any]] | None:
        """Return the messages that are there; ``None`` when the other side is gone.

        Meant for when there is something to read; waits a while else.
        """
        try:
            data = self._end.recv(_CHUNK)
        except TimeoutError:
            # Seconds without a message, which is nothing unusual.
            return []
        except OSError:
            return None
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [message for line in lines if (message := _read(line)) is not None]

    def read_rest(self) -> None:
        """Do not wait any more: what is there can be received, and then the end."""
        self._end.setblocking(False)

    def messages(self) -> Iterator[dict[str, Any]]:
        """Wait for messages until the other side is gone."""
        while (received := self.receive()) is not None:
            yield from received


def _read(line: bytes) -> dict[str, Any] | None:
    """Return a message; ``None`` for what a job has written to a wrong descriptor."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None
