"""The test's side of ``worker_process``: orders, events and deaths."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time


#: Seconds after which what was awaited will not come any more.
DEADLINE = 90


#: What a rescuer says: whose jobs it has taken, and how many.
_RESCUED = re.compile(r"\(process (\d+) on .*\) has given .* (\d+) of its jobs")


class Nursery:
    """Starts processes and hears what they say."""

    def __init__(self, log: Path, environment: Mapping[str, str] | None = None):
        self._log = log
        self._changed = threading.Condition()
        self._events: list[dict] = []
        self._heard: dict[str, list[dict]] = {}
        self._foreign: list[bytes] = []
        self._is_over = False
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "plone.app.taskqueue.tests.crash.worker_process",
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=environment,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            with self._changed:
                try:
                    event = json.loads(line)
                    self._heard.setdefault(event["event"], []).append(event)
                    self._events.append(event)
                except (ValueError, TypeError, KeyError):
                    # Somebody has printed it; what others say is heard all the same.
                    self._foreign.append(line)
                self._changed.notify_all()
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def close(self) -> None:
        """End all of them."""
        self._process.stdin.close()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def written(self) -> str:
        """Return what they have written to stderr."""
        return self._log.read_text()

    def start(self, role: str, **details: Any) -> int:
        """Start a process and return its id; what it says comes later."""
        order = json.dumps({"role": role, **details})
        self._process.stdin.write(order.encode() + b"\n")
        self._process.stdin.flush()
        return self.hear("started")["child"]

    def hear(self, event: str, **details: Any) -> dict:
        """Wait for the first such event that no call returned before."""
        deadline = time.monotonic() + DEADLINE
        with self._changed:
            while True:
                for index, heard in enumerate(self._events):
                    if heard["event"] == event and details.items() <= heard.items():
                        return self._events.pop(index)
                left = deadline - time.monotonic()
                if self._is_over or left <= 0 or not self._changed.wait(left):
                    raise AssertionError(self._why_not(event, details))

    def _why_not(self, event: str, details: dict) -> str:
        failed = [
            f"Process {ended['child']} failed ({ended['status']})."
            for ended in self._heard.get("ended", ())
            if ended["status"] not in (0, -signal.SIGKILL)
        ]
        if self._is_over:
            failed.append("The process that starts the others has ended.")
        printed = [f"Somebody printed {line!r}." for line in self._foreign]
        return "\n".join(
            [
                f"No {event!r} with {details!r} came.",
                *failed,
                *printed,
                "They wrote:",
                self.written()[-6000:],
            ]
        )

    def heard(self, event: str) -> dict | None:
        """Return the first such event that no call returned before, if there is one."""
        with self._changed:
            for index, heard in enumerate(self._events):
                if heard["event"] == event:
                    return self._events.pop(index)
        return None

    def all_heard(self, event: str) -> list[dict]:
        """Return all such events up to now."""
        with self._changed:
            return list(self._heard.get(event, ()))

    def kills(self) -> dict[int, float]:
        """Return when each process ended that somebody has killed, by its id."""
        return {
            event["child"]: event["at"]
            for event in self.all_heard("ended")
            if event["status"] == -signal.SIGKILL
        }

    def recoveries(self) -> list[float]:
        """Return, for each that died with jobs, after how many seconds others had them."""
        deaths = self.kills()
        return [
            # Who was waited for may have been quicker than whoever counts the dead.
            max(0.0, event["at"] - deaths[int(found[1])])
            for event in self.all_heard("log")
            if (found := _RESCUED.search(event["message"])) is not None
            and int(found[1]) in deaths
            and int(found[2])
        ]

    # Fates

    def kill(self, pid: int) -> None:
        """kill -9, and wait until it is dead."""
        os.kill(pid, signal.SIGKILL)
        self.hear("ended", child=pid, status=-signal.SIGKILL)

    def release(self, pid: int) -> None:
        """Let go on what stands at a point."""
        os.kill(pid, signal.SIGUSR1)

    def ask_to_stop(self, pid: int) -> None:
        """Let it finish what it does and end; does not wait."""
        os.kill(pid, signal.SIGTERM)

    def stop(self, pid: int) -> None:
        """Let it finish what it does, and wait for its end."""
        self.ask_to_stop(pid)
        self.hear("ended", child=pid, status=0)
