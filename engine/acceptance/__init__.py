"""Rules that say which tokens of a step are kept. One rule a file."""

from .base import AcceptanceRule as AcceptanceRule
from .threshold import ConfidenceThreshold as ConfidenceThreshold
