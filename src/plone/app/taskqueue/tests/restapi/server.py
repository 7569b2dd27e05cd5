"""A web server for clients that come over the network."""

from collections.abc import Iterator
from contextlib import contextmanager
from webtest.http import StopableWSGIServer
from ZPublisher.httpexceptions import HTTPExceptionHandler
from ZPublisher.WSGIPublisher import publish_module


@contextmanager
def served() -> Iterator[str]:
    """Serve the database of the test in the block; yield the address of its root."""
    server = StopableWSGIServer.create(HTTPExceptionHandler(publish_module))
    try:
        yield f"http://{server.effective_host}:{server.effective_port}"
    finally:
        server.shutdown()
