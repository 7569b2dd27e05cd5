"""The page that a browser would get of what a view has returned."""

from typing import Any
from ZPublisher.HTTPResponse import HTTPResponse
from ZPublisher.Iterators import IStreamIterator
from ZPublisher.Iterators import IUnboundStreamIterator


#: What is between the headers and what a view has written after them.
_END_OF_HEADERS = b"\r\n\r\n"


def beginning(response: HTTPResponse, returned: Any, keep: int) -> tuple[int, str]:
    """Return how long the page is, and its first ``keep`` characters.

    A view returns its page, or has set or written it and returns nothing.  Of a stream,
    which is read to its end, no more is in memory than is kept.
    """
    if returned is None or returned is response:
        written = response.stdout.getvalue().partition(_END_OF_HEADERS)[2]
        returned = written or response.body
    if _is_stream(returned):
        return _beginning_of_stream(returned, keep)
    if isinstance(returned, bytes):
        return len(returned), _text(returned[:keep])
    text = returned if isinstance(returned, str) else repr(returned)
    return len(text), text[:keep]


def _is_stream(page: Any) -> bool:
    return IStreamIterator.providedBy(page) or IUnboundStreamIterator.providedBy(page)


def _beginning_of_stream(stream: Any, keep: int) -> tuple[int, str]:
    length, first = 0, b""
    try:
        for chunk in stream:
            length += len(chunk)
            first += chunk[: keep - len(first)]
    finally:
        close = getattr(stream, "close", None)
        if close is not None:
            close()
    return length, _text(first)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
