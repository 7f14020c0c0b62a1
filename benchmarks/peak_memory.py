"""Peak memory of one step in a process of its own: `python -m benchmarks.peak_memory STEP CATALOG SCHEMAS FOLDER COUNT
TIMES` prints JSON.
"""

import json
import resource
import subprocess
import sys
from pathlib import Path

STEPS = ("imports only", "AudioExampleGen", "Transform")


def measure(step: str, catalog: Path, schemas: Path, folder: Path, count: int, times: int) -> dict[str, float]:
    """Run `main` in a child.

    Returns
    -------
    ``peak_mib`` : largest resident set, MiB; ``audio_s`` : seconds of audio in the input
    """
    words = [step, str(catalog), str(schemas), str(folder), str(count), str(times)]
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.peak_memory", *words], check=True, capture_output=True, text=True
    )
    result: dict[str, float] = json.loads(child.stdout.splitlines()[-1])
    return result


def main(step: str, catalog: str, schemas: str, folder: str, count: str, times: str) -> None:
    """Do `step` on `count` recordings in `times` rows each, and print what it took."""
    from benchmarks.one_thread import pin_to_one_processor

    pin_to_one_processor()
    from benchmarks.ingest_work import ingest, quiet_libraries, some_recordings, transform

    quiet_libraries()
    place = Path(folder)
    library = some_recordings(Path(catalog), Path(schemas), place / "library", int(count), int(times))
    if step == "AudioExampleGen":
        ingest(library, "all", place / "ingest")
    elif step == "Transform":
        transform(library, place / "transform", 0)
    print(json.dumps({"peak_mib": peak_mib(), "audio_s": library.audio_s}))


def peak_mib() -> float:
    """Largest resident set of this process so far, MiB.

    On Linux from ``/proc``: ``ru_maxrss`` lives through ``exec`` and would hold what the parent had when it made this
    process.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / (1 << 10)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    main(*sys.argv[1:])
