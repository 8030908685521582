"""Plates in a map of lettering."""

import numpy as np

from functions.photos import lettering


def test_what_is_lettering_all_over_counts_and_what_is_in_parts_does_not() -> None:
    text = np.zeros((180, 320), np.uint8)
    text[20:26, 40:70] = 230  # a plate
    text[80:140, 100:260:5] = 255  # a large dark place with sure cells here and there, near enough to be joined
    boxes, scores = lettering.regions(text)
    found = dict(zip(map(tuple, boxes.tolist()), scores.tolist(), strict=True))
    assert found[160.0, 80.0, 280.0, 104.0] > 0.8
    assert all(score < 0.5 for box, score in found.items() if box[0] >= 400)
    assert len(found) == 2
