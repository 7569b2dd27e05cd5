"""A mail server that keeps what it gets."""

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from email.policy import default

import socketserver
import threading


class _Handler(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs that wants to be rid of a message."""

    timeout = 30

    def handle(self):
        self._answer(220, "hello")
        for line in self.rfile:
            word = line.strip().upper()
            if word == b"DATA":
                self._answer(354, "go on")
                self._keep()
            self._answer(221 if word == b"QUIT" else 250, "ok")
            if word == b"QUIT":
                return

    def _keep(self):
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line)
        message = message_from_bytes(b"".join(lines), policy=default)
        self.server.messages.append(message)

    def _answer(self, code, text):
        self.wfile.write(b"%d %s\r\n" % (code, text.encode()))


@contextmanager
def mail_server() -> Iterator[tuple[int, list[Message]]]:
    """Yield the port of a mail server, and the list of messages that it has got."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.messages = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], server.messages
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
