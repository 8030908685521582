"""What everybody borrows: the simplest recommender, and the net below all others."""

from typing import Any

import numpy as np


def popularity(loans: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Score of each title from its loans, in 0..1, float32: the logarithm tames the few that all have."""
    most = loans.max(initial=0)
    if most == 0:
        return np.zeros(len(loans), np.float32)
    score: np.ndarray[Any, Any] = (np.log1p(loans) / np.log1p(most)).astype(np.float32)
    return score
