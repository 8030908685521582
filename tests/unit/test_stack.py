"""The parts of the local stack that need no server: policy, ports, folder, plan, the form of a backup."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from infra.stack.backup.archive import MANIFEST, BackupError, reading, seal, writing
from infra.stack.folder import DataFolder, InUse
from infra.stack.llm import bundled_model
from infra.stack.plan import ADDRESS, Plan, chosen, make_plan
from infra.stack.ports import Ports, claim, describe, free_port, is_free, owner
from infra.stack.process import LOG_BYTES, Process, StartError
from infra.stack.progress import Silence
from infra.stack.servers import Server
from infra.stack.supervisor import Backoff
from infra.stack.up import portal_port
from shared.catalogue import Catalogue
from shared.errors import CatalogueError
from shared.settings import Settings

CATALOGUE = Path(__file__).parents[2] / "serverless.yaml"


@pytest.mark.parametrize(("n", "seconds"), [(0, 0.2), (1, 0.4), (5, 6.4), (8, 30.0), (5000, 30.0)])
def test_backoff_doubles_up_to_its_limit(n: int, seconds: float) -> None:
    assert Backoff().delay(n) == pytest.approx(seconds)


def test_ports_stay_over_restarts_and_move_when_taken(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    kept = Ports(file).port_of("nats")
    assert Ports(file).port_of("nats") == kept
    with socket.create_server(("127.0.0.1", kept)):
        ports = Ports(file)
        assert ports.port_of("nats") != kept
        assert ports.moved["nats"][0] == kept
        assert "pid" in owner(kept)
        assert not is_free(kept)


def test_the_portal_moves_on_from_a_taken_port_and_stays_there(tmp_path: Path) -> None:
    said: list[str] = []

    class Heard(Silence):
        def note(self, text: str) -> None:
            said.append(text)

    first = free_port()
    Ports(tmp_path / "ports.json").keep("portal", first)
    with socket.create_server(("127.0.0.1", first)):
        moved = portal_port(Ports(tmp_path / "ports.json"), None, Heard())
    assert moved != first
    assert f"port {first} is in use by pid" in said[0]
    assert portal_port(Ports(tmp_path / "ports.json"), None, Heard()) == moved


def test_a_port_that_another_stack_chose_but_does_not_listen_on_yet_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    kept = free_port()
    program = f"""
