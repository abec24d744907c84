"""Which modules a test server imports before it forks: everything third-party that the tests were seen to import."""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

_NEVER = ("__main__", "__mp_main__", "winnow_", "_pytest", "pytest", "conftest", "_virtualenv", "_distutils_hack", "antigravity")


def modules_to_preload(modules: Mapping[str, str], paths: Iterable[str], place: str) -> tuple[str, ...]:
    """Names of modules that lie in the interpreter's folders and belong neither to the project nor to a pytest plugin.

    A plugin that is imported before pytest loads it is not rewritten, which pytest warns about.
    """
    roots = tuple(path.rstrip("/") + "/" for path in paths)
    plugins = plugin_modules(paths)
    inside = place.rstrip("/") + "/"
    return tuple(
        name
        for name, file in modules.items()
        if file.startswith(roots)
        and (not file.startswith(inside) or "/site-packages/" in file)
        and name.split(".")[0] not in plugins
        and not name.startswith(_NEVER)
    )


def plugin_modules(paths: Iterable[str]) -> frozenset[str]:
    """Top-level names of the pytest plugins that are installed in `paths`."""
    names = set()
    for path in paths:
        for file in Path(path).glob("*.dist-info/entry_points.txt"):
            names.update(_plugins_of(file))
    return frozenset(names)


def installed_modules(paths: Iterable[str]) -> frozenset[str]:
    """Names of the top-level modules and packages in the site-packages folders of `paths`."""
    folders = [path for path in paths if path.endswith(("site-packages", "dist-packages"))]
    found = [name for folder in folders if os.path.isdir(folder) for name in os.listdir(folder)]
    return frozenset(name.split(".")[0] for name in found if "-" not in name)


def _plugins_of(file: Path) -> Iterable[str]:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    try:
        parser.read_string(file.read_text(encoding="utf-8"))
    except (configparser.Error, UnicodeDecodeError, OSError):
        return ()
    if not parser.has_section("pytest11"):
        return ()
    return {target.split(":")[0].split(".")[0].strip() for _, target in parser.items("pytest11")}
