"""What a dead letter says of why it is one."""

import pytest

from shared.deadletters import reason_of
from shared.errors import BackendError, Reject


@pytest.mark.parametrize("error", [Reject("the page has no title"), BackendError("zammad", "status 503")])
def test_an_error_of_ours_is_told_in_its_words(error: Exception) -> None:
    assert reason_of(error) == str(error)


def test_a_bug_is_told_by_its_place_as_its_text_may_quote_a_letter() -> None:
    with pytest.raises(ValueError, match="Ada Muster") as caught:
        int("Ada Muster")
    assert "Ada" not in reason_of(caught.value)
    assert "test_deadletters.py" in reason_of(caught.value)
