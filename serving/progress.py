"""How far a scan is, from the files that its workers leave, in whatever process or machine they run."""

from pathlib import Path

from catalog.writing import PART
from serving.plan import RESULT, Plan


class Progress:
    """Looks at the chunks of a scan.

    Parameters
    ----------
    work : folder of the chunks
    plan : of the scan
    """

    def __init__(self, work: Path, plan: Plan) -> None:
        self._work, self._plan = work, plan
        self._waiting = set(plan.missing)
        self._finished = plan.known

    def done(self) -> int:
        """Recordings that are answered or set aside, of ``plan.recordings``."""
        under_way = 0
        for path in self._work.iterdir():
            if path.suffix == RESULT and path.stem in self._waiting:
                self._waiting.remove(path.stem)
                self._finished += self._plan.chunks[path.stem]
            elif path.suffix == PART:
                try:
                    under_way += path.read_bytes().count(b"\n")
                except FileNotFoundError:  # renamed while we looked: counted the next time
                    continue
        return min(self._finished + under_way, self._plan.recordings)
