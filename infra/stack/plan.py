"""What a stack consists of, derived from the catalogue: servers that enabled systems need, and our own processes."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from infra.stack import servers, standins
from infra.stack.environments import installed
from infra.stack.folder import DataFolder
from infra.stack.ports import Ports
from infra.stack.servers import HOST, QUIET, PortOf, Server
from infra.stack.standins import answers
from infra.stack.vision import vision
from shared.catalogue import Catalogue
from shared.settings import NatsSettings

# need of a system -> the setting whose presence says that a server elsewhere serves it
ADDRESS = {
    "nats": "STADTFUNK_NATS__URL",
    "vectors": "STADTFUNK_VECTORS__URI",
    "objects": "STADTFUNK_OBJECTS__ENDPOINT",
    "embeddings": "STADTFUNK_EMBEDDINGS__URL",
    "chat": "STADTFUNK_CHAT__URL",
    "vision": "STADTFUNK_VISION__URL",
}

# As a module, so that it is the code of the folder `up` was called in, wherever it is installed.
STADTFUNK = (sys.executable, "-m", "infra.cli")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything to start: first ``servers`` together, then ``own`` together."""

    catalogue: Catalogue
    servers: tuple[Server, ...]
    own: tuple[Server, ...]
    settings: Mapping[str, str]  # STADTFUNK_ variables of our own processes
    nats: NatsSettings
    elsewhere: Mapping[str, str]  # need -> address given by the user's own setting
    portal: str
    cms: str | None  # address of the stand-in, None where no system reads it
    zammad: str | None  # the same
    desk: str | None  # address of what signs staff in, None where a real service does or nothing is for staff
    notes: tuple[str, ...] = ()  # what is left out, and why


def chosen(path: Path, only: Sequence[str]) -> Catalogue:
    """The enabled catalogue; with ``only``: those systems, and those that need no backend (the portal's pages).

    Raises:
        CatalogueError: the file is wrong, or ``only`` names no system.
    """
    catalogue = Catalogue.load(path)
    if not only:
        return catalogue.enabled()
    catalogue.enabled(only)  # refuses an unknown name
    doors = [name for name, system in catalogue.systems.items() if system.enabled and not system.needs]
    return catalogue.enabled([*only, *doors])


def installs(catalogue: Catalogue) -> bool:
    """Whether making the plan will first install Triton's environment and the wheels of its models."""
    wanted = any("vision" in system.needs for system in catalogue.systems.values())
    there = installed("triton") is not None and installed("models") is not None
    return wanted and ADDRESS["vision"] not in os.environ and not there


