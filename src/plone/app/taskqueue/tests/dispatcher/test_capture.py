"""The log lines of a job: what its own thread logs while it runs."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import capture
from plone.app.taskqueue.tests.engine import Threads
from plone.app.taskqueue.tests.functions import Quitter
from plone.app.taskqueue.tests.functions import Sub

import logging
import pytest


logger = logging.getLogger("my.addon")


@pytest.fixture(autouse=True)
def information_is_logged(caplog):
    caplog.set_level(logging.INFO)


def texts(run):
    return [text for _, _, _, text in run.lines]


def test_lines_tell_when_how_grave_where_and_what(run):
    clock.freeze(1_000)
    with run:
        logger.info("%d of %d", 3, 4)
        clock.advance(1)
        logging.getLogger("other").error("gone")
    assert run.lines == (
        (1_000, logging.INFO, "my.addon", "3 of 4"),
        (1_001, logging.ERROR, "other", "gone"),
    )
    assert all(type(text) is str for text in texts(run))


def test_only_lines_of_the_runs_own_thread_and_time_are_kept(make_run):
    outer, inner = make_run(), make_run()
    logger.info("before")
    with outer:
        logger.info("one")
        threads = Threads()
        threads.start(logger.info, "another thread")
        threads.join()
        with inner:
            logger.info("inside")
        logger.info("two")
    logger.info("after")
    assert texts(outer) == ["one", "two"]
    assert texts(inner) == ["inside"]


def test_what_the_engine_logs_is_not_the_jobs(run):
    with run:
        logging.getLogger("plone.app.taskqueue.dispatcher").info("ours")
        logging.getLogger("plone.app.taskqueue").info("ours")
        logging.getLogger("plone.app.taskqueues").info("another package's")
    assert texts(run) == ["another package's"]


def test_what_a_logger_leaves_out_is_not_kept(run, caplog):
    caplog.set_level(logging.WARNING, logger.name)
    with run:
        logger.info("too small")
        logger.warning("large enough")
    assert texts(run) == ["large enough"]


def test_the_last_two_hundred_lines_are_kept_and_the_others_counted(run):
    with run:
        for number in range(200):
            logger.info("line %d", number)
        assert (run.lines[0][3], run.dropped) == ("line 0", 0)
        for number in range(200, 250):
            logger.info("line %d", number)
    assert texts(run) == [f"line {number}" for number in range(50, 250)]
    assert run.dropped == 50


def test_long_lines_are_cut(run):
    with run:
        logger.info("x" * 500)
        logger.info("x" * 501)
        logging.getLogger("n" * 200).info("text")
    assert texts(run)[:2] == ["x" * 500, "x" * 499 + "…"]
    assert run.lines[2][2] == "n" * 100


def test_the_error_that_is_logged_is_told_in_the_line(run):
    with run:
        try:
            {}["key"]
        except KeyError:
            logger.exception("Nothing there.")
    assert texts(run) == ["Nothing there. (KeyError: 'key')"]


class Unshowable:
    """Raises what it is given when it is shown."""

    def __init__(self, error):
        self.error = error

    def __str__(self):
        raise self.error

    __repr__ = __str__


def recurse():
    class Endless:
        def __str__(self):
            return str(self)

    return Endless()


@pytest.mark.parametrize(
    "arguments",
    [
        ("%d items", "many"),
        ("%s and %s", 1),
        ("nothing to fill in", 1, 2),
        ("%s", Unshowable(ValueError("no"))),
        ("%s", Unshowable(SystemExit("no"))),
        (Unshowable(RuntimeError("no")),),
        ("%s", recurse()),
    ],
)
def test_a_record_that_cannot_be_shown_is_left_out_and_raises_nothing(run, arguments):
    # As if there was no other handler: some of these would raise by themselves.
    record = logging.LogRecord(
        "my.addon", 20, "", 0, *arguments[:1], arguments[1:], None
    )
    with run:
        capture._Installed.handler.handle(record)
        logger.info("well")
    assert texts(run) == ["well"]


def test_a_logged_error_that_cannot_be_shown_raises_nothing(run):
    error = Quitter()
    record = logging.LogRecord(
        "my.addon", 40, "", 0, "text", (), (Quitter, error, None)
    )
    with run:
        capture._Installed.handler.handle(record)
    assert run.lines == ()


def test_a_line_keeps_nothing_but_text(run):
    with run:
        logger.info(Sub("text"))
    [(_, level, name, text)] = run.lines
    assert (type(level), type(name), type(text)) == (int, str, str)


def test_other_handlers_get_every_record_as_before(run, caplog):
    with run:
        logger.info("%s", ["argument"])
    [record] = caplog.records
    assert record.args == (["argument"],)
    assert record.name == "my.addon"


def test_there_is_one_handler_however_many_runs_there_were(make_run):
    for _ in range(3):
        with make_run():
            pass
    ours = [each for each in logging.root.handlers if type(each) is capture._Handler]
    assert len(ours) == 1


def test_a_warning_that_no_handler_would_get_is_written_where_logging_writes_it(
    run, monkeypatch, capsys
):
    with run:
        monkeypatch.setattr(logging.root, "handlers", [capture._Installed.handler])
        logger.info("too small")
        logger.warning("heard")
        monkeypatch.setattr(logger, "handlers", [logging.NullHandler()])
        logger.warning("swallowed on purpose")
    monkeypatch.undo()
    assert capsys.readouterr().err == "heard\n"
    assert texts(run) == ["too small", "heard", "swallowed on purpose"]
