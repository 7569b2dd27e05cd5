"""Records as Python 2 wrote them: its strings are neither text nor bytes."""

from io import BytesIO
from typing import Any

import pickle


class _Pickler(pickle._Pickler):
    dispatch = dict(pickle._Pickler.dispatch)

    def save_string(self, value: bytes) -> None:
        """Write the opcode of a short string."""
        self.write(pickle.SHORT_BINSTRING + bytes([len(value)]) + value)

    dispatch[bytes] = save_string


def pickled(module: str, name: str, state: Any) -> bytes:
    """Return the record of an object of that class."""
    made = pickle.PROTO + b"\x02" + f"c{module}\n{name}\nq\x01.".encode()
    buffer = BytesIO()
    _Pickler(buffer, 2).dump(state)
    return made + buffer.getvalue()
