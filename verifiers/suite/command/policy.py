"""What a change may not touch where any command is the judge: tests of all languages, and what a build or a run reads first."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

from verifiers.base import Change, Finding, Snapshot
from verifiers.paths import is_test_path
from verifiers.suite.policy.odd_paths import shown
from verifiers.suite.policy.policy import PathPolicy

from .words import CommandLine

_TEST_FOLDERS = frozenset({"__tests__", "__mocks__", "__snapshots__", "spec", "specs", "t"})
_TEST_NAMES = (
    "*_test.*", "*_tests.*", "*.test.*", "*.spec.*", "*_spec.*", "test-*", "*-test.*", "*_unittest.*", "*.snap", "*.bats",
)  # fmt: skip
_TEST_CLASSES = tuple(
    f"*{word}.{ending}"
    for word in ("Test", "Tests", "TestCase", "Spec")
    for ending in (
        "java",
        "kt",
        "scala",
        "groovy",
        "cs",
        "fs",
        "php",
        "swift",
        "hs",
        "cpp",
        "cc",
        "mm",
        "m",
    )
)
"""In these, case tells `FirstTest` from `Latest`."""
_CONFIGURATION_FOLDERS = frozenset(
    {".cargo", ".ci", ".circleci", ".config", ".github", ".gitlab", ".husky", ".mvn", ".yarn"}
)
_TOOLS = (
    "ava", "babel", "cypress", "esbuild", "eslint", "jest", "karma", "metro", "mocha", "next", "nuxt", "playwright", "postcss",
    "rollup", "svelte", "tsup", "vite", "vitest", "webpack",
)  # fmt: skip
_CONFIGURATION = (
    # build
    "makefile*", "gnumakefile", "*.mk", "*.mak", "cmakelists.txt", "cmakepresets.json", "*.cmake",
    "configure", "configure.ac", "configure.in",
    "meson.build", "meson_options.txt", "meson.options", "*.ninja", "build", "build.bazel", "workspace", "workspace.bazel",
    "module.bazel", "*.bzl", "sconstruct", "sconscript", "wscript", "justfile", ".justfile", "taskfile.y*ml",
    "rakefile", "*.rake",
    "*.gradle", "*.gradle.kts", "gradle.properties", "gradlew*", "mvnw*", "pom.xml", "build.xml", "ivy.xml", "build.sbt",
    "*.csproj", "*.fsproj", "*.vbproj", "*.vcxproj", "*.sln", "*.props", "*.targets", "*.runsettings", "*.cabal", "stack.yaml",
    "package.swift", "mix.exs", "rebar.config", "dune", "dune-project", "build.zig", "build.zig.zon", "build.rs",
    # packages and their versions
    "*.lock", "*.lockb", "package.json", "package-lock.json", "npm-shrinkwrap.json", "pnpm-*.yaml", "cargo.toml", "go.mod",
    "go.sum", "go.work", "go.work.sum", "gemfile*", "*.gemspec", "composer.json", "requirements*.txt", "constraints*.txt",
    "pipfile*", "environment.y*ml", "global.json", "nuget.config", "packages.config",
    # test runners, and the tools around them
    *(f"{tool}.{ending}" for tool in _TOOLS for ending in ("config.*", "conf.*", "setup.*")), "tsconfig*.json", "jsconfig.json",
    "deno.json*", "bunfig.toml", ".mocharc*", ".babelrc*", ".swcrc", ".nycrc*", ".eslintrc*", ".npmrc", ".yarnrc*", ".nvmrc",
    ".node-version", ".rspec", "phpunit*", "ctestconfig.*", "rust-toolchain*", "clippy.toml", ".python-version",
    ".tool-versions", ".ruby-version", ".env", ".env.*", ".envrc",
    # where others run it
    ".gitlab-ci.y*ml", ".travis.y*ml", "azure-pipelines.y*ml", "jenkinsfile*", "appveyor.y*ml", "dockerfile*", "*.dockerfile",
    "docker-compose*", "compose.y*ml", ".pre-commit-config.yaml",
)  # fmt: skip
_DEPENDENCIES = frozenset({"bower_components", "node_modules"})


class CommandPolicy:
    """What a base tree's command depends on.

    Args:
        snapshot: the base.
        command: what runs.
        junit: path of the report that it writes; "" where there is none.
        installed: names of top-level modules of the interpreter.
    """

    def __init__(
        self, snapshot: Snapshot, command: CommandLine, junit: str, installed: Collection[str]
    ) -> None:
        self._started = command.files(snapshot.files)
        self._junit = junit
        tests = frozenset(path for path in snapshot.files if is_any_test_path(path))
        self._paths = PathPolicy(snapshot, tests, frozenset(installed))

    def tampered(self, change: Change) -> list[Finding]:
        """One finding for every path that a change must not touch, and for what it must not bring."""
        found = self._paths.tampered(change)
        named = {finding.path for finding in found}
        own = [(path, self._why(path)) for path in sorted(change.files)]
        return found + [_finding(path, why) for path, why in own if why and path not in named]

    def invalid(self, change: Change) -> list[Finding]:
        """One finding for everything that cannot be meant."""
        return self._paths.invalid(change)

    def _why(self, path: str) -> str:
        if path in self._started:
            return "is what the command runs, and comes from the base"
        if path == self._junit:
            return "is where the command writes its report"
        if is_any_test_path(path):
            return "is a test, and comes from the base"
        if _configures(path):
            return "configures the build or the tests, and comes from the base"
        if _DEPENDENCIES.intersection(path.split("/")[:-1]):
            return "is a dependency, and comes from the base"
        return ""


def is_any_test_path(path: str) -> bool:
    """True for tests of whatever language, by the names that their runners look for."""
    *folders, name = path.split("/")
    if is_test_path(path) or _TEST_FOLDERS.intersection(folders):
        return True
    return _is_named(name.casefold(), _TEST_NAMES) or _is_named(name, _TEST_CLASSES)


def _configures(path: str) -> bool:
    *folders, name = path.split("/")
    if _CONFIGURATION_FOLDERS.intersection(folders):
        return True
    return _is_named(name.casefold(), _CONFIGURATION)


def _is_named(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _finding(path: str, why: str) -> Finding:
    name = shown(path)
    return Finding(
        kind="policy.protected-path", message=f"{name}: {why}", path=name, severity="error"
    )
