"""A cable between worker processes and their storage, which can be cut.

The workers live in a network namespace of their own.  Cutting is silent: what is sent
gets the hardware address of nobody, and neither end of a connection is told.
"""

from collections.abc import Iterator

import contextlib
import ctypes
import os
import pathlib
import pytest
import secrets
import shutil
import socket
import subprocess
import time


#: Where the command ``ip`` keeps namespaces by name.
_NAMESPACES = pathlib.Path("/run/netns")
#: What says to ``setns`` that it is a namespace of networks.
_CLONE_NEWNET = 0x40000000
#: Seconds after which what was awaited will not come any more.
_PATIENCE = 60
#: Hardware addresses of the ends of the cable, and one of nobody.
_HERE, _THERE, _NOBODY = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"


def _ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


class Network:
    """A namespace ``name``, and a cable from it to where the tests run."""

    def __init__(self) -> None:
        # Several runs of the tests may be on one machine, and one that was killed may
        # have left its own behind.
        self.name = f"tq{os.getpid()}-{secrets.token_hex(2)}"
        net = f"10.213.{os.getpid() // 64 % 256}"
        first = os.getpid() % 64 * 4
        #: Addresses of the two ends.
        self.here, self.there = f"{net}.{first + 1}", f"{net}.{first + 2}"

    def lay(self) -> None:
        """Make it.  ``OSError``: this process may not, or the machine cannot."""
        _ip("netns", "add", self.name)
        _ip(
            *("link", "add", self.name, "address", _HERE, "type", "veth"),
            *("peer", "name", "cable", "address", _THERE, "netns", self.name),
        )
        _ip("address", "add", f"{self.here}/30", "dev", self.name)
        _ip("link", "set", self.name, "up")
        there = "-n", self.name
        _ip(*there, "address", "add", f"{self.there}/30", "dev", "cable")
        _ip(*there, "link", "set", "cable", "up")
        self.mend()

    def cut_requests(self) -> None:
        """From now on, nothing comes from the workers to the storage."""
        self._send_requests(_NOBODY)

    def cut_answers(self) -> None:
        """From now on, nothing comes from the storage to the workers."""
        self._send_answers(_NOBODY)

    def cut(self) -> None:
        """From now on, nothing comes from either to the other."""
        self.cut_requests()
        self.cut_answers()

    def mend(self) -> None:
        """Let everything through."""
        self._send_requests(_HERE)
        self._send_answers(_THERE)

    def _send_requests(self, target: str) -> None:
        _ip("-n", self.name, *_neighbour(self.here, target, "cable"))

    def _send_answers(self, target: str) -> None:
        _ip(*_neighbour(self.there, target, self.name))

    def await_loss(self) -> None:
        """Return when a worker has sent something, and has got no answer."""
        deadline = time.monotonic() + _PATIENCE
        while not self._unacknowledged():
            assert time.monotonic() < deadline, "The workers have sent nothing."
            time.sleep(0.01)

    def _unacknowledged(self) -> int:
        """Return how many bytes the workers have sent of which they heard no more."""
        lines = _ip("netns", "exec", self.name, "ss", "-Htn").splitlines()
        return sum(int(line.split()[2]) for line in lines)

    def remove(self) -> None:
        """Let nothing be left of it."""
        with contextlib.suppress(OSError):
            _ip("link", "delete", self.name)
        with contextlib.suppress(OSError):
            _ip("netns", "delete", self.name)


def _neighbour(address: str, target: str, device: str) -> tuple[str, ...]:
    return (
        *("neighbour", "replace", address, "lladdr", target),
        *("dev", device, "nud", "permanent"),
    )


def enter(name: str) -> None:
    """Let this process, which has one thread, live in that namespace."""
    with (_NAMESPACES / name).open("rb") as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "This process cannot enter", name)


def free_port(host: str) -> int:
    """Return a port of that address that nobody has now."""
    with socket.create_server((host, 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def cable() -> Iterator[Network]:
    """The one of this run: two would have the same addresses."""
    if shutil.which("ip") is None:
        pytest.skip("needs the command ip: apt install iproute2")
    network = Network()
    try:
        network.lay()
    except OSError as error:
        network.remove()
        pytest.skip(f"needs the right to make network namespaces, as root has: {error}")
    yield network
    network.remove()


@pytest.fixture
def network(cable: Network) -> Iterator[Network]:
    """The cable between the storage and the workers that are started ``afar``."""
    yield cable
    cable.mend()
