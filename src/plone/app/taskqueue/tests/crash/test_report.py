"""The table of what came of all the killing."""

from plone.app.taskqueue.tests.crash import report

import json


class _Terminal:
    def __init__(self):
        self.lines = []

    def section(self, title):
        self.lines.append(title)

    write_line = section


def _print(monkeypatch, *rows):
    monkeypatch.setattr(report, "_rows", list(rows))
    terminal = _Terminal()
    report.pytest_terminal_summary(terminal)
    return terminal.lines


def test_it_tells_of_each_test_and_of_all(monkeypatch, tmp_path):
    monkeypatch.setenv("TASKQUEUE_CRASH_JSON", str(tmp_path / "figures.json"))
    lines = _print(
        monkeypatch,
        report.Row("test_one", "zeo", 2, 10, 0, 1, (1.0, 2.0)),
        report.Row("test_two", "postgresql", 1, 5, 3, 0, (6.0,)),
    )
    assert lines[3:] == [
        "| zeo | one | 2 | 10 | 0 | 1 | 1.5 | 2.0 |",
        "| postgresql | two | 1 | 5 | 3 | 0 | 6.0 | 6.0 |",
        "|  | all | 3 | 15 | 3 | 1 | 2.0 | 6.0 |",
    ]
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert [each["lost"] for each in figures] == [0, 3]


def test_it_is_silent_where_nobody_was_killed(monkeypatch):
    assert _print(monkeypatch, report.Row("test", "zeo", 0, 1, 0, 0, ())) == []
