"""A wrong setting fails at start with its name, not later with a traceback."""

import json

import pytest

from shared.errors import SettingsError
from shared.settings import Settings


def source(page_url: str) -> str:
    return json.dumps([{"name": "befi", "kind": "befi", "url": "https://cms.example.org", "page_url": page_url}])


@pytest.mark.parametrize(
    ("name", "value", "where"),
    [
        ("STADTFUNK_HOST__TRUSTED_PROXIES", '["10.0.0.0/8", "proxy"]', "STADTFUNK_HOST__TRUSTED_PROXIES"),
        ("STADTFUNK_HOST__PROT", "1", "STADTFUNK_HOST__PROT"),
        ("STADTFUNK_NATS__REPLICAS", "9", "STADTFUNK_NATS__REPLICAS"),
        ("STADTFUNK_XNEXT__SOURCES", source("https://www.example.org/"), "STADTFUNK_XNEXT__SOURCES__0__PAGE_URL"),
        ("STADTFUNK_XNEXT__SOURCES", source("https://e.org/{id}/{name}"), "STADTFUNK_XNEXT__SOURCES__0__PAGE_URL"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, where: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=rf"^{where}: "):
        Settings()


def test_right_ones_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STADTFUNK_HOST__TRUSTED_PROXIES", '["10.0.0.0/8", "::1"]')
    monkeypatch.setenv("STADTFUNK_XNEXT__SOURCES", source("https://www.example.org/{id}.html"))
    settings = Settings()
    assert settings.host.trusted_proxies == ("10.0.0.0/8", "::1")
    assert settings.xnext.sources[0].page_url == "https://www.example.org/{id}.html"
