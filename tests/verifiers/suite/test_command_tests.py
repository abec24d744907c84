"""A command as the judge: real compilers, real shells, real sandboxes."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from verifiers import (
    BaseStateError,
    Change,
    CommandTests,
    FileChange,
    SandboxLimits,
    Snapshot,
    SuiteLimits,
    Verifier,
    VerifierError,
    take_snapshot,
)
from verifiers.sandbox import Isolation
from verifiers.sandbox.cgroups import hierarchies

from .projects import change_of, write_project

ADD = "add() { echo $(( $1 - $2 )); }\n"
FIXED = ADD.replace("-", "+")
CHECK = """\
. ./add.sh
test "$(add 2 2)" = 4 || { echo 'add 2 2 is wrong'; exit 1; }
"""
PROJECT = {"add.sh": ADD, "checks/check.sh": CHECK, "Makefile": "check:\n\tsh checks/check.sh\n"}
COMMAND = "sh checks/check.sh"
REPORT = """\
. ./add.sh
mkdir -p out
end() { test "$2" = "$3" || { status=1; echo '<failure message="wrong"/>'; }; }
case_() { echo "<testcase classname='add' name='$1'>"; end "$@"; echo '</testcase>'; }
status=0
{ echo '<testsuite>'
case_ two "$(add 2 2)" 4
case_ zero "$(add 3 0)" 3
case_ never "$(add 9 9)" 0
echo '</testsuite>'; } > out/report.xml
exit $status
"""
TWO, NEVER = "add::two", "add::never"
SHORT = SuiteLimits(seconds=3, output_bytes=1 << 20)


async def prepared(
    root: Path, files: dict[str, str], command: str = COMMAND, **options: object
) -> tuple[CommandTests, Snapshot]:
    tests = CommandTests(command, **options)  # type: ignore[arg-type]
    snapshot = take_snapshot(write_project(root, files))
    await tests.prepare(snapshot)
    return tests, snapshot


@pytest.fixture(scope="module")
async def judge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CommandTests]:
    limits = SuiteLimits(
        seconds=4, output_bytes=1 << 20, sandbox=SandboxLimits(memory_bytes=1 << 28)
    )
    tests, _ = await prepared(tmp_path_factory.mktemp("add"), PROJECT, limits=limits)
    yield tests
    await tests.aclose()


def change(text: str) -> Change:
    return Change({"add.sh": FileChange(before=ADD.encode(), after=text.encode())})


async def test_the_base_is_red_and_the_command_is_the_test(judge: CommandTests) -> None:
    assert isinstance(judge, Verifier)
    assert judge.baseline.targets == (COMMAND,)
    failure = judge.baseline.failures[COMMAND]
    assert (failure.error, failure.message) == ("exit status 1", "add 2 2 is wrong")
    assert (await judge.trace()).lines == {}


async def test_exit_code_0_passes_and_is_never_more_than_observed(judge: CommandTests) -> None:
    verdict = await judge.verify(change(FIXED))
    assert (verdict.passed, verdict.level, verdict.score) == (True, "observed", 1.0)
    assert (verdict.tests, verdict.command) == ({COMMAND: "passed"}, COMMAND)
    again = await judge.confirm(change(FIXED))
    assert (again.passed, again.level) == (True, "observed")


async def test_another_exit_code_fails_with_what_was_said_last(judge: CommandTests) -> None:
    verdict = await judge.verify(change(ADD + "# no\n"))
    assert (verdict.passed, verdict.outcome, verdict.level) == (False, "failed", "observed")
    assert "add 2 2 is wrong" in verdict.findings[0].message
    assert not (await judge.confirm(change(ADD + "# no\n"))).passed


HOLD = "head -c 1G /dev/zero | tail >/dev/null\n"


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("kill -SEGV $$\n", "crash"),
        ("sleep 60\n", "timeout"),
        (
            "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done\n",
            "flood",
        ),
        ("exit 125\n", "failed"),
        ("exit 127\n", "failed"),
        (HOLD + ADD, "memory"),
    ],
    ids=["signal", "endless", "loud", "the-sandbox's-own-code", "the-shell's-own-code", "memory"],
)
async def test_what_goes_wrong_has_a_name(judge: CommandTests, text: str, outcome: str) -> None:
    if outcome == "memory" and hierarchies().kind == "none":
        pytest.skip("this machine has no control groups that winnow may use")
    verdict = await judge.verify(change(text))
    assert (verdict.passed, verdict.outcome) == (False, outcome)
    assert verdict.findings


@pytest.mark.parametrize(
    "path", ["checks/check.sh", "Makefile", ".github/workflows/ci.yml", "tests/more.sh"]
)
async def test_what_the_command_starts_with_comes_from_the_base(
    judge: CommandTests, path: str
) -> None:
    before = PROJECT.get(path)
    file = FileChange(before=before.encode() if before else None, after=b"exit 0\n")
    for verdict in (
        await judge.verify(Change({path: file})),
        await judge.confirm(Change({path: file})),
    ):
        assert (verdict.passed, verdict.outcome) == (False, "tampered")


async def test_a_change_of_another_state_is_invalid(judge: CommandTests) -> None:
    stale = Change({"add.sh": FileChange(before=b"other\n", after=FIXED.encode())})
    assert (await judge.verify(stale)).outcome == "invalid"


async def test_make_sees_that_a_source_is_newer_than_what_was_built_of_it(tmp_path: Path) -> None:
    makefile = "check: built\n\tsh checks/check.sh\nbuilt: add.sh\n\tcp add.sh built\n"
    files = {
        "add.sh": ADD,
        "built": ADD,
        "Makefile": makefile,
        "checks/check.sh": CHECK.replace("./add.sh", "./built"),
    }
    tests, snapshot = await prepared(tmp_path, files, "make check")
    try:
        assert (await tests.verify(change_of(snapshot, {"add.sh": FIXED}))).passed
    finally:
        await tests.aclose()


async def test_a_changed_script_can_still_be_run(tmp_path: Path) -> None:
    files = {"tool": "#!/bin/sh\nexit 1\n", "checks/check.sh": "./tool\n"}
    (write_project(tmp_path, files) / "tool").chmod(0o755)
    tests, snapshot = await prepared(tmp_path, files, COMMAND)
    try:
        verdict = await tests.verify(change_of(snapshot, {"tool": "#!/bin/sh\nexit 0\n"}))
        assert verdict.passed, verdict.findings
    finally:
        await tests.aclose()


async def test_installed_packages_of_the_tree_are_seen_and_not_written(tmp_path: Path) -> None:
    installed = write_project(tmp_path, {"node_modules/pkg/value": "4\n"}) / "node_modules"
    check = '. ./add.sh\necho no 2>/dev/null > node_modules/pkg/value; test "$(add 2 2)" = "$(cat node_modules/pkg/value)"\n'
    tests, snapshot = await prepared(tmp_path, {**PROJECT, "checks/check.sh": check})
    try:
        assert not [path for path in snapshot.files if "node_modules" in path]
        assert (await tests.verify(change_of(snapshot, {"add.sh": FIXED}))).passed
        assert (installed / "pkg" / "value").read_text() == "4\n"
    finally:
        await tests.aclose()


@pytest.mark.parametrize("isolation", ["bubblewrap", "unsafe"])
async def test_other_isolations_say_the_same(tmp_path: Path, isolation: Isolation) -> None:
    if isolation == "bubblewrap" and not shutil.which("bwrap"):
        pytest.skip("bubblewrap is not installed")
    before = take_snapshot(write_project(tmp_path, PROJECT)).digest
    tests, snapshot = await prepared(tmp_path, PROJECT, isolation=isolation, limits=SHORT)
    try:
        assert (await tests.verify(change_of(snapshot, {"add.sh": FIXED}))).passed
        assert not (await tests.verify(change_of(snapshot, {"add.sh": ADD + "#\n"}))).passed
        crash = await tests.verify(change_of(snapshot, {"add.sh": "kill -SEGV $$\n"}))
        assert crash.outcome == "crash"
    finally:
        await tests.aclose()
    assert take_snapshot(tmp_path).digest == before


REPORTING = {"add.sh": ADD, "checks/check.sh": REPORT}


async def test_a_report_gives_single_tests(tmp_path: Path) -> None:
    tests, snapshot = await prepared(tmp_path, REPORTING, junit="out/report.xml", targets=(TWO,))
    try:
        assert tests.baseline.targets == (TWO,)
        assert tests.baseline.must_pass == {TWO, "add::zero", NEVER} - {
            t for t, o in tests.baseline.outcomes.items() if o == "failed" and t != TWO
        }
        verdict = await tests.verify(change_of(snapshot, {"add.sh": FIXED}))
        # `never` was green with the fault: who breaks it is not let through.
        assert (verdict.passed, verdict.outcome) == (False, "failed")
        assert [f.message for f in verdict.findings] == [f"{NEVER}: failure: wrong"]
        special = FIXED.replace("echo", "test $1 = 9 && echo 0 || echo")
        verdict = await tests.verify(change_of(snapshot, {"add.sh": special}))
        assert (verdict.passed, verdict.tests[TWO]) == (True, "passed")
    finally:
        await tests.aclose()


async def test_without_a_target_the_command_has_to_end_with_0_too(tmp_path: Path) -> None:
    files = {**REPORTING, "checks/check.sh": REPORT.replace("exit $status", "exit 1")}
    tests, snapshot = await prepared(tmp_path, files, junit="out/report.xml")
    try:
        assert set(tests.baseline.targets) == {TWO, COMMAND}
        special = FIXED.replace("echo", "test $1 = 9 && echo 0 || echo")
        verdict = await tests.verify(change_of(snapshot, {"add.sh": special}))
        assert (verdict.passed, verdict.tests[TWO]) == (False, "passed")
    finally:
        await tests.aclose()


@pytest.mark.parametrize(
    "code",
    ["rm -rf out; mkdir -p out; exit 0", "mkdir -p out; ln -s /etc/passwd out/report.xml; exit 0"],
    ids=["none", "link"],
)
async def test_a_change_that_leaves_no_report_fails(tmp_path: Path, code: str) -> None:
    tests, snapshot = await prepared(tmp_path, REPORTING, junit="out/report.xml")
    try:
        verdict = await tests.verify(change_of(snapshot, {"add.sh": f"{FIXED}{code}\n"}))
        assert (verdict.passed, verdict.outcome) == (False, "failed")
        assert any("report" in finding.message for finding in verdict.findings)
    finally:
        await tests.aclose()


async def test_an_old_report_in_the_tree_is_not_read(tmp_path: Path) -> None:
    old = "<testsuite><testcase classname='add' name='two'/></testsuite>"
    files = {**PROJECT, "out/report.xml": old}
    with pytest.raises(BaseStateError, match="no report was written") as caught:
        await prepared(tmp_path, files, junit="out/report.xml")
    assert caught.value.reason == "no_tests"
    assert (tmp_path / "out" / "report.xml").read_text() == old


TURNS = 'test "$PYTHONHASHSEED" = 1\n'


@pytest.mark.parametrize(
    ("files", "command", "options", "reason", "said"),
    [
        ({"add.sh": FIXED}, COMMAND, {}, "nothing_red", "nothing is red"),
        ({"checks/check.sh": TURNS}, COMMAND, {}, "flaky", "is flaky"),
        ({}, "no-such-program", {}, "collection_failed", "cannot be started"),
        ({"checks/check.sh": "sleep 60\n"}, COMMAND, {"limits": SHORT}, "suite_timeout", "took more"),
        ({"checks/check.sh": "yes\n"}, COMMAND, {"limits": SHORT}, "suite_timeout", "without end"),
        ({}, COMMAND, {"junit": "checks"}, "no_tests", "a folder or a link"),
        ({}, COMMAND, {"junit": "link/report.xml"}, "no_tests", "a folder or a link"),
        ({"checks/check.sh": "echo x > r.xml; exit 1"}, COMMAND, {"junit": "r.xml"}, "no_tests", "syntax"),
        (REPORTING, COMMAND, {"junit": "out/report.xml", "targets": ["add::tow"]}, "unknown_target", TWO),
        (REPORTING, COMMAND, {"junit": "out/report.xml", "targets": ["add::zero"]}, "target_not_red", "passed"),
    ],
    ids=["green", "flaky", "no-program", "slow", "loud", "folder", "link", "no-xml", "unknown", "not-red"],
)  # fmt: skip
async def test_a_base_that_cannot_be_judged_with(
    tmp_path: Path,
    files: dict[str, str],
    command: str,
    options: dict[str, object],
    reason: str,
    said: str,
) -> None:
    (tmp_path / "link").symlink_to("checks")
    with pytest.raises(BaseStateError, match=said) as caught:
        await prepared(tmp_path, PROJECT | files, command, **options)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("", {}, "command is empty"),
        ("make", {"junit": "/tmp/r.xml"}, "has to lie in the project"),
        ("make", {"junit": "../r.xml"}, "has to lie in the project"),
        ("make", {"targets": ("a",)}, "writes a report"),
    ],
)
def test_what_contradicts_itself_is_refused(
    command: str, options: dict[str, str], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        CommandTests(command, **options)  # type: ignore[arg-type]


async def test_it_has_to_be_prepared() -> None:
    with pytest.raises(VerifierError, match="prepare"):
        _ = CommandTests("make").baseline
