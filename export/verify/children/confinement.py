"""Takes rights away from the process it runs in: files, network, memory, time, processes.

Runs in a child process before anything but the standard library is imported, because user
namespaces and Landlock apply to the calling thread only, and libraries start threads. Each
mechanism is used where the system has it; `confine` returns those that are in force.
"""

import ctypes
import os
import resource
import signal
import struct
import sys
from pathlib import Path

_MAXIMUM_PROCESSES = 1024
"""Most processes and threads of a child. torch starts one thread per core."""

# Linux: <linux/prctl.h>, <linux/sched.h>, <linux/landlock.h>, <linux/mount.h>. The numbers of the
# newer system calls are the same on every architecture.
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWNS, _CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWNET = (
    0x0002_0000,
    0x0800_0000,
    0x1000_0000,
    0x4000_0000,
)
_SYS_MOUNT_SETATTR, _SYS_CREATE_RULESET, _SYS_ADD_RULE, _SYS_RESTRICT_SELF = 442, 444, 445, 446
_MS_BIND, _AT_RECURSIVE, _MOUNT_ATTR_RDONLY = 0x1000, 0x8000, 1
_CREATE_RULESET_VERSION, _RULE_PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_RIGHTS_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All file system rights that each version of Landlock's interface can take away."""
_BIND_AND_CONNECT_TCP = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


def confine(memory: int, file_bytes: int, writable: Path | None) -> list[str]:
    """Confines this process for good.

    Args:
        memory: Most bytes of private memory.
        file_bytes: Largest file that it may write.
        writable: The one folder below which it may make and write files, or None.

    Returns:
        The mechanisms in force, for people. Limits of memory and file size always are.
    """
    _set_limits(memory, file_bytes)
    in_force = ["limits of memory and file size"]
    if not sys.platform.startswith("linux"):
        return in_force
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS | _CLONE_NEWNET | _CLONE_NEWIPC) == 0:
        in_force.append("no network (namespace)")
        if _mount_read_only(libc, writable):
            in_force.append("read-only files (mount namespace)")
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if abi := _restrict_by_landlock(libc, writable):
        in_force.append(f"read-only files (Landlock, ABI {abi})")
    # In the user namespace of above, the limit counts this process and its children only.
    resource.setrlimit(resource.RLIMIT_NPROC, (_MAXIMUM_PROCESSES, _MAXIMUM_PROCESSES))
    return in_force


def _set_limits(memory: int, file_bytes: int) -> None:
    # Not RLIMIT_AS: torch's libraries map gigabytes of addresses that they hardly use.
    for kind, value in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def _restrict_by_landlock(libc: ctypes.CDLL, writable: Path | None) -> int:
    """Makes the file system read-only but for one folder; forbids TCP where the kernel can.

    Nothing can be executed either.

    Returns:
        The version of Landlock's interface, or 0 if the kernel has none.
    """
    abi = libc.syscall(_SYS_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    if abi < 1:
        return 0
    rights = max(bits for version, bits in _RIGHTS_BY_ABI.items() if version <= abi)
    fields = [rights]
    if abi >= 4:
        fields.append(_BIND_AND_CONNECT_TCP)
    if abi >= 6:
        fields.append(_ABSTRACT_SOCKETS_AND_SIGNALS)
    attributes = struct.pack(f"{len(fields)}Q", *fields)
    ruleset = libc.syscall(_SYS_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return 0
    try:
        allowed = {Path("/"): _READ_FILE | _READ_DIR}
        if writable:
            allowed[writable] = rights & ~_EXECUTE
        for path, access in allowed.items():
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                rule = struct.pack("=Qi", access, descriptor)
                if libc.syscall(_SYS_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0):
                    return 0
            finally:
                os.close(descriptor)
        return 0 if libc.syscall(_SYS_RESTRICT_SELF, ruleset, 0) else int(abi)
    finally:
        os.close(ruleset)


def _mount_read_only(libc: ctypes.CDLL, writable: Path | None) -> bool:
    """Makes every mount of this process's own namespace read-only, but for one folder.

    Unlike Landlock, this also refuses changes of modes, owners and times.

    Returns:
        Whether it could.
    """
    folder = os.fsencode(writable) if writable else None
    if folder and libc.mount(folder, folder, None, _MS_BIND, None):
        return False
    read_only = struct.pack("4Q", _MOUNT_ATTR_RDONLY, 0, 0, 0)
    if libc.syscall(_SYS_MOUNT_SETATTR, -1, b"/", _AT_RECURSIVE, read_only, len(read_only)):
        return False
    writable_again = struct.pack("4Q", 0, _MOUNT_ATTR_RDONLY, 0, 0)
    return not folder or not libc.syscall(
        _SYS_MOUNT_SETATTR, -1, folder, 0, writable_again, len(writable_again)
    )
