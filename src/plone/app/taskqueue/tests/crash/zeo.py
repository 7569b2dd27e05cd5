"""A ZEO server in a process of its own, which can be killed and started again."""

from pathlib import Path
from plone.app.taskqueue.tests.crash.network import free_port

import os
import resource
import signal
import socket
import subprocess
import sys
import time


#: The server must merge what needs merging without knowing a class of ours.  After SIGUSR1
#: its disk fails when it is to say that all is written.
_PROGRAM = """
import errno, os, signal, sys
sys.modules["plone.app.taskqueue"] = None
def fail(*_):
    raise OSError(errno.EIO, os.strerror(errno.EIO))
_fsync, _failing = os.fsync, []
os.fsync = lambda file: (fail if _failing else _fsync)(file)
def break_disk(*_):
    _failing.append(True)
    os.write(2, b"The disk fails.")
signal.signal(signal.SIGUSR1, break_disk)
from ZEO.runzeo import main
main(sys.argv[1:])
"""

#: What the system does to a server that is started with libkeepalive: clients that give
#: no sign for some seconds are taken to be gone.  ZEO's own time limit for transactions
#: ends the connection of such a one, and never the transaction.
_MISSING_CLIENTS = """
from socket import *
_listen = socket.listen
def listen(self, *args):
    self.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)
    for option, value in (
        (TCP_KEEPIDLE, 1), (TCP_KEEPINTVL, 1), (TCP_KEEPCNT, 2), (TCP_USER_TIMEOUT, 2000)
    ):
        self.setsockopt(IPPROTO_TCP, option, value)
    _listen(self, *args)
socket.listen = listen
"""

_WITH_BLOBS = """
<zeo>
  address {address}
</zeo>
<filestorage 1>
  path {storage}
  blob-dir {blobs}
</filestorage>
"""


class ZeoServer:
    """A server on a socket in ``folder``, whose path must be short.

    With a ``host`` it is on a port of that, and soon misses clients that vanish.  With
    ``blobs`` it keeps blobs in that folder.
    """

    def __init__(
        self,
        folder: Path,
        storage: Path,
        host: str | None = None,
        blobs: Path | None = None,
    ):
        #: As ``ClientStorage`` takes it.
        self.address: str | tuple[str, int] = str(folder / "zeo")
        self._program = _PROGRAM
        if host is not None:
            self.address = host, free_port(host)
            self._program = _MISSING_CLIENTS + _PROGRAM
        self._conf = None if blobs is None else folder / "zeo.conf"
        if blobs is not None:
            self._conf.write_text(
                _WITH_BLOBS.format(address=self.address, blobs=blobs, storage=storage)
            )
        self._storage = storage
        self._log = storage.with_suffix(".log")
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start it and return when it answers."""
        address = self.address
        if isinstance(address, tuple):
            address = f"{address[0]}:{address[1]}"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    self._program,
                    *(
                        ("-a", address, "-f", str(self._storage))
                        if self._conf is None
                        else ("-C", str(self._conf))
                    ),
                ],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()[-2000:]
            assert time.monotonic() < deadline, self._log.read_text()[-2000:]
            time.sleep(0.01)

    def _answers(self) -> bool:
        family = socket.AF_UNIX if isinstance(self.address, str) else socket.AF_INET
        with socket.socket(family) as probe:
            try:
                probe.connect(self.address)
            except OSError:
                return False
        return True

    def fill(self) -> None:
        """Let its disk be full: the storage cannot grow, but what it has can be changed.

        So disks are that change data in place.
        """
        # It may be about to change the last byte, which is to be below the limit.
        self.freeze()
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)
        self._limit(self._storage.stat().st_size)
        self.thaw()

    def fill_wholly(self) -> None:
        """Let no byte be written, as with disks that write a copy of what changes."""
        self._limit(0)

    def break_disk(self) -> None:
        """Let it fail to say that what was written is on the disk, until a new start."""
        self._process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + 60
        while b"The disk fails." not in self._log.read_bytes():
            assert time.monotonic() < deadline, self._log.read_text()[-2000:]
            time.sleep(0.01)

    def make_room(self) -> None:
        """Let files grow again."""
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        limits = size, resource.RLIM_INFINITY
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, limits)

    def freeze(self) -> None:
        """Let it answer nobody, as a machine that is paused."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End it if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
