"""A mail server that keeps what it is given; it speaks as much SMTP as smtplib wants."""

from email import message_from_bytes
from email import policy
from email.message import Message
from typing import Any

import queue
import socketserver
import threading


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._say("220 here")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"DATA":
                self._say("354 go on")
                self._keep()
            elif word == b"QUIT":
                self._say("221 bye")
                return
            elif word == b"RCPT" and self.server.refuses:
                self._say("550 nobody of that name")
                continue
            self._say("250 fine")

    def _keep(self) -> None:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line.removeprefix(b"."))
        text = b"".join(lines)
        self.server.received.put(message_from_bytes(text, policy=policy.default))

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class MailServer(socketserver.ThreadingTCPServer):
    """``with MailServer() as server`` listens on ``server.port`` of this machine."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.port = self.server_address[1]
        #: Messages, in the order in which they came.
        self.received: queue.Queue[Message] = queue.Queue()
        #: True for one that knows nobody whom mail could be for.
        self.refuses = False
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    def __enter__(self) -> "MailServer":
        self._thread.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()
