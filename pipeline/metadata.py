"""The ML Metadata store of a run: SQLite in the home folder, or MySQL in a cluster, as the setting ``metadata`` says.

PostgreSQL is not offered: with ml-metadata 1.21 a run ends at the Evaluator there, since backslashes are not escaped
and an EvalConfig is full of them.
"""

import errno
import logging
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ml_metadata import errors
from ml_metadata.metadata_store import ListOptions, OrderByField, metadata_store
from ml_metadata.proto import metadata_store_pb2

from audio.errors import DaCapoError
from catalog.folder import make_folder
from pipeline.settings import Settings

LOGGER = logging.getLogger("dacapo.metadata")
ABORTED_RETRIES = 8
EXISTS_RETRIES = 3
CONNECT_RETRIES = 6
_DISK_IS_FULL = "database or disk is full"  # SQLite's words
PAUSE_S = 0.5
"""Mean of the first pause; each later one may be twice as long, so that several runs do not meet again."""


class MetadataUnusable(DaCapoError):
    """The metadata store cannot be used; one line naming it and what to do."""


class HomeMoved(DaCapoError):
    """The home folder was moved after its first run."""


def connection_config(settings: Settings) -> metadata_store_pb2.ConnectionConfig:
    """How to connect to the store that `settings` name.

    Raises
    ------
    MetadataUnusable
        If the environment does not hold the password.
    """
    config = metadata_store_pb2.ConnectionConfig()
    metadata = settings.metadata
    if metadata.store == "sqlite":
        config.sqlite.filename_uri = str(settings.metadata_file)
        config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
        return config
    password = os.environ.get(metadata.password_env)
    if password is None:
        raise MetadataUnusable(
            f"metadata.password_env={metadata.password_env!r}: this variable, which holds the password of MySQL's user "
            f"{metadata.user}, is not set"
        )
    config.mysql.host = metadata.host
    config.mysql.port = metadata.port
    config.mysql.database = metadata.database
    config.mysql.user = metadata.user
    config.mysql.password = password
    # A transaction that meets another one is rolled back and begun again: four runs at once meet often.
    config.retry_options.max_num_retries = ABORTED_RETRIES
    return config


def address(config: metadata_store_pb2.ConnectionConfig) -> str:
    """The store's name in messages: a path, or ``mysql://user@host:port/database``. Never the password."""
    if config.HasField("mysql"):
        mysql = config.mysql
        return f"mysql://{mysql.user}@{mysql.host}:{mysql.port}/{mysql.database}"
    return str(config.sqlite.filename_uri)


class Store(metadata_store.MetadataStore):
    """ML Metadata's store, in which runs that register the same things at once do not disturb each other.

    A registration that was aborted, or that another run made a moment earlier, is made again; it then finds what it
    needs. Where the same thing is there for good the error is left to the caller, as TFX expects it.
    """

    def _call(self, method_name: str, request: Any, response: Any, extra_options: Any = None) -> Any:
        def call() -> Any:
            return super(Store, self)._call(method_name, request, response, extra_options)

        if not method_name.startswith("Put"):
            return call()
        return _retried(call, (errors.AlreadyExistsError,), EXISTS_RETRIES, f"{method_name} met another run's")


def open_store(config: metadata_store_pb2.ConnectionConfig) -> Store:
    """The store behind `config`; its tables are made if there are none.

    Raises
    ------
    MetadataUnusable
        If there is none, or it refuses; one line naming it.
    OSError
        If its disk is full.
    """
    # A database that starts with the runs is not there yet, and on an empty one runs that start at once make the same
    # tables, of which some are told so. From the constructor ml-metadata raises all this as RuntimeError.
    retries = CONNECT_RETRIES if config.HasField("mysql") else 1
    try:
        return _retried(lambda: Store(config), (RuntimeError, errors.StatusError), retries, address(config))
    except (RuntimeError, errors.StatusError) as error:
        reason = _reason(str(error))
        if _DISK_IS_FULL in reason:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), address(config)) from error
        if "mysql_real_connect" in reason:
            reason = (
                "no connection: is it running, are user and password right, and may the user log in by "
                "mysql_native_password, the only way that ml-metadata knows?"
            )
        raise MetadataUnusable(f"{address(config)}: {reason}") from error


def check_place(settings: Settings) -> None:
    """Make sure that a home folder with its own store lies where its runs were made: ML Metadata knows their files by
    absolute paths.

    Raises
    ------
    HomeMoved
        The newest record is of a file that is neither in the home folder nor anywhere else.
    """
    if settings.metadata.store != "sqlite" or not settings.metadata_file.is_file():
        return
    newest = open_store(connection_config(settings)).get_artifacts(
        ListOptions(limit=1, order_by=OrderByField.ID, is_asc=False)
    )
    for place in (Path(artifact.uri) for artifact in newest if artifact.uri):
        if not place.is_relative_to(settings.home) and not place.exists():
            raise HomeMoved(
                f"home={str(settings.home)!r}: its newest record is of {place}, which is not there. A home folder that "
                "has runs stays where it is, since records hold absolute paths: move it back, or make a link to it "
                "where it was"
            )


def create_tables(settings: Settings) -> str:
    """Makes the tables if they are not there; answers the store's name. A cluster's init Job calls this once."""
    config = connection_config(settings)
    if settings.metadata.store == "sqlite":
        make_folder(settings.metadata_file.parent)
    open_store(config).get_artifact_types()
    return address(config)


def _retried(call: Callable[[], Any], causes: tuple[type[Exception], ...], retries: int, what: str) -> Any:
    for attempt in range(retries):
        try:
            return call()
        except causes as error:
            LOGGER.info("%s: %s; again", what, _reason(str(error)))
            time.sleep(random.expovariate(1 / PAUSE_S) * 2**attempt / 2)
    return call()


def _reason(text: str) -> str:
    """The first line of an error of ml-metadata, which says things twice and over several lines."""
    return " ".join(text.split())[:300]
