"""From CSV text to entries."""

from __future__ import annotations

import csv
import io
from datetime import date

from .entries import Entry, LedgerError

COLUMNS = ("date", "category", "amount")


def read_ledger(text: str) -> list[Entry]:
    """All entries, in the order of the file. Blank lines and lines that start with `#` are skipped.

    Raises:
        LedgerError: a column is missing, or a line cannot be read.
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    rows = csv.DictReader(io.StringIO("\n".join(lines)))
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or [])]
    if missing:
        raise LedgerError(f"line 1: no column {missing[0]}")
    return [_read_row(row, number) for number, row in enumerate(rows, start=2)]


def parse_amount(text: str) -> int:
    """Cents of `1,234.50`, `-3` or `.5`."""
    digits = text.strip().replace(",", "")
    sign = -1 if digits.startswith("-") else 1
    units, _, fraction = digits.lstrip("+-").partition(".")
    if not (units + fraction).isdigit() and len(fraction) > 2:
        raise ValueError(f"not an amount: {text!r}")
    return sign * (int(units or "0") * 100 + int(fraction.ljust(2, "0")))


def _read_row(row: dict[str, str], number: int) -> Entry:
    try:
        day = date.fromisoformat(row["date"].strip())
        cents = parse_amount(row["amount"])
    except ValueError as error:
        raise LedgerError(f"line {number}: {error}") from error
    category = row["category"].strip().lower()
    note = (row.get("note") or "").strip()
    return Entry(day, category or "other", cents, note)
