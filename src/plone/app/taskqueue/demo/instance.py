"""The Zope instance of the demonstration, made anew at each run."""

from pathlib import Path
from string import Template

import secrets
import shutil
import subprocess
import sys
import zc.lockfile


#: The file by which an instance is known to be the demonstration's own.
MARK = "plone.app.taskqueue-demo"

_ZOPE_CONF = Template(
    """\
%define INSTANCE $instance
instancehome $$INSTANCE

<zodb_db main>
    mount-point /
    cache-size 30000
    <blobstorage>
        blob-dir $$INSTANCE/var/blobstorage
        <filestorage>
            path $$INSTANCE/var/Data.fs
        </filestorage>
    </blobstorage>
</zodb_db>

# Two threads of the web server process run jobs.
<product-config plone.app.taskqueue>
    threads 2
</product-config>
"""
)


class InstanceError(Exception):
    """The instance cannot be made; says what to do."""


def make_instance(folder: Path) -> str:
    """Make the instance, removing an earlier one; return the password of ``admin``.

    ``InstanceError``: something else is there, or a server runs on it.
    """
    if folder.exists():
        _remove(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    password = secrets.token_urlsafe(9)
    try:
        _make(folder, password)
    except BaseException:
        # What is left of it would look like somebody else's the next time.
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return password


def _make(folder: Path, password: str) -> None:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "Zope2.utilities.mkwsgiinstance",
            "-d",
            str(folder),
            "-u",
            f"admin:{password}",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (folder / MARK).touch()
    (folder / "etc" / "zope.conf").write_text(_ZOPE_CONF.substitute(instance=folder))


def _remove(folder: Path) -> None:
    if not (folder / MARK).exists():
        raise InstanceError(
            f"{folder} is there and was not made by this demonstration. "
            "Move it away, or name another folder."
        )
    lock_file = folder / "var" / "Data.fs.lock"
    if lock_file.exists():
        try:
            zc.lockfile.LockFile(str(lock_file)).close()
        except zc.lockfile.LockError:
            raise InstanceError(
                f"A server is running on {folder}. Stop it (Ctrl-C in its window), "
                "then run the demonstration again."
            ) from None
    shutil.rmtree(folder)
