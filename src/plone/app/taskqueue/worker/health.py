"""Telling orchestrators how the worker is: over HTTP, or by a file."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from plone.app.taskqueue.worker.errors import CommandError
from plone.app.taskqueue.worker.errors import MISCONFIGURED
from socketserver import TCPServer
from socketserver import ThreadingMixIn
from typing import Any

import json
import logging
import socket
import threading
import time


logger = logging.getLogger("plone.app.taskqueue.worker")

#: Seconds without a round of the parent's loop after which it does not live.
_PATIENCE = 10.0
#: Seconds for which somebody who asks may be silent.
_TIMEOUT = 5.0


class Health:
    """What the parent says of the worker, round by round; any thread may ask."""

    def __init__(self) -> None:
        self._state: dict[str, Any] = {"ready": False, "live": True, "processes": []}
        self._told = time.monotonic()

    def tell(self, state: dict[str, Any]) -> None:
        """Take note of the state of this round."""
        self._state = state
        self._told = time.monotonic()

    def state(self) -> dict[str, Any]:
        """Return it, with ``ready`` and ``live`` as they are now."""
        state = dict(self._state)
        if time.monotonic() - self._told > _PATIENCE:
            state["ready"] = state["live"] = False
        return state


class _Server(ThreadingMixIn, TCPServer):
    # Not that of ``http.server``: it asks for the name of its host, for which a start
    # would wait where names are not resolved.
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: whoever asked was gone before the answer."""


class _Server6(_Server):
    address_family = socket.AF_INET6


def serve(address: str, health: Health) -> TCPServer:
    """Answer ``/ready`` and ``/live`` with 200 or 503 at ``PORT`` or ``HOST:PORT``.

    A host that is an IPv6 address stands in brackets, ``[::]:PORT``.

    ``CommandError``: that is no address, or another process has it.
    """
    host, _, port = address.rpartition(":")
    try:
        if host.startswith("["):
            server = _Server6((host.strip("[]"), int(port)), _handler(health.state))
        else:
            server = _Server((host or "127.0.0.1", int(port)), _handler(health.state))
    except (OSError, ValueError, OverflowError) as error:
        raise CommandError(
            f"The address {address!r} of --health cannot be used ({error}): write a free "
            "port, HOST:PORT, or [IPV6-ADDRESS]:PORT.",
            MISCONFIGURED,
        ) from error
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


def _handler(state: Callable[[], dict[str, Any]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _TIMEOUT

        def do_GET(self) -> None:
            asked = self.path.partition("?")[0].strip("/")
            now = state()
            if asked not in ("ready", "live"):
                self.send_error(404, "Ask for /ready or /live.")
                return
            body = json.dumps(now).encode() + b"\n"
            self.send_response(200 if now[asked] else 503)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: it is asked every few seconds."""

    return Handler


class ReadyFile:
    """A file that is there while the worker is ready, and is touched while it lives."""

    def __init__(self, path: str):
        # Where it is now: it is written for as long as the worker lives.
        self._path = Path(path).absolute()
        self._fails = False
        try:
            # One that is left of an earlier worker tells nothing of this one.
            self._path.unlink(missing_ok=True)
            self._path.touch()
            self._path.unlink()
        except OSError as error:
            raise CommandError(
                f"The file of --ready-file cannot be written: {error}", MISCONFIGURED
            ) from error

    def update(self, state: dict[str, Any]) -> None:
        """Let it be as the state is."""
        try:
            if state["ready"] and state["live"]:
                self._path.touch()
            else:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            # No reason to end: jobs run all the same.
            if not self._fails:
                logger.error("The file of --ready-file cannot be written: %s", error)
            self._fails = True
        else:
            self._fails = False

    def remove(self) -> None:
        """Let there be none."""
        self.update({"ready": False, "live": False})
