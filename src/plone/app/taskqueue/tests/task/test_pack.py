"""The database is packed, from a job and on a real FileStorage."""

from pathlib import Path
from persistent.mapping import PersistentMapping
from plone.app.taskqueue.task.shipped.pack import pack_database
from plone.app.taskqueue.tests.task.base import ShippedTaskTestCase
from tempfile import TemporaryDirectory
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage

import pytest
import transaction


@pytest.fixture
def database(tmp_path):
    database = DB(FileStorage(str(tmp_path / "Data.fs")))
    fill(database)
    yield database
    database.close()


def fill(database):
    """Write one object twenty times."""
    with database.transaction() as connection:
        connection.root()["kept"] = PersistentMapping()
    for number in range(20):
        with database.transaction() as connection:
            connection.root()["kept"]["text"] = f"{number}" * 1000


def test_old_revisions_go_and_the_last_ones_stay(database):
    sizes = pack_database(database, 0)
    assert sizes["after"] == database.getSize() < sizes["before"] / 5
    with database.transaction() as connection:
        assert connection.root()["kept"]["text"] == "19" * 1000


def test_younger_revisions_stay_for_so_many_days(database):
    sizes = pack_database(database, 1)
    assert sizes["after"] == sizes["before"]


def test_an_open_transaction_still_reads_what_it_began_with(database):
    manager = transaction.TransactionManager()
    connection = database.open(manager)
    text = connection.root()["kept"]["text"]
    pack_database(database, 0)
    connection.cacheMinimize()
    assert connection.root()["kept"]["text"] == text
    connection.close()


class TestPack(ShippedTaskTestCase):
    def test_a_database_is_packed_by_a_job(self):
        # The layer's own is stacked on another, and such storages cannot be packed.
        main = self.layer["app"]._p_jar.db()
        folder = self.enterContext(TemporaryDirectory())
        other = DB(
            FileStorage(str(Path(folder) / "other.fs")),
            databases=main.databases,
            database_name="other",
        )
        self.addCleanup(main.databases.pop, "other")
        self.addCleanup(other.close)
        fill(other)
        self.as_owner_of_everything()
        output = self.run_task("pack", days=0.0, database="other")
        self.assertLess(output["after"], output["before"] / 5)
        self.assertEqual(output["after"], other.getSize())

    def test_a_manager_of_the_site_alone_may_not_pack(self):
        self.as_manager()
        self.assertIn(
            "User test_user_1_ may not pack the database: that takes the permission "
            "'View management screens' at /. ",
            self.error("pack"),
        )

    def test_a_database_that_there_is_not_is_refused(self):
        self.as_owner_of_everything()
        self.assertIn(
            "There is no database 'nowhere'; there are ",
            self.error("pack", database="nowhere"),
        )

    def test_days_are_checked(self):
        self.as_owner_of_everything()
        self.assertIn(
            "- days: Value is too small (-1.0)", self.error("pack", days=-1.0)
        )
