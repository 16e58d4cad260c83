"""Slurm's accounting on the submit host: slurmdbd, and the database that it writes to."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

from .hosts import Host
from .shell import CommandError, run
from .waiting import wait_until

DAEMON = "slurmdbd"
PORT = "6819"

_DATABASE = "mariadbd"
_LIMIT = 30.0  # seconds for a daemon to start and to answer

# Anybody may do anything with it, from the submit host alone.
_OPTIONS = (
    "--bind-address=127.0.0.1",
    "--skip-grant-tables",
    "--innodb-buffer-pool-size=16M",
    "--innodb-flush-log-at-trx-commit=0",
)


class Accounting:
    """What tells, with `sacct`, of jobs that the controller has forgotten."""

    def __init__(self, host: Host, folder: Path, environment: Mapping[str, str]) -> None:
        """Describe it.

        Args:
            host: Where it runs.
            folder: That of Slurm's configuration.
            environment: The one in which daemons run.
        """
        self._host = host
        self._configuration = folder / "slurmdbd.conf"
        self._folder = folder / "accounting"
        self._environment = environment

    def parameters(self) -> dict[str, str]:
        """Give what the configuration of Slurm says of it."""
        return {
            "AccountingStorageType": "accounting_storage/slurmdbd",
            "AccountingStorageHost": str(self._host.alias),
            "AccountingStoragePort": PORT,
        }

    def start(self, authentication: Mapping[str, str]) -> None:
        """Start it with an empty database, if it does not run, and wait until it answers.

        The configuration of Slurm has its `parameters` already.

        Args:
            authentication: What that says of how the daemons know each other.
        """
        if not self._host.pids(_DATABASE):
            self._start_database()
        if not self._host.pids(DAEMON):
            self._write_configuration(authentication)
            run(self._host.enter([f"/usr/sbin/{DAEMON}"]), env=self._environment)
        wait_until("slurmdbd answers", self._trouble, _LIMIT)

    def stop(self) -> None:
        """Kill it and forget all that it knows, as much of it as there is."""
        for daemon in (DAEMON, _DATABASE):
            self._host.kill(daemon, grace=0)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start_database(self) -> None:
        own = [
            "--no-defaults",
            "--user=root",
            f"--datadir={self._folder}",
        ]
        new = ["--skip-test-db", "--auth-root-authentication-method=normal"]
        run(["mariadb-install-db", *own, *new], env=self._environment)
        own += [f"--socket={self._folder}/socket", f"--log-error={self._folder}/log"]
        # It does not go to the background by itself.
        start = ["sh", "-c", 'setsid "$@" </dev/null >/dev/null 2>&1 &', "sh"]
        run(self._host.enter([*start, _DATABASE, *own, *_OPTIONS]), env=self._environment)
        wait_until("the database answers", self._database_trouble, _LIMIT)

    def _database_trouble(self) -> str | None:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self._folder / "socket"))
            except OSError as error:
                return str(error)
        return None

    def _trouble(self) -> str | None:
        show = ["sacctmgr", "--noheader", "show", "cluster"]
        try:
            run(self._host.enter(show), env=self._environment)
        except CommandError as error:
            return str(error)
        return None

    def _write_configuration(self, authentication: Mapping[str, str]) -> None:
        parameters = {
            **authentication,
            "DbdHost": str(self._host),
            "DbdAddr": self._host.address,
            "DbdPort": PORT,
            "SlurmUser": "root",
            "PidFile": f"{self._folder}/slurmdbd.pid",
            "LogFile": f"{self._folder}/slurmdbd.log",
            "StorageType": "accounting_storage/mysql",
            "StorageHost": "127.0.0.1",
            "StorageUser": "root",
            "StorageLoc": "slurm",
        }
        lines = [f"{name}={value}\n" for name, value in parameters.items()]
        self._configuration.write_text("".join(lines))
        self._configuration.chmod(0o600)
