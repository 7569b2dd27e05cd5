"""The examples of the how-to that starts workers are understood by whom they are for."""

from pathlib import Path
from plone.app.taskqueue.command.main import parser
from plone.app.taskqueue.tests.docs.pages import read_blocks

import configparser
import json
import pytest
import re
import shutil
import subprocess


PAGE = Path(__file__).parents[6] / "docs" / "how-to" / "workers.md"
_FOLDER = "/srv/plone"


def example(language: str, beginning: str) -> str:
    """Return the one block of the page that begins so."""
    [text] = [
        block.text
        for block in read_blocks(PAGE)
        if block.language == language and block.text.startswith(beginning)
    ]
    return text


def section(text: str, name: str) -> configparser.SectionProxy:
    read = configparser.ConfigParser(interpolation=None, strict=False)
    read.read_string(text)
    return read[name]


def commands() -> list[str]:
    """Return all command lines by which the page starts workers."""
    unit = section(example("ini", "[Unit]"), "Service")
    program = section(example("ini", "[program:"), "program:taskqueue")
    image = example("dockerfile", "FROM")
    pod = example("yaml", "containers:")
    found = [
        unit["ExecStart"].split(),
        program["command"].split(),
        json.loads(re.search(r"^CMD (.*)$", image, re.M)[1]),
        json.loads(re.search(r"args: (.*)$", pod, re.M)[1]),
    ]
    for block in read_blocks(PAGE):
        if block.language == "shell":
            found += [
                line.replace("'", "").split()
                for line in block.text.splitlines()
                if "taskqueue worker" in line
            ]
    return found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_the_command_line_is_understood(words):
    assert words[0].rpartition("/")[2] == "taskqueue"
    assert parser().parse_args(words[1:]).call


def test_systemd_accepts_the_unit(tmp_path):
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("needs systemd-analyze: apt install systemd")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "taskqueue"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "plone-worker.service"
    unit.write_text(example("ini", "[Unit]").replace(_FOLDER, str(tmp_path)))
    done = subprocess.run(
        [verify, "verify", "--man=no", str(unit)], capture_output=True, text=True
    )
    # It also speaks of other units of the machine.
    told = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, told) == (0, [])
