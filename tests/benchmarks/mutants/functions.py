"""The functions of an unpacked package, as raw lines of their file, decorators left out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.listing import Definition, Listing, read_listing
from engine.regions import find_fix
from engine.train.corpus import functions_of

_TEST_FOLDERS = {"test", "tests", "testing"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function or method."""

    package: str
    path: str
    """Relative to the package's root."""
    qualname: str
    first_line: int
    """1-based line of the first decorator, or of `def`."""
    line: int
    """1-based line of `def`."""
    source: str
    """Raw lines from `def` on, with the file's indentation, without a last newline."""

    @property
    def id(self) -> str:
        """Distinct within all packages, and readable."""
        return f"{self.package}/{self.path}:{self.line}:{self.qualname}"

    @property
    def num_lines(self) -> int:
        """Raw lines, docstring and comments included."""
        return self.source.count("\n") + 1


def list_functions(package: str, root: Path, source: Path) -> Iterator[Function]:
    """Functions and methods of every module under `source`, test folders left out."""
    for path in sorted([source] if source.is_file() else source.rglob("*.py")):
        if not _TEST_FOLDERS & set(path.relative_to(root).parts) and not path.name.startswith(
            "test_"
        ):
            text = path.read_text(encoding="utf-8", errors="replace")
            for qualname, node, lines in functions_of(text):
                yield _function(package, path.relative_to(root).as_posix(), qualname, node, lines)


def rewrite(source: str, listing: str) -> str | None:
    """The raw source with the change that leads from its own listing to `listing`.

    None when the change cannot be carried over, as in strings of several lines.
    """
    raw = source.split("\n")
    own = read_listing(raw)
    after = listing.rstrip("\n").split("\n")
    changed = "\n".join(_carry_over(raw, own, after))
    try:
        same = read_listing(changed.split("\n")).source
        return changed if ast.dump(ast.parse(same)) == ast.dump(ast.parse(listing)) else None
    except SyntaxError:
        return None


def same_program(left: str, right: str) -> bool:
    """True when two raw sources have the same syntax tree, docstrings left out."""
    try:
        trees = [ast.parse(read_listing(s.split("\n")).source) for s in (left, right)]
    except (SyntaxError, ValueError):
        return False
    return ast.dump(trees[0]) == ast.dump(trees[1])


def same_signature(left: str, right: str) -> bool:
    """True when defaults and parameters need not be evaluated again."""
    return _arguments(left) == _arguments(right)


def _function(
    package: str, path: str, qualname: str, node: Definition, lines: list[str]
) -> Function:
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    source = "\n".join(lines[node.lineno - 1 : node.end_lineno])
    return Function(
        package=package,
        path=path,
        qualname=qualname,
        first_line=first,
        line=node.lineno,
        source=source,
    )


def _carry_over(raw: list[str], own: Listing, after: list[str]) -> list[str]:
    fix = find_fix(own.lines, after)
    added = [own.restore(line) for line in fix.added]
    if fix.replaced:
        first, last = own.origin[fix.start], own.origin[fix.start + fix.replaced - 1] + 1
    else:
        first = last = own.origin[fix.start] if fix.start < len(own.origin) else len(raw)
    return [*raw[:first], *added, *raw[last:]]


def _arguments(source: str) -> str:
    tree = ast.parse(read_listing(source.split("\n")).source)
    definition = next(n for n in tree.body if isinstance(n, Definition))
    return ast.dump(definition.args)
