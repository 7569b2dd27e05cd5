"""Procrastinate: jobs in PostgreSQL, on a server of their own."""

from collections.abc import Iterable
from procrastinate import App
from procrastinate import PsycopgConnector
from taskqueue_bench.rival.change import change
from taskqueue_bench.rival.servers import postgresql_dsn


app = App(connector=PsycopgConnector(conninfo=postgresql_dsn()))


@app.task
def job(number: int) -> None:
    change(number)


def enqueue(numbers: Iterable[int]) -> None:
    """Make the tables and queue the jobs."""
    with app.open():
        app.schema_manager.apply_schema()
        job.batch_defer(*({"number": number} for number in numbers))
