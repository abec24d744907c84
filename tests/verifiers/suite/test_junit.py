"""Reports of real runners are read; whatever else lies there is a problem in words, never an exception."""

from __future__ import annotations

import os
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings, strategies as st

from verifiers.suite.command import junit
from verifiers.suite.command.junit import parse_report, read_report

PYTEST = b"""<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" tests="4">
<testcase classname="tests.test_a" name="test_one" time="0.25" />
<testcase classname="tests.test_a" name="test_two"><failure message="assert 1 == 2">long text</failure></testcase>
<testcase classname="tests.test_a" name="test_three"><skipped type="pytest.skip" message="later"/></testcase>
<testcase classname="tests.test_a" name="test_four"><error message="failed on setup" type="X">text</error></testcase>
</testsuite></testsuites>"""
SUREFIRE = b"""<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="http://x" name="com.shop.PriceTest">
<properties><property name="failure" value="no"/></properties>
<testcase name="adds" classname="com.shop.PriceTest" time="1,234.5"><failure type="org.opentest4j.AssertionFailedError">
  expected: 4
</failure><system-out>text</system-out></testcase>
<testcase name="rests" classname="com.shop.PriceTest"><flakyFailure message="x"/></testcase></testsuite>"""
NODE = b"""<testsuites><testsuite name="math"><testsuite name="sums"><testcase name="adds" time="x"/></testsuite>
<testcase name="outer"/></testsuite><testcase name="alone"/></testsuites>"""
GOOGLE = b"""<testsuites><testsuite name="A"><testcase name="x" status="run" result="completed" classname="A"/>
<testcase name="y" status="notrun" result="suppressed" classname="A"/></testsuite></testsuites>"""


def test_pytest() -> None:
    report = parse_report(PYTEST)
    assert report.outcomes == {
        "tests.test_a::test_one": "passed",
        "tests.test_a::test_two": "failed",
        "tests.test_a::test_three": "skipped",
        "tests.test_a::test_four": "error",
    }
    assert report.failures["tests.test_a::test_two"].message == "assert 1 == 2"
    assert report.failures["tests.test_a::test_four"].error == "X"
    assert report.seconds["tests.test_a::test_one"] == 0.25


def test_surefire_with_a_namespace_and_a_message_in_the_text() -> None:
    report = parse_report(SUREFIRE)
    assert report.outcomes == {
        "com.shop.PriceTest::adds": "failed",
        "com.shop.PriceTest::rests": "passed",
    }
    assert report.failures["com.shop.PriceTest::adds"].message == "expected: 4"
    assert report.seconds["com.shop.PriceTest::adds"] == 1234.5


def test_without_a_class_the_suite_names_the_test() -> None:
    assert list(parse_report(NODE).outcomes) == ["sums::adds", "math::outer", "alone"]


def test_what_was_not_run_is_skipped() -> None:
    assert parse_report(GOOGLE).outcomes == {"A::x": "passed", "A::y": "skipped"}


@pytest.mark.parametrize("order", ["green first", "red first"])
def test_of_several_with_one_name_the_worst_counts(order: str) -> None:
    green, red = '<testcase name="t"/>', '<testcase name="t"><failure/></testcase>'
    cases = green + red if order == "green first" else red + green
    assert parse_report(f"<testsuite>{cases}</testsuite>".encode()).outcomes == {"t": "failed"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no element"),
        (b"<testsuite>", "no element"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><testsuite>&a;</testsuite>', "DOCTYPE"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/hostname"><testsuite/>', "DOCTYPE"),
        (b"<testsuite><testcase name='&a;'/></testsuite>", "undefined entity"),
        (b"<testsuite><testcase/></testsuite>", "no name"),
        (b"<?xml version='1.0' encoding='rot13'?><a/>", ""),
        (b"\xff\xfe\x00\x01", ""),
        (b"<testsuite><testcase name='a'/></testsuite><more/>", "junk"),
    ],
)
def test_what_is_no_report_is_a_problem_and_gives_nothing(content: bytes, problem: str) -> None:
    report = parse_report(content)
    assert report.problem
    assert problem in report.problem
    assert not report.outcomes


def test_there_is_a_most_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(junit, "_MAX_TESTS", 3)
    many = b"<a>" + b"".join(b"<testcase name='%d'/>" % i for i in range(4)) + b"</a>"
    assert "more than 3 tests" in parse_report(many).problem


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_no_bytes_break_it(content: bytes) -> None:
    report = parse_report(content)
    assert not (report.problem and report.outcomes)


@settings(max_examples=200)
@given(st.data())
def test_no_damage_breaks_it(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([PYTEST, SUREFIRE, NODE, GOOGLE]))
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    report = parse_report(whole[:start] + data.draw(st.binary(max_size=20)) + whole[end:])
    assert not (report.problem and report.outcomes)
    assert set(report.outcomes.values()) <= {"passed", "failed", "error", "skipped"}
    assert all(test.isprintable() for test in report.outcomes)


ENDS = {"passed": "", "failed": "<failure/>", "error": "<error/>", "skipped": "<skipped/>"}
NAMES = st.text(
    st.characters(categories=["L", "N", "P", "S"], exclude_characters="\ufffe\uffff"), min_size=1
)


@given(st.dictionaries(NAMES, st.sampled_from(sorted(ENDS)), max_size=6))
def test_what_a_runner_writes_is_what_is_read(wanted: dict[str, str]) -> None:
    cases = [
        f"<testcase classname='c' name={quoteattr(name)}>{ENDS[end]}</testcase>"
        for name, end in wanted.items()
    ]
    report = parse_report(f"<testsuite>{''.join(cases)}</testsuite>".encode())
    assert report.outcomes == {f"c::{name}": end for name, end in wanted.items()}


def test_a_file_in_the_tree_is_read(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.xml").write_bytes(PYTEST)
    assert len(read_report(tmp_path, "out/report.xml").outcomes) == 4


def test_no_report_is_a_problem(tmp_path: Path) -> None:
    assert read_report(tmp_path, "out/r.xml").problem == "no report was written at out/r.xml"


@pytest.mark.parametrize("kind", ["link", "folder link", "fifo", "folder", "socket", "large"])
def test_only_a_plain_file_inside_the_tree_counts(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    outside.mkdir()
    (outside / "r.xml").write_bytes(PYTEST)
    (tree / "in").mkdir(parents=True)
    place = tree / "in" / "r.xml"
    if kind == "link":
        place.symlink_to(outside / "r.xml")
    elif kind == "folder link":
        (tree / "in").rmdir()
        (tree / "in").symlink_to(outside)
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    elif kind == "socket":
        os.mknod(place, 0o140600)
    else:
        monkeypatch.setattr(junit, "MAX_BYTES", 10)
        place.write_bytes(PYTEST)
    report = read_report(tree, "in/r.xml")
    assert report.problem.startswith("the report in/r.xml cannot be read: ")
    assert not report.outcomes
