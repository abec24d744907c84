"""What the sandbox asks of the Linux kernel, by ctypes: namespaces, mounts, capabilities, seccomp, resource limits.

The file knows the standard library only and runs under any Python from 3.8 on: it is used by this package's interpreter
and, inside the sandbox, by the interpreter of the judged project.
"""

import ctypes
import fcntl
import os
import resource
import signal
import socket
import struct
import sys

NEWUSER, NEWNS, NEWPID, NEWNET = 0x10000000, 0x00020000, 0x20000000, 0x40000000
NEWIPC, NEWUTS = 0x08000000, 0x04000000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
_MNT_DETACH = 2
_AT_FDCWD, _AT_RECURSIVE, _SYS_MOUNT_SETATTR, _SYS_PIVOT_ROOT = -100, 0x8000, 442, 155
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 22, 24, 38
_PR_SET_CHILD_SUBREAPER = 36
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4

_ORDINARY = 1000

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags`; with NEWUSER the user stays who they are, but root becomes user 1000.

    Who is root inside could not make further user namespaces without capabilities, and tests of permissions would fail.
    """
    uid, gid = os.geteuid(), os.getegid()
    _check(_libc.unshare(flags), "unshare namespaces")
    if flags & NEWUSER:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{uid or _ORDINARY} {uid} 1")
        _write("/proc/self/gid_map", f"{gid or _ORDINARY} {gid} 1")
    if flags & NEWNET:
        _loopback_up()


def make_private() -> None:
    """Mounts of this namespace no longer reach the one it came from."""
    _mount("none", "/", None, MS_REC | MS_PRIVATE)


def mount_tmpfs(path: str, size_bytes: int, mode: str = "0755") -> None:
    """A file system in memory that holds at most `size_bytes`."""
    _mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, f"size={size_bytes},mode={mode}")


def mount_proc(path: str) -> None:
    """The processes of the own process namespace, and no others."""
    _mount("proc", path, "proc", MS_NOSUID | MS_NODEV)


def mount_terminals(path: str) -> None:
    """Pseudo-terminals of the own; none of another sandbox is among them."""
    _mount("devpts", path, "devpts", MS_NOSUID, "newinstance,ptmxmode=0666,mode=0620")


def mount_overlay(lower: str, upper: str, work: str, path: str) -> None:
    """A tree that reads `lower` and writes `upper`."""
    options = f"lowerdir={lower},upperdir={upper},workdir={work},userxattr"
    _mount("overlay", path, "overlay", MS_NOSUID | MS_NODEV, options)


def bind(source: str, target: str, read_only: bool = True) -> None:
    """Show `source`, a file or a folder with all that is mounted below it, at `target`."""
    if not os.path.lexists(target):
        if os.path.isdir(source):
            os.makedirs(target)
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    _mount(source, target, None, MS_BIND | MS_REC)
    if read_only:
        set_read_only(target)


def set_read_only(path: str, below: bool = True) -> None:
    """Make a mount, and by default all mounts below it, read-only, without set-user-ID programs."""
    attributes = struct.pack("QQQQ", _ATTR_RDONLY | _ATTR_NOSUID, 0, 0, 0)
    result = _libc.syscall(
        _SYS_MOUNT_SETATTR,
        _AT_FDCWD,
        os.fsencode(path),
        _AT_RECURSIVE if below else 0,
        attributes,
        len(attributes),
    )
    _check(result, f"make {path} read-only")


def hold(path: str) -> str:
    """A name for `path` that stays good when something is mounted over it."""
    return f"/proc/self/fd/{os.open(path, os.O_PATH)}"


def let_go(held: str) -> None:
    """Give up a name of `hold`: who is entered without starting a program would inherit the way to what was covered."""
    os.close(int(held.rpartition("/")[2]))


def make_writable(tree: str, scratch: str, size_bytes: int, keep: "list[str]") -> None:
    """Let writes to `tree` go to memory. `keep` are mounts below it that stay visible, read-only."""
    held = [(hold(path), path) for path in keep]
    mount_tmpfs(scratch, size_bytes)
    os.mkdir(scratch + "/upper")
    os.mkdir(scratch + "/work")
    lower = hold(tree)  # a path of the user may hold what separates the options of a mount
    mount_overlay(lower, scratch + "/upper", scratch + "/work", tree)
    let_go(lower)
    for source, path in held:
        bind(source, path)
        let_go(source)


def fresh_temporary(size_bytes: int, keep: "list[str]") -> None:
    """An empty /tmp and /dev/shm. `keep` are mounts below /tmp that stay visible, read-only."""
    held = [(hold(path), path) for path in keep]
    mount_tmpfs("/tmp", size_bytes, "1777")
    mount_tmpfs("/dev/shm", size_bytes, "1777")
    for source, path in held:
        bind(source, path)
        let_go(source)


def pivot_root(new_root: str) -> None:
    """Make `new_root` the root and let go of the old one."""
    os.chdir(new_root)
    _check(_libc.syscall(_SYS_PIVOT_ROOT, b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", _MNT_DETACH), "let go of the old root")
    os.chdir("/")


def die_with_parent() -> None:
    """SIGKILL when the parent's thread ends. Changing credentials clears it: call it after `unshare`."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of descendants whose parent ends."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def drop_capabilities() -> None:
    """Give up every capability for good."""
    for capability in range(64):
        if _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = ctypes.create_string_buffer(struct.pack("Ii", 0x20080522, 0), 8)
    _check(_libc.capset(header, ctypes.create_string_buffer(24)), "drop capabilities")


# ptrace, process_vm_*, kcmp, pidfd_getfd; kexec, bpf, perf, userfaultfd; keys; mounts; namespaces, chroot; io_uring;
# open_by_handle; modules
_X86_64 = """
    101 310 311 312 438  246 320 321 298 323  248 249 250  165 166 155 428 429 430 431 432 433 442
    272 308 161  425 426 427  304  175 313 176
"""
_AARCH64 = """
    117 270 271 272 438  104 294 280 241 282  217 218 219  40 39 41 428 429 430 431 432 433 442
    97 268 51  425 426 427  265  105 273 106
"""
_FORBIDDEN = {
    "x86_64": (0xC000003E, [int(n) for n in _X86_64.split()], 56),
    "aarch64": (0xC00000B7, [int(n) for n in _AARCH64.split()], 220),
}
"""Machine -> its number in the audit interface, forbidden system calls, and the number of `clone`."""
_CLONE3 = 435
_ALLOW, _EPERM, _ENOSYS, _KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000


def forbid_system_calls() -> bool:
    """Refuse calls that no test needs and that kernel bugs are found in; False on an unknown processor.

    `clone` may not make user namespaces, and `clone3`, whose flags a filter cannot see, is "not implemented".
    """
    known = _FORBIDDEN.get(os.uname().machine)
    if known is None:
        return False
    architecture, numbers, clone = known
    lines = [(0x20, 0, 0, 4), (0x15, 1, 0, architecture), (0x06, 0, 0, _KILL), (0x20, 0, 0, 0)]
    lines += [(0x35, 0, 1, 0x40000000), (0x06, 0, 0, _EPERM)]
    for number in numbers:
        lines += [(0x15, 0, 1, number), (0x06, 0, 0, _EPERM)]
    lines += [(0x15, 0, 1, _CLONE3), (0x06, 0, 0, _ENOSYS)]
    lines += [(0x15, 0, 3, clone), (0x20, 0, 0, 16), (0x45, 0, 1, NEWUSER), (0x06, 0, 0, _EPERM)]
    lines += [(0x06, 0, 0, _ALLOW)]
    program = b"".join(struct.pack("HBBI", *line) for line in lines)
    code = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxQ", len(lines), ctypes.addressof(code))
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    result = _libc.prctl(_PR_SET_SECCOMP, 2, ctypes.create_string_buffer(head, len(head)), 0, 0)
    _check(result, "set the system call filter")
    return True


def set_limits(memory_bytes: int, cpu_seconds: int, file_bytes: int, processes: int) -> None:
    """Resource limits of this process and its children; 0 leaves a limit as it is."""
    wanted = [
        (resource.RLIMIT_CORE, 1),
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NPROC, processes),
        (resource.RLIMIT_NOFILE, 1024),
    ]
    for name, value in wanted:
        if value:
            _, hard = resource.getrlimit(name)
            most = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(name, (most, most))


def join_group(folder: str) -> None:
    """Enter a control group, with all children to come."""
    _write(f"{folder}/cgroup.procs", "0")


def die_first() -> None:
    """When memory runs out, the kernel ends this process and its children before any other."""
    _write("/proc/self/oom_score_adj", "1000")


def reap_until(child: int) -> int:
    """Wait for `child` as the first process of a namespace does: every orphan is reaped on the way."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return status


def exit_like(status: int) -> None:
    """End this process with the exit code of a wait status; 128 + signal for a killed one. Never returns."""
    sys.stdout.flush()
    os._exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))


def _mount(source: str, target: str, kind: "str | None", flags: int, data: str = "") -> None:
    result = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        data.encode() if data else None,
    )
    _check(result, f"mount {kind or source} at {target}")


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH22x", b"lo", 1 | 64))


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _check(result: int, doing: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot {doing}: {os.strerror(number)}")
