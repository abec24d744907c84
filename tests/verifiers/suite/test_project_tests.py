from __future__ import annotations

import sys
import venv
from pathlib import Path

import anyio
import pytest

from verifiers import BaseStateError, ProjectTests, SuiteLimits, VerifierError, take_snapshot

from .conftest import Bench
from .projects import CALC, FIXED, TARGETS, TESTS, change_of, write_project


async def test_baseline_knows_what_is_red_and_why(bench: Bench) -> None:
    baseline = bench.tests.baseline
    assert baseline.targets == TARGETS
    assert len(baseline.outcomes) == 6
    assert not baseline.flaky
    assert baseline.warm
    failure = baseline.failures[TARGETS[0]]
    assert (failure.error, failure.path) == ("AssertionError", "test_calc.py")
    assert "1.5" in failure.message


async def test_the_fix_passes_and_is_confirmed(bench: Bench) -> None:
    change = bench.change({"calc.py": FIXED})
    verdict = await bench.tests.verify(change)
    assert (verdict.passed, verdict.level, verdict.score) == (True, "observed", 1.0)
    assert set(verdict.tests.values()) == {"passed"}
    confirmed = await bench.tests.confirm(change)
    assert (confirmed.passed, confirmed.level) == (True, "confirmed")


async def test_the_base_itself_does_not_pass(bench: Bench) -> None:
    change = bench.change({"calc.py": CALC + "\n# the same\n"})
    assert not (await bench.tests.verify(change)).passed
    assert not (await bench.tests.confirm(change)).passed


async def test_breaking_another_test_is_a_failure_that_scores_below_a_partial_one(
    bench: Bench,
) -> None:
    broken = FIXED.replace("value * 2", "value * 3")
    verdict = await bench.tests.verify(bench.change({"calc.py": broken}))
    assert (verdict.passed, verdict.outcome) == (False, "failed")
    assert any("test_double" in finding.message for finding in verdict.findings)
    assert 0 < verdict.score < 0.9


async def test_a_same_sized_change_is_not_served_from_a_compiled_file(bench: Bench) -> None:
    same_size = CALC.replace("len(values) + 1", "len(values) + 0")
    assert len(same_size) == len(CALC)
    assert (await bench.tests.verify(bench.change({"calc.py": same_size}))).passed


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("def mean(:\n", "invalid"),
        (CALC.replace("    total = 0\n", "    while True:\n        pass\n"), "timeout"),
        (
            CALC.replace(
                "    total = 0\n", "    import os, signal\n    os.kill(os.getpid(), 11)\n"
            ),
            "crash",
        ),
        (CALC.replace("    total = 0\n", "    print('x' * (24 << 20))\n"), "failed"),
        (CALC.replace("    total = 0\n", "    hold = bytearray(1 << 40)\n"), "memory"),
        ("import not_there\n" + FIXED, "failed"),
    ],
    ids=["syntax", "endless", "signal", "loud", "memory", "import"],
)
async def test_what_goes_wrong_has_a_name(bench: Bench, text: str, outcome: str) -> None:
    verdict = await bench.tests.verify(bench.change({"calc.py": text}))
    assert (verdict.passed, verdict.outcome) == (False, outcome)
    assert verdict.findings


async def test_a_flood_is_stopped(bench: Bench) -> None:
    text = CALC.replace(
        "    total = 0\n", "    import os\n    while os.write(1, b'x' * 65536): pass\n"
    )
    text = "import os\nfor _ in range(100_000): os.write(2, b'x' * 65536)\n" + text
    verdict = await bench.tests.verify(bench.change({"calc.py": text}))
    assert verdict.outcome in ("flood", "timeout", "failed")
    assert not verdict.passed
    assert (await bench.tests.verify(bench.change({"calc.py": FIXED}))).passed


async def test_a_change_of_another_state_is_invalid(bench: Bench) -> None:
    other = change_of(bench.snapshot, {"calc.py": FIXED}).files["calc.py"]
    stale = type(other)(before=b"something else\n", after=other.after)
    verdict = await bench.tests.verify(type(bench.change({}))(files={"calc.py": stale}))
    assert (verdict.outcome, verdict.findings[0].kind) == ("invalid", "policy.stale")


async def test_verdicts_run_at_once_and_do_not_mix(bench: Bench) -> None:
    texts = [FIXED + f"\n# {i}\n" if i % 2 else CALC + f"\n# {i}\n" for i in range(6)]
    passed: dict[int, bool] = {}

    async def judge(index: int, text: str) -> None:
        passed[index] = (await bench.tests.verify(bench.change({"calc.py": text}))).passed

    async with anyio.create_task_group() as group:
        for index, text in enumerate(texts):
            group.start_soon(judge, index, text)
    assert passed == {i: bool(i % 2) for i in range(6)}


