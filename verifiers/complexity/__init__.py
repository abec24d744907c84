"""How much complexity a change adds: size, nesting, and code that the repository already has."""

from .delta import ComplexityDelta as ComplexityDelta, measure as measure
from .facts import UnitFacts as UnitFacts
from .similarity import Similar as Similar
from .verifier import Complexity as Complexity
