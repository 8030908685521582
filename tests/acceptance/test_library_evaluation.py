"""The library's recommender on real loans (Book-Crossing): the command, and the bars it has to reach."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).parents[3] / "shared" / "data" / "library"
YARDSTICKS = ("popularity", "itemknn", "userknn", "ease", "content")


async def evaluated() -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from infra.cli import main; main()", "evaluate", "library"),
        *("--loans", str(SHARED / "loans.parquet"), "--items", str(SHARED / "items.parquet")),
        *("--split", "random", "--seed", "1", "--json"),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    figures: dict[str, Any] = json.loads(said)
    return figures


@pytest.mark.heavy
@pytest.mark.skipif(
    not SHARED.exists() and os.environ.get("CI") != "true", reason="Book-Crossing is not on this machine"
)
async def test_recommendations_reach_the_bars_under_the_rule_of_five_readers() -> None:
    found = await evaluated()
    ours = found["ours"]
    assert ours["recall@10"] >= 0.066
    assert ours["ndcg@10"] >= 0.112
    for yardstick in YARDSTICKS:
        assert ours["recall@10"] > found[yardstick]["recall@10"], yardstick
        assert ours["ndcg@10"] > found[yardstick]["ndcg@10"], yardstick
    assert ours["peak_mb"] <= 3000
    # What the rule costs is shown, and small.
    assert found["ours_without_rule"]["recall@10"] - ours["recall@10"] < 0.01
    cold = found["cold"]
    assert cold["content"]["hit@10"] >= 2 * max(cold["popularity"]["hit@10"], cold["random"]["hit@10"])
