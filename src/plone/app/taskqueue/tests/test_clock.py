"""One time for all hosts: what a process makes of the times of its commits."""

from plone.app.taskqueue import clock
from types import SimpleNamespace

import pytest


class Host:
    """A host whose clocks the test moves, and whose commits it answers."""

    def __init__(self) -> None:
        #: How far its own clock is ahead of the true time.
        self.ahead = 0.0
        self.true = 1_000_000.0

    def commit(self, shown: float | None = None, seconds: float = 0.0) -> None:
        """Commit for so many seconds; the database shows the true time halfway."""
        before, began = clock.host_now(), clock.monotonic()
        self.true += seconds / 2
        committed = self.true if shown is None else shown
        self.true += seconds / 2
        clock.compare(committed, before, began)


@pytest.fixture
def host(monkeypatch):
    clock.reset()
    host = Host()
    clocks = SimpleNamespace(
        time=lambda: host.true + host.ahead, monotonic=lambda: host.true
    )
    monkeypatch.setattr(clock, "time", clocks)
    yield host
    clock.reset()


@pytest.mark.parametrize("ahead", [300.0, -300.0])
def test_the_time_is_that_of_the_database_once_its_clock_was_seen_to_run(host, ahead):
    host.ahead = ahead
    host.commit()
    assert clock.is_doubtful()
    assert clock.now() == host.true + ahead
    host.true += clock.TOLERANCE
    host.commit()
    assert not clock.is_doubtful()
    assert clock.now() == host.true
    assert clock.host_now() == host.true + ahead


def test_a_clock_that_is_nearly_right_is_left_alone(host):
    host.ahead = 0.9
    for _ in range(3):
        host.commit()
        assert not clock.is_doubtful()
        host.true += 10
    assert clock.now() == host.true + 0.9


def test_a_database_whose_clock_stands_still_is_not_followed(host):
    for _ in range(5):
        host.commit(shown=2_000_000.0)
        assert clock.now() == host.true
        host.true += 10
    assert not clock.is_doubtful()


def test_a_database_whose_clock_is_put_back_and_so_stands_is_followed_no_longer(host):
    host.ahead = 300
    for _ in range(2):
        host.commit()
        host.true += 10
    assert clock.now() == host.true
    last = host.true
    for _ in range(2):
        host.commit(shown=last)
        host.true += 10
    assert clock.now() == host.true + 300


def test_a_host_that_is_set_right_is_followed_too(host):
    host.ahead = 300
    for _ in range(2):
        host.commit()
        host.true += 10
    host.ahead = 0
    for _ in range(2):
        host.commit()
        host.true += 10
    assert clock.now() == host.true


def test_a_commit_that_took_long_or_was_frozen_tells_nothing_wrong(host):
    host.commit()
    host.true += 10
    host.commit(seconds=120)
    assert clock.now() == host.true
    assert not clock.is_doubtful()


def test_quick_commits_in_a_row_are_believed_as_soon_as_they_are_far_enough_apart(host):
    host.ahead = 40
    for _ in range(12):
        host.commit()
        host.true += clock.TOLERANCE / 10
    assert clock.now() == host.true


def test_nothing_is_learnt_while_a_test_holds_the_clock(host):
    clock.freeze(5.0)
    host.commit()
    host.true += 10
    host.commit()
    assert clock.now() == 5.0
    clock.reset()
    assert clock.now() == host.true


def test_the_log_says_which_way_the_clock_is_wrong(host, caplog):
    host.ahead = 300
    for _ in range(3):
        host.commit()
        host.true += 10
    assert [record.getMessage() for record in caplog.records] == [
        "The clock of this host is 300 seconds ahead of that of the database, which "
        "jobs go by. Set the clocks of all machines by NTP."
    ]
