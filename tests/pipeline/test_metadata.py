from pathlib import Path
from typing import Any

import pytest
from ml_metadata import errors
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2
from typer.testing import CliRunner

from pipeline import metadata
from pipeline.main import app
from pipeline.metadata import HomeMoved, MetadataUnusable, Store, address, check_place, connection_config, open_store
from pipeline.settings import Settings, SettingsError, load_settings

PASSWORD_ENV = "DACAPO_METADATA_PASSWORD"


def mysql(**changes: Any) -> Settings:
    return load_settings({"metadata": {"store": "mysql", "host": "db", "user": "me"} | changes})


def test_sqlite_lies_in_the_home_folder(tmp_path: Path) -> None:
    config = connection_config(load_settings({"home": tmp_path}))
    assert config.sqlite.filename_uri == str(tmp_path / "metadata.sqlite")


def test_the_password_is_the_environment_s_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "s3cr3t")
    config = connection_config(mysql(password_env="OURS", port=3307))
    assert (config.mysql.password, config.mysql.port) == ("s3cr3t", 3307)
    assert address(config) == "mysql://me@db:3307/dacapo"


def test_a_missing_password_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD_ENV, raising=False)
    with pytest.raises(MetadataUnusable, match=f"metadata.password_env='{PASSWORD_ENV}': this variable") as caught:
        connection_config(mysql())
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_no_fault_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> Store:
        raise RuntimeError("Error when executing query: database or disk is full query:  CREATE TABLE `Type`")

    monkeypatch.setattr(metadata, "Store", full)
    with pytest.raises(OSError, match="No space left on device") as error:
        open_store(connection_config(load_settings({"home": tmp_path})))
    assert error.value.filename == str(tmp_path / "metadata.sqlite")


def _recorded(home: Path, uri: Path) -> None:
    store = open_store(connection_config(load_settings({"home": home})))
    kind = store.put_artifact_type(metadata_store_pb2.ArtifactType(name="Examples"))
    store.put_artifacts([metadata_store_pb2.Artifact(type_id=kind, uri=str(uri))])


def test_a_home_folder_that_was_moved_is_one_line(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "pipelines" / "examples").mkdir(parents=True)
    settings = load_settings({"home": new})
    _recorded(old, old / "pipelines" / "examples")
    check_place(load_settings({"home": old}))
    old.rename(new)
    with pytest.raises(
        HomeMoved, match=r"home='\S+/new': its newest record is of \S+/old/pipelines/examples, "
    ) as caught:
        check_place(settings)
    assert "\n" not in str(caught.value)
    old.symlink_to(new)
    check_place(settings)


def test_what_was_deleted_within_the_home_folder_does_not_move_it(tmp_path: Path) -> None:
    settings = load_settings({"home": tmp_path})
    check_place(settings)  # nothing there yet
    _recorded(tmp_path, tmp_path / "pipelines" / "gone")
    check_place(settings)


@pytest.mark.parametrize("value", ["postgresql", "SQLite"])
def test_only_the_stores_that_work_are_settings(value: str) -> None:
    with pytest.raises(SettingsError, match=f"metadata.store='{value}'"):
        load_settings({}, [f"metadata.store={value}"])


class Flaky:
    """Stands for ml-metadata's own call: raises what it is given, then does it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, raised: list[Exception]) -> None:
        self.calls = 0
        original = metadata_store.MetadataStore._call

        def call(store: Any, method: str, *rest: Any) -> Any:
            self.calls += 1
            if method == "PutContexts" and raised:
                raise raised.pop(0)
            return original(store, method, *rest)

        monkeypatch.setattr(metadata_store.MetadataStore, "_call", call)
        monkeypatch.setattr(metadata, "PAUSE_S", 1e-3)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(connection_config(load_settings({"home": tmp_path})))


def context(store: Store) -> metadata_store_pb2.Context:
    kind = store.put_context_type(metadata_store_pb2.ContextType(name="pipeline_run"))
    return metadata_store_pb2.Context(type_id=kind, name="run")


def test_a_registration_that_met_another_run_s_is_made_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = context(store)
    Flaky(monkeypatch, [errors.AlreadyExistsError("race"), errors.AlreadyExistsError("race")])
    (made,) = store.put_contexts([run])
    assert store.get_context_by_type_and_name("pipeline_run", "run").id == made


@pytest.mark.parametrize("left", [0, 1])
def test_a_registration_that_was_aborted_is_made_again_seven_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    """By ml-metadata, which is told how often where runs share a database; that number counts the first try, too."""
    monkeypatch.setenv(PASSWORD_ENV, "x")
    config = connection_config(load_settings({"home": tmp_path}))
    config.retry_options.CopyFrom(connection_config(mysql()).retry_options)
    store = open_store(config)
    run = context(store)
    aborted = [errors.AbortedError("deadlock")] * (metadata.ABORTED_RETRIES - 1 + left)
    original = metadata_store.MetadataStore._call_method

    def call_method(store: Any, method: str, *rest: Any) -> Any:
        if method == "PutContexts" and aborted:
            raise aborted.pop()
        return original(store, method, *rest)

    monkeypatch.setattr(metadata_store.MetadataStore, "_call_method", call_method)
    monkeypatch.setattr(metadata_store.time, "sleep", lambda seconds: None)
    if left:
        with pytest.raises(errors.AbortedError):
            store.put_contexts([run])
        assert store.get_context_by_type_and_name("pipeline_run", "run") is None
    else:
        (made,) = store.put_contexts([run])
        assert store.get_context_by_type_and_name("pipeline_run", "run").id == made
    assert aborted == []


def test_what_is_there_for_good_is_left_to_the_caller(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = context(store)
    store.put_contexts([run])
    flaky = Flaky(monkeypatch, [])
    with pytest.raises(errors.AlreadyExistsError):
        store.put_contexts([run])
    assert flaky.calls == 1 + metadata.EXISTS_RETRIES


def test_a_server_that_nobody_runs_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "CONNECT_RETRIES", 1)
    monkeypatch.setattr(metadata, "PAUSE_S", 1e-3)
    monkeypatch.setenv(PASSWORD_ENV, "x")
    with pytest.raises(MetadataUnusable) as caught:
        open_store(connection_config(mysql(host="127.0.0.1", port=1)))
    assert str(caught.value).startswith("mysql://me@127.0.0.1:1/dacapo: no connection: is it running")
    assert "\n" not in str(caught.value)


def test_init_makes_the_tables_once(tmp_path: Path) -> None:
    for _ in range(2):
        done = CliRunner().invoke(app, ["metadata", "init", "--home", str(tmp_path)])
        assert done.exit_code == 0, done.output
        assert done.stdout == f"{tmp_path / 'metadata.sqlite'}: the tables of ML Metadata are there\n"