async def test_a_cancelled_run_leaves_the_verifier_usable(bench: Bench) -> None:
    endless = CALC.replace("    total = 0\n", "    while True:\n        pass  # cancelled\n")
    with anyio.move_on_after(0.7) as scope:
        await bench.tests.verify(bench.change({"calc.py": endless}))
    assert scope.cancelled_caught
    assert (await bench.tests.verify(bench.change({"calc.py": FIXED + "# again\n"}))).passed


async def test_trace_names_the_lines_that_each_test_ran(bench: Bench) -> None:
    lines = (await bench.tests.trace()).lines
    assert lines[TARGETS[0]] == {"calc.py": frozenset({4, 5, 6, 7, 8})}
    assert lines["test_calc.py::test_double"] == {"calc.py": frozenset({16, 17})}


async def test_the_tree_of_the_user_is_left_alone(bench: Bench) -> None:
    assert sorted(p.name for p in bench.snapshot.root.iterdir()) == ["calc.py", "test_calc.py"]
    assert take_snapshot(bench.snapshot.root).digest == bench.snapshot.digest


GREEN = {"calc.py": FIXED, "test_calc.py": TESTS}
RED = {"calc.py": CALC, "test_calc.py": TESTS}


@pytest.mark.parametrize(
    ("files", "targets", "reason"),
    [
        (GREEN, (), "nothing_red"),
        ({"calc.py": CALC}, (), "no_tests"),
        (RED | {"calc.py": "def mean(:\n"}, (), "collection_failed"),
        (RED, ("test_calc.py::test_mena",), "unknown_target"),
        (RED, ("test_calc.py::test_double",), "target_not_red"),
        (RED | {"test_slow.py": "import time\ntime.sleep(60)\n"}, (), "suite_timeout"),
        (RED | {"pytest.ini": "[pytest]\naddopts = --no-such-option\n"}, (), "collection_failed"),
    ],
    ids=["green", "no-tests", "syntax", "unknown", "not-red", "slow", "option"],
)
async def test_a_base_that_cannot_be_judged_with(
    tmp_path: Path, files: dict[str, str], targets: tuple[str, ...], reason: str
) -> None:
    limits = SuiteLimits(seconds=8 if reason == "suite_timeout" else 60)
    tests = ProjectTests(targets=targets, limits=limits)
    with pytest.raises(BaseStateError) as caught:
        await tests.prepare(take_snapshot(write_project(tmp_path, files)))
    assert caught.value.reason == reason
    assert str(caught.value)
    await tests.aclose()


async def test_flaky_tests_count_for_nothing(tmp_path: Path) -> None:
    flaky = "import os\n\ndef test_coin():\n    assert '_once' in os.environ or os.getpid() % 2\n"
    flaky = "import time\n\ndef test_coin():\n    assert int(time.monotonic_ns() / 1000) % 2\n"
    runs = flaky.replace("test_coin", "test_coin_{}")
    many = "".join(runs.replace("{}", str(i)) for i in range(12))
    tests = ProjectTests()
    await tests.prepare(take_snapshot(write_project(tmp_path, RED | {"test_coin.py": many})))
    assert any("coin" in test for test in tests.baseline.flaky)
    assert not tests.baseline.flaky & tests.baseline.must_pass
    await tests.aclose()


async def test_a_file_that_cannot_be_collected_does_not_stop_the_others(tmp_path: Path) -> None:
    files = {"calc.py": CALC, "test_calc.py": TESTS, "test_gone.py": "import not_installed\n"}
    tests, snapshot = ProjectTests(), take_snapshot(write_project(tmp_path, files))
    await tests.prepare(snapshot)
    try:
        assert tests.baseline.targets == TARGETS
        assert list(tests.baseline.uncollected) == ["test_gone.py"]
        assert "not_installed" in tests.baseline.uncollected["test_gone.py"]
        verdict = await tests.verify(change_of(snapshot, {"calc.py": FIXED}))
        assert (verdict.passed, verdict.findings) == (True, ())
        assert (await tests.confirm(change_of(snapshot, {"calc.py": FIXED}))).passed
        broken = FIXED.replace("def double(", "def twice(")
        verdict = await tests.verify(change_of(snapshot, {"calc.py": broken}))
        assert not verdict.passed
        assert any("test_calc.py" in finding.message for finding in verdict.findings)
    finally:
        await tests.aclose()
    named = ProjectTests(targets=("test_gone.py::test_x",))
    with pytest.raises(BaseStateError, match=r"test_gone\.py: E .*not_installed") as raised:
        await named.prepare(snapshot)
    assert raised.value.reason == "collection_failed"


