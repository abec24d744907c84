"""Public names: type checkers see what is imported; nothing comes before it is asked for."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import agent


def declared() -> set[tuple[str, str]]:
    """Module and name of every import that type checkers see."""
    tree = ast.parse(Path(agent.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert all(alias.asname == alias.name for node in imports for alias in node.names)
    return {(str(node.module), alias.name) for node in imports for alias in node.names}


def test_the_table_and_the_imports_are_the_same() -> None:
    table = {(module, name) for module, names in agent._NAMES.items() for name in names.split()}
    assert table == declared()


def test_every_name_is_there_and_public() -> None:
    for module, name in declared():
        value = getattr(agent, name)
        assert value is getattr(sys.modules[f"agent.{module}"], name)
    assert {name for _, name in declared()} == set(agent.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        agent.nothing  # noqa: B018


def test_the_package_and_the_help_import_little() -> None:
    heavy = ("torch", "pydantic", "rich", "opentelemetry", "numpy", "anyio", "jsonschema")
    for statement in ("import agent", "import agent.cli"):
        code = f"{statement}, sys; print([name for name in {heavy} if name in sys.modules])"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "[]", done.stdout
