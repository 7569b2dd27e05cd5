"""Reading ``zope.conf``: whatever is wrong with it is one sentence."""

from plone.app.taskqueue.worker.configuration import read_configuration
from plone.app.taskqueue.worker.errors import CommandError
from plone.app.taskqueue.worker.errors import MISCONFIGURED

import pytest


@pytest.mark.parametrize(
    "code", ["1 / 0", "raise KeyError('gone')", "from os import x"]
)
def test_code_of_others_that_it_imports_may_raise_what_it_likes(
    code, tmp_path, monkeypatch
):
    (tmp_path / "of_others").mkdir()
    (tmp_path / "of_others" / "__init__.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    zope_conf = tmp_path / "zope.conf"
    zope_conf.write_text("%import of_others\n")
    with pytest.raises(CommandError, match=r"zope\.conf cannot be used") as caught:
        read_configuration(str(zope_conf))
    assert caught.value.status == MISCONFIGURED