SHARED_TESTS = """
import unittest
from calc import double, mean


class Common:
    number = 4

    def test_double(self):
        self.assertEqual(double(self.number), 2 * self.number)

    def test_mean(self):
        self.assertEqual(mean([self.number]), self.number)

    def test_both(self):
        self.test_double()
        self.test_mean()


class TestFour(Common, unittest.TestCase):
    pass


class TestFive(Common, unittest.TestCase):
    number = 5


class TestTen(Common, unittest.TestCase):
    number = 10

    def test_alone(self):
        self.assertEqual(double(self.number), 20)


class TestSix(TestFive):
    number = 6

    def test_both(self):
        super().test_both()
        assert self.number == 6
"""


async def test_tests_that_share_code_are_sealed_and_an_honest_fix_stands(tmp_path: Path) -> None:
    files = {"calc.py": CALC, "test_shared.py": SHARED_TESTS}
    tests, snapshot = ProjectTests(), take_snapshot(write_project(tmp_path, files))
    await tests.prepare(snapshot)
    try:
        assert await tests.seal_coverage() == pytest.approx(1 / 13)
        for _ in range(6):
            verdict = await tests.seal(change_of(snapshot, {"calc.py": FIXED}))
            assert (verdict.outcome, verdict.level) == ("passed", "sealed")
    finally:
        await tests.aclose()


async def test_an_endless_loop_in_the_base_is_a_red_test(tmp_path: Path) -> None:
    endless = CALC.replace(
        "        total += value\n", "        total += value\n        values.append(0)\n"
    )
    tests = ProjectTests(limits=SuiteLimits(test_seconds=1))
    await tests.prepare(take_snapshot(write_project(tmp_path, RED | {"calc.py": endless})))
    assert {f.error for f in tests.baseline.failures.values()} == {"TestTimeout"}
    assert tests.baseline.targets == TARGETS
    await tests.aclose()


async def test_a_name_of_a_file_stands_for_its_red_tests(tmp_path: Path) -> None:
    tests = ProjectTests(targets=("test_calc.py",))
    await tests.prepare(take_snapshot(write_project(tmp_path, RED)))
    assert tests.baseline.targets == TARGETS
    await tests.aclose()


async def test_unsafe_isolation_gives_the_same_verdicts(tmp_path: Path) -> None:
    tests, snapshot = ProjectTests(isolation="unsafe"), take_snapshot(write_project(tmp_path, RED))
    await tests.prepare(snapshot)
    change = change_of(snapshot, {"calc.py": FIXED})
    assert (await tests.verify(change)).passed
    assert (await tests.confirm(change)).passed
    assert not (await tests.verify(change_of(snapshot, {"calc.py": CALC + "# no\n"}))).passed
    await tests.aclose()
    assert take_snapshot(tmp_path).digest == snapshot.digest


async def test_it_has_to_be_prepared() -> None:
    with pytest.raises(VerifierError, match="prepare"):
        _ = ProjectTests().baseline


def test_a_snapshot_needs_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(BaseStateError) as caught:
            take_snapshot(path)
        assert caught.value.reason == "not_a_directory"


def test_a_snapshot_leaves_out_what_does_not_count(tmp_path: Path) -> None:
    kept = {"a.py": "1\n", "pkg/b.py": "2\n", "data/c.txt": "3\n"}
    left = {".git/HEAD": "x", "__pycache__/a.pyc": "x", "env/pyvenv.cfg": "x", "env/lib/d.py": "x"}
    write_project(tmp_path, kept | left)
    (tmp_path / "link").symlink_to("a.py")
    snapshot = take_snapshot(tmp_path)
    assert snapshot.files == tuple(sorted(kept))
    (tmp_path / "a.py").write_text("9\n")
    assert take_snapshot(tmp_path).digest != snapshot.digest


async def test_an_environment_inside_the_tree_with_an_editable_install(tmp_path: Path) -> None:
    files = {"src/calc.py": CALC, "tests/test_calc.py": TESTS}
    root = write_project(tmp_path / "project", files)
    venv.create(root / ".venv", symlinks=True, with_pip=False)
    (packages,) = (root / ".venv" / "lib").glob("python*/site-packages")
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "editable.pth").write_text("\n".join([str(root / "src"), *ours]) + "\n")
    tests, snapshot = ProjectTests(), take_snapshot(root)
    await tests.prepare(snapshot)
    assert snapshot.files == tuple(sorted(files))
    change = change_of(snapshot, {"src/calc.py": FIXED})
    assert (await tests.verify(change)).passed
    assert (await tests.confirm(change)).passed
    await tests.aclose()
