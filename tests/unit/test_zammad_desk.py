"""The stand-in's world and the guides: one payload in all, nothing that the city's own pages say otherwise."""

import re
from pathlib import Path

import pytest

from events.zammad import ArticleReceived, ReplySent
from functions.zammad.payload import read
from functions.zammad.webhook import happened
from infra.zammad.sanitiser import sanitised
from infra.zammad.world import load_world
from shared.errors import StadtfunkError
from shared.settings import ZammadGroup, ZammadSettings

ROOT = Path(__file__).parents[2]


def pasted(page: str) -> str:
    """The payload that a page tells to paste."""
    blocks = re.findall(r"```json\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    (block,) = (block for block in blocks if "#{ticket.id}" in block)
    return str(block)


@pytest.mark.parametrize("page", ["README.md", "docs/zammad.md"])
def test_the_payload_to_paste_is_the_one_that_the_stand_in_sends(page: str) -> None:
    payloads = {trigger.payload for trigger in load_world().triggers}
    assert {re.sub(r"\s", "", one or "") for one in payloads} == {re.sub(r"\s", "", pasted(page))}


@pytest.mark.parametrize("page", ["README.md", "docs/zammad.md"])
def test_the_payload_to_paste_is_understood(page: str) -> None:
    settings = ZammadSettings(groups=(ZammadGroup(name="Bürgerbüro"),))
    names = {"ticket.id": "6", "article.id": "17", "ticket.group.name": "Bürgerbüro", "article.type.name": "email"}

    def sent(sender: str, internal: str, **changed: str) -> object:
        values = {**names, "article.sender.name": sender, "article.internal": internal, **changed}
        # As Zammad fills it; what it has no value for is "-".
        told = read(re.sub(r"#\{([\w.]+)\}", lambda name: values.get(name[1], "-"), pasted(page)).encode())
        return told if told is None else happened(told, settings)

    assert sent("Customer", "false") == ArticleReceived(ticket_id=6, article_id=17)
    assert sent("Agent", "false") == ReplySent(ticket_id=6, article_id=17)
    assert sent("Customer", "true") == "internal"
    assert sent("System", "false") == "sender"
    assert sent("Customer", "false", **{"ticket.group.name": "Parken"}) == "group"
    assert sent("Agent", "false", **{"article.type.name": "note"}) == "sender"
    assert sent("Customer", "false", **{"article.id": "-"}) == "no_article"


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
