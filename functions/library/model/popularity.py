"""What everybody borrows: the simplest recommender, and the net below all others."""

from typing import Any

import numpy as np

_CALM = 3.0  # loans that speak for no change
_MOST = 10.0


def popularity(loans: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Score of each title from its (recent) loans, in 0..1, float32; the logarithm tames the few that all have."""
    most = loans.max(initial=0)
    if most == 0:
        return np.zeros(len(loans), np.float32)
    score: np.ndarray[Any, Any] = (np.log1p(loans) / np.log1p(most)).astype(np.float32)
    return score


def drift(recent: np.ndarray[Any, Any], loans: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """How much more (> 1) or less a title is borrowed of late than its loans would make one think, float32."""
    share = recent.sum() / max(loans.sum(), 1)
    if share <= 0:
        return np.ones(len(loans), np.float32)
    return np.asarray(np.clip((recent / share + _CALM) / (loans + _CALM), 1 / _MOST, _MOST), np.float32)
