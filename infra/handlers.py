"""Handlers by name: the catalogue's entries, imported and held against the code."""

import difflib
import importlib
import inspect
from pathlib import Path
from types import ModuleType

from events import EVENT_TYPES
from events.storage import ObjectStored
from shared.catalogue import Catalogue, FunctionEntry, locate
from shared.errors import CatalogueError
from shared.function import EventFunction, Function, HttpFunction, function_of


def resolve(catalogue: Catalogue, path: Path) -> dict[str, Function]:
    """Import every handler and check that its triggers fit what the code says; ``path`` is the catalogue's file.

    Raises:
        CatalogueError: all faults at once, a line each, with file, line and the nearest valid name.
    """
    functions: dict[str, Function] = {}
    faults: list[str] = []
    for name, entry in catalogue.functions.items():
        try:
            functions[name] = _import(entry)
            _check(functions[name], entry)
        except _Fault as fault:
            faults.append(locate(path, ("functions", name, fault.where), fault.text))
    if faults:
        raise CatalogueError("\n".join(faults))
    return functions


def static_folder(entry: FunctionEntry, files: str) -> Path:
    """The folder a ``files`` trigger serves: beside the handler's module."""
    module = importlib.import_module("functions." + entry.handler.rsplit(".", 1)[0])
    return Path(str(module.__file__)).parent / files


class _Fault(Exception):
    def __init__(self, where: str, text: str) -> None:
        super().__init__(text)
        self.where = where
        self.text = text


def _import(entry: FunctionEntry) -> Function:
    module_name, attribute = entry.handler.rsplit(".", 1)
    try:
        module = importlib.import_module(f"functions.{module_name}")
    except ModuleNotFoundError as error:
        if error.name is None or not f"functions.{module_name}".startswith(error.name):
            raise  # the module is there, something it imports is not
        raise _Fault("handler", f"no module functions/{module_name.replace('.', '/')}.py") from None
    function = function_of(getattr(module, attribute, None))
    if function is None:
        raise _Fault("handler", f"unknown handler '{attribute}' in {module.__name__}" + _hint(attribute, module))
    return function


def _check(function: Function, entry: FunctionEntry) -> None:
    for trigger in entry.events:
        if trigger.http:
            if not isinstance(function, HttpFunction):
                raise _Fault("events", "an http trigger needs a handler written with @http")
            if trigger.http.files and not static_folder(entry, trigger.http.files).is_dir():
                raise _Fault("events", f"no folder '{trigger.http.files}' beside the handler's module")
        elif not isinstance(function, EventFunction):
            raise _Fault("events", "this trigger needs a handler written with @on")
        elif trigger.s3 and function.accepts is not ObjectStored:
            raise _Fault(
                "events", f"an s3 trigger needs a handler that is @on(ObjectStored), not '{function.accepts.type}'"
            )
        elif trigger.nats and trigger.nats.type and trigger.nats.type != function.accepts.type:
            known = "" if trigger.nats.type in EVENT_TYPES else "unknown event type; "
            raise _Fault(
                "events", f"{known}'{trigger.nats.type}' is not '{function.accepts.type}', which the code is @on"
            )
        elif trigger.schedule:
            _check_defaults(function)
    if entry.order_by is not None and (
        not isinstance(function, EventFunction) or function.accepts.key != entry.order_by
    ):
        key = function.accepts.key if isinstance(function, EventFunction) else None
        raise _Fault("order_by", f"'{entry.order_by}' is not the key of the event ({key or 'it has none'})")


def _check_defaults(function: EventFunction) -> None:
    needed = [name for name, field in function.accepts.model_fields.items() if field.is_required()]
    if needed:
        raise _Fault("events", f"a schedule fires {function.accepts.type} with its defaults; '{needed[0]}' has none")


def _hint(attribute: str, module: ModuleType) -> str:
    names = [name for name, value in inspect.getmembers(module, inspect.isfunction) if function_of(value)]
    close = difflib.get_close_matches(attribute, names, n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else f"; it has {', '.join(names) or 'no function'}"
