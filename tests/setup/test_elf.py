import sys
from pathlib import Path

import pytest

from setup.elf import SharedObject, weaken

LIBRARY, OLD, NEW = "libtuning.so.1", "TUNING_1.0", "TUNING_2.0"


def test_a_library_tells_its_name_and_the_versions_it_offers(synthetic):
    old, new = SharedObject(synthetic.root / LIBRARY), SharedObject(synthetic.root / "new" / LIBRARY)
    assert old.soname == new.soname == LIBRARY
    assert {OLD} <= old.defined_versions
    assert new.defined_versions - old.defined_versions == {NEW}


def test_a_module_tells_the_versions_it_needs_and_the_symbols_bound_to_them(synthetic):
    module = SharedObject(synthetic.module)
    needs = {need.version: need for need in module.needed_versions if need.library == LIBRARY}
    assert set(needs) == {OLD, NEW}
    assert not any(need.weak for need in needs.values())
    bound = {s.name for s in module.symbols if not s.defined and s.version_index == needs[NEW].index}
    assert bound == {"tune_cents"}
    assert "score" in {s.name for s in module.symbols if s.defined}
    assert LIBRARY in module.needed_libraries


def test_weaken_sets_one_bit_and_nothing_else(synthetic):
    before = synthetic.module.read_bytes()
    weaken(synthetic.module, {(LIBRARY, NEW)})
    after = synthetic.module.read_bytes()
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
    weak = {need.version for need in SharedObject(synthetic.module).needed_versions if need.weak}
    assert weak == {NEW}


def test_weaken_twice_is_weaken_once(synthetic):
    weaken(synthetic.module, {(LIBRARY, NEW)})
    once = synthetic.module.read_bytes()
    weaken(synthetic.module, {(LIBRARY, NEW)})
    assert synthetic.module.read_bytes() == once


@pytest.mark.skipif(sys.platform != "linux", reason="ELF is the format of Linux")
def test_the_running_interpreter_needs_versions_of_libc():
    needs = SharedObject(Path(sys.executable).resolve()).needed_versions
    assert any(need.library == "libc.so.6" and need.version.startswith("GLIBC_2.") for need in needs)


def test_a_file_of_another_format_is_refused_by_name(tmp_path):
    path = tmp_path / "score.so"
    path.write_text("not ELF")
    with pytest.raises(ValueError, match=r"score\.so: not a 64-bit little-endian ELF file"):
        SharedObject(path)
