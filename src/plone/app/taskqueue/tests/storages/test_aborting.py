"""What a transaction that failed had written is gone, whatever comes after it."""

from persistent.mapping import PersistentMapping
from plone.app.taskqueue.tests.storages.homes import EVERYWHERE
from plone.app.taskqueue.tests.storages.homes import WITH_HISTORY
from transaction import TransactionManager
from ZODB import DB
from ZODB.POSException import ConflictError

import pytest


STORAGES = {
    name: make
    for name, make in {**EVERYWHERE, **WITH_HISTORY}.items()
    if name != "demo"  # No two processes share one.
}


@pytest.fixture
def clients(home):
    """Two connections of two processes, as far as the storage knows."""
    databases = [DB(home()) for _ in range(2)]
    yield [database.open(TransactionManager()) for database in databases]
    for database in databases:
        database.close()


@pytest.mark.parametrize("other_writes", [["read"], ["read", "written"]])
def test_nothing_of_a_transaction_that_failed_comes_with_the_next(
    other_writes, clients
):
    one, other = clients
    for name in ("read", "written", "next"):
        one.root()[name] = PersistentMapping()
    one.transaction_manager.commit()
    other.transaction_manager.begin()
    one.root()["written"]["by one"] = 1
    one.readCurrent(one.root()["read"])
    for name in other_writes:
        other.root()[name]["by other"] = 1
    other.transaction_manager.commit()

    with pytest.raises(ConflictError):
        one.transaction_manager.commit()
    one.transaction_manager.abort()
    one.root()["next"]["by one"] = 1
    one.transaction_manager.commit()

    other.transaction_manager.begin()
    assert "by one" not in other.root()["written"]
    assert "by one" in other.root()["next"]
