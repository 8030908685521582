"""The stand-ins of a local stack: what a city has anyway, and a newcomer has not."""

import json
from pathlib import Path

import aiohttp

from infra.cms.city import load_city
from infra.desk.app import AUDIENCE, FIRST, KEYS
from infra.stack.folder import DataFolder
from infra.stack.servers import HOST, QUIET, NotReady, Server, program
from infra.zammad.world import load_world


def cms(folder: DataFolder, port: int, portal: str, city: Path | None) -> Server:
    """The demo city's content management systems, or those of another city's file."""
    base = f"http://{HOST}:{port}"
    sources = [{"name": "befi", "kind": "befi", "url": f"{base}/befi"}]
    if city is None:  # another city's file holds service pages alone
        articles = f"{base}/magnolia/.rest/delivery/InfoArticleEndpoint"
        sources.append({"name": "magnolia", "kind": "magnolia", "url": articles, "page_url": f"{base}/infos/{{id}}"})
    command = [program("python"), "-m", "infra.cms", "--port", str(port)]
    command += ["--webhook", f"{portal}/cms/webhook", "--search", f"{portal}/search"]
    return Server(
        name="cms",
        command=(*command, *(("--city", str(city.resolve())) if city else ())),
        environment={**QUIET, "STADTFUNK_SECRETS_DIR": str(folder.secrets)},
        folder=Path.cwd(),
        ports=(port,),
        ready=lambda: answers(f"{base}/befi/services/list"),
        provides={
            "STADTFUNK_XNEXT__SOURCES": json.dumps(sources),
            "STADTFUNK_WEB__ALLOWED_HOSTS": json.dumps([f"{HOST}:{port}"]),
            "STADTFUNK_PORTAL__CMS_URL": f"{base}/",
            **({"STADTFUNK_PORTAL__CITY": load_city().name, "STADTFUNK_PORTAL__DEMO": "true"} if city is None else {}),
        },
    )


def zammad(folder: DataFolder, port: int, portal: str) -> Server:
    """The demo help desk; its tickets are kept in the data folder."""
    base = f"http://{HOST}:{port}"
    for secret in ("zammad-token", "zammad-webhook"):
        folder.secret(secret)
    place = folder.path / "zammad"
    groups = [{"name": team.name, "greeting": "Anrede", "signature": "Gruß"} for team in load_world().groups]
    return Server(
        name="zammad",
        command=(
            *(program("python"), "-m", "infra.zammad", "--port", str(port), "--portal", portal),
            *("--webhook", f"{portal}/zammad/webhook", "--state", str(place / "state.json")),
        ),
        environment={**QUIET, "STADTFUNK_SECRETS_DIR": str(folder.secrets)},
        folder=Path.cwd(),
        ports=(port,),
        ready=lambda: answers(f"{base}/healthz"),
        provides={
            "STADTFUNK_ZAMMAD__URL": base,
            "STADTFUNK_ZAMMAD__GROUPS": json.dumps(groups),
            "STADTFUNK_ZAMMAD__KNOWLEDGE_URL": f"{base}/hilfe/{{id}}",
            "STADTFUNK_PORTAL__ZAMMAD_URL": f"{base}/",
        },
        prepare=lambda: place.mkdir(exist_ok=True),
    )


def desk(port: int, portal: str) -> Server:
    """What signs staff in; whoever sits at this machine may."""
    base = f"http://{HOST}:{port}"
    return Server(
        name="desk",
        command=(program("python"), "-m", "infra.desk", "--port", str(port), "--portal", portal),
        environment={**QUIET},
        folder=Path.cwd(),
        ports=(port,),
        ready=lambda: answers(f"{base}{KEYS}"),
        provides={
            "STADTFUNK_HOST__OIDC_ISSUER": base,
            "STADTFUNK_HOST__OIDC_AUDIENCE": AUDIENCE,
            "STADTFUNK_HOST__OIDC_JWKS_URL": f"{base}{KEYS}",
            "STADTFUNK_PORTAL__REVIEW_URL": f"{base}{FIRST}",
        },
    )


async def answers(url: str) -> None:
    """Raise NotReady until this address answers 200."""
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
        if response.status != 200:
            raise NotReady(f"{url} answers {response.status}")
        await response.read()
