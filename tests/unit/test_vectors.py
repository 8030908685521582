"""Filter expressions: whatever a value holds, it stays one literal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milvus_lite.search.filter.tokens import TokenKind, tokenize

from shared.filters import any_of, below, both, equals, holds, literal
from shared.knowledge.search import Filters

HOSTILE = [
    '" or "" == "',
    "\\",
    '\\" or true or "',
    '\\\\" or 1 == 1 //',
    "'; drop collection",
    "zwei\nZeilen\r\n\tTab",
    "\x00",
    "\ud800",
    "\u202e umgekehrt",
    "ü€😀",
    "{injected}",
    "%",
]


def strings(expression: str) -> list[str]:
    return [token.value for token in tokenize(expression) if token.kind == TokenKind.STRING]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_stays_one_literal(value: str) -> None:
    expected = value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    plain = [token.kind for token in tokenize(equals("doc", "x"))]
    found = list(tokenize(equals("doc", value)))
    assert [token.kind for token in found] == plain
    assert strings(equals("doc", value)) == [expected]


@given(st.text())
def test_any_text_stays_one_literal(value: str) -> None:
    assert len(strings(literal(value))) == 1
    assert len(list(tokenize(literal(value)))) == len(list(tokenize('"x"')))


def test_conditions_are_joined() -> None:
    assert both("", "") == ""
    assert both(equals("doc", "a"), "", below("revision", 3)) == '(doc == "a") and (revision < 3)'
    assert any_of("doc", ["a", 'b"']) == 'doc in ["a", "b\\""]'
    assert literal(True) == "true"


def test_filters_of_a_search() -> None:
    assert Filters().condition() == ""
    category = 'A" or true'
    condition = Filters(category=category, language="de", easy=True).condition()
    assert condition == both(holds("categories", category), 'language in ["de"]', "easy == true")
    assert strings(condition) == [category, "de"]
