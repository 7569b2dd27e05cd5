"""The benchmark measures what it says, in sizes that tell nothing about speed."""

from pathlib import Path

import json
import subprocess
import sys


RUN = Path(__file__).parents[1] / "run.py"
#: The smallest sizes with which each part still does all that it does.
TINY = {
    "rounds": 1,
    "scaling-rounds": 1,
    "raw-seconds": 0.01,
    "isolated-jobs": 20,
    "grouped-jobs": 100,
    "work-jobs": 2,
    "together-seconds": 0.1,
    "together-jobs": 200,
    "few-jobs": 20,
    "many-jobs": 60,
    "page-rounds": 1,
}


def bench(tmp_path, *parts):
    """Run these parts and return what was written as JSON and as Markdown."""
    figures, tables = tmp_path / "figures.json", tmp_path / "tables.md"
    sizes = [word for name, size in TINY.items() for word in (f"--{name}", str(size))]
    done = subprocess.run(
        [
            *(sys.executable, RUN, "--quick", *sizes, "--only", ",".join(parts)),
            *("--json", figures, "--markdown", tables),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(figures.read_text()), tables.read_text()


def test_workers_are_compared_on_each_storage_that_several_processes_share(tmp_path):
    figures, tables = bench(tmp_path, "scaling")
    rows = figures["parts"]["scaling"]
    seen = {
        (row["storage"], row["workers"])
        for row in rows
        if row["rate"]["median"] > 0 and row["ratio_one"]["median"] > 0
    }
    assert seen >= {("ZEO", 1), ("ZEO", 2), ("ZEO", 4)}
    assert any(row["target"].startswith("2 workers") for row in figures["targets"])
    assert "| ZEO | default quota | grouped | 2 |" in tables


def test_jobs_and_producers_are_measured_beside_their_like(tmp_path):
    figures, _ = bench(tmp_path, "ideal", "together")
    parts = figures["parts"]
    assert all(row["to_ideal"]["median"] > 0 for row in parts["ideal"])
    assert {row["kind"] for row in parts["ideal"]} == {"keeps a core busy", "waits"}
    for row in parts["together"]:
        assert row["rate"]["median"] > 0
        assert ("to_control" in row) == (
            row["beside"]
            in ("a consumer of its queue, deep", "a consumer that keeps up with it")
        )


def test_pages_are_timed_in_a_site_with_few_jobs_and_in_one_with_more(tmp_path):
    figures, tables = bench(tmp_path, "pages")
    rows = figures["parts"]["pages"]
    assert len(rows) > 20
    assert all(row["few"]["median"] > 0 and row["many"]["median"] > 0 for row in rows)
    assert "| REST: jobs |" in tables
