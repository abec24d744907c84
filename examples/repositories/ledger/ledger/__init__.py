"""A household ledger in CSV."""

from .budget import Budget, overspent
from .entries import Entry, LedgerError
from .reader import parse_amount, read_ledger
from .report import render_table
from .totals import balance, by_category, by_month

__all__ = [
    "Budget",
    "Entry",
    "LedgerError",
    "balance",
    "by_category",
    "by_month",
    "overspent",
    "parse_amount",
    "read_ledger",
    "render_table",
]