import sys
from infra.stack.ports import claim
print(claim({kept}), claim({kept} - 1), flush=True)
sys.stdin.read()
"""
    assert Ports(file).port_of("nats") != kept
    Ports(file).keep("nats", kept - 1)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "False True\n"  # ours stays ours
        ports = Ports(file)
        assert ports.port_of("nats") != kept - 1
        assert ports.moved["nats"] == (kept - 1, describe(other.pid))
        with pytest.raises(StartError, match=f"port {kept - 1} is in use by pid {other.pid} "):
            portal_port(ports, kept - 1, Silence())
        other.communicate()
    assert claim(kept - 1)  # its claim ended with it


def test_a_data_folder_has_one_owner(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "data") as folder:
        assert folder.held
        with pytest.raises(InUse, match="in use by pid"), DataFolder(tmp_path / "data"):
            pass
    assert not DataFolder(tmp_path / "data").held
    with DataFolder(tmp_path / "data"):
        pass


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "data") as folder:
        made = folder.secret("cms-webhook", webhook=True)
        assert made.startswith("whsec_")
        assert folder.secret("cms-webhook", webhook=True) == made
        assert (folder.secrets / "cms-webhook").stat().st_mode & 0o777 == 0o600
        folder.announce({"STADTFUNK_NATS__URL": "nats://127.0.0.1:1"})
        assert folder.settings_file.stat().st_mode & 0o777 == 0o600
    assert not folder.settings_file.exists()


def _plan(tmp_path: Path, catalogue: Catalogue) -> Plan:
    with DataFolder(tmp_path / "data") as folder:
        return make_plan(catalogue, CATALOGUE, folder, folder.ports(), port=8080, city=None)


def test_only_a_system_without_needs_starts_nats_and_the_host_alone(tmp_path: Path) -> None:
    plan = _plan(tmp_path, chosen(CATALOGUE, ["register"]))
    assert [server.name for server in (*plan.servers, *plan.own)] == ["nats", "host"]
    narrowed = Catalogue.load(Path(plan.settings["STADTFUNK_CATALOGUE"])).enabled()
    assert "xnext" not in narrowed.systems


def test_a_search_system_starts_what_the_catalogue_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ADDRESS.values():
        monkeypatch.delenv(variable, raising=False)
    plan = _plan(tmp_path, chosen(CATALOGUE, ["xnext"]))
    assert [s.name for s in plan.servers] == ["nats", "vectors", "objects", "embeddings", "chat", "cms"]
    assert [s.name for s in plan.own] == ["host", "worker"]
    ports = [port for server in (*plan.servers, *plan.own) for port in server.ports]
    assert len(ports) == len(set(ports))
    # Keys reach programs by environment and files, never by a command line that everyone on the machine sees.
    secrets = [file.read_text() for file in (tmp_path / "data/secrets").iterdir()]
    assert not [s.command for s in (*plan.servers, *plan.own) if any(k in " ".join(s.command) for k in secrets)]


def test_a_backend_named_by_settings_is_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STADTFUNK_VECTORS__URI", "http://milvus.example:19530")
    plan = _plan(tmp_path, chosen(CATALOGUE, ["xnext"]))
    assert "vectors" not in [server.name for server in plan.servers]
    assert plan.elsewhere == {"vectors": "http://milvus.example:19530"}
    assert plan.own[0].environment["STADTFUNK_VECTORS__URI"] == "http://milvus.example:19530"


def test_a_help_desk_comes_with_the_system_unless_the_city_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ADDRESS.values():
        monkeypatch.delenv(variable, raising=False)
    plan = _plan(tmp_path, chosen(CATALOGUE, ["zammad"]))
    (desk,) = (server for server in plan.servers if server.name == "zammad")
    settings = {name: value for name, value in plan.settings.items() if "ZAMMAD" in name}
    with monkeypatch.context() as its:
        for name, value in settings.items():
            its.setenv(name, value)
        zammad = Settings(secrets_dir=tmp_path / "data/secrets").zammad
    assert zammad.url == plan.zammad == f"http://127.0.0.1:{desk.ports[0]}"
    assert "Führerscheinstelle" in {group.name for group in zammad.groups}
    assert {"zammad-token", "zammad-webhook", "zammad-rating"} <= {
        file.name for file in (tmp_path / "data/secrets").iterdir()
    }

    monkeypatch.setenv("STADTFUNK_ZAMMAD__URL", "https://zammad.example")
    monkeypatch.setenv("STADTFUNK_SECRET_ZAMMAD_TOKEN", "the city's own")
    own = _plan(tmp_path / "other", chosen(CATALOGUE, ["zammad"]))
    assert own.zammad is None
    assert "zammad" not in [server.name for server in own.servers]
    assert own.own[1].environment["STADTFUNK_ZAMMAD__URL"] == "https://zammad.example"
    # A made-up one would stand before the city's.
    assert not (tmp_path / "other/data/secrets/zammad-token").exists()


def test_an_unknown_system_is_refused() -> None:
    with pytest.raises(CatalogueError, match="did you mean 'xnext'"):
        chosen(CATALOGUE, ["xnet"])


def test_a_log_is_cut_before_it_fills_the_disk(tmp_path: Path) -> None:
    async def ready() -> None: ...

    server = Server(name="s", command=(), environment={}, folder=tmp_path, ports=(), ready=ready, provides={})
    process = Process(server, tmp_path / "s.log")
    process.log.write_bytes(b"x" * (LOG_BYTES + 1))
    process.rotate()
    assert process.log.stat().st_size == 0
    assert (tmp_path / "s.log.1").stat().st_size == LOG_BYTES + 1


def test_the_bundled_model_is_found_without_importing_its_package() -> None:
    assert bundled_model().suffix == ".gguf"


@pytest.mark.parametrize("name", ["saved", "saved.tar"])
def test_a_backup_is_whole_or_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(RuntimeError), writing(tmp_path / name) as folder:  # noqa: PT012
        (folder / "vectors" / "rows").write_text("1")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with writing(tmp_path / name) as folder:
        (folder / "vectors" / "rows").write_text("1")
        seal(folder, {"vectors": {"rows": 1}})
    with reading(tmp_path / name) as (folder, manifest):
        assert (folder / "vectors" / "rows").read_text() == "1"
        assert manifest["vectors"] == {"rows": 1}
    with pytest.raises(BackupError, match="exists already"), writing(tmp_path / name):
        pass


def test_a_changed_missing_or_foreign_backup_is_refused(tmp_path: Path) -> None:
    with writing(tmp_path / "saved") as folder:
        (folder / "vectors" / "rows").write_text("1")
        seal(folder, {})
    rows = tmp_path / "saved" / "vectors" / "rows"
    rows.write_text("2")
    with pytest.raises(BackupError, match="rows is damaged"), reading(tmp_path / "saved"):
        pass
    rows.unlink()
    with pytest.raises(BackupError, match="rows is missing"), reading(tmp_path / "saved"):
        pass
    manifest = tmp_path / "saved" / MANIFEST
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(BackupError, match="format 99"), reading(tmp_path / "saved"):
        pass
    with pytest.raises(BackupError, match="is no backup"), reading(tmp_path / "nothing.tar"):
        pass
