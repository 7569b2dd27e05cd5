"""Write the versions of constraints.txt, for buildout, into versions.cfg.

constraints.txt is the one place where versions are pinned.  Called with
``--check`` this writes nothing and fails if the two files disagree.
"""

from pathlib import Path

import argparse
import sys


ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
VERSIONS = ROOT / "versions.cfg"

HEADER = """\
# Written by scripts/versions.py from constraints.txt; change it there.
[versions]
"""


def read_pins(text: str) -> list[tuple[str, str]]:
    """Return the (name, version) pairs of a constraints file, in its order."""
    pins: dict[str, tuple[str, str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.partition("#")[0].strip()
        if not line:
            continue
        name, separator, version = line.partition("==")
        if not separator:
            raise SystemExit(f"{CONSTRAINTS.name}:{number}: not name==version: {line}")
        key = name.lower().replace("_", "-").replace(".", "-")
        if key in pins:
            raise SystemExit(f"{CONSTRAINTS.name}:{number}: {name} is pinned twice")
        pins[key] = (name, version)
    return list(pins.values())


def render(pins: list[tuple[str, str]]) -> str:
    """Return the text of versions.cfg."""
    lines = [f"{name} = {version}\n" for name, version in pins]
    return HEADER + "".join(sorted(lines, key=str.lower))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="only tell whether the files agree"
    )
    check = parser.parse_args().check
    wanted = render(read_pins(CONSTRAINTS.read_text(encoding="utf-8")))
    found = VERSIONS.read_text(encoding="utf-8") if VERSIONS.exists() else ""
    if wanted == found:
        return 0
    if check:
        print(
            "versions.cfg disagrees with constraints.txt: run make versions",
            file=sys.stderr,
        )
        return 1
    VERSIONS.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
