import pytest

from setup import packages


@pytest.fixture
def path(monkeypatch, tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def root(tmp_path):
    (tmp_path / "setup").mkdir()
    (tmp_path / "setup" / "uv.txt").write_text("# pinned\nuv==9.8.7 --hash=sha256:00\n")
    return tmp_path


def command(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_uv_on_path_that_is_new_enough_is_used(steps, root, path):
    uv = command(path / "uv", "echo 'uv 0.13.2 (x86_64)'")
    assert packages.find_uv(steps, root) == (uv, "0.13.2 found on PATH")


@pytest.mark.parametrize("answer", ["echo uv 0.5.1", "exit 127", "echo nonsense"])
def test_a_uv_that_is_too_old_or_does_not_run_is_not_used(steps, root, path, answer):
    command(path / "uv", answer)
    ours = command(root / ".tools" / "uv-9.8.7" / "bin" / "uv", "")
    assert packages.find_uv(steps, root) == (ours, "9.8.7 in .tools")


def test_a_missing_uv_is_brought_by_pip_with_its_hashes(steps, root, path, monkeypatch):
    script = 'for last; do :; done; /bin/mkdir -p "$last/bin"; echo "$@" > "$last/bin/uv"'
    monkeypatch.setattr(packages, "python_with_pip", lambda: str(command(path / "python", script)))
    uv, origin = packages.find_uv(steps, root)
    assert origin == "9.8.7 brought by pip"
    assert "--require-hashes" in uv.read_text()
    assert [p.name for p in (root / ".tools").iterdir()] == ["uv-9.8.7"]
    assert packages.find_uv(steps, root) == (uv, "9.8.7 in .tools")


def test_a_pip_killed_half_way_leaves_nothing_that_is_used(steps, root, path, monkeypatch):
    (root / ".tools" / "uv-9.8.7.partial" / "bin").mkdir(parents=True)
    (root / ".tools" / "uv-9.8.7.partial" / "bin" / "uv").touch()
    script = 'for last; do :; done; /bin/mkdir "$last" "$last/bin"; echo whole > "$last/bin/uv"'
    monkeypatch.setattr(packages, "python_with_pip", lambda: str(command(path / "python", script)))
    uv, _ = packages.find_uv(steps, root)
    assert uv.read_text() == "whole\n"
