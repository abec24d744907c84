from __future__ import annotations

import difflib
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from agent.edits.patch import parse_patch
from agent.errors import EditError
from tests.agent.edits.strategies import files, tree
from verifiers import Change, FileChange

PATHS = ["src/app.py", "a b.py", "é/ü.py", 'quo"te.py', "b/a b/c"]
contents = st.one_of(
    files(),
    st.lists(st.sampled_from(["a\n", "b\n", "\n", "c \n"]), max_size=12).map(
        lambda lines: "".join(lines).encode()
    ),
)


def change_of(before: Mapping[str, bytes | None], after: Mapping[str, bytes | None]) -> Change:
    return Change(
        {
            path: FileChange(before=before.get(path), after=after.get(path))
            for path in {*before, *after}
            if before.get(path) != after.get(path)
        }
    )


versions = st.dictionaries(st.sampled_from(PATHS[:3]), st.tuples(contents, contents), min_size=1)


@settings(max_examples=150, deadline=None)
@given(versions, st.sets(st.sampled_from(PATHS[:3])), st.sets(st.sampled_from(PATHS[:3])))
def test_the_patch_of_a_change_is_the_change(
    tmp_path_factory: pytest.TempPathFactory,
    versions: dict[str, tuple[bytes, bytes]],
    created: set[str],
    deleted: set[str],
) -> None:
    before = {path: pair[0] for path, pair in versions.items() if path not in created}
    after = {path: pair[1] for path, pair in versions.items() if path not in deleted}
    change = change_of(before, after)
    snapshot = tree(tmp_path_factory.mktemp("tree"), before)
    if change.files:
        assert parse_patch(change.patch().encode(), snapshot) == change


def git(folder: Path, *arguments: str, text: bytes = b"") -> bytes:
    return subprocess.run(
        ["git", *arguments], cwd=folder, input=text, capture_output=True, check=True
    ).stdout


@settings(max_examples=12, deadline=None)
@given(
    st.dictionaries(st.sampled_from(PATHS), contents, min_size=1),
    st.dictionaries(st.sampled_from(PATHS), contents, min_size=1),
    st.integers(0, 4),
)
def test_what_git_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    before: dict[str, bytes],
    after: dict[str, bytes],
    context: int,
) -> None:
    root = tmp_path_factory.mktemp("tree")
    snapshot = tree(root, before)
    git(root, "init", "-q")
    git(root, "-c", "core.autocrlf=false", "add", "-A")
    base = git(root, "write-tree").decode().strip()
    for path in before:
        (root / path).unlink()
    for path, content in after.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    git(root, "-c", "core.autocrlf=false", "add", "-A")
    patch = git(root, "diff", "--cached", f"-U{context}", "--no-renames", "--text", base)
    for path in after:
        (root / path).unlink()
    for path, content in before.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    change = change_of(before, after)
    if patch:
        assert parse_patch(patch, snapshot) == change
    else:
        assert not change.files


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300) | st.text("@-+ab 0123,\n\\/", max_size=200).map(str.encode))
def test_any_text_is_a_change_or_an_edit_error(
    tmp_path_factory: pytest.TempPathFactory, text: bytes
) -> None:
    snapshot = tree(tmp_path_factory.mktemp("tree"), {"a": b"a\nb\n"})
    with suppress(EditError):
        parse_patch(text, snapshot)


BASE = "".join(f"line {i}\n" for i in range(20)).encode()


def diff(old: bytes, new: bytes, names: tuple[str, str] = ("a/f.py", "b/f.py")) -> bytes:
    before, after = (one.decode().splitlines(keepends=True) for one in (old, new))
    return "".join(difflib.unified_diff(before, after, *names)).encode()


def test_a_hunk_that_moved_is_found(tmp_path: Path) -> None:
    patch = diff(BASE, BASE.replace(b"line 9\n", b"nine\n"))
    moved = b"new\nnew\n" + BASE
    change = parse_patch(patch, tree(tmp_path, {"f.py": moved}))
    assert change.files["f.py"].after == moved.replace(b"line 9\n", b"nine\n")


def test_plain_diffs_with_dates_and_without_prefixes(tmp_path: Path) -> None:
    new = BASE.replace(b"line 3\n", b"")
    snapshot = tree(tmp_path, {"f.py": BASE})
    for names in (("f.py", "f.py"), ("a/f.py\t2026-01-01", "b/f.py\t2026-01-02 10:00")):
        patch = b"Some words before it.\n\n" + diff(BASE, new, names) + b"\nand after.\n"
        assert parse_patch(patch, snapshot).files["f.py"].after == new


def test_an_empty_context_line_may_have_lost_its_blank(tmp_path: Path) -> None:
    snapshot = tree(tmp_path, {"f.py": b"a\n\nb\n"})
    patch = b"--- a/f.py\n+++ b/f.py\n@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n"
    assert parse_patch(patch, snapshot).files["f.py"].after == b"a\n\nc\n"


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        (b"", "no file is patched"),
        (b"just words\n", "no file is patched"),
        (b"@@ -1 +1 @@\n-a\n+b\n", "without the name"),
        (b"--- a/f.py\n+++ b/f.py\n@@ -1,2 +1 @@\n-a\n", "ends before"),
        (b"--- a/f.py\n+++ b/f.py\n@@ -1 +1 @@\n-other\n+b\n", "stand nowhere"),
        (b"--- a/f.py\n+++ b/f.py\n@@ -1 +1 @@\n*other\n", "begins with"),
        (b"--- a/none.py\n+++ b/none.py\n@@ -1 +1 @@\n-a\n+b\n", "no file 'none.py'"),
        (b"--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n", "leaves the repository"),
        (b"--- /dev/null\n+++ b/f.py\n@@ -0,0 +1 @@\n+b\n", "exists"),
        (b"--- /dev/null\n+++ /dev/null\n@@ -0,0 +1 @@\n+b\n", "both names"),
        (b"--- a/f.py\n+++ b/g.py\n@@ -1 +1 @@\n-a\n+b\n", "renames"),
        (b"--- a/f.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-line 0\n", "has lines that the patch lacks"),
        (b"diff --git a/f.py b/f.py\nold mode 100644\nnew mode 100755\n", "mode"),
        (b"diff --git a/f.py b/g.py\nrename from f.py\nrename to g.py\n", "renames"),
        (b"diff --git a/f.py b/f.py\nindex 1..2\nGIT binary patch\n", "binary"),
        (b"diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n", "symbolic link"),
    ],
)
def test_what_is_refused(tmp_path: Path, patch: bytes, message: str) -> None:
    snapshot = tree(tmp_path, {"f.py": BASE})
    with pytest.raises(EditError, match=message):
        parse_patch(patch, snapshot)


def test_a_file_patched_twice_is_refused(tmp_path: Path) -> None:
    patch = diff(BASE, BASE.replace(b"line 3\n", b""))
    with pytest.raises(EditError, match="twice"):
        parse_patch(patch + patch, tree(tmp_path, {"f.py": BASE}))
