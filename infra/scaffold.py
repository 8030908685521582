"""What `stadtfunk new` writes: source, test, event type and catalogue entry of a function."""

from dataclasses import dataclass
from pathlib import Path
from string import Template

from infra.schemas import load_events
from shared.catalogue import Catalogue
from shared.errors import CatalogueError


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the author asked for."""

    system: str
    function: str
    event: str  # type of the event it reacts to, unless it answers requests
    path: str | None  # where it answers requests


def scaffold(plan: Plan, root: Path) -> list[Path]:
    """Write the files and return them, relative to ``root``; nothing that exists is overwritten.

    Raises:
        CatalogueError: the function exists already, in the catalogue or as a file.
    """
    catalogue_file = root / "serverless.yaml"
    catalogue = Catalogue.load(catalogue_file)
    if plan.function in catalogue.functions:
        raise CatalogueError(f"there is a function '{plan.function}' already; names are unique in the project")
    source = root / "functions" / plan.system / f"{plan.function}.py"
    test = root / "tests" / "unit" / f"test_{plan.function}.py"
    for file in (source, test):
        if file.exists():
            raise CatalogueError(f"{file} exists already")

    names = _names(plan)
    written = []
    package = source.parent / "__init__.py"
    if not package.exists():
        package.parent.mkdir(parents=True)
        written.append(_write(package, f'"""The system {plan.system}."""\n'))
    if plan.path is None and plan.event not in load_events():
        written.append(_declare(root, names))
    written.append(_write(source, (_HTTP_SOURCE if plan.path else _EVENT_SOURCE).substitute(names)))
    written.append(_write(test, (_HTTP_TEST if plan.path else _EVENT_TEST).substitute(names)))
    written.append(_list(catalogue_file, plan, names, new_system=plan.system not in catalogue.systems))
    Catalogue.load(catalogue_file)
    return [file.relative_to(root) for file in written]


def _names(plan: Plan) -> dict[str, str]:
    known = load_events().get(plan.event)
    domain = plan.event.split(".")[0]
    return {
        "system": plan.system,
        "function": plan.function,
        "type": plan.event,
        "event": known.__name__ if known else "".join(part.title() for part in plan.event.split(".")[1:]),
        "module": known.__module__ if known else f"events.{domain}",
        "domain": domain,
        "path": plan.path or "",
        "data": "{}" if known else '{"name": "Beispiel"}',
        "title": "".join(part.title() for part in plan.function.split("_")),
        "trigger": f"http: {{path: {plan.path}}}" if plan.path else f"nats: {{type: {plan.event}}}",
    }


def _declare(root: Path, names: dict[str, str]) -> Path:
    file = root / "events" / f"{names['domain']}.py"
    if not file.exists():
        return _write(file, _EVENT_MODULE.substitute(names) + _EVENT_CLASS.substitute(names))
    return _write(file, file.read_text(encoding="utf-8") + _EVENT_CLASS.substitute(names))


def _list(file: Path, plan: Plan, names: dict[str, str], *, new_system: bool) -> Path:
    # As text, not by a YAML writer: the file's comments and layout are its authors'.
    head, mark, functions = file.read_text(encoding="utf-8").partition("\nfunctions:\n")
    if new_system:
        head = head.rstrip("\n") + "\n" + _SYSTEM.substitute(names)
    entry = _ENTRY.substitute(names) + ("    access: public\n" if plan.path else "")
    return _write(file, head + mark + functions.rstrip("\n") + "\n" + entry)


def _write(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


_EVENT_MODULE = Template('''"""Events of the domain $domain."""

from typing import ClassVar

from pydantic import Field

from events.event import Event
''')

_EVENT_CLASS = Template('''

class $event(Event):
    """What happened, in one sentence."""

    type: ClassVar[str] = "$type"

    name: str = Field(min_length=1, max_length=200)
''')

_EVENT_SOURCE = Template('''"""What happens on $type."""

from $module import $event
from shared.backends import Backends
from shared.function import on


@on($event)
async def $function(event: $event, use: Backends) -> None:
    """Say in one sentence what this does; it may run twice for one event and must end the same."""
    bucket = use.state.bucket("$system")
    await bucket.put(event.type, event.model_dump_json().encode())
''')

_EVENT_TEST = Template('''"""$function, called directly with an event."""

from typing import Any

from $module import $event
from functions.$system.$function import $function
from shared.backends import Backends
from shared.state import MemoryState

DATA: dict[str, Any] = $data  # what of the event's data the function reads
EXAMPLE = $event.model_construct(**DATA)


async def test_the_event_is_remembered() -> None:
    use = Backends(state=MemoryState())

    await $function(EXAMPLE, use)
    await $function(EXAMPLE, use)  # a repeat changes nothing

    kept = await use.state.bucket("$system").get("$type")
    assert kept is not None
    assert kept.value == EXAMPLE.model_dump_json().encode()
''')

_HTTP_SOURCE = Template('''"""Answers GET $path."""

from pydantic import BaseModel, Field

from shared.backends import Backends
from shared.function import http


class ${title}Query(BaseModel):
    """What is asked."""

    name: str = Field(min_length=1, max_length=200)


class ${title}Answer(BaseModel):
    """What is answered."""

    text: str


@http
async def $function(query: ${title}Query, use: Backends) -> ${title}Answer:
    """Say in one sentence what this answers."""
    kept = await use.state.bucket("$system").get("greeting")
    greeting = kept.value.decode() if kept else "Guten Tag"
    return ${title}Answer(text=f"{greeting}, {query.name}.")
''')

_HTTP_TEST = Template('''"""$function, called directly with a query."""

from functions.$system.$function import ${title}Query, $function
from shared.backends import Backends
from shared.state import MemoryState

ASKED = ${title}Query(name="Beispiel")


async def test_it_answers_by_name() -> None:
    use = Backends(state=MemoryState())
    assert (await $function(ASKED, use)).text == "Guten Tag, Beispiel."

    await use.state.bucket("$system").put("greeting", b"Hallo")
    assert (await $function(ASKED, use)).text == "Hallo, Beispiel."
''')

_ENTRY = Template("""
  $function:
    handler: $system.$function.$function
    description: Says what it does, for the list and the documents.
    events:
      - $trigger
""")

_SYSTEM = Template("""
  $system:
    title: {de: $system, en: $system}
    card:
      purpose: {de: Noch nicht beschrieben., en: Not described yet.}
      owner: not named yet
      data: {de: Noch nicht beschrieben., en: Not described yet.}
      models: []
      evaluation: {de: Noch nicht beschrieben., en: Not described yet.}
      risks: {de: Noch nicht beschrieben., en: Not described yet.}
      legal_basis: {de: Noch nicht beschrieben., en: Not described yet.}
      human_oversight: {de: Noch nicht beschrieben., en: Not described yet.}
""")
