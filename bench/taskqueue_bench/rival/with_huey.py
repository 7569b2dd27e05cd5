"""Huey: a list in Redis that one thread takes from; results are not kept."""

from collections.abc import Iterable
from huey import RedisHuey
from taskqueue_bench.rival.change import change
from taskqueue_bench.rival.servers import redis_url


huey = RedisHuey("bench", results=False, url=redis_url(0))


@huey.task()
def job(number: int) -> None:
    change(number)


def enqueue(numbers: Iterable[int]) -> None:
    for number in numbers:
        job(number)
