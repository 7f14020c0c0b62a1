"""How far a running AudioExampleGen is, from the small files that its workers leave, in whatever process they run."""

import json
from dataclasses import dataclass
from pathlib import Path

from components.audio_example_gen.executor import WORK
from components.audio_example_gen.ingest import DONE, RESULT
from components.audio_example_gen.plan import CHUNK_RECORDINGS, PLAN_FILE


@dataclass(frozen=True)
class Progress:
    """Recordings that are read or set aside, of all that the first pass let through."""

    done: int
    total: int


def progress(node_folder: Path) -> Progress | None:
    """How far the newest execution of a node is; None before its first pass is over and after its end.

    Parameters
    ----------
    node_folder : ``<pipeline root>/<node id>``.
    """
    plans = list(node_folder.glob(f".system/executor_execution/*/.temp/*/{WORK}/{PLAN_FILE}"))
    try:
        newest = max(plans, key=lambda path: path.stat().st_mtime_ns)
        total = int(json.loads(newest.read_text(encoding="utf-8"))["recordings"])
        names = {path.name for path in newest.parent.iterdir()}
        finished = sum(name.startswith(f"{RESULT}-") and name.endswith(".json") for name in names)
        begun = [
            newest.with_name(name)
            for name in names
            if name.startswith(f"{DONE}-") and name.endswith(".json") and name.replace(DONE, RESULT, 1) not in names
        ]
        partial = sum(int(path.read_text(encoding="utf-8")) for path in begun)
    except (FileNotFoundError, ValueError):  # no plan yet, or the run ended while we looked
        return None
    return Progress(min(finished * CHUNK_RECORDINGS + partial, total), total)
