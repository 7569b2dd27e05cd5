"""Requests and their answers as files, for the documentation.

What differs from run to run is replaced: ids by small numbers in the order in which they
come, and times by those that a job of half an hour ago would have.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import json
import os
import re


FOLDER = Path(__file__).parents[6] / "docs" / "reference" / "http-examples"

#: Variable of the environment that says that the files are to be written.
VARIABLE = "TASKQUEUE_RECORD"

_BASE = "2026-01-31T12:"
_ZONE = "+00:00"
#: Minutes and seconds by the names of the values.
_TIMES = {
    "created": "00:00",
    "queued": "00:00",
    "oldest": "00:00",
    "started": "00:01",
    "began": "00:01",
    "finished": "00:03",
    "completed": "00:03",
    "failed": "00:03",
    "cancelled": "00:03",
    "seen": "00:04",
    "due": "59:00",
}
#: What else differs, by the names of the values.
_VALUES = {
    "number": 7,
    "pid": 4711,
    "host": "worker.example.org",
    "seconds": 2.0,
    "code": "my.addon 1.0",
    "traceback": "Traceback (most recent call last):\n…",
}
#: Names that mean more to readers than those of the tests.
_WORDS = {
    "test_user_1_": "siteadmin",
    "test-folder": "news",
    "Test folder": "News",
    "plone.app.taskqueue.tests.funcs:addNumbers": "my.addon.jobs:add_numbers",
    "plone.app.taskqueue.tests.funcs:failingJob": "my.addon.jobs:send_newsletter",
    "FooBared": "The mail server does not answer.",
    '"/plone/': '"/Plone/',
}
#: References of jobs: numbers of so many digits.
_REFERENCE = re.compile(r"\b[0-9]{10,19}\b")
_UUID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


class Recorder:
    """Compares examples with the files, or writes these if ``VARIABLE`` is set."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers: dict[str, str] = {}
        self.names: set[str] = set()
        self.different: list[str] = []

    def record(
        self,
        name: str,
        method: str,
        path: str,
        body: Any,
        answer: Any,
        shorten: Callable[[Any], Any],
    ) -> None:
        """Keep a request and its answer under a name."""
        lines = [f"{method} /Plone{path} HTTP/1.1", "Host: localhost:8080"]
        lines += ["Accept: application/json"]
        lines += ["Authorization: Basic c2l0ZWFkbWluOmNvcnJlY3QtaG9yc2U="]
        if body is not None:
            lines += ["Content-Type: application/json", "", _dump(body)]
        self._keep(f"{name}.req", "\n".join(lines))
        lines = [f"HTTP/1.1 {answer.response.status}"]
        lines += [
            f"{header}: {answer.headers[header]}"
            for header in ("Content-Type", "Location")
            if answer.headers.get(header)
        ]
        if answer.response.body:
            lines += ["", _dump(_steady(shorten(answer.json)))]
        self._keep(f"{name}.resp", "\n".join(lines))

    def _keep(self, name: str, text: str) -> None:
        text = _REFERENCE.sub(self._number, text)
        text = _UUID.sub("5a1d0e0c9f6b4b6f8f9c2d3e4f506172", text)
        text = text.replace(self._url, "http://localhost:8080/Plone")
        for word, other in _WORDS.items():
            text = text.replace(word, other)
        text += "\n"
        self.names.add(name)
        path = FOLDER / name
        if os.environ.get(VARIABLE):
            FOLDER.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            self.different.append(f"{name} is not:\n{text}")

    def _number(self, found: re.Match) -> str:
        return self._numbers.setdefault(found[0], str(1001 + len(self._numbers)))


def _dump(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _steady(value: Any, name: str = "", number: int = 0) -> Any:
    """Return the same with times, and what else differs, replaced by their names."""
    if isinstance(value, list):
        return [_steady(each, name, number) for number, each in enumerate(value)]
    if not isinstance(value, dict):
        if value is None:
            return None
        if name == "next" and not value.startswith("http"):
            return f"2026-02-{number + 1:02}T02:00:00{_ZONE}"
        if name in _TIMES and isinstance(value, str):
            return f"{_BASE}{_TIMES[name]}{_ZONE}"
        return _VALUES.get(name, value)
    found = {each: _steady(value[each], each, number) for each in value}
    if "what" in found:
        found["when"] = f"{_BASE}{_TIMES[found['what']]}{_ZONE}"
    if "since" in found:
        for each, end in (("since", number), ("until", number + 1)):
            passed = f"{end:02}:00" if name == "last_day" else f"12:{end * 5:02}"
            found[each] = f"2026-01-31T{passed}:00{_ZONE}"
    if "threads" in found:
        found["id"] = "1f0c2a9b"
    return found
