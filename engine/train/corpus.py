"""Functions to learn from: the standard library and permissive pure-Python packages, read from their wheels.

Nothing of a package is committed; the builder takes a folder of wheels and writes one compressed file of functions with
their package and licence, and a report of what it left out and why.
"""

from __future__ import annotations

import ast
import gzip
import hashlib
import json
import sysconfig
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from engine.listing import Definition, list_definition

from .denied import DenyList, normalise_name

_MIN_LINES, _MAX_LINES = 3, 110
_MAX_FILE_BYTES = 600_000
_COPYLEFT = ("gpl", "affero", "copyleft", "proprietary", "commercial")


@dataclass(frozen=True, slots=True)
class FunctionText:
    """One function of the corpus, as a listing."""

    package: str
    source: str


def build_corpus(wheels: Path, out: Path, deny: DenyList, workers: int = 2) -> Counter[str]:
    """Write `functions.jsonl.gz` and `report.json` into `out`; returns the counts of the report."""
    out.mkdir(parents=True, exist_ok=True)
    report: Counter[str] = Counter()
    seen: set[str] = set()
    sources: list[Path | None] = [None, *sorted(wheels.glob("*.whl"))]
    with (
        gzip.open(out / "functions.jsonl.gz", "wt", compresslevel=4) as file,
        ProcessPoolExecutor(workers) as pool,
    ):
        for functions, counts in pool.map(_read_source, sources, [deny] * len(sources)):
            report.update(counts)
            for key, function in functions:
                if key in seen:
                    report["duplicate"] += 1
                    continue
                seen.add(key)
                report["kept"] += 1
                file.write(json.dumps([function.package, function.source]) + "\n")
    (out / "report.json").write_text(json.dumps(dict(sorted(report.items())), indent=1))
    return report


def read_corpus(path: Path) -> Iterator[FunctionText]:
    """The functions that `build_corpus` wrote."""
    with gzip.open(path, "rt") as file:
        for line in file:
            yield FunctionText(*json.loads(line))


def _read_source(
    wheel: Path | None, deny: DenyList
) -> tuple[list[tuple[str, FunctionText]], Counter[str]]:
    counts: Counter[str] = Counter()
    if wheel is None:
        return _collect("python", _standard_library(deny), deny, counts), counts
    name = normalise_name(wheel.name.split("-")[0])
    if deny.has_package(name):
        counts[f"denied package {name}"] += 1
        return [], counts
    with zipfile.ZipFile(wheel) as archive:
        if not is_permissive(archive):
            counts[f"licence not permissive {name}"] += 1
            return [], counts
        return _collect(name, wheel_files(archive, deny), deny, counts), counts


def wheel_files(archive: zipfile.ZipFile, deny: DenyList) -> Iterator[tuple[str, str]]:
    """Path and text of the Python files of a wheel; tests, copies of other projects and oversized files left out."""
    for info in archive.infolist():
        if info.filename.endswith(".py") and info.file_size < _MAX_FILE_BYTES:
            if not _is_test(info.filename) and not deny.has_path(info.filename):
                yield info.filename, archive.read(info).decode("utf-8", "replace")


def is_permissive(archive: zipfile.ZipFile) -> bool:
    """False when the wheel's metadata names a copyleft or proprietary licence (LGPL and MPL count as such)."""
    names = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
    if not names:
        return False
    headers = HeaderParser().parsestr(archive.read(names[0]).decode("utf-8", "replace"))
    words = [headers.get("License-Expression", ""), (headers.get("License") or "")[:80]]
    words += [c for c in headers.get_all("Classifier", []) if c.startswith("License")]
    text = " ".join(words).lower()
    return bool(text.strip()) and not any(word in text for word in (*_COPYLEFT, "mozilla", "mpl"))


def functions_of(text: str) -> Iterator[tuple[str, Definition, list[str]]]:
    """Qualified name, node and file lines of the functions and methods of a module; nothing for a broken one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
    lines = text.split("\n")
    stack: list[tuple[str, ast.AST]] = [("", tree)]
    while stack:
        prefix, parent = stack.pop()
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, Definition):
                yield prefix + node.name, node, lines
            elif isinstance(node, ast.ClassDef | ast.If | ast.Try):
                inner = f"{prefix}{node.name}." if isinstance(node, ast.ClassDef) else prefix
                stack.append((inner, node))


def _collect(
    package: str, files: Iterator[tuple[str, str]], deny: DenyList, counts: Counter[str]
) -> list[tuple[str, FunctionText]]:
    found: dict[str, FunctionText] = {}
    for _, text in files:
        for _, node, lines in functions_of(text):
            if (node.end_lineno or 0) - node.lineno + 1 < _MIN_LINES:
                continue
            listing = list_definition(node, lines)
            if not _MIN_LINES <= len(listing.lines) <= _MAX_LINES or "\t" in listing.source:
                counts["too short or too long"] += 1
            elif deny.is_withheld(listing.source):
                counts[f"withheld function in {package}"] += 1
            else:
                key = hashlib.blake2b(_shape(node).encode(), digest_size=12).hexdigest()
                found.setdefault(key, FunctionText(package, listing.source))
    counts[f"functions of {package}"] += len(found)
    return list(found.items())


def _shape(node: Definition) -> str:
    return ast.dump(ast.Module(body=node.body, type_ignores=[]))


def _standard_library(deny: DenyList) -> Iterator[tuple[str, str]]:
    root = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(root.rglob("*.py")):
        relative = str(path.relative_to(root))
        if not deny.has_path(relative) and not _is_test(relative):
            yield relative, path.read_text("utf-8", "replace")


def _is_test(path: str) -> bool:
    parts = path.lower().split("/")
    return any(p in ("test", "tests", "testing", "idlelib", "lib2to3") for p in parts[:-1]) or (
        parts[-1].startswith("test_") or parts[-1].endswith("_test.py") or "_pb2" in parts[-1]
    )
