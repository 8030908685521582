"""serverless.yaml: every fault is answered with file, line and the nearest valid name."""

import re
from pathlib import Path

import pytest

from infra.handlers import resolve
from infra.worker.process import choose
from shared.catalogue import Catalogue
from shared.errors import CatalogueError

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "serverless.yaml").read_text(encoding="utf-8")


def load(tmp_path: Path, text: str) -> Catalogue:
    file = tmp_path / "serverless.yaml"
    file.write_text(text, encoding="utf-8")
    return Catalogue.load(file)


def test_the_projects_own_catalogue_fits_its_code() -> None:
    catalogue = Catalogue.load(ROOT / "serverless.yaml")

    assert set(resolve(catalogue, ROOT / "serverless.yaml")) == set(catalogue.functions)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("timeout: 2h", "timout: 2h", "functions.crawl.timout: unknown key 'timout'; did you mean 'timeout'?"),
        ("timeout: 2h", "timeout: 2", "a duration needs its unit"),
        ("timeout: 2h", "timeout: soon", "a duration is a number and a unit"),
        ("access: system", "access: systm", "did you mean 'system'?"),
        ("access: system\n", "\n", "needs 'access'"),
        ("access: public\n", "access: public\n    signature: hub-sha1\n", "nobody else signs"),
        ("secrets: [cms-webhook]", "secrets: []", "needs a secret, which callers sign with: the first of 'secrets'"),
        ("handler: xnext.crawl.crawl_page", "handler: xnex.crawl.crawl_page", "did you mean 'xnext'?"),
        ("handler: xnext.crawl.crawl_page", "handler: xnext.crawl.crawl_pag", "'crawl_page'"),
        ("needs: [objects,", "needs: [objets,", "did you mean 'objects'?"),
        ("attempts: 4", "attempts: 0", "greater than or equal to 1"),
        ('cron: "0 30 3 * * *"', 'cron: "30 3 * * *"', "5 fields; six are needed"),
        ("time_zone: Europe/Berlin", "time_zone: Europe/Berln", "did you mean 'Europe/Berlin'?"),
        ("- nats: {type: cms.page.notified}", "- nats: {type: a.b, subject: c}", "either 'type' or 'subject'"),
        ("page: {path: /search,", "page: {path: /serch,", "no function answers '/serch'; did you mean '/search'?"),
        ("version: 1", "version: 2", "version"),
        ("functions:\n", "functions: [\n", ""),
    ],
)
def test_a_fault_names_its_line(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    assert right in TEXT
    line = TEXT[: TEXT.index(right)].count("\n") + 1

    with pytest.raises(CatalogueError) as caught:
        load(tmp_path, TEXT.replace(right, wrong, 1))

    assert said in str(caught.value)
    found = [int(text.split(":")[1]) for text in str(caught.value).splitlines()]
    assert any(abs(number - line) <= 8 for number in found)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError) as caught:
        load(tmp_path, TEXT.replace("timeout: 2h", "timout: 2h").replace("attempts: 4", "atempts: 4"))

    assert len(str(caught.value).splitlines()) == 2


def test_a_missing_file_says_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="STADTFUNK_CATALOGUE"):
        Catalogue.load(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("xnext.crawl.crawl_page", "xnext.crawl_all.crawl_page", "no module functions/xnext/crawl_all.py"),
        ("xnext.crawl.crawl_page", "xnext.index.crawl_page", "unknown handler 'crawl_page'"),
        ("type: cms.page.notified", "type: cms.page.changed", "which the code is @on"),
        ("type: cms.page.notified", "type: cms.page.notfied", "unknown event type"),
        ("- http: {method: POST, path: /cms/webhook}\n    access: system", "- nats: {type: cms.page.changed}", "@on"),
        ("- nats: {type: cms.page.notified}", "- s3: {bucket: photos-in}", "that is @on(ObjectStored)"),
        ("start: all", "order_by: colour", "'colour' is not the key of the event (page_id)"),
    ],
)
def test_the_catalogue_is_held_against_the_code(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    assert right in TEXT
    catalogue = load(tmp_path, TEXT.replace(right, wrong, 1))

    with pytest.raises(CatalogueError) as caught:
        resolve(catalogue, tmp_path / "serverless.yaml")

    assert said in str(caught.value)
    assert ":" in str(caught.value)


def test_a_worker_names_the_catalogue_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = load(tmp_path, TEXT.replace("xnext.crawl.crawl_page", "xnext.crawl_all.crawl_page"))
    monkeypatch.chdir(tmp_path.parent)

    with pytest.raises(CatalogueError, match=rf"^{re.escape(str(tmp_path / 'serverless.yaml'))}:\d+: .*crawl_all"):
        choose(["crawl_page"], catalogue, tmp_path / "serverless.yaml")


def test_only_cuts_the_catalogue_down() -> None:
    catalogue = Catalogue.load(ROOT / "serverless.yaml").enabled(["register"])

    assert list(catalogue.functions) == ["register_page"]
    with pytest.raises(CatalogueError, match="did you mean 'xnext'"):
        Catalogue.load(ROOT / "serverless.yaml").enabled(["xnex"])


def test_function_names_are_unique_in_the_project() -> None:
    # functions-framework keeps one registry by bare name.
    names = [entry.handler.rsplit(".", 1)[1] for entry in Catalogue.load(ROOT / "serverless.yaml").functions.values()]

    assert len(names) == len(set(names))
