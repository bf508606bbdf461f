# SPDX-License-Identifier: Apache-2.0
"""LocalStore: durable files by direct calls of the operating system."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import socket

import xxhash

from thresher.errors import StorageError
from thresher.storage.failures import failures
from thresher.storage.paths import absolute

TEMPORARY = ".thresher-tmp-"
"""How names of files begin that are being written; listings leave them out."""

_CHUNK = 1 << 22
_TRIES = 5
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class LocalStore:
    """Files of the operating system."""

    is_local = True
    process_local = False

    def read(self, path: str) -> bytes:
        """The whole file."""
        with failures("read", path), open(absolute(path), "rb") as source:
            return source.read()

    def write(self, path: str, data: bytes) -> None:
        """Make or replace a file, whole or not at all, durably."""
        target = absolute(path)
        with failures("write", path):
            temporary = self._temporary(target, data)
            try:
                os.replace(temporary, target)
            except BaseException:
                _forget(temporary)
                raise
            _sync(os.path.dirname(target))

    def create(self, path: str, data: bytes) -> bool:
        """Make a new file, whole or not at all, durably; False if one is there already."""
        target = absolute(path)
        with failures("create", path):
            if os.path.lexists(target):
                return False
            temporary = self._temporary(target, data)
            try:
                os.link(temporary, target)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno in _NO_LINKS:
                    raise StorageError(
                        "cannot create: the file system has no hard links, so a file cannot be "
                        "made whole or not at all",
                        where=path,
                        todo="put the run directory on another file system (run_dir=, --run-dir)",
                    ) from error
                raise
            finally:
                _forget(temporary)
            _sync(os.path.dirname(target))
            return True

    def list(self, folder: str) -> list[str]:
        """Names in a folder, sorted; none if the folder is missing."""
        with failures("list", folder):
            try:
                names = os.listdir(absolute(folder))
            except FileNotFoundError:
                return []
            return sorted(name for name in names if not name.startswith(TEMPORARY))

    def size(self, path: str) -> int | None:
        """Bytes of a file; None if it is missing."""
        with failures("stat", path):
            try:
                return os.stat(absolute(path)).st_size
            except (FileNotFoundError, NotADirectoryError):
                return None

    def replace(self, source: str, target: str) -> None:
        """Move a file over ``target``, making its folder if need be."""
        with failures(f"publish {os.path.basename(source)} as", target):
            try:
                os.replace(absolute(source), absolute(target))
            except FileNotFoundError:
                if not os.path.lexists(absolute(source)):
                    raise _gone(source) from None
                _make(os.path.dirname(absolute(target)))
                os.replace(absolute(source), absolute(target))

    def publish(self, source: str, target: str) -> bool:
        """Move a file to a name that no file has, making its folder; False if one has it."""
        with failures(f"publish {os.path.basename(source)} as", target):
            try:
                os.link(absolute(source), absolute(target))
            except FileExistsError:
                return False
            except FileNotFoundError:
                if not os.path.lexists(absolute(source)):
                    raise _gone(source) from None
                _make(os.path.dirname(absolute(target)))
                return self.publish(source, target)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                if os.path.lexists(absolute(target)):
                    return False
                os.replace(absolute(source), absolute(target))
            else:
                _forget(absolute(source))
            return True

    def remove(self, path: str) -> None:
        """Remove a file; a missing one is fine."""
        with failures("remove", path):
            _forget(absolute(path))

    def retire(self, path: str, folder: str) -> None:
        """Move a file into a folder that must be there, and remove it there."""
        source = absolute(path)
        target = os.path.join(absolute(folder), secrets.token_hex(8))
        with failures("remove", path):
            try:
                os.rename(source, target)
                _forget(target)
            except (FileNotFoundError, NotADirectoryError):
                if os.path.lexists(source):
                    raise StorageError(
                        "cannot remove: another driver has taken this one's folder away",
                        where=path,
                        todo="let the other driver finish; this one has stopped",
                    ) from None

    def remove_tree(self, folder: str) -> None:
        """Remove a folder and all in it; a missing one is fine."""
        with failures("remove", folder):
            for left in reversed(range(_TRIES)):
                try:
                    shutil.rmtree(absolute(folder))
                except OSError as error:  # another process removes from it, or adds to it
                    if not os.path.lexists(absolute(folder)):
                        return
                    if not left or error.errno not in (errno.ENOENT, errno.ENOTEMPTY):
                        raise
                else:
                    return

    def sweep(self, folder: str) -> None:
        """Remove what writers of this machine that were killed have left in a folder."""
        with failures("sweep", folder):
            try:
                names = os.listdir(absolute(folder))
            except FileNotFoundError:
                return
            for name in names:
                host, pid, *_ = [*name.removeprefix(TEMPORARY).split("-"), "", ""]
                if not name.startswith(TEMPORARY) or host != _host() or not pid.isdigit():
                    continue
                if not _is_alive(int(pid)):
                    _forget(os.path.join(absolute(folder), name))

    def make_folder(self, path: str, *, is_private: bool = False) -> None:
        """Make a folder and those above it, durably; one that is there is fine.

        Only its owner can look into one that ``is_private``.
        """
        with failures("make", path):
            _make(absolute(path), 0o700 if is_private else 0o777)

    def sync_folder(self, path: str) -> None:
        """Make what was added to or removed from a folder durable."""
        with failures("sync", path):
            _sync(absolute(path))

    def digest(self, path: str) -> str:
        """Hexadecimal xxh3_128 of a file's bytes."""
        state = xxhash.xxh3_128()
        with failures("read", path), open(absolute(path), "rb", buffering=0) as source:
            buffer = bytearray(_CHUNK)
            view = memoryview(buffer)
            while n_bytes := source.readinto(buffer):
                state.update(view[:n_bytes])
        return state.hexdigest()

    def _temporary(self, target: str, data: bytes) -> str:
        """A new synced file with ``data`` beside ``target``; its folder is made if need be."""
        folder, name = os.path.split(target)
        writer = f"{_host()}-{os.getpid()}-{secrets.token_hex(8)}"
        temporary = os.path.join(folder, f"{TEMPORARY}{writer}-{name[-64:]}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            handle = os.open(temporary, flags, 0o666)
        except FileNotFoundError:
            _make(folder)
            handle = os.open(temporary, flags, 0o666)
        try:
            with open(handle, "wb", buffering=0) as sink:
                view = memoryview(data)
                while len(view):
                    view = view[sink.write(view) :]
                os.fsync(sink.fileno())
        except BaseException:
            _forget(temporary)
            raise
        return temporary


def _gone(source: str) -> StorageError:
    return StorageError(
        "cannot publish: the temporary file is gone",
        where=source,
        todo="run again: its part is done afresh",
    )


def _host() -> str:
    return xxhash.xxh3_64_hexdigest(socket.gethostname().encode())


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody else's
        return True
    return True


def _make(folder: str, mode: int = 0o777) -> None:
    """Make folders and sync the entry of each that is new."""
    if os.path.isdir(folder):
        return
    parent = os.path.dirname(folder)
    if parent != folder:
        _make(parent)
    try:
        os.mkdir(folder, mode)
    except FileExistsError:
        if not os.path.isdir(folder):
            raise
    _sync(parent)


def _sync(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EBADF):  # it syncs no folders
            raise
    finally:
        os.close(handle)


def _forget(path: str) -> None:
    try:
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        return
