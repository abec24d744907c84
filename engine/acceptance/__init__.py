"""Rules that say which tokens of a step are kept. One rule a file."""

from .base import AcceptanceRule as AcceptanceRule, Step as Step
from .entropy_bound import EntropyBound as EntropyBound
from .quota import FixedQuota as FixedQuota
from .threshold import ConfidenceThreshold as ConfidenceThreshold
