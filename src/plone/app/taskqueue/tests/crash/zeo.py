"""A ZEO server in a process of its own, which can be killed and started again."""

from pathlib import Path

import resource
import signal
import socket
import subprocess
import sys
import time


#: The server must merge what needs merging without knowing a class of ours.
_PROGRAM = """
import sys
sys.modules["plone.app.taskqueue"] = None
from ZEO.runzeo import main
main(sys.argv[1:])
"""


class ZeoServer:
    """A server on a socket in ``folder``, whose path must be short."""

    def __init__(self, folder: Path, storage: Path):
        self.address = str(folder / "zeo")
        self._storage = storage
        self._log = folder / "zeo.log"
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start it and return when it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    _PROGRAM,
                    *("-a", self.address, "-f", str(self._storage)),
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
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(self.address)
            except OSError:
                return False
        return True

    def fill(self) -> None:
        """Let its disk be full: no file of the server can grow any more."""
        self._limit(0)

    def make_room(self) -> None:
        """Let files grow again."""
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        limits = size, resource.RLIM_INFINITY
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, limits)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End it if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
