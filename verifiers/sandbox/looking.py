"""Run inside a sandbox: says as JSON what is in force there, by trying."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import landlock  # type: ignore[import-not-found]

_WRITABLE_BUT_FOR_LANDLOCK = "/.winnow/scratch/try"


def main() -> None:
    """Print it."""
    with open("/proc/self/status") as file:
        status = {name: value.strip() for name, _, value in (line.partition(":") for line in file)}
    held = [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")]
    facts = {
        "namespaces": {n: os.readlink(f"/proc/self/ns/{n}") for n in os.listdir("/proc/self/ns")},
        "wrote_tree": _writing("try") == "",
        "private_proc": sum(name.isdigit() for name in os.listdir("/proc")) <= 4,
        "no_capabilities": not any(held),
        "no_new_privileges": status["NoNewPrivs"] == "1",
        "ordinary_user": os.geteuid() != 0 and os.getegid() != 0,
        "landlock": landlock.version()
        if _writing(_WRITABLE_BUT_FOR_LANDLOCK) == "PermissionError"
        else 0,
        "system_call_filter": status.get("Seccomp") == "2",
    }
    print(json.dumps(facts))  # noqa: T201


def _writing(path: str) -> str:
    """The name of what writing raised; empty when it worked."""
    try:
        with open(path, "w"):
            return ""
    except OSError as error:
        return type(error).__name__


if __name__ == "__main__":
    main()
