"""A real PostgreSQL on loopback: Debian's server, a cluster of its own in a folder; for trials and tests."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from pathlib import Path

from deploy.native.ports import free_port


def binaries() -> Path | None:
    """The folder of the newest server installed (15 or later); None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("[0-9]*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found and int(found[-1].parts[-3]) >= 15 else None


class Server:
    """A server that can be started and stopped. A folder that holds its data already is taken up again."""

    def __init__(self, folder: Path, programs: Path, port: int | None = None) -> None:
        # PostgreSQL refuses to run as root.
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self.programs, self.port, self.folder = programs, port or free_port(), self._made(folder)
        data = self.folder / "data"
        if not data.exists():
            self.run("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")

    def _made(self, folder: Path) -> Path:
        """The folder; where the server's account may not pass its parents (root's home), one in that account's own home that
        it links to."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        account = pwd.getpwnam("postgres") if self._as else None
        if folder.is_symlink() and not folder.exists():
            raise RuntimeError(f"the data that {folder} links to are gone: remove {folder.parent} to begin anew")
        if not folder.exists():
            reaches = subprocess.run([*self._as, "test", "-x", str(folder.parent)], check=False).returncode == 0
            if account is None or reaches:
                folder.mkdir()
            else:
                folder.symlink_to(tempfile.mkdtemp(prefix="resonance-", dir=account.pw_dir))
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        return folder.resolve()

    def run(self, program: str, *arguments: str) -> str:
        """One of PostgreSQL's programs; returns what it said."""
        command = [*self._as, str(self.programs / program), *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self, *settings: str) -> None:
        """Start and wait until it answers."""
        given = "".join(f" -c {setting}" for setting in ("max_connections=80", *settings))
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''{given}"
        self.run(
            "pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-w", "-o", options, "start"
        )

    def stop(self, mode: str = "fast") -> None:
        """Stop: "fast" cuts connections, "immediate" is a crash."""
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "-w", "stop")

    @property
    def pid(self) -> int:
        """The server's process."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split("\n", 1)[0])

    def address(self, database: str) -> str:
        """A database's URL."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"
