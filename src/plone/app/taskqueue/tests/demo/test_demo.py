"""The demonstration, in processes of its own."""

from pathlib import Path
from ZODB import DB
from ZODB.FileStorage import FileStorage

import subprocess
import sys


def run_demo(folder: Path, *options: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "plone.app.taskqueue.demo", str(folder), *options],
        capture_output=True,
        text=True,
        timeout=300,
    )


def is_installed(folder: Path) -> bool:
    """Say whether the site of the demonstration has the package installed."""
    database = DB(FileStorage(str(folder / "var" / "Data.fs"), read_only=True))
    try:
        with database.transaction() as connection:
            setup = connection.root()["Application"]["Plone"].portal_setup
            version = setup.getLastVersionForProfile("plone.app.taskqueue:default")
            return version != "unknown"
    finally:
        database.close()


def test_the_demo_runs_twice_in_a_row_and_finds_the_content_as_its_jobs_left_it(
    tmp_path,
):
    folder = tmp_path / "demo"
    for _ in range(2):
        done = run_demo(folder, "--pages", "2")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "The content was read back" in done.stdout
    names = [line.split()[0] for line in (folder / "credentials.txt").open()]
    assert names == ["admin", "erin", "rui"]
    assert is_installed(folder)


def test_the_demo_removes_nothing_that_it_did_not_make(tmp_path):
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "thesis.txt").write_text("irreplaceable")
    done = run_demo(folder)
    assert done.returncode == 2
    assert "was not made by this demonstration" in " ".join(done.stdout.split())
    assert (folder / "thesis.txt").read_text() == "irreplaceable"
