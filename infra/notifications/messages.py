"""The messages of SeaweedFS' filer that following it takes, and of these only the fields that are read.

Described here by number and kind, in a pool of their own: unknown fields are skipped, as protobuf has it.
"""

from typing import Any, Final

from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message_factory import GetMessageClass

METHOD: Final = "/filer_pb.SeaweedFiler/SubscribeMetadata"
_PACKAGE: Final = "filer_pb"
_TEXT, _BYTES = FieldDescriptorProto.TYPE_STRING, FieldDescriptorProto.TYPE_BYTES
_INT32, _INT64, _BOOL = FieldDescriptorProto.TYPE_INT32, FieldDescriptorProto.TYPE_INT64, FieldDescriptorProto.TYPE_BOOL

# message -> field -> number and kind; a kind that is a name is another message, with "*" after it there are many.
_FIELDS: Final[dict[str, dict[str, tuple[int, Any]]]] = {
    "SubscribeMetadataRequest": {
        "client_name": (1, _TEXT),
        "path_prefix": (2, _TEXT),
        "since_ns": (3, _INT64),
        "client_id": (7, _INT32),
        "client_epoch": (9, _INT32),
        "client_supports_idle_heartbeat": (13, _BOOL),
    },
    "SubscribeMetadataResponse": {
        "directory": (1, _TEXT),
        "event_notification": (2, "EventNotification"),
        "ts_ns": (3, _INT64),
    },
    "EventNotification": {"new_entry": (2, "Entry"), "new_parent_path": (4, _TEXT)},
    "Entry": {"name": (1, _TEXT), "is_directory": (2, _BOOL), "extended": (5, "Attribute*")},
    "Attribute": {"key": (1, _TEXT), "value": (2, _BYTES)},
}


def _file() -> FileDescriptorProto:
    file = FileDescriptorProto(name="stadtfunk/filer.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            added = message.field.add(name=field, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL)
            if isinstance(kind, str):
                added.type = FieldDescriptorProto.TYPE_MESSAGE
                added.type_name = f".{_PACKAGE}.{kind.rstrip('*')}"
                if kind.endswith("*"):
                    added.label = FieldDescriptorProto.LABEL_REPEATED
            else:
                added.type = kind
    return file


_POOL: Final = descriptor_pool.DescriptorPool()
_POOL.Add(_file())


def _class(name: str) -> Any:
    return GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


Subscribe: Final = _class("SubscribeMetadataRequest")
Change: Final = _class("SubscribeMetadataResponse")
