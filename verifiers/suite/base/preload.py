"""Which modules a test server imports before it forks: everything third-party that the tests were seen to import."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

_NEVER = (
    "__main__",
    "__mp_main__",
    "winnow_",
    "conftest",
    "_virtualenv",
    "_distutils_hack",
    "antigravity",
    "this",
)


def modules_to_preload(
    modules: Mapping[str, str], paths: Iterable[str], place: str
) -> tuple[str, ...]:
    """Names of modules that lie in the interpreter's folders and do not belong to the project."""
    roots = tuple(path.rstrip("/") + "/" for path in paths)
    inside = place.rstrip("/") + "/"
    return tuple(
        name
        for name, file in modules.items()
        if file.startswith(roots)
        and (not file.startswith(inside) or "/site-packages/" in file)
        and not name.startswith(_NEVER)
    )


def installed_modules(paths: Iterable[str]) -> frozenset[str]:
    """Names of the top-level modules and packages in the site-packages folders of `paths`."""
    folders = [path for path in paths if path.endswith(("site-packages", "dist-packages"))]
    found = [name for folder in folders if os.path.isdir(folder) for name in os.listdir(folder)]
    return frozenset(name.split(".")[0] for name in found if "-" not in name)