def make_plan(
    catalogue: Catalogue, path: Path, folder: DataFolder, ports: Ports, *, port: int, city: Path | None
) -> Plan:
    """Lay out the stack in this data folder; nothing is started."""
    needs = {"nats", *(need for system in catalogue.systems.values() for need in system.needs)}
    given = {name: value for name, value in os.environ.items() if name.startswith("STADTFUNK_")}
    elsewhere = {need: given[variable] for need, variable in ADDRESS.items() if need in needs and variable in given}
    notes: list[str] = []
    local = [_server(need, folder, ports.port_of, notes) for need in ADDRESS if need in needs - set(elsewhere)]
    for function in catalogue.functions.values():
        for secret in function.secrets:
            if "STADTFUNK_SECRET_" + secret.upper().replace("-", "_") not in given:
                folder.secret(secret, webhook=True)

    portal = f"http://{HOST}:{port}"
    settings = {
        "STADTFUNK_CATALOGUE": str(_narrowed(path, catalogue, folder)),
        "STADTFUNK_SECRETS_DIR": str(folder.secrets),
        # NATS sets aside what a stream may grow to: a laptop's disk is not a cluster's.
        "STADTFUNK_NATS__MAX_BYTES": given.get("STADTFUNK_NATS__MAX_BYTES", str(2**30)),
        "STADTFUNK_HOST__BIND": HOST,
        "STADTFUNK_HOST__PORT": str(port),
        "STADTFUNK_HOST__PUBLIC_URL": portal,
    }
    for server in local:
        settings |= server.provides

    stand_ins = {}
    if "xnext" in catalogue.systems and "STADTFUNK_XNEXT__SOURCES" not in given:
        stand_ins["cms"] = standins.cms(folder, ports.port_of("cms"), portal, city)
    if "zammad" in catalogue.systems and "STADTFUNK_ZAMMAD__URL" not in given:
        stand_ins["zammad"] = standins.zammad(folder, ports.port_of("zammad"), portal)
    if "STADTFUNK_HOST__OIDC_ISSUER" not in given and any(f.access == "staff" for f in catalogue.functions.values()):
        stand_ins["desk"] = standins.desk(ports.port_of("desk"), portal)
        # One in a hundred would leave whoever tries it out with nothing to review.
        settings["STADTFUNK_PHOTOS__SAMPLE_SHARE"] = given.get("STADTFUNK_PHOTOS__SAMPLE_SHARE", "1")
    for stand_in in stand_ins.values():
        local.append(stand_in)
        settings |= stand_in.provides
    address = {name: f"http://{HOST}:{stand_in.ports[0]}" for name, stand_in in stand_ins.items()}

    environment = {**QUIET, **given, **settings}
    own = [_host(environment, port)]
    if any(trigger.http is None for function in catalogue.functions.values() for trigger in function.events):
        own.append(_worker(environment, ports.port_of("worker-metrics")))
    names = {field: f"STADTFUNK_NATS__{field.upper()}" for field in NatsSettings.model_fields}
    nats = NatsSettings.model_validate({f: environment[name] for f, name in names.items() if name in environment})
    return Plan(
        catalogue=catalogue,
        servers=tuple(local),
        own=tuple(own),
        settings=given | settings,
        nats=nats,
        elsewhere=elsewhere,
        portal=portal,
        cms=address.get("cms"),
        zammad=address.get("zammad"),
        desk=address.get("desk"),
        notes=tuple(notes),
    )


def _server(need: str, folder: DataFolder, port_of: PortOf, notes: list[str]) -> Server:
    place = folder.path / need
    if need == "nats":
        return servers.nats_server(place, port_of)
    if need == "vectors":
        return servers.milvus(place, port_of)
    if need == "objects":
        keys = {name: folder.secret(f"s3-{name.replace('_', '-')}") for name in ("access_key", "secret_key")}
        return servers.seaweedfs(place, port_of, **keys)
    if need == "vision":
        server, missing = vision(place, port_of)
        notes += [f"photos are looked at without a model: {line}" for line in missing]
        return server
    return (servers.embeddings if need == "embeddings" else servers.chat)(place, port_of)


def _narrowed(path: Path, catalogue: Catalogue, folder: DataFolder) -> Path:
    """The catalogue file for our processes: the project's own, or a copy with other systems switched off."""
    if set(Catalogue.load(path).enabled().systems) == set(catalogue.systems):
        return path.resolve()
    yaml = YAML(typ="rt")
    tree = yaml.load(path.read_text(encoding="utf-8"))
    for name, system in tree["systems"].items():
        system["enabled"] = name in catalogue.systems
    narrowed = folder.path / "serverless.yaml"
    with narrowed.open("w", encoding="utf-8") as file:
        yaml.dump(tree, file)
    return narrowed


def _host(environment: Mapping[str, str], port: int) -> Server:
    return Server(
        name="host",
        command=(*STADTFUNK, "serve"),
        environment=environment,
        folder=Path.cwd(),
        ports=(port,),
        ready=lambda: answers(f"http://{HOST}:{port}/readyz"),
        provides={},
    )


def _worker(environment: Mapping[str, str], metrics_port: int) -> Server:
    return Server(
        name="worker",
        command=(*STADTFUNK, "run"),
        environment={**environment, "STADTFUNK_TELEMETRY__METRICS_PORT": str(metrics_port)},
        folder=Path.cwd(),
        ports=(metrics_port,),
        ready=lambda: answers(f"http://{HOST}:{metrics_port}/metrics"),
        provides={},
    )
