"""The data folder of one machine: its lock, its files, the installation's key."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from pathlib import Path

import msgspec

from resonance.errors import Unconfigured


class Running(msgspec.Struct, frozen=True):
    """What a running `up` says of itself in the folder."""

    pid: int
    url: str


class DataFolder:
    """Paths, lock and key of a data folder. Making one creates the folder; raises Unconfigured where that fails."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / f".probe-{os.getpid()}"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise Unconfigured(f"the data folder {self.path} cannot be written: {error.strerror}") from error

    @property
    def store(self) -> str:
        """The store's URL."""
        return f"sqlite:///{self.path / 'store.db'}"

    @property
    def log(self) -> Path:
        """The embedded log's file."""
        return self.path / "log.db"

    @property
    def erased(self) -> Path:
        """The list of erased authors; belongs into every backup, beside the installation's key."""
        return self.path / "erased.list"

    @property
    def metrics(self) -> Path:
        """Where the processes leave their metrics for each other."""
        return self.path / "metrics"

    def lock(self, wait: float = 5.0) -> int:
        """The folder's lock as an inheritable file descriptor: free again when all who hold it are gone.

        Waits up to `wait` seconds, then raises Unconfigured naming who holds it.
        """
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(descriptor)
                    holder = self.running()
                    who = f" (process {holder.pid}, {holder.url})" if holder else ""
                    raise Unconfigured(
                        f"another Resonance runs on {self.path}{who}: stop it, or give this one another --data"
                    ) from None
                time.sleep(0.1)
        os.set_inheritable(descriptor, True)
        return descriptor

    def is_locked(self) -> bool:
        """Whether somebody holds the lock now."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def installation_key(self, configured: str | None) -> bytes:
        """The key that turns authors into keys: configured, else the folder's. Made once, where no data exists yet;
        raises Unconfigured where data exist without it."""
        if configured:
            return configured.encode()
        file = self.path / "installation.key"
        if file.exists():
            return self._key_in(file)
        if (self.path / "store.db").exists():
            raise Unconfigured(
                f"{file} is missing, but there are data: without their key no author can be recognised or erased. "
                "Restore the file, or set RESONANCE_INSTALLATION_KEY."
            )
        self._make_key(file)
        return self._key_in(file)

    def _make_key(self, file: Path) -> None:
        """Whole or not at all, and never in the place of another's: half a key would be taken for the key."""
        fresh = file.with_suffix(f".{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
                handle.write(secrets.token_urlsafe(32) + "\n")
                handle.flush()
                os.fsync(handle.fileno())
            try:
                os.link(fresh, file)
            except FileExistsError:
                pass
            except OSError:
                # A file system without links.
                fresh.replace(file)
        finally:
            fresh.unlink(missing_ok=True)

    def _key_in(self, file: Path) -> bytes:
        key = file.read_bytes().strip()
        if not key:
            raise Unconfigured(
                f"{file} is empty: restore it, or delete it if there are no data yet, and a new key will be made"
            )
        return key

    # ---- small facts ----------------------------------------------------------------------------------------

    def running(self) -> Running | None:
        """Who runs here, as it said itself."""
        try:
            return msgspec.json.decode((self.path / "running.json").read_bytes(), type=Running)
        except (OSError, msgspec.MsgspecError):
            return None

    def announce(self, running: Running | None) -> None:
        """Say who runs here, or that nobody does any more."""
        file = self.path / "running.json"
        if running is None:
            file.unlink(missing_ok=True)
        else:
            _replace(file, msgspec.json.encode(running))


def _replace(file: Path, content: bytes) -> None:
    fresh = file.with_suffix(f".{os.getpid()}")
    fresh.write_bytes(content)
    fresh.replace(file)
