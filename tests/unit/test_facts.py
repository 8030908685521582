"""The facts card has a size, whatever a page says."""

import json

from functions.xnext.facts import Card, facts_of
from functions.xnext.page import Facts, Link, Page


def card(**facts: object) -> dict[str, object]:
    return facts_of(Page(id="befi:1", source="befi", title="Hund", facts=Facts.model_validate(facts)))


def test_what_a_page_says_shortly_stays_as_it_is() -> None:
    links = [{"label": "Termin", "url": "https://city.example/termin"}]
    said = {"fees": "5 Euro", "documents": "x" * 2000, "online_services": links, "offices": ["Bürgeramt"]}

    assert card(**said) == said


def test_a_long_fact_ends_after_a_word() -> None:
    fees = card(fees="Gebühr " * 300_000)["fees"]

    assert isinstance(fees, str)
    assert len(fees) <= 2000
    assert fees.endswith("Gebühr …")
    assert fees.count("Gebühr") == 285  # as many as fit


def test_no_page_makes_a_large_card() -> None:
    big = "x" * 2_000_000
    found = card(
        fees=big,
        documents=big,
        duration=big,
        legal_basis=big,
        payment=big,
        online_services=[
            Link(label="Formular", url=f"https://city.example/{big}"),
            *[Link(label=big, url=f"https://city.example/{n}") for n in range(1000)],
        ],
        offices=[big] * 1000,
    )

    assert len(json.dumps(found)) < 25_000
    services = found["online_services"]
    assert isinstance(services, list)
    assert [link["url"] for link in services] == [f"https://city.example/{n}" for n in range(20)]
    # A stored card is not cut once more when it is read.
    assert Card.model_validate(found).model_dump(mode="json", exclude_defaults=True) == found
