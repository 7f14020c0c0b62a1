import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from setup import machine
from setup.elf import SharedObject
from setup.shim import EXPECTED, SHIM_NAME, SHIM_SOURCE, Missing, Tools, missing, offered_versions, supply
from setup.steps import SetupError

LIBRARY, OLD, NEW = "libtuning.so.1", "TUNING_1.0", "TUNING_2.0"
ON_OLD, ON_NEW = {LIBRARY: frozenset({OLD})}, {LIBRARY: frozenset({OLD, NEW})}
EXPECTED_HERE = frozenset({("tune_cents", NEW)})

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has glibc")


def snapshot(folder):
    """Every file below `folder` with its inode, time and bytes."""
    return {p: (p.stat().st_ino, p.stat().st_mtime_ns, p.read_bytes()) for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def supply_here(synthetic, steps):
    def run(offered, expected=EXPECTED_HERE):
        source = synthetic.shim_source
        return supply(steps, synthetic.packages, offered, synthetic.tools, expected=expected, source=source)

    return run


def test_a_module_that_the_system_refuses_loads_once_it_has_the_shim(synthetic, supply_here):
    refused = synthetic.load(synthetic.root)
    assert refused.returncode != 0
    assert f"version `{NEW}' not found" in refused.stderr
    assert supply_here(ON_OLD) == (1, 1)
    assert synthetic.load(synthetic.root).stdout == "442\n"


def test_a_second_run_writes_nothing(synthetic, supply_here):
    supply_here(ON_OLD)
    before = snapshot(synthetic.packages)
    assert supply_here(ON_OLD) == (1, 0)
    assert snapshot(synthetic.packages) == before


def test_where_the_system_offers_all_nothing_is_built_or_changed(synthetic, supply_here):
    before = snapshot(synthetic.packages)
    assert supply_here(ON_NEW) == (0, 0)
    assert snapshot(synthetic.packages) == before
    assert synthetic.load(synthetic.root / "new").stdout == "444\n"


def test_an_unexpected_versioned_symbol_stops_in_one_line_and_changes_nothing(synthetic, supply_here):
    before = snapshot(synthetic.packages)
    with pytest.raises(SetupError) as error:
        supply_here(ON_OLD, expected=EXPECTED)
    assert str(error.value).startswith(f"score/score.so needs tune_cents of {NEW}, which neither {LIBRARY} here nor")
    assert "\n" not in str(error.value)
    assert snapshot(synthetic.packages) == before


def test_the_right_name_of_another_version_is_unexpected_too(supply_here):
    with pytest.raises(SetupError, match=f"tune_cents of {NEW}"):
        supply_here(ON_OLD, expected=frozenset({("tune_cents", "TUNING_3.0")}))


def test_a_shim_that_lacks_a_symbol_is_not_installed(synthetic, supply_here):
    synthetic.shim_source.write_text('extern "C" int other() { return 0; }')
    before = synthetic.module.read_bytes()
    with pytest.raises(SetupError, match="does not define all"):
        supply_here(ON_OLD)
    assert synthetic.module.read_bytes() == before


def test_a_shim_that_does_not_compile_says_what_the_compiler_said(synthetic, supply_here):
    synthetic.shim_source.write_text("nonsense")
    with pytest.raises(SetupError, match="could not be compiled") as error:
        supply_here(ON_OLD)
    assert "nonsense" in error.value.tail


def test_the_cache_that_a_module_is_hard_linked_to_keeps_its_bytes(synthetic, supply_here):
    cached = synthetic.root / "cached.so"
    os.link(synthetic.module, cached)
    before = cached.read_bytes()
    supply_here(ON_OLD)
    assert cached.read_bytes() == before != synthetic.module.read_bytes()


def test_a_run_killed_after_the_shim_was_built_is_completed(synthetic, supply_here):
    original = synthetic.module.read_bytes()
    supply_here(ON_OLD)
    synthetic.module.write_bytes(original)  # as a kill between the two replacements leaves it
    assert supply_here(ON_OLD) == (1, 1)
    assert synthetic.load(synthetic.root).stdout == "442\n"


def test_a_version_needed_without_a_symbol_still_counts_as_missing(synthetic):
    module = SharedObject(synthetic.module)
    module.symbols = tuple(s for s in module.symbols if s.name != "tune_cents")
    assert missing(module, ON_OLD) == {Missing(LIBRARY, NEW, "")}


def test_libraries_that_are_not_the_systems_are_left_to_the_loader(synthetic):
    assert missing(SharedObject(synthetic.module), {}) == frozenset()


@linux
def test_this_systems_libraries_tell_what_they_offer(steps):
    offered = offered_versions(steps, Path(sys.executable))
    assert "GLIBC_2.2.5" in offered["libc.so.6"]
    assert "GLIBCXX_3.4" in offered["libstdc++.so.6"]


@linux
def test_the_real_shim_defines_what_is_expected_of_it_and_parses_numbers(tmp_path):
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("needs g++")
    shim = tmp_path / SHIM_NAME
    subprocess.run([compiler, "-shared", "-fPIC", "-fvisibility=hidden", "-o", shim, SHIM_SOURCE], check=True)
    defined = {symbol.name for symbol in SharedObject(shim).symbols if symbol.defined}
    assert {symbol for symbol, _ in EXPECTED} <= defined
    call = f"import ctypes; f = ctypes.CDLL({str(shim)!r}).__isoc23_strtol; print(f(b'-440', None, 10))"
    assert subprocess.run([sys.executable, "-c", call], capture_output=True, text=True).stdout == "-440\n"


@linux
def test_every_module_of_this_environment_is_already_supplied(steps):
    site_packages = Path(sys.executable).parents[1] / "lib" / "python3.11" / "site-packages"
    offered = offered_versions(steps, Path(sys.executable))
    cannot_run = Tools(Path("/nonexistent"), Path("/nonexistent"))
    needing, changed = supply(steps, site_packages, offered, cannot_run)
    assert changed == 0
    if machine.glibc_version() >= machine.WHEELS_GLIBC:
        assert needing == 0
