"""Which options every run of the tests gets, on top of what the project asks for."""

from __future__ import annotations

from verifiers.base import Snapshot

_CONFIGURATION = ("pyproject.toml", "pytest.ini", ".pytest.ini", "setup.cfg", "tox.ini")
_REWRITE_WARNING = (
    "ignore:Module already imported so cannot be rewritten:pytest.PytestAssertRewriteWarning"
)


def arguments_for(snapshot: Snapshot, plugins: tuple[str, ...]) -> tuple[str, ...]:
    """Short tracebacks; no coverage and no parallel workers even where the project asks for them.

    `plugins` are those of `pytest_cov` and `xdist` that are installed.
    """
    found = [
        snapshot.read(name).decode("utf-8", "replace")
        for name in _CONFIGURATION
        if name in snapshot.files
    ]
    asked = "\n".join(found)
    arguments = ["-q", "--tb=short", "-p", "no:randomly", "-W", _REWRITE_WARNING]
    if "pytest_cov" in plugins and "--cov" in asked:
        arguments.append("--no-cov")
    if "xdist" in plugins and "-n" in asked:
        arguments.append("-n0")
    return tuple(arguments)
