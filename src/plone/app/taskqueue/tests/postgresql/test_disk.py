"""The disk that the database is on is full, and then it is not."""

from collections.abc import Iterator
from pathlib import Path
from plone.app.taskqueue.tests.crash import test_disk
from plone.app.taskqueue.tests.postgresql.conftest import Server
from plone.app.taskqueue.tests.storages.postgresql import PostgreSQL

import errno
import os
import pytest
import subprocess
import tempfile


# The third needs a disk that is full for the smallest commit, and PostgreSQL has some
# room in its pages.
test_jobs_wait_for_room = (
    test_disk.test_jobs_wait_for_room_on_the_disk_and_then_end_once
)
test_a_disk_that_gets_full_under_load_loses_nothing_and_repeats_nothing = (
    test_disk.test_a_disk_that_gets_full_under_load_loses_nothing_and_repeats_nothing
)

#: Megabytes of the disk; an empty database takes some ten.
_SIZE = 48


class _SmallServer(Server):
    """A database on a disk of its own; the rest of the server has room."""

    def __init__(self, postgresql: PostgreSQL, disk: Path):
        self._ballast = disk / "ballast"
        super().__init__(postgresql, disk=disk)

    def fill(self) -> None:
        """Take all the room that is left."""
        with self._ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError as error:
                assert error.errno == errno.ENOSPC

    def make_room(self) -> None:
        """Give it back."""
        self._ballast.unlink()


@pytest.fixture
def disk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tq") as folder:
        # PostgreSQL runs as another user, who must get there.
        os.chmod(folder, 0o755)
        command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}m", "tmpfs", folder]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"needs the right to mount a small disk: {done.stderr.strip()}")
        yield Path(folder)
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def server(postgresql: PostgreSQL, disk: Path) -> Iterator[_SmallServer]:
    server = _SmallServer(postgresql, disk)
    yield server
    postgresql.drop(server.name)
    postgresql.execute("DROP TABLESPACE small")
