"""What became of the jobs of an old service."""

from dataclasses import dataclass
from dataclasses import field


@dataclass
class Report:
    """What one call of ``move`` has done, by the ids that jobs had in the old service."""

    #: The ids that jobs have in the new one, of those that this call moved.
    moved: dict[int, int] = field(default_factory=dict)
    #: How many had been moved before.
    earlier: int = 0
    #: What a person should know of some of the moved ones.
    notes: dict[int, str] = field(default_factory=dict)
    #: Why a job could not be moved.
    refused: dict[int, str] = field(default_factory=dict)
    #: The statuses of jobs that have ended, which are not moved.
    ended: dict[int, str] = field(default_factory=dict)
    #: True if there is more to move: commit, and call again.
    more: bool = False

    def __str__(self) -> str:
        """Return it as lines for a person."""
        lines = [
            f"{len(self.moved)} jobs moved, {self.earlier} moved before, "
            f"{len(self.refused)} refused, {len(self.ended)} have ended and stay."
        ]
        lines += [
            f"Job {old} is job {new} now: its number was taken."
            for old, new in self.moved.items()
            if old != new
        ]
        lines += [f"Job {old}: {note}" for old, note in self.notes.items()]
        lines += [
            f"Job {old} was not moved: {why}" for old, why in self.refused.items()
        ]
        if self.more:
            lines.append("There are more: commit, and call again.")
        return "\n".join(lines)
