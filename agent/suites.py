"""The verifier that runs the tests, made from options of the command line."""

from __future__ import annotations

from typing import TypeAlias

from agent.errors import ConfigError
from agent.options import SuiteOptions
from verifiers import CommandTests, HoldOut, ProjectTests, SuiteLimits

Suite: TypeAlias = ProjectTests | CommandTests


def make_suite(options: SuiteOptions) -> Suite:
    """`CommandTests` where a command is named, else `ProjectTests`.

    Raises:
        ConfigError: options contradict each other, or one of them cannot be used.
    """
    if options.junit and not options.command:
        raise ConfigError("--junit names the report of a command: give that with --test")
    return _command_tests(options) if options.command is not None else _project_tests(options)


def _project_tests(options: SuiteOptions) -> ProjectTests:
    try:
        hold_out = HoldOut.parse(options.hold_out)
    except ValueError as error:
        raise ConfigError(f"--hold-out: {error}") from error
    return ProjectTests(
        targets=options.targets,
        limits=_limits(options),
        isolation=options.isolation,
        hold_out=hold_out,
        python=options.python,
        cache=None if options.keeps_baseline else False,
    )


def _command_tests(options: SuiteOptions) -> CommandTests:
    if options.hold_out:
        raise ConfigError("--hold-out needs the tests of pytest: a command runs all that it runs")
    try:
        return CommandTests(
            options.command or "",
            junit=options.junit,
            targets=options.targets,
            limits=_limits(options),
            isolation=options.isolation,
            python=options.python,
        )
    except ValueError as error:
        raise ConfigError(f"--test: {error}") from error


def _limits(options: SuiteOptions) -> SuiteLimits:
    for name, seconds in (
        ("--suite-seconds", options.suite_seconds),
        ("--test-seconds", options.test_seconds),
    ):
        if not 0 < seconds < float("inf"):
            raise ConfigError(f"{name} is {seconds:g}: wanted a number of seconds above 0")
    return SuiteLimits(seconds=options.suite_seconds, test_seconds=options.test_seconds)
