"""File access rules that a process takes upon itself and its children, for good: the kernel's Landlock, by ctypes.

They stand on top of the mounts: what a mistake in the mounts would leave writable is refused all the same. Like `kernel.py`
this file knows the standard library only and runs under any Python from 3.8 on.
"""

import ctypes
import os
import stat
import struct

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/pts")
_OLDEST_USEFUL = 2
"""Version 1 refuses every rename from one folder to another, which suites do."""
_SCOPED_SINCE, _NETWORK_SINCE = 6, 4

_SYS_CREATE_RULESET, _SYS_ADD_RULE, _SYS_RESTRICT_SELF = 444, 445, 446
_ASK_VERSION, _RULE_PATH_BENEATH, _PR_SET_NO_NEW_PRIVS = 1, 1, 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_NUM_RIGHTS = {2: 14, 3: 15, 4: 15}
"""Version -> number of file rights that it knows; 16 from version 5 on. Later ones are about other things."""
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2

_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """The version of the kernel's interface; 0 where there is none that is of use."""
    found = int(_libc.syscall(_SYS_CREATE_RULESET, None, 0, _ASK_VERSION))
    return found if found >= _OLDEST_USEFUL else 0


def confine(writable: "list[str]") -> int:
    """From now on write only below `writable` and to `DEVICES`, those of them that exist; read and execute anywhere.

    From version 6 on, signals and abstract sockets reach this process and its descendants only. Nothing is said about the
    network: it is a namespace of its own, and rules on ports would take loopback away.

    Returns the version in force, 0 for none.

    Raises:
        OSError: the kernel knows Landlock but refuses.
    """
    known = version()
    if not known:
        return 0
    rights = (1 << _NUM_RIGHTS.get(known, 16)) - 1
    ruleset = _create(known, rights)
    try:
        _allow(ruleset, "/", rights & _READ)
        for path in DEVICES:
            _allow(ruleset, path, rights & (_READ_FILE | _WRITE_FILE | _TRUNCATE | _IOCTL_DEV))
        for path in writable:
            _allow(ruleset, path, rights)
        _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _check(_libc.syscall(_SYS_RESTRICT_SELF, ruleset, 0), "take on file access rules")
    finally:
        os.close(ruleset)
    return known


def _create(known: int, rights: int) -> int:
    attributes = struct.pack("Q", rights)
    if known >= _NETWORK_SINCE:
        attributes += struct.pack("Q", 0)
    if known >= _SCOPED_SINCE:
        attributes += struct.pack("Q", _ABSTRACT_SOCKETS | _SIGNALS)
    ruleset = int(_libc.syscall(_SYS_CREATE_RULESET, attributes, len(attributes), 0))
    _check(min(ruleset, 0), "make file access rules")
    return ruleset


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, handle)
        _check(
            _libc.syscall(_SYS_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0),
            f"allow access to {path}",
        )
    finally:
        os.close(handle)


def _check(result: int, doing: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot {doing}: {os.strerror(number)}")
