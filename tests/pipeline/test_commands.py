"""The command line as a person types it, without a training."""

import errno
import json
import re
from pathlib import Path
from typing import NoReturn

import pytest
from ml_metadata.proto import metadata_store_pb2
from typer.testing import CliRunner, Result

from catalog.format import Catalog, Recording, open_catalog
from catalog.recording import SPLITS
from pipeline import catalog_commands, main
from pipeline.main import app
from pipeline.metadata import connection_config, open_store
from pipeline.settings import Settings, load_settings
from trainers.task import TASKS

README = Path(__file__).resolve().parents[2] / "README.md"
OLD, NEW = "20261121T140000-0000", "20261122T140000-1a2b"

COLUMNS = ["pipeline", "run", "started (UTC)", "duration", "verdict", "version", "steps that ran"]


def dacapo(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def words(text: str) -> str:
    """`text` in one line: where it is broken depends on the terminal."""
    return re.sub(r"\s+", " ", text)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A CatalogReport, which is enough for the data page."""
    counts = {"recordings": 10, "artists": 3, "examples": 20, "duration_s": 300.0}
    summary = {
        "library": "builtin",
        "catalog": "catalog.csv",
        "rows": 40,
        "set_aside_rows": 0,
        "set_aside": [],
        "split_units": {"artist": 40},
        "splits": dict.fromkeys(SPLITS, counts),
        "tags": {},
        "duration_s": 1200.0,
        "decode_x_real_time": 400.0,
    }
    path = tmp_path / "report" / "report.json"
    path.parent.mkdir()
    path.write_text(json.dumps(summary))
    return path.parent


@pytest.fixture
def home(tmp_path: Path, report: Path) -> Path:
    """A home with two runs that ended after AudioExampleGen."""
    store = open_store(connection_config(load_settings({"home": tmp_path})))

    def context(kind: str, name: str) -> metadata_store_pb2.Context:
        type_id = store.put_context_type(metadata_store_pb2.ContextType(name=kind))
        made = metadata_store_pb2.Context(type_id=type_id, name=name)
        made.id = store.put_contexts([made])[0]
        return made

    pipeline = context("pipeline", "tagging-builtin-quick")
    execution_type = store.put_execution_type(metadata_store_pb2.ExecutionType(name="AudioExampleGen"))
    report_type = store.put_artifact_type(metadata_store_pb2.ArtifactType(name="CatalogReport"))
    artifact = metadata_store_pb2.Artifact(type_id=report_type, uri=str(report), state="LIVE")
    event = metadata_store_pb2.Event(type=metadata_store_pb2.Event.OUTPUT)
    for run_id, state in ((OLD, "FAILED"), (NEW, "COMPLETE")):
        run = context("pipeline_run", run_id)
        execution = metadata_store_pb2.Execution(type_id=execution_type, last_known_state=state)
        store.put_execution(execution, [(artifact, event)], [run], reuse_context_if_already_exist=True)
        store.put_parent_contexts([metadata_store_pb2.ParentContext(child_id=run.id, parent_id=pipeline.id)])
    return tmp_path


def test_without_a_run_there_is_one_line_that_says_how_to_start_one(tmp_path: Path) -> None:
    done = dacapo("runs", "--home", tmp_path)
    (line,) = done.stderr.splitlines()
    assert done.exit_code == 2
    assert line.startswith(f"dacapo: {tmp_path}: no run yet; start one with: ./dacapo run tagging")


def test_runs_are_listed_oldest_first_with_their_verdicts(home: Path) -> None:
    done = dacapo("runs", "--home", home)
    heads, *lines = done.stdout.splitlines()
    assert done.exit_code == 0
    assert re.split("  +", heads.strip()) == COLUMNS
    assert [line.split()[2] for line in lines] == [OLD, NEW]
    assert "failed" in lines[0]
    assert "unfinished" in lines[1]
    assert lines[1].startswith("tagging-builtin-quick (synthetic)")


def test_one_run_is_shown_alone_and_an_unknown_one_is_one_line(home: Path) -> None:
    assert [OLD in line for line in dacapo("runs", OLD, "--home", home).stdout.splitlines()] == [False, True]
    done = dacapo("runs", "never", "--home", home)
    assert done.exit_code == 2
    assert f"{home}: no run never; list all 2 with: ./dacapo runs --home {home}" in done.stderr
    assert OLD in dacapo("runs", OLD[:-2], "--home", home).stdout


def test_open_writes_the_pages_of_the_newest_run_and_prints_where(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    done = dacapo("runs", "--open", "--home", home)
    page = home / "pages" / NEW / "data.html"
    assert done.exit_code == 0
    assert capfd.readouterr().out.splitlines() == [str(page)]
    assert "builtin (synthetic)</bdi>: 40 rows" in page.read_text()


def test_a_good_catalog_passes_its_check(tmp_path: Path) -> None:
    (tmp_path / "one.wav").touch()
    path = Catalog.write(tmp_path / "catalog.csv", "builtin", [Recording(id="one", path="one.wav")]).path
    done = dacapo("catalog", "check", path)
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [f"{path}: library builtin (synthetic), 1 recording, 0 problems"]


def test_every_wrong_cell_of_a_catalog_is_a_line_and_the_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "one.wav").touch()
    path = tmp_path / "catalog.csv"
    path.write_text(
        "# dacapo-catalog: 1\n# library: mine\nid,path,split\none,one.wav,\ntwo,gone.wav,\none,one.wav,evil\n"
    )
    done = dacapo("catalog", "check", path)
    *lines, summary = done.stdout.splitlines()
    assert done.exit_code == 2
    assert 'catalog.csv: row 2, column path: "gone.wav" does not exist' in lines
    assert any(line.startswith("catalog.csv: row 3, column split") for line in lines)
    assert summary == f"{path}: library mine, 1 recording, {len(lines)} problems"


def test_a_file_that_is_no_catalog_is_one_line_and_the_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("some,notes\n")
    for name in ("notes.csv", "gone.csv"):
        done = dacapo("catalog", "check", tmp_path / name)
        (line,) = done.stderr.splitlines()
        assert done.exit_code == 2
        assert line.startswith(f"dacapo: {tmp_path / name}: ")


def audio_file(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.touch()


def splits(catalog: Path) -> list[str | None]:
    return [row.split for row in open_catalog(catalog).rows() if isinstance(row, Recording)]


@pytest.fixture
def magnatagatune(tmp_path: Path) -> Path:
    """The tables of MagnaTagATune; the clips lie in the folder ``clips`` beside them."""
    tables = tmp_path / "tables"
    tables.mkdir()
    annotations, clips = ["clip_id\tguitar\tmp3_path"], ["clip_id\ttitle\tartist\talbum\tmp3_path"]
    for number, folder in enumerate("0cf"):
        path = f"{folder}/{number}.mp3"
        annotations.append(f"{number}\t1\t{path}")
        clips.append(f"{number}\tTitle\tArtist\tAlbum\t{path}")
        audio_file(tmp_path / "clips" / path)
    (tables / "annotations_final.csv").write_text("\n".join(annotations))
    (tables / "clip_info_final.csv").write_text("\n".join(clips))
    return tables


@pytest.fixture
def jamendo(tmp_path: Path) -> Path:
    """The repository of MTG-Jamendo; the tracks lie in the folder ``tracks`` beside it."""
    folder = tmp_path / "mtg-jamendo-dataset" / "data" / "splits" / "split-1"
    folder.mkdir(parents=True)
    for number, split in enumerate(("train", "validation", "test")):
        head = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS"
        row = f"track_{number}\tartist_{number}\talbum_{number}\t0{number}/{number}.mp3\t30.0\tgenre---rock"
        (folder / f"autotagging-{split}.tsv").write_text(f"{head}\n{row}\n")
        audio_file(tmp_path / "tracks" / f"0{number}" / f"{number}.mp3")
    return tmp_path / "mtg-jamendo-dataset"


def test_magnatagatune_is_imported_with_its_clips_elsewhere(tmp_path: Path, magnatagatune: Path) -> None:
    done = dacapo("catalog", "import", "magnatagatune", magnatagatune, "--audio", tmp_path / "clips")
    catalog = tmp_path / "clips" / "catalog.csv"
    torn = "2 recordings are published in another split than one of the same artist"
    assert (done.exit_code, done.stdout) == (0, f"{catalog}: 3 recordings, 0 rows left out\n{torn}\n")
    assert splits(catalog) == ["train", "validation", "eval"]
    assert dacapo("catalog", "check", catalog).exit_code == 0


def test_mtg_jamendo_is_imported_with_its_tracks_elsewhere(tmp_path: Path, jamendo: Path) -> None:
    options = ("--audio", tmp_path / "tracks", "--split", "1", "--test-split", "test")
    done = dacapo("catalog", "import", "mtg-jamendo", jamendo, *options)
    catalog = tmp_path / "tracks" / "catalog.csv"
    assert (done.exit_code, done.stdout) == (0, f"{catalog}: 3 recordings, 0 rows left out\n")
    assert splits(catalog) == ["train", "validation", "test"]


@pytest.mark.parametrize("kind", ["magnatagatune", "mtg-jamendo", "musdb18", "stems", "sound-events", "noisy-pairs"])
def test_an_import_of_a_folder_that_is_not_there_is_one_line(tmp_path: Path, kind: str) -> None:
    done = dacapo("catalog", "import", kind, tmp_path / "gone")
    (line,) = done.stderr.splitlines()
    assert done.exit_code == 2
    assert str(tmp_path / "gone") in line


def test_a_home_below_the_users_own_is_the_same_for_every_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for command in (("runs",), ("catalog", "damage"), ("run",)):
        done = dacapo(*command, "--home=~/mine")
        assert f"{tmp_path}/mine" in done.stdout + done.stderr, command
        assert not (tmp_path / "~").exists()


@pytest.mark.parametrize("command", [("runs",), ("catalog", "build", "builtin"), ("catalog", "damage"), ("demo",)])
def test_a_home_that_is_a_url_is_one_line(command: tuple[str, ...]) -> None:
    done = dacapo(*command, "--home", "s3://bucket/home")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("dacapo: --home s3:/bucket/home: is a URL")
    assert len(done.stderr.splitlines()) == 1
    done = dacapo(*command, "--home=~nobody-of-that-name/mine")
    assert done.stderr == (
        "dacapo: --home ~nobody-of-that-name/mine: begins with a user whom this machine does not know\n"
    )


@pytest.mark.parametrize(
    "command",
    [
        ("run", "tagging"),
        ("demo",),
        ("scan", "tagging", "--model", "MODEL", "--catalog", "CATALOG"),
        ("catalog", "build", "builtin"),
        ("catalog", "build", "debian"),
        ("metadata", "init"),
    ],
)
def test_a_home_that_is_a_file_is_one_line(
    tmp_path: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.scan_command._model", lambda *_: tmp_path)
    path = Catalog.write(tmp_path / "catalog.csv", "builtin", [Recording(id="one", path="one.wav")]).path
    (tmp_path / "home").write_text("mine")
    places = {"MODEL": tmp_path, "CATALOG": path}
    done = dacapo(*(places.get(word, word) for word in command), "--home", tmp_path / "home")
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == f"dacapo: {tmp_path / 'home'}: is a file, where a folder is wanted"
    assert (tmp_path / "home").read_text() == "mine"


def test_a_data_set_that_this_user_may_not_look_into_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    (tmp_path / "train").mkdir()
    monkeypatch.setattr(Path, "iterdir", refuse)
    done = dacapo("catalog", "import", "musdb18", tmp_path)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == f"dacapo: {tmp_path / 'train'}: Permission denied"


@pytest.mark.parametrize("command", [(), ("run",), ("demo",)])
def test_help_tells_the_exit_codes_that_the_readme_tells(command: tuple[str, ...]) -> None:
    codes = "0 served, 3 trained but not blessed, 2 bad input or findings, 1 failure."
    assert codes in README.read_text()
    assert codes in words(dacapo(*command, "--help").stdout)


def test_help_has_an_example_of_the_main_job_and_names_every_command_of_the_readme() -> None:
    assert "./dacapo run tagging --library builtin" in words(dacapo("run", "--help").stdout)
    for line in re.findall(r"^\./dacapo (.*?) *(?:#.*)?$", README.read_text(), re.MULTILINE):
        groups = [word for word in line.split() if re.fullmatch("[a-z]+", word)]
        path = groups[: {"catalog": 2}.get(groups[0], 1)]
        assert dacapo(*path, "--help").exit_code == 0, line


@pytest.fixture
def demo_codes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The exit codes with which the four trainings of a demo end, taken from the front; no library is made."""
    codes: list[int] = []

    def build(*_: object) -> None:
        return None

    def run(settings: Settings, *, verbose: bool) -> int:
        return codes.pop(0)

    monkeypatch.setattr(catalog_commands, "build_builtin_catalog", build)
    monkeypatch.setattr(catalog_commands, "build_derived_catalogs", build)
    monkeypatch.setattr(main, "_run", run)
    return codes


def test_a_demo_that_is_stopped_by_hand_starts_no_further_training(tmp_path: Path, demo_codes: list[int]) -> None:
    demo_codes += [3, 130, 0, 0]
    assert dacapo("demo", "--home", tmp_path).exit_code == 130
    assert len(demo_codes) == 2


def test_a_demo_goes_on_after_a_training_that_failed_and_ends_with_its_code(
    tmp_path: Path, demo_codes: list[int]
) -> None:
    demo_codes += [0, 1, 3, 0]
    assert len(demo_codes) == len(TASKS)
    assert dacapo("demo", "--home", tmp_path).exit_code == 1
    assert not demo_codes
