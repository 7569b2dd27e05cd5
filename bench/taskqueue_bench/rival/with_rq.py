"""RQ: jobs that leave nothing behind, for the worker that does not fork for each."""

from collections.abc import Iterable
from redis import Redis
from rq import Queue
from taskqueue_bench.rival.change import change
from taskqueue_bench.rival.servers import redis_url


#: The worker reads this.
REDIS_URL = redis_url(3)
#: Seconds: a job of the next round waits for its turn.
_TIMEOUT = 3_600


def enqueue(numbers: Iterable[int]) -> None:
    queue = Queue(connection=Redis.from_url(REDIS_URL))
    queue.enqueue_many(
        Queue.prepare_data(change, (number,), timeout=_TIMEOUT, result_ttl=0)
        for number in numbers
    )
