"""The state in memory, and how keys are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.js.kv import VALID_KEY_RE

from shared.state import MAX_KEY_BYTES, MemoryState, decoded, encoded
from tests.state_cases import StateCases


class TestMemoryState(StateCases):
    @pytest.fixture
    def state(self) -> MemoryState:
        return MemoryState()


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=MAX_KEY_BYTES // 4))
def test_every_text_has_its_own_legal_key(text: str) -> None:
    assert VALID_KEY_RE.match(encoded(text))
    assert "." not in encoded(text)
    assert decoded(encoded(text)) == text
