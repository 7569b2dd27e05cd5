"""Celery: the pool that runs jobs in the worker's own process; results are not kept."""

from celery import Celery
from collections.abc import Iterable
from taskqueue_bench.rival.change import change
from taskqueue_bench.rival.servers import redis_url


app = Celery("bench", broker=redis_url(1, "redis+socket", "virtual_host"))
app.conf.task_ignore_result = True
app.conf.broker_connection_retry_on_startup = True


@app.task
def job(number: int) -> None:
    change(number)


def enqueue(numbers: Iterable[int]) -> None:
    for number in numbers:
        job.delay(number)
