"""How much memory a process has."""

from pathlib import Path

import os
import subprocess


_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(pid: int) -> int | None:
    """Return the bytes of memory that are the process's now; ``None``: it is gone."""
    try:
        # Where there is such a file system it costs nothing.
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return None if Path("/proc/self").exists() else _asked(pid)


def _asked(pid: int) -> int | None:
    done = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True
    )
    text = done.stdout.strip()
    return int(text) * 1024 if text.isdigit() else None
