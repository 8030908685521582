"""The commands, called as people and programs call them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nats
import pytest

from shared.settings import NatsSettings

ROOT = Path(__file__).parents[2]


def stadtfunk(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STADTFUNK_")}
    return subprocess.run(
        [str(Path(sys.executable).parent / "stadtfunk"), *arguments],
        cwd=ROOT,
        env={**kept, "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_help_lists_every_command() -> None:
    done = stadtfunk("--help")

    assert done.returncode == 0
    for command in ("up", "list", "run", "invoke", "publish", "search", "dead", "status", "events", "new", "bench"):
        assert f" {command} " in done.stdout


def test_list_speaks_to_people_and_to_programs() -> None:
    people, programs = stadtfunk("list"), stadtfunk("list", "--json")

    assert "index_page" in people.stdout
    functions = {one["function"]: one for one in json.loads(programs.stdout)}
    assert functions["index_page"]["triggers"] == ["event cms.page.changed"]
    assert functions["search"]["access"] == "public"
    assert functions["search"]["scale"] == {"min": 1, "max": 1, "lag": 100}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["publish", "cms.page.chnged"], "unknown event type 'cms.page.chnged'"),
        (["publish", "cms.page.changed"], "needs data (page_id"),
        (["publish", "cms.page.changed", "--event", "/nowhere.json"], "/nowhere.json: No such file"),
        (["invoke", "index_pag", "--event", "x"], "unknown function 'index_pag'"),
        (["invoke", "search", "--event", "x"], "answers requests"),
        (["bench", "nothing"], "unknown benchmark 'nothing'"),
        (["new", "Parks"], "not SYSTEM/FUNCTION"),
        (["new", "parks/count", "--event", "visit"], "no event type"),
    ],
)
def test_a_mistake_is_answered_in_one_line(arguments: list[str], said: str) -> None:
    done = stadtfunk(*arguments)

    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_broken_setting_is_named() -> None:
    done = stadtfunk("list", STADTFUNK_NATS__REPLICAS="many")

    assert done.returncode == 1
    assert "STADTFUNK_NATS__REPLICAS" in done.stderr


def test_invoke_names_the_wrong_field(tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text('{"page_id": "", "source": "befi"}', encoding="utf-8")

    done = stadtfunk("invoke", "crawl_page", "--event", str(file))

    assert done.returncode == 1
    assert f"{file}: page_id" in done.stderr


async def test_publish_stores_an_event_once(nats_settings: NatsSettings, tmp_path: Path) -> None:
    client = await nats.connect(nats_settings.url)
    try:
        await client.jetstream().add_stream(name="EVENTS", subjects=["events.>"], duplicate_window=60)
        where = {
            "STADTFUNK_NATS__URL": nats_settings.url,
            "STADTFUNK_NATS__SERVER_NAME": str(nats_settings.server_name),
        }
        file = tmp_path / "event.json"
        file.write_text('{"source": "befi"}', encoding="utf-8")

        for _ in range(2):
            done = stadtfunk("publish", "cms.crawl.requested", "--event", str(file), "--id", "once", "--json", **where)
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout) == {"id": "once", "type": "cms.crawl.requested"}

        message = await client.jetstream().get_msg("EVENTS", 1)
        assert message.subject == "events.-.cms.crawl.requested"
        assert json.loads(message.data or b"") == {"source": "befi"}
        assert (await client.jetstream().stream_info("EVENTS")).state.messages == 1
    finally:
        await client.close()


def test_publishing_to_nobody_says_so() -> None:
    done = stadtfunk("publish", "cms.crawl.requested", STADTFUNK_NATS__URL="nats://127.0.0.1:1")

    assert done.returncode == 1
    assert "nats" in done.stderr.lower()
    assert "Traceback" not in done.stderr
