"""Free time in a day's calendar."""

from .calendar import first_slot, free_time, utilisation
from .clock import format_time, parse_span, parse_time
from .span import Span, merge

__all__ = [
    "Span",
    "first_slot",
    "format_time",
    "free_time",
    "merge",
    "parse_span",
    "parse_time",
    "utilisation",
]
