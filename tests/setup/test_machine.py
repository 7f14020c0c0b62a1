import sys

import pytest

from setup import machine
from setup.steps import SetupError


@pytest.mark.parametrize(("system", "processor", "libc"), [("Linux", "x86_64", "glibc"), ("Darwin", "arm64", "")])
def test_linux_on_x86_64_and_macos_on_arm64_are_accepted(system, processor, libc):
    machine.check_platform(system, processor, libc)


@pytest.mark.parametrize(
    ("system", "processor", "libc"),
    [
        ("Linux", "aarch64", "glibc"),
        ("Darwin", "x86_64", ""),
        ("Linux", "x86_64", ""),
        ("Windows", "AMD64", ""),
    ],
)
def test_every_other_platform_is_refused_in_one_line(system, processor, libc):
    with pytest.raises(SetupError, match="is not supported") as error:
        machine.check_platform(system, processor, libc)
    assert "\n" not in str(error.value)


def test_glibc_version_is_two_numbers_or_none():
    assert machine.glibc_version(("glibc", "2.36")) == (2, 36)
    assert machine.glibc_version(("glibc", "2.41.9000")) == (2, 41)
    assert machine.glibc_version(("", "")) is None


def test_a_missing_compiler_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(SetupError, match=r"apt install g\+\+") as error:
        machine.compiler()
    assert "\n" not in str(error.value)


def test_the_compiler_named_by_cxx_comes_first(monkeypatch, tmp_path):
    for name in ("g++", "my-c++"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CXX", "my-c++")
    assert machine.compiler() == tmp_path / "my-c++"
    monkeypatch.setenv("CXX", "absent")
    assert machine.compiler() == tmp_path / "g++"


def test_missing_headers_say_what_to_install(tmp_path):
    with pytest.raises(SetupError, match=r"apt install python3\.11-dev"):
        machine.check_headers(tmp_path)
    (tmp_path / "Python.h").touch()
    machine.check_headers(tmp_path)


def test_a_missing_pip_says_what_to_install(tmp_path):
    without = tmp_path / "python"
    without.write_text("#!/bin/sh\nexit 1\n")
    without.chmod(0o755)
    with pytest.raises(SetupError, match="apt install python3-pip"):
        machine.python_with_pip([str(without), str(tmp_path / "absent")])


def test_any_python_with_pip_will_do(tmp_path):
    with_pip = tmp_path / "python"
    with_pip.write_text("#!/bin/sh\nexit 0\n")
    with_pip.chmod(0o755)
    assert machine.python_with_pip([str(tmp_path / "absent"), str(with_pip), sys.executable]) == str(with_pip)
