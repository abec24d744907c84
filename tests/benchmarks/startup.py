"""How long a user waits for nothing: the command line's help, the import, the model's load; beside a bare interpreter."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

_REPEATS = 7
_LOAD = """
import time
import engine.embedded
from engine.loading import load_model
started = time.perf_counter()
load_model()
print(time.perf_counter() - started)
"""
_COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "winnow --help": ["-m", "agent", "--help"],
    "import agent, verifiers": ["-c", "import agent, verifiers"],
}


def main() -> None:
    """Print medians, interleaved."""
    seconds: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    loads = []
    for _ in range(_REPEATS):
        for name, arguments in _COMMANDS.items():
            seconds[name].append(_seconds(arguments))
        loads.append(float(_output(["-c", _LOAD])))
    print(f"medians of {_REPEATS}, interleaved")
    for name, taken in seconds.items():
        print(f"{name:26s} {1000 * statistics.median(taken):6.0f} ms")
    print(f"{'load the shipped model':26s} {1000 * statistics.median(loads):6.0f} ms")


def _seconds(arguments: Sequence[str]) -> float:
    started = time.perf_counter()
    _output(arguments)
    return time.perf_counter() - started


def _output(arguments: Sequence[str]) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    main()
