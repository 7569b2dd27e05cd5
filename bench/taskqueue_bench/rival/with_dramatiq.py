"""Dramatiq: its Redis broker with the middleware that it has by default."""

from collections.abc import Iterable
from dramatiq.brokers.redis import RedisBroker
from taskqueue_bench.rival.change import change
from taskqueue_bench.rival.servers import redis_url

import dramatiq


dramatiq.set_broker(RedisBroker(url=redis_url(2)))


@dramatiq.actor
def job(number: int) -> None:
    change(number)


def enqueue(numbers: Iterable[int]) -> None:
    for number in numbers:
        job.send(number)
