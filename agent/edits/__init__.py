"""The change stream: small typed operations that resolve against one snapshot, all or nothing."""

from .apply import apply_change, reverse
from .ops import Anchor, Create, Delete, Edit, Insert, Operation, anchor, line_hash
from .parse import Stream, parse_changes, read_changes
from .render import render_changes, render_path
from .resolve import Resolution, resolve, resolve_noted
from .twin import (
    OperationTwin,
    operations_from_json,
    operations_of,
    operations_schema,
    operations_to_json,
)

__all__ = [
    "Anchor",
    "Create",
    "Delete",
    "Edit",
    "Insert",
    "Operation",
    "OperationTwin",
    "Resolution",
    "Stream",
    "anchor",
    "apply_change",
    "line_hash",
    "operations_from_json",
    "operations_of",
    "operations_schema",
    "operations_to_json",
    "parse_changes",
    "read_changes",
    "render_changes",
    "render_path",
    "resolve",
    "resolve_noted",
    "reverse",
]
