"""`python confined.py SPEC COMMAND…`: become a command that is limited and may do little, for good.

SPEC is JSON (see `room.py`). It is the last step into a sandbox, whatever made the namespaces.
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import kernel  # type: ignore[import-not-found]
import landlock  # type: ignore[import-not-found]


def become(spec: dict, command: list) -> None:  # type: ignore[type-arg]
    """Never returns.

    Raises:
        OSError: the kernel refuses a part of it, or there is no such command.
    """
    if os.getsid(0) != os.getpid():
        os.setsid()
    kernel.set_limits(**spec["limits"])
    kernel.drop_capabilities()
    if spec["confine"]:
        kernel.die_first()
        landlock.confine([spec["folder"], "/tmp", "/dev/shm"])
        kernel.forbid_system_calls()
    os.chdir(spec["folder"])
    os.execve(command[0], command, spec["environment"])


def give_up(error: OSError) -> None:
    """End with the exit code that says that no sandbox was entered. Never returns."""
    sys.stderr.write(f"sandbox: {error.strerror or error}\n")
    sys.stderr.flush()
    os._exit(SETUP_FAILED)


SETUP_FAILED = 125

if __name__ == "__main__":
    try:
        become(json.loads(sys.argv[1]), sys.argv[2:])
    except OSError as error:
        give_up(error)
