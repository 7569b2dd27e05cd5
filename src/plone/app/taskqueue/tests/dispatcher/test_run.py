"""The run of a job in its thread, and what the job tells through it."""

from plone.app.taskqueue.dispatcher.current import current
from plone.app.taskqueue.dispatcher.live import find_run
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.engine import Threads

import pytest


def test_a_run_is_current_in_its_thread_while_it_lasts(run):
    seen = []
    assert current.run is None
    with run:
        assert current.run is run
        threads = Threads()
        threads.start(lambda: seen.append(current.run))
        threads.join()
    assert current.run is None
    assert seen == [None]


def test_a_run_inside_another_one_gives_the_outer_one_back(make_run):
    outer, inner = make_run(), make_run()
    with outer:
        with pytest.raises(KeyError), inner:
            assert current.run is inner
            inner.tell(1)
            raise KeyError
        assert current.run is outer
        assert outer.progress is None
    assert current.run is None


def test_a_run_that_has_told_nothing_has_nothing_to_show(run):
    with run:
        assert find_run(run.job) is None
    assert (run.lines, run.progress, run.annotations, run.dropped) == ((), None, {}, 0)


def test_what_a_run_has_told_stays_with_it_and_nobody_finds_it_any_more(run):
    with run:
        run.tell(1, 10, "one")
        run.tell(2.5, 10, "two and a half")
        run.annotate("page", 3)
        run.annotate("page", 4)
        run.annotate("names", ["a", "b"])
        assert find_run(run.job) is run
    assert run.progress == (2.5, 10, "two and a half")
    assert run.annotations == {"page": 4, "names": ["a", "b"]}
    assert find_run(run.job) is None


def test_a_run_that_fails_is_not_found_any_more(run):
    with pytest.raises(KeyError), run:
        run.tell(1)
        raise KeyError
    assert find_run(run.job) is None


def test_annotations_are_copies(run):
    names = ["a"]
    with run:
        run.annotate("names", names)
        names.append("b")
        run.annotations["names"].append("c")
        assert run.annotations == {"names": ["a"]}


@pytest.mark.parametrize(
    "told, message",
    [
        (("half",), "What is done of a progress is a number, not str"),
        ((1, "two"), "The total of a progress is a number, not str"),
        ((float("nan"),), "What is done of a progress is a finite number"),
        ((1, None, None), "The message of a progress is a string, not NoneType"),
        ((1, None, "x" * 501), "The message of a progress has 501 characters"),
    ],
)
def test_a_progress_that_is_none_is_refused_and_changes_nothing(run, told, message):
    with run:
        run.tell(1, 2, "x" * 500)
        with pytest.raises(ValueError, match=message):
            run.tell(*told)
    assert run.progress == (1, 2, "x" * 500)


def test_an_annotation_that_cannot_be_kept_is_refused_and_changes_nothing(run):
    with run:
        run.annotate("page", 1)
        for name, value, message in (
            ("page", functions.nothing, "The annotation 'page' cannot be kept"),
            ("page", "x" * 2_000, "The annotation 'page' takes"),
            (3, "value", "The name of an annotation is a string"),
            ("x" * 101, "value", "The name of an annotation has 101 characters"),
        ):
            with pytest.raises(ValueError, match=message):
                run.annotate(name, value)
    assert run.annotations == {"page": 1}


def test_more_than_fifty_names_are_refused_and_old_ones_can_still_change(run):
    with run:
        for number in range(50):
            run.annotate(f"name {number}", number)
        with pytest.raises(ValueError, match="at most 50 live annotations"):
            run.annotate("another", 1)
        run.annotate("name 49", "changed")
    assert len(run.annotations) == 50
    assert run.annotations["name 49"] == "changed"


def test_other_threads_may_annotate_and_read_while_the_run_goes_on(run):
    threads = Threads()
    with run:
        run.annotate("first", 0)

        def annotate(name):
            for number in range(300):
                run.annotate(name, number)

        def read():
            while set(run.annotations.values()) != {0, 299}:
                assert run.entry().annotations[0][0] == "first"

        threads.start(annotate, "one")
        threads.start(annotate, "two")
        threads.start(read)
        threads.join()
    assert run.annotations == {"first": 0, "one": 299, "two": 299}
