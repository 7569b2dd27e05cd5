"""How much is measured; every figure can be given on the command line."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Sizes of one run."""

    #: Where storages are made; the disk that this is on is what is measured.
    directory: Path
    #: How often each measurement of a rate is repeated.
    rounds: int = 7
    #: Seconds of raw commits before and after each measurement.
    raw_seconds: float = 0.4
    #: Jobs of one measurement with a commit for each, and with shared commits.
    isolated_jobs: int = 600
    grouped_jobs: int = 4_000
    #: How often one, two and four workers are compared, which takes longest.
    scaling_rounds: int = 3
    #: Jobs of 20 ms that each worker has.
    work_jobs: int = 100
    #: Seconds for which a producer commits in each of its surroundings.
    together_seconds: float = 2.0
    #: Jobs that wait where a consumer has a deep queue.
    together_jobs: int = 20_000
    #: How often our queue and others take turns, and how many seconds of raw commits
    #: the jobs of a turn are worth: of others, and of ours with a commit for each.
    rival_rounds: int = 4
    rival_seconds: float = 0.5
    #: Jobs whose latency is taken.
    latency_jobs: int = 300
    #: Jobs whose bytes are counted.
    volume_jobs: int = 1_000
    #: Jobs that are queued beside workers to count conflicts.
    conflict_jobs: int = 4_000
    #: Jobs that wait while claims are timed; the first is what others relate to.
    depths: tuple[int, ...] = (1_000, 100_000, 1_000_000)
    #: Claims that are timed at each depth.
    claims: int = 25
    #: Seconds for which a worker without jobs is watched.
    idle_seconds: float = 60.0
    #: Jobs of one measurement in Plone with a commit for each, and with shared ones.
    plone_isolated_jobs: int = 150
    plone_grouped_jobs: int = 600
    #: Jobs of the two sites whose pages are timed, and how often each page is.
    few_jobs: int = 1_000
    many_jobs: int = 1_000_000
    page_rounds: int = 7

    @classmethod
    def quick(cls, directory: Path) -> "Settings":
        """Return settings for a look that takes a minute or two."""
        return cls(
            directory,
            rounds=3,
            raw_seconds=0.2,
            isolated_jobs=200,
            grouped_jobs=1_500,
            scaling_rounds=2,
            work_jobs=50,
            together_seconds=1.0,
            together_jobs=10_000,
            rival_rounds=2,
            rival_seconds=0.2,
            latency_jobs=60,
            volume_jobs=300,
            conflict_jobs=1_000,
            depths=(1_000, 10_000, 100_000),
            claims=9,
            idle_seconds=10.0,
            plone_isolated_jobs=50,
            plone_grouped_jobs=200,
            many_jobs=20_000,
            page_rounds=3,
        )
