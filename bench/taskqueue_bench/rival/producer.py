"""Queue jobs in one of the other queues: ``python -m ... MODULE COUNT``."""

from importlib import import_module

import sys


def main() -> None:
    module, count = sys.argv[1:]
    import_module(f"{__package__}.{module}").enqueue(range(int(count)))


if __name__ == "__main__":
    main()
