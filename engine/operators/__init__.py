"""Edit operators: one table serves the training mutators (forwards) and the enumeration of candidates (backwards)."""

from .base import FunctionView as FunctionView, Operator as Operator, TextEdit as TextEdit
from .table import (
    FAMILY as FAMILY,
    TABLE as TABLE,
    Mutation as Mutation,
    mutations as mutations,
    proposals as proposals,
)
