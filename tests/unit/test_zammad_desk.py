"""The stand-in's world and the guide: one payload in both, nothing that the city's own pages say otherwise."""

import re
from pathlib import Path

import pytest

from infra.zammad.sanitiser import sanitised
from infra.zammad.world import load_world
from shared.errors import StadtfunkError

ROOT = Path(__file__).parents[2]


def test_the_guides_payload_is_the_one_that_the_stand_in_sends() -> None:
    blocks = re.findall(r"```json\n(.*?)```", (ROOT / "docs/zammad.md").read_text(encoding="utf-8"), re.DOTALL)
    (block,) = (block for block in blocks if "#{ticket.id}" in block)
    payloads = {trigger.payload for trigger in load_world().triggers}
    assert {re.sub(r"\s", "", one or "") for one in payloads} == {re.sub(r"\s", "", block)}


def test_the_world_is_whole() -> None:
    world = load_world()
    groups = {team.name for team in world.groups}
    assert groups == {"Führerscheinstelle", "Bürgerbüro", "Kfz-Zulassung", "Parken", "Standesamt"}
    assert {ticket.group for ticket in world.tickets} <= groups
    states = [answer.state for category in world.categories for answer in category.answers]
    assert {state: states.count(state) for state in set(states)} == {
        "published": 6,
        "internal": 2,
        "draft": 1,
        "archived": 1,
    }
    addresses = [team.email for team in world.groups] + [ticket.email for ticket in world.tickets]
    assert all(address.endswith(".example") for address in addresses)


def test_a_wrong_world_is_said_with_its_field(tmp_path: Path) -> None:
    file = tmp_path / "world.yaml"
    file.write_text("bot: {firstname: A, lastname: B, email: c}\nagents: []\n", encoding="utf-8")
    with pytest.raises(StadtfunkError, match=rf"{file}: agents: "):
        load_world(file)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("<p>a<!-- marker --></p>", "<p>a</p>"),
        ('<p id="marker" class="marker" data-marker="1" title="marker">a</p>', "<p>a</p>"),
        ('<p lang="en">a</p>', '<p lang="en">a</p>'),
        ("<script>alert(1)</script><b>a</b>", "<b>a</b>"),
        ('<a href="javascript:alert(1)">a</a>', "<a>a</a>"),
        ('<img src="https://elsewhere.example/pixel">a', "a"),
        (
            '<a href="https://x.example/?a=1&b=2">a</a>',
            '<a href="https://x.example/?a=1&amp;b=2" rel="nofollow noreferrer noopener" target="_blank" '
            'title="https://x.example/?a=1&amp;b=2">a</a>',
        ),
    ],
)
def test_only_plain_html_survives(given: str, kept: str) -> None:
    assert sanitised(given) == kept
    assert sanitised(sanitised(given)) == kept
