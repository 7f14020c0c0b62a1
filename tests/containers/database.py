"""A MySQL-compatible server of one's own: ``mariadbd`` on a free port of this machine, gone when the block ends."""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

USER = "dacapo"
PASSWORD = secrets.token_hex(16)  # another one each time, so that it can be looked for wherever it must not be
WAIT_S = 60


@dataclass(frozen=True)
class Database:
    """A server.

    Attributes
    ----------
    port : on 127.0.0.1.
    socket : of the administrator.
    """

    port: int
    socket: Path

    def create(self, name: str) -> None:
        """Makes an empty database."""
        self.sql(f"DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name}; GRANT ALL ON {name}.* TO {USER}@'%'")

    def sql(self, statement: str) -> str:
        """Runs a statement as the administrator; answers its rows."""
        command = ["mariadb", f"--socket={self.socket}", "--skip-column-names", "-e", statement]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def holds(self, text: str) -> bool:
        """Whether `text` stands anywhere in any database."""
        command = ["mariadb-dump", f"--socket={self.socket}", "--all-databases", "--ignore-database=mysql"]
        return text in subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def mariadb(folder: Path) -> Iterator[Database]:
    """A server with its data in `folder`."""
    if missing := [name for name in ("mariadbd", "mariadb-install-db", "mariadb") if shutil.which(name) is None]:
        raise SystemExit(f"{missing[0]} is not installed: apt install mariadb-server")
    data = folder / "mariadb"
    data.mkdir(parents=True)
    account = ["--user=mysql"] if os.getuid() == 0 else []
    if account:
        shutil.chown(data, "mysql", "mysql")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (folder / "mariadb.log").open("w")
    prepare = [
        "mariadb-install-db",
        "--no-defaults",
        *account,
        f"--datadir={data}",
        "--auth-root-authentication-method=normal",
    ]
    subprocess.run(prepare, check=True, stdout=log, stderr=log)
    place = [f"--datadir={data}", f"--socket={data / 's.sock'}", f"--port={port}", "--bind-address=127.0.0.1"]
    server = subprocess.Popen(
        ["mariadbd", "--no-defaults", "--skip-name-resolve", *account, *place], stdout=log, stderr=log
    )
    database = Database(port, data / "s.sock")
    try:
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                database.sql(f"CREATE USER {USER}@'%' IDENTIFIED BY '{PASSWORD}'")
                break
            except subprocess.CalledProcessError as error:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"mariadbd did not come up: {error.stderr}") from error
                time.sleep(0.2)
        yield database
    finally:
        server.terminate()
        server.wait()
        log.close()
