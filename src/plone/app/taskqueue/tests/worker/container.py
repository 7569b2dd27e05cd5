"""A worker as process 1 of a namespace of its own, as in a container."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from plone.app.taskqueue.tests.worker.instance import COMMAND
from plone.app.taskqueue.tests.worker.instance import Instance
from plone.app.taskqueue.tests.worker.instance import logged
from plone.app.taskqueue.tests.worker.instance import Worker

import os
import pytest
import shutil
import signal
import subprocess


_UNSHARE = ["unshare", "--user", "--map-root-user", "--pid", "--mount-proc", "--fork"]


class Container:
    """The worker, and its processes as others see them."""

    def __init__(self, worker: Worker):
        self.worker = worker
        outside = worker.process.pid
        worker.read_until("starts")
        [self.first] = _words(Path(f"/proc/{outside}/task/{outside}/children"))
        self._namespace = os.readlink(f"/proc/{self.first}/ns/pid")

    def pid(self, inside: int) -> int:
        """Return what others call the process that calls itself so."""
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                if os.readlink(status.parent / "ns" / "pid") == self._namespace:
                    [line] = [
                        each
                        for each in status.read_text().splitlines()
                        if each.startswith("NSpid:")
                    ]
                    if int(line.split()[-1]) == inside:
                        return int(status.parent.name)
            except OSError:
                # It ended meanwhile, or is nobody's whom we may look at.
                continue
        raise AssertionError(f"There is no process {inside}.")

    def signal(self, number: int) -> None:
        """Send a signal to process 1, as a container's engine does."""
        os.kill(self.first, number)


def _words(path: Path) -> list[int]:
    return [int(word) for word in path.read_text().split()]


@contextmanager
def in_container(instance: Instance, *arguments: str) -> Iterator[Container]:
    """Run ``taskqueue worker`` so; all its processes end with the block."""
    if (
        shutil.which("unshare") is None
        or subprocess.run([*_UNSHARE, "true"]).returncode
    ):
        pytest.skip("needs unshare, and the right to make namespaces")
    conf = str(instance.zope_conf)
    with logged([*_UNSHARE, *COMMAND, "worker", "-C", conf, *arguments]) as worker:
        container = Container(worker)
        try:
            yield container
        finally:
            if worker.process.poll() is None:
                # All others end with the first.
                os.kill(container.first, signal.SIGKILL)
