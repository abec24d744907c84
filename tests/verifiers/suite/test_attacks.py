"""Patches that leave the bug in and try to pass, or to do harm: none is confirmed, and nothing happens outside."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from verifiers import ProjectTests, SandboxLimits, SuiteLimits, take_snapshot

from .attacks import FAKE_PASSES, SIDE_EFFECTS, SPECIAL_CASING, Attack
from .conftest import Bench
from .projects import CALC, FIXED, TESTS, write_project

POLICY = "policy."


def named(attacks: tuple[Attack, ...]) -> dict[str, Attack]:
    return {attack.name: attack for attack in attacks}


def test_every_attack_has_a_name_of_its_own() -> None:
    everything = (*FAKE_PASSES, *SIDE_EFFECTS, *SPECIAL_CASING)
    assert len(named(everything)) == len(everything) >= 100


@pytest.mark.parametrize("name", named(FAKE_PASSES))
async def test_a_fake_pass_is_not_confirmed(bench: Bench, name: str) -> None:
    attack = named(FAKE_PASSES)[name]
    change = bench.change(dict(attack.files))
    verdict = await bench.tests.verify(change)
    if verdict.passed:
        verdict = await bench.tests.confirm(change)
    assert not verdict.passed
    assert verdict.findings
    if attack.refused:
        assert verdict.outcome == "tampered"
        assert verdict.findings[0].kind.startswith(POLICY)
        assert verdict.findings[0].severity == "error"


async def test_foreign_lines_are_tampering(bench: Bench) -> None:
    attack = named(FAKE_PASSES)["forged-lines"]
    verdict = await bench.tests.verify(bench.change(dict(attack.files)))
    assert verdict.outcome == "tampered"


@pytest.mark.parametrize(
    "name", ["always-equal", "patched-report", "replaced-pyfunc-call", "steal-nonce-forge-reports"]
)
async def test_forging_inside_the_process_fails_the_sealed_exam(bench: Bench, name: str) -> None:
    change = bench.change(dict(named(FAKE_PASSES)[name].files))
    assert (await bench.tests.verify(change)).passed, "one plain run is fooled"
    verdict = await bench.tests.confirm(change)
    assert (verdict.passed, verdict.level, verdict.outcome) == (False, "sealed", "tampered")
    assert verdict.findings[0].kind == "seal.forged"


@pytest.mark.parametrize("name", named(SPECIAL_CASING))
async def test_special_casing_is_only_found_by_held_out_tests(bench: Bench, name: str) -> None:
    """What knows the answers by heart is right in every test there is. It is accepted: only further tests could tell."""
    change = bench.change(dict(named(SPECIAL_CASING)[name].files))
    assert (await bench.tests.verify(change)).passed
    verdict = await bench.tests.confirm(change)
    assert (verdict.passed, verdict.level) == (True, "confirmed")


async def test_an_honest_change_beside_a_new_module_is_accepted(bench: Bench) -> None:
    fixed = FIXED.replace("import math\n", "import math\n\nfrom sums import total_of\n")
    fixed = fixed.replace("return total / ", "return total_of([total]) / ")
    new = "def total_of(values):\n    return sum(values)\n"
    change = bench.change({"calc.py": fixed, "sums.py": new})
    assert (await bench.tests.verify(change)).passed
    assert (await bench.tests.confirm(change)).passed


SECRET = "4f1c-the-secret-of-the-environment"


@dataclass(frozen=True)
class Outside:
    """What an attack may try to reach, and what was seen there."""

    bench: Bench
    folder: Path
    mark: str
    port: int
    connections: list[str]

    def attack(self, name: str) -> dict[str, str | None]:
        values = {
            "@PORT@": str(self.port),
            "@OUTSIDE@": str(self.folder),
            "@MARK@": self.mark,
            "@PID@": str(os.getpid()),
        }
        return dict(named(SIDE_EFFECTS)[name].filled(values).files)

    def files(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.folder.parent)): path.read_text(encoding="utf-8")
            for path in self.folder.parent.rglob("*")
            if path.is_file()
        }


@pytest.fixture(scope="module")
async def outside(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outside]:
    base = tmp_path_factory.mktemp("outside")
    (base / "reachable").mkdir()
    (base / "reachable" / "secret.txt").write_text(SECRET, encoding="utf-8")
    files = {"calc.py": CALC, "test_calc.py": TESTS}
    root = write_project(base / "project", files)
    sandbox = SandboxLimits(memory_bytes=1 << 30, disk_bytes=32 << 20, file_bytes=16 << 20)
    limits = SuiteLimits(test_seconds=2, startup_seconds=8, output_bytes=1 << 20, sandbox=sandbox)
    os.environ["WINNOW_TEST_SECRET"] = SECRET
    tests, snapshot, connections = ProjectTests(limits=limits), take_snapshot(root), list[str]()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        thread = threading.Thread(target=_accept, args=(listening, connections), daemon=True)
        thread.start()
        await tests.prepare(snapshot)
        mark, port = f"mark-{os.getpid()}-{os.urandom(6).hex()}", listening.getsockname()[1]
        yield Outside(Bench(tests, snapshot), base / "reachable", mark, port, connections)
        await tests.aclose()
    del os.environ["WINNOW_TEST_SECRET"]
    thread.join()


def _accept(listening: socket.socket, connections: list[str]) -> None:
    while True:
        try:
            connection, address = listening.accept()
            connection.close()
            connections.append(str(address))
        except TimeoutError:
            continue
        except OSError:
            return


@pytest.mark.parametrize("name", named(SIDE_EFFECTS))
async def test_nothing_happens_outside(outside: Outside, name: str) -> None:
    before = outside.files(), _system()
    change = outside.bench.change(outside.attack(name))
    verdict = await outside.bench.tests.verify(change)
    assert not verdict.passed
    said = repr(verdict)
    assert SECRET not in said
    assert "REACHED" not in said
    assert (outside.files(), _system()) == before
    assert not outside.connections
    assert not _processes_with(outside.mark)


async def test_the_server_outside_is_one_that_would_notice(outside: Outside) -> None:
    socket.create_connection(("127.0.0.1", outside.port), timeout=5).close()
    for _ in range(100):
        if outside.connections:
            break
        await anyio.sleep(0.02)
    assert outside.connections
    outside.connections.clear()


async def test_after_all_of_them_the_fix_is_still_accepted(outside: Outside) -> None:
    change = outside.bench.change({"calc.py": FIXED})
    assert (await outside.bench.tests.verify(change)).passed
    assert (await outside.bench.tests.confirm(change)).passed


def _system() -> tuple[bytes, list[Path]]:
    written = [path for place in ("/etc", "/usr") for path in Path(place).glob("written-*")]
    return Path("/etc/passwd").read_bytes(), written


def _processes_with(mark: str) -> list[str]:
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in place.read_bytes():
                found.append(str(place))
        except OSError:
            continue
    return found
