"""What the process that executes a hand-in may not do: by limits, by namespaces of Linux, by a hook of Python.

Limits hold everywhere. Namespaces (no network, a read-only system, hidden folders, no sight of other processes) hold
where the system lets an ordinary user have them. The hook refuses the same things with a clear error where it does not;
it stops an honest mistake and a lazy cheat, not somebody who writes machine code.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

SCRATCH_MIB = 64
_NEW = {"mounts": 0x00020000, "ipc": 0x08000000, "user": 0x10000000, "processes": 0x20000000, "network": 0x40000000}
_PRIVATE, _READ_ONLY, _RECURSIVE, _HERE = 0x40000 | 0x4000, 1, 0x8000, -100
_MOUNT_SETATTR = 442
_SET_DEATH_SIGNAL, _SET_SECURE_BITS, _SET_NO_NEW_PRIVILEGES = 1, 28, 38
_REFUSED = (
    "socket.connect",
    "socket.bind",
    "socket.sendto",
    "socket.getaddrinfo",
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.forkpty",
    "os.kill",
    "os.killpg",
    "pty.spawn",
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.link", "os.symlink", "os.truncate")


def limit(*, memory_mib: int, seconds: int) -> None:
    """Limit memory beyond what is in use now, processor time, files, open files; no core dumps."""
    used = _address_space()
    if used:
        _lower(resource.RLIMIT_AS, used + memory_mib * 2**20)
    _lower(resource.RLIMIT_CPU, seconds)
    _lower(resource.RLIMIT_FSIZE, SCRATCH_MIB * 2**20)
    _lower(resource.RLIMIT_NOFILE, 256)
    _lower(resource.RLIMIT_CORE, 0)


def isolate(scratch: Path, hidden: Sequence[Path]) -> list[str]:
    """Enter namespaces of its own, as far as the system allows; returns what is shut off, in words.

    The caller must have one thread. After it only `scratch` can be written to, and `hidden` folders are empty. The
    processes that are started next see no others.
    """
    if sys.platform != "linux":
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(sum(_NEW.values())) != 0:
        return []
    shut = ["network", "processes"]
    with suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    if libc.mount(b"none", b"/", None, _PRIVATE, None) != 0:
        return shut
    empty = all(_mount(libc, path, b"size=4k,mode=0555") for path in hidden if path.is_dir())
    if empty:
        shut.append("solutions and other hand-ins")
    attributes = (ctypes.c_uint64 * 4)(_READ_ONLY, 0, 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    if libc.syscall(_MOUNT_SETATTR, _HERE, b"/", _RECURSIVE, ctypes.byref(attributes), size) == 0:
        _mount(libc, scratch, f"size={SCRATCH_MIB}m,mode=0700".encode())
        shut.append("writing outside a folder of its own")
    return shut


def give_up_privileges() -> None:
    """In the first process of new namespaces: die with the parent, see no other process, lose the right to mount."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
    libc.mount(b"proc", b"/proc", b"proc", 0, None)
    libc.prctl(_SET_SECURE_BITS, 0x2F)
    libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    header, nothing = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    libc.capset(ctypes.byref(header), ctypes.byref(nothing))


def guard(scratch: Path, hidden: Sequence[Path], modules: Sequence[str]) -> None:
    """Refuse network, processes, writing outside `scratch`, reading `hidden`, importing `modules`. Never undone."""
    own, closed = f"{scratch.resolve()}{os.sep}", tuple(f"{path.resolve()}{os.sep}" for path in hidden)
    barred = tuple(modules)
    real, join, fsdecode = os.path.realpath, os.path.join, os.fsdecode

    def placed(path: Any) -> str:
        return join(real(fsdecode(path)), "") if isinstance(path, str | bytes | os.PathLike) else ""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _REFUSED:
            raise PermissionError(f"an exercise needs no {event}; the grader refuses it")
        if event == "import" and str(arguments[0]).startswith(barred):
            raise PermissionError(f"{arguments[0]} is not there while exercises are graded")
        if event == "open" or event in _CHANGES:
            place = placed(arguments[0])
            if place.startswith(closed):
                raise PermissionError("this folder is closed while exercises are graded")
            changes = event != "open" or (isinstance(arguments[2], int) and arguments[2] & _WRITES)
            if changes and place and not place.startswith((own, f"{os.devnull}{os.sep}")):
                raise PermissionError("files can be written in the working folder only while exercises are graded")

    sys.addaudithook(hook)


def _mount(libc: Any, path: Path, options: bytes) -> bool:
    return libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", 0, options) == 0


def _lower(what: int, value: int) -> None:
    """Lower a limit, never raise it; some systems do not know all of them."""
    with suppress(ValueError, OSError):
        _, hard = resource.getrlimit(what)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (value, value))


def _address_space() -> int:
    """Bytes of address space of this process; 0 where the system does not tell."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    return 0
