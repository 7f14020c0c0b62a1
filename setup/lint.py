"""``python -m setup.lint``: every linter, one line each, and all that the failing ones say. Run inside ``.venv`` by
``make lint``.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINTERS = (
    ("ruff check", ("ruff", "check", "--quiet")),
    ("ruff format", ("ruff", "format", "--check", "--quiet")),
    ("mypy", ("mypy", "--no-error-summary")),
    ("lint-imports", ("lint-imports", "--no-logo", "--cache-dir", ".cache/import-linter")),
)


def main() -> int:
    """Exit status: 0 if no linter has a finding, else 1."""
    print("Lint", flush=True)
    failed = []
    for name, (program, *arguments) in LINTERS:
        start = time.monotonic()
        done = subprocess.run(
            [Path(sys.executable).parent / program, *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        verdict = "passed" if done.returncode == 0 else "FAILED"
        print(f"  {name:<14}{verdict:<58}{time.monotonic() - start:6.1f} s", flush=True)
        if done.returncode != 0:
            failed.append(name)
            print(done.stdout, flush=True)
    if failed:
        print(f"lint: {', '.join(failed)} failed", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
