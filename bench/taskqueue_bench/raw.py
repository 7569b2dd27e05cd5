"""The raw rate: how often one small object can be changed and committed."""

from persistent import Persistent
from taskqueue_bench.processes import Node
from taskqueue_bench.processes import Process

import threading
import time
import transaction


class Counter(Persistent):
    """A record of some twenty bytes beside its class."""

    value = 0


def prepare(node: Node, names: list[str]) -> None:
    """Make a counter for each name, so that nobody has to share one."""
    with node.manager:
        for name in names:
            node.connection.root()[name] = Counter()


def commits(node: Node, name: str, seconds: float, at: float = 0.0) -> float:
    """Change one counter for so long; return commits per second.

    Begins at ``at`` on the clock that all processes share.
    """
    node.manager.begin()
    return _commits(node.connection.root()[name], node.manager, seconds, at)


def _commits(
    counter: Counter, manager: transaction.TransactionManager, seconds: float, at: float
) -> float:
    time.sleep(max(0, at - time.monotonic()))
    count = 0
    start = time.perf_counter()
    while (now := time.perf_counter()) < start + seconds:
        manager.begin()
        counter.value += 1
        manager.commit()
        count += 1
    return count / (now - start)


def one_commit(node: Node, name: str) -> float:
    """Change one counter once; return the seconds that took."""
    start = time.perf_counter()
    node.manager.begin()
    node.connection.root()[name].value += 1
    node.manager.commit()
    return time.perf_counter() - start


def commits_in_threads(node: Node, names: list[str], seconds: float) -> float:
    """Do the same in a thread for each name; return the sum of their rates."""
    rates = []
    at = time.monotonic() + 0.05

    def measure(name: str) -> None:
        manager = transaction.TransactionManager()
        connection = node.db.open(manager)
        rates.append(_commits(connection.root()[name], manager, seconds, at))
        connection.close()

    threads = [threading.Thread(target=measure, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(rates)


def commits_in_processes(
    processes: list[Process], names: list[str], seconds: float
) -> float:
    """Do the same in all processes at once; return the sum of their rates."""
    at = time.monotonic() + 0.05
    for process, name in zip(processes, names, strict=True):
        process.begin(commits, name, seconds, at)
    return sum(process.result() for process in processes)
