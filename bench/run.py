"""Measure the task queue beside the raw commit rate of the same storage.

Run with ``make bench``, or ``make bench ARGS="--quick --only commits,latency"``.
"""

from taskqueue_bench.main import main


if __name__ == "__main__":
    raise SystemExit(main())
