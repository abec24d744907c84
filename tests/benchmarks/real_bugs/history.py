"""Walks a git history for fixes: one hunk in one function, with a change to tests beside it."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .cases import Fix
from .shapes import classify

_MAX_REMOVED, _MAX_ADDED = 4, 6
_TEST_FOLDERS = {"test", "tests", "testsuite"}
_NO_SOURCE = {
    "doc",
    "docs",
    "example",
    "examples",
    "benchmarks",
    "benchmark",
    "scripts",
    "tools",
    "tasks",
    "bin",
}
_NO_SOURCE_FILES = {
    "setup.py",
    "noxfile.py",
    "tasks.py",
    "fabfile.py",
    "conf.py",
    "__about__.py",
    "version.py",
}
_NO_FIX = re.compile(
    r"\b(feat(ure)?s?|deprecat\w*|bump|releas\w*|refactor\w*|typo|renam\w*|drop(ped)? support"
    r"|add(ed|s)? (\w+ )?(support|option)|implement\w*|new \w+ (option|argument|parameter)|revert\w*"
    r"|cleanup|clean up|lint|typing)\b",
    re.IGNORECASE,
)
"""Subjects of commits that say themselves that they repair nothing."""

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
_Definition = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Repository:
    """A git directory without a work tree; nothing is ever written to it."""

    name: str
    """`owner/name`."""
    git_dir: Path

    def git(self, *arguments: str) -> str:
        """Run git and give its output.

        Raises:
            subprocess.CalledProcessError: git refused.
        """
        command = ["git", "-c", "core.quotePath=false", "--git-dir", str(self.git_dir), *arguments]
        return subprocess.run(command, check=True, capture_output=True).stdout.decode(
            errors="replace"
        )

    def read(self, commit: str, path: str) -> str:
        """The text of one file at a commit."""
        return self.git("show", f"{commit}:{path}")

    def read_or_nothing(self, commit: str, path: str) -> str:
        """The same, empty where there is no such file."""
        try:
            return self.read(commit, path)
        except subprocess.CalledProcessError:
            return ""


def is_test_path(path: str) -> bool:
    """True for test modules, their data, and `conftest.py`."""
    parts = PurePosixPath(path).parts
    name = parts[-1]
    is_module = name.endswith(".py") and (
        name.startswith("test_") or name.endswith(("_test.py", "_tests.py"))
    )
    return (
        bool(_TEST_FOLDERS & set(parts[:-1]))
        or is_module
        or name in {"conftest.py", "test.py", "tests.py"}
    )


def find_fixes(repository: Repository, since: str = "2018-01-01") -> Iterator[Fix]:
    """The fixes of a history, newest first; merges are left out."""
    log = repository.git(
        "log",
        "--no-merges",
        f"--since={since}",
        "--numstat",
        "--no-renames",
        "--format=%x01%H %P%x02%s%x02",
        "--",
        "*.py",
    )
    for entry in log.split("\x01")[1:]:
        head, subject, stat = entry.split("\x02")
        hashes = head.split()
        if len(hashes) == 2 and not _NO_FIX.search(subject):
            yield from _fix_of(repository, hashes[0], hashes[1], _changed_files(stat))


def later_commit(repository: Repository, commit: str) -> str:
    """The newest commit of the main line within a year after `commit`, else `commit` itself."""
    when = int(repository.git("show", "--no-patch", "--format=%ct", commit))
    found = repository.git(
        "rev-list", "-1", f"--before={when + 365 * 24 * 3600}", f"--after={when + 1}", "HEAD"
    )
    return found.strip() or commit


def _changed_files(stat: str) -> dict[str, tuple[int, int]]:
    rows = [line.split("\t") for line in stat.strip().splitlines()]
    return {path: (int(added), int(removed)) for added, removed, path in rows if added.isdigit()}


def _fix_of(
    repository: Repository, commit: str, parent: str, files: dict[str, tuple[int, int]]
) -> Iterator[Fix]:
    tests = sorted(path for path in files if is_test_path(path))
    sources = [
        path
        for path in files
        if path.endswith(".py") and path not in tests and not _is_beside(path)
    ]
    if len(sources) != 1 or not any(path.endswith(".py") for path in tests):
        return
    added, removed = files[sources[0]]
    if added > _MAX_ADDED or removed > _MAX_REMOVED:
        return
    diff = repository.git("diff", "-U0", parent, commit, "--", sources[0])
    hunks = list(_HUNK.finditer(diff))
    if len(hunks) != 1:
        return
    try:
        before, after = repository.read(parent, sources[0]), repository.read(commit, sources[0])
    except subprocess.CalledProcessError:
        return  # a new file
    qualname = only_changed_function(before, after)
    if qualname is None:
        return
    yield Fix(
        repository=repository.name,
        commit=commit,
        parent=parent,
        path=sources[0],
        function=qualname,
        kind=classify(functions_of(before)[qualname], functions_of(after)[qualname]),
        num_removed=removed,
        num_added=added,
        test_files=tuple(tests),
    )


def _is_beside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(_NO_SOURCE & {part.lower() for part in parts[:-1]}) or parts[-1] in _NO_SOURCE_FILES


def only_changed_function(before: str, after: str) -> str | None:
    """The one function whose program differs while the rest of the module stays, if it is so."""
    try:
        old, new = functions_of(before), functions_of(after)
        rest = [_module_without_bodies(text) for text in (before, after)]
    except (SyntaxError, ValueError):
        return None
    if rest[0] != rest[1] or old.keys() != new.keys():
        return None
    changed = [name for name in old if program(old[name]) != program(new[name])]
    return changed[0] if len(changed) == 1 else None


def changed_functions(before: str, after: str) -> list[str]:
    """Names of the functions of `after` whose text, decorators included, is new."""
    try:
        old, new = functions_of(before, decorated=True), functions_of(after, decorated=True)
    except (SyntaxError, ValueError):
        return []
    return [name for name, source in new.items() if old.get(name) != source]


def functions_of(text: str, *, decorated: bool = False) -> dict[str, str]:
    """Qualified name -> source of all functions that are not inside another; the last of equal names.

    Raises:
        SyntaxError: the text does not parse.
    """
    lines = text.splitlines(keepends=True)
    found = {}
    for name, node in _definitions(ast.parse(text), ""):
        first = min([node.lineno, *(d.lineno for d in node.decorator_list if decorated)])
        found[name] = "".join(lines[first - 1 : node.end_lineno])
    return found


def program(source: str) -> str:
    """A function's syntax tree without docstrings: equal for equal programs, whatever their layout.

    Raises:
        SyntaxError: the source does not parse.
    """
    tree = ast.parse("if 1:\n" + source if source[:1].isspace() else source)
    for node in ast.walk(tree):
        if (
            isinstance(node, _Definition | ast.ClassDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)


def _definitions(node: ast.AST, prefix: str) -> Iterator[tuple[str, _Definition]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Definition):
            yield prefix + child.name, child
        elif isinstance(child, ast.ClassDef):
            yield from _definitions(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.stmt):
            yield from _definitions(child, prefix)


def _module_without_bodies(text: str) -> str:
    tree = ast.parse(text)
    for _, node in _definitions(tree, ""):
        node.body, node.args, node.returns = [], ast.arguments([], [], None, [], [], None, []), None
    return ast.dump(tree)
