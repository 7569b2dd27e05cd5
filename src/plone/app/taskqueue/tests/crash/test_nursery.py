"""What the processes of a test say reaches it, whatever else they print."""

from plone.app.taskqueue.tests.crash import nursery as module

import pytest


_NOTICE = "append 'WARNING:  terminating connection because of immediate shutdown'"


def test_what_a_library_prints_does_not_reach_the_test(nursery):
    process = nursery.start("print", text=_NOTICE)
    nursery.hear("printed", pid=process)

    assert nursery.written() == _NOTICE + "\n"


@pytest.mark.parametrize("line", [_NOTICE, "[]", "{}", "\xe4"])
def test_a_line_that_is_no_event_hides_none_and_is_told_of_when_one_is_missing(
    line, nursery, monkeypatch
):
    process = nursery.start("print", text=line, to_test=True)
    nursery.hear("printed", pid=process)
    monkeypatch.setattr(module, "DEADLINE", 0)

    with pytest.raises(AssertionError) as raised:
        nursery.hear("printed", pid=process)
    printed = (line + "\n").encode()
    assert f"Somebody printed {printed!r}." in str(raised.value)


def test_a_process_that_has_failed_is_told_of_when_an_event_is_missing(
    nursery, monkeypatch
):
    process = nursery.start("print")
    nursery.hear("ended", child=process)
    monkeypatch.setattr(module, "DEADLINE", 0)

    with pytest.raises(AssertionError, match=rf"Process {process} failed \(1\)\."):
        nursery.hear("printed")


def test_nobody_waits_for_what_cannot_come_any_more(nursery):
    nursery.close()

    with pytest.raises(AssertionError, match="The process that starts the others"):
        nursery.hear("printed")
