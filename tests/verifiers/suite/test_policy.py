"""What a change may touch and bring: never outside, never the tests; never refused for what the base has already."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from verifiers import Change, FileChange, Snapshot, take_snapshot
from verifiers.suite.policy.policy import PathPolicy

from .projects import change_of, write_project

BASE = {
    "calc.py": "x = 1\n",
    "check_calc.py": "def test_x(): pass\n",
    "src/pkg/__init__.py": "",
    "src/pkg/core.py": "x = 1\n",
    "src/pkg/setup.py": "x = 1\n",
    "src/pkg/json.py": "x = 1\n",
    "types.py": "x = 1\n",
    "vendor/venv/loader.py": "x = 1\n",
    "odd/a\u0301.py": "x = 1\n",
    "odd/Twice.py": "x = 1\n",
    "odd/twice.py": "x = 1\n",
    "hidden.py": "x = '\u202e\u200b'\n# \x1b[1m\n",
    "old.py": "# coding: latin-1\nx = 1\n",
}
INSTALLED = frozenset({"pytest", "_pytest", "numpy", "pkg"})


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    root = write_project(tmp_path_factory.mktemp("base"), BASE)
    (root / "link").symlink_to("src")
    write_project(root, {"env/pyvenv.cfg": "x", "node_modules/x.py": "x = 1\n"})
    return take_snapshot(root)


@pytest.fixture(scope="module")
def policy(snapshot: Snapshot) -> PathPolicy:
    return PathPolicy(snapshot, frozenset({"check_calc.py"}), INSTALLED)


def refused(policy: PathPolicy, files: dict[str, str | None]) -> list[str]:
    found = policy.tampered(change_of(policy.snapshot, files))
    assert all(f.severity == "error" and f.kind.startswith("policy.") for f in found)
    return [finding.kind for finding in found]


@pytest.mark.parametrize("path", BASE)
def test_what_the_base_has_already_may_be_changed(policy: PathPolicy, path: str) -> None:
    after = BASE[path] + "y = 2\n"
    expected = ["policy.protected-path"] if path == "check_calc.py" else []
    assert refused(policy, {path: after}) == expected


@pytest.mark.parametrize(
    "path",
    ["more.py", "src/pkg/more.py", "src/pkg/types.py", "src/other/__init__.py", "docs/notes.md", "src/pkg/numpy/a.py",
     "data/a b.txt", "calc/__init__.py", "odd/\u00e9.py", "deep/er/still/more.py", "more.test.txt", "a..b.py", "src/new.py"],
)  # fmt: skip
def test_new_files_of_ordinary_names_are_allowed(policy: PathPolicy, path: str) -> None:
    assert not refused(policy, {path: "y = 2\n"})


@pytest.mark.parametrize(
    "path",
    ["numpy.py", "numpy/__init__.py", "src/numpy.py", "lib/json.py", "src/json/__init__.py", "random.py", "winnow_observer.py",
     "src/winnow_observer.py", "link/pkg/more.py", "link", "env/more.py", "node_modules/x.py", "venv/x.py", "calc.py/x.py",
     "src/pkg", "Src/pkg/more.py", "CALC.py", "src/PKG/more.py", "vendor/.venv/x.py", "libx.so.1", "setup.py", ".hid/x.py",
     "src/pkg/../../check_calc.py", "./check_calc.py", "src/./pkg/x.py", "tests/x.py", "src/pkg/test_more.py", "~/../../x"],
)  # fmt: skip
def test_names_that_are_not_what_they_seem_are_refused(policy: PathPolicy, path: str) -> None:
    assert refused(policy, {path: "y = 2\n"}) == ["policy.protected-path"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.text() | st.text("abc./\\~\0 \n:", max_size=12) | st.from_regex(r"(\.{0,3}/)*\w*"))
def test_any_path_gets_an_answer_and_none_outside_is_accepted(
    policy: PathPolicy, path: str
) -> None:
    change = Change(files={path: FileChange(before=None, after=b"y = 2\n")})
    found = [*policy.tampered(change), *policy.invalid(change)]
    assert all(finding.message.isprintable() for finding in found)
    if not found:
        root = os.path.realpath(policy.snapshot.root)
        place = os.path.join(root, path)
        assert os.path.realpath(place) == place == os.path.normpath(place)
        assert place.startswith(root + os.sep)
        assert not os.path.lexists(place)
        assert os.path.isdir(os.path.dirname(place)) or not os.path.lexists(os.path.dirname(place))


HIDDEN = "\u202a\u202e\u2066\u2069\u200b\u200d\u2060\ufeff\u00ad\u200e\x1b\x08\x7f\u2028\U000e0041"


@given(st.sampled_from(HIDDEN), st.sampled_from(["calc.py", "notes.md", "src/pkg/core.py"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_characters_that_cannot_be_seen_are_not_added(
    policy: PathPolicy, character: str, path: str
) -> None:
    assert refused(policy, {path: f"x = 1\n\ny = 'a{character}b'\n"}) == ["policy.hidden-text"]
    change = change_of(policy.snapshot, {path: f"x = 1\n\ny = 'a{character}b'\n"})
    (finding,) = policy.tampered(change)
    assert finding.line == 3


@pytest.mark.parametrize(
    ("files", "kinds"),
    [
        ({"hidden.py": "x = '\u202e\u200b'\n# \x1b[1m\ny = '\u200b'\n"}, ["policy.hidden-text"]),
        ({"hidden.py": None, "moved.py": BASE["hidden.py"]}, []),
        ({"hidden.py": "x = 1\n"}, []),
        ({"calc.py": "\ufeffx = 1\n"}, []),
        ({"calc.py": "x = 1\r\ny = 2\r\n"}, []),
        ({"calc.py": "x = 1\n\f\ny = '\té \U0001f600 \u65e5'\n"}, []),
        ({"calc.py": "# coding: utf8\nx = 1\n"}, []),
        ({"calc.py": "# -*- coding: utf-7 -*-\nx = 1\n"}, ["policy.coding"]),
        ({"calc.py": "# coding: no-such-thing\nx = 1\n"}, ["policy.coding"]),
        ({"old.py": "# coding: latin-1\nx = 2\n"}, []),
        ({"calc.py": "x = 1\0\n"}, ["policy.binary"]),
        ({"picture.png": "\x89PNG\0\x1b"}, []),
    ],
)
def test_only_what_is_added_counts(
    policy: PathPolicy, files: dict[str, str | None], kinds: list[str]
) -> None:
    assert refused(policy, files) == kinds


def test_a_file_that_is_there_but_is_no_part_of_the_project(tmp_path: Path) -> None:
    write_project(tmp_path, {"calc.py": "x = 1\n", "calc.swp": "mine"})
    policy = PathPolicy(take_snapshot(tmp_path), frozenset(), frozenset())
    assert refused(policy, {"calc.swp": "theirs"}) == ["policy.protected-path"]


def test_files_below_each_other_are_refused(policy: PathPolicy) -> None:
    assert refused(policy, {"more": "x", "more/inner.py": "x"}) == ["policy.protected-path"]
