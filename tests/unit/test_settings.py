"""A wrong setting fails at start with its name, not later with a traceback."""

import json
from pathlib import Path

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


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("STADTFUNK_NATSS__URL", "STADTFUNK_NATS__URL"),
        ("STADTFUNK_HOST__PROT", "STADTFUNK_HOST__PORT"),
        ("STADTFUNK_CATALOG__NATS__URL", "STADTFUNK_NATS__URL"),
        ("stadtfunk_vector__uri", "STADTFUNK_VECTORS__URI"),
    ],
)
def test_an_unknown_one_is_told_the_nearest(monkeypatch: pytest.MonkeyPatch, name: str, nearest: str) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError, match=rf"^{name.upper()}: is no setting; did you mean {nearest}\?$"):
        Settings()


def test_an_unknown_one_in_a_file_is_told_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("STADTFUNK_NATSS__URL=nats://127.0.0.1:1\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"^STADTFUNK_NATSS__URL: .*STADTFUNK_NATS__URL"):
        Settings(_env_file=tmp_path / ".env")


def test_what_is_no_setting_of_a_group_stays_legal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "STADTFUNK_SECRET_CMS__WEBHOOK",
        "STADTFUNK_DATA",
        "STADTFUNK_VISION__URL",
        "STADTFUNK_NATS_SERVICE_HOST",  # as Kubernetes sets it
        "OTHER__THING",
    ):
        monkeypatch.setenv(name, "1")
    Settings()


def test_two_sources_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    one = json.loads(source("https://www.example.org/{id}"))
    monkeypatch.setenv("STADTFUNK_XNEXT__SOURCES", json.dumps(one + one))
    with pytest.raises(SettingsError, match=r"^STADTFUNK_XNEXT__SOURCES: .*two sources are named 'befi'"):
        Settings()


def test_right_ones_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STADTFUNK_HOST__TRUSTED_PROXIES", '["10.0.0.0/8", "::1"]')
    monkeypatch.setenv("STADTFUNK_XNEXT__SOURCES", source("https://www.example.org/{id}.html"))
    settings = Settings()
    assert settings.host.trusted_proxies == ("10.0.0.0/8", "::1")
    assert settings.xnext.sources[0].page_url == "https://www.example.org/{id}.html"
