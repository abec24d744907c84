"""How a command is started, and which files it protects."""

from __future__ import annotations

import pytest

from verifiers import Snapshot, take_snapshot
from verifiers.suite.command.policy import CommandPolicy, is_any_test_path
from verifiers.suite.command.words import CommandLine

from .projects import change_of, write_project


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("make check", ["make", "check"]),
        ("npm test -- --grep 'two words'", ["npm", "test", "--", "--grep", "two words"]),
        ("go test ./...", ["go", "test", "./..."]),
    ],
)
def test_plain_words_are_split_and_need_no_shell(text: str, words: list[str]) -> None:
    command = CommandLine(text)
    assert not command.needs_shell
    assert command.arguments[-len(words) :] == words
    assert command.arguments[3] == "sh"


@pytest.mark.parametrize(
    "text",
    ["a && b", "a; b", "a | b", "CI=1 npm test", "a > out", "echo $HOME", "a *.c", "a `b`", "a\nb"],
)
def test_what_a_shell_gives_a_meaning_to_goes_to_a_shell_as_it_stands(text: str) -> None:
    assert CommandLine(text).arguments[-3:] == ["/bin/sh", "-c", text]


@pytest.mark.parametrize("text", ["", "  ", "# nothing", "make 'check"])
def test_what_is_no_command_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="command"):
        CommandLine(text)


@pytest.mark.parametrize(
    "text",
    [
        "./tools/run.sh",
        "sh tools/run.sh --fast",
        "cd . && sh ./tools/run.sh",
        "make;tools/run.sh",
        "sh -c 'tools/run.sh'",
        "runner --config=tools/run.sh",
    ],
)
def test_files_that_a_command_names_are_known(text: str) -> None:
    assert CommandLine(text).files(["tools/run.sh", "tools/other.sh"]) == {"tools/run.sh"}


def test_modules_that_python_runs_are_known() -> None:
    known = ["tools/checks/__main__.py", "tools/checks/__init__.py", "tools/other.py"]
    assert CommandLine("python -m tools.checks -v").files(known) == set(known[:2])


BASE = {
    "src/add.c": "int x;\n",
    "src/latest.java": "class Latest {}\n",
    "app.config.ts": "export {}\n",
    "tools/run.sh": "exit 1\n",
    "Makefile": "check:\n",
    "lib/one_test.go": "package lib\n",
    "build.gradle": "x\n",
}


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> CommandPolicy:
    snapshot = take_snapshot(write_project(tmp_path_factory.mktemp("base"), BASE))
    return CommandPolicy(snapshot, CommandLine("tools/run.sh"), "out/report.xml", ["numpy"])


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return take_snapshot(write_project(tmp_path_factory.mktemp("base"), BASE))


@pytest.mark.parametrize(
    "path",
    [
        *("Makefile", "GNUmakefile", "sub/rules.mk", "CMakeLists.txt", "build.gradle", "pom.xml"),
        *("package.json", "package-lock.json", "yarn.lock", "Cargo.toml", "build.rs", "go.mod"),
        *(".github/workflows/x.yml", ".gitlab-ci.yml", ".ci/run", ".cargo/config.toml"),
        *("jest.config.js", "tsconfig.json", ".npmrc", ".env", "conftest.py", "pyproject.toml"),
        *("lib/one_test.go", "new.test.js", "__tests__/a.js", "spec/a_spec.rb", "src/ATest.java"),
        *("node_modules/x/index.js", "tools/run.sh", "out/report.xml", "../outside", "lib/x.so"),
        *("unittest.py", "numpy.py"),
    ],
)
def test_tests_and_what_configures_them_come_from_the_base(
    policy: CommandPolicy, snapshot: Snapshot, path: str
) -> None:
    (finding,) = policy.tampered(change_of(snapshot, {path: "anything\n"}))
    assert finding.kind == "policy.protected-path"


@pytest.mark.parametrize("path", ["src/add.c", "src/latest.java", "app.config.ts", "src/new.c"])
def test_sources_may_be_changed(policy: CommandPolicy, snapshot: Snapshot, path: str) -> None:
    assert not policy.tampered(change_of(snapshot, {path: "int y;\n"}))


def test_names_of_classes_are_told_by_their_case() -> None:
    assert is_any_test_path("src/FirstTest.java")
    assert not is_any_test_path("src/Latest.java")
