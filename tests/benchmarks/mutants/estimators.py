"""What shares and their uncertainty are computed with: pass@k, random order, intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Interval = tuple[float, float]


def pass_at(k: int, num_samples: int, num_passing: int) -> float:
    """Unbiased probability that at least one of `k` samples passes (Chen et al. 2021).

    Args:
        k: samples that are looked at; all of them where there are fewer.
        num_samples: samples that were drawn.
        num_passing: how many of those pass.
    """
    k = min(k, num_samples)
    if num_samples - num_passing < k:
        return 1.0
    return 1.0 - math.prod(1 - k / i for i in range(num_samples - num_passing + 1, num_samples + 1))


def found_within(n: int, num_candidates: int, num_passing: int) -> float:
    """Probability that random order shows a passing candidate among the first `n`; 0 without
    candidates.
    """
    return pass_at(n, num_candidates, num_passing) if num_candidates else 0.0


def wilson(share: float, count: int, z: float = 1.96) -> Interval:
    """95 % interval of a share of `count` yes-or-no outcomes."""
    if not count:
        return 0.0, 1.0
    center = share + z * z / (2 * count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max(0.0, (center - half) / scale), min(1.0, (center + half) / scale)


def bootstrap(values: Sequence[float], seed: int = 0, rounds: int = 2000) -> Interval:
    """95 % percentile interval of the mean, over tasks drawn with replacement."""
    if not values:
        return 0.0, 1.0
    drawn = np.random.default_rng(seed).choice(np.asarray(values), (rounds, len(values)))
    low, high = np.percentile(drawn.mean(1), (2.5, 97.5))
    return float(low), float(high)
