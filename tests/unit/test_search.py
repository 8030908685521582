"""The search's input."""

import pytest
from pydantic import ValidationError

from functions.xnext.search import SearchQuery


@pytest.mark.parametrize(
    "wrong",
    [
        {"q": ""},
        {"q": "   "},
        {"q": "x" * 501},
        {"q": "x", "limit": 0},
        {"q": "x", "limit": 51},
        {"q": "x", "language": 'de" or true'},
        {"q": "x", "category": ""},
        {"q": "x", "unknown": 1},
    ],
)
def test_wrong_input_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SearchQuery.model_validate(wrong)
