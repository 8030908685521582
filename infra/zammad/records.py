"""Zammad's records as its interface tells them: one dictionary of attributes a record, and the names of what is fixed.

Times are text in UTC with milliseconds (``2026-11-22T19:29:04.300Z``), which compares as they follow each other.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

Record = dict[str, Any]

NOBODY: Final = 1
"""Id of the user "-", which stands for no owner and for the system itself."""
AGENT_ROLE, CUSTOMER_ROLE = 2, 3
ROLES: Final = {AGENT_ROLE: "Agent", CUSTOMER_ROLE: "Customer"}
STATES: Final = {
    1: "new", 2: "open", 3: "pending reminder", 4: "closed", 5: "merged", 6: "removed", 7: "pending close"
}  # fmt: skip
PRIORITIES: Final = {1: "1 low", 2: "2 normal", 3: "3 high"}
SENDERS: Final = {1: "Agent", 2: "Customer", 3: "System"}
TYPES: Final = {1: "email", 5: "phone", 10: "note", 11: "web"}
DONE: Final = frozenset({"closed", "merged", "removed"})


def id_of(names: Mapping[int, str], name: str) -> int:
    """The id of a name; KeyError where there is none."""
    return {value: key for key, value in names.items()}[name]


def stamp(at: datetime) -> str:
    """A time as Zammad writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def made(at: str, by: int) -> Record:
    """Who made a record, and when."""
    return {"updated_by_id": by, "created_by_id": by, "created_at": at, "updated_at": at}


def user(id: int, at: str, *, firstname: str, lastname: str, email: str, **more: Any) -> Record:
    """A person, or the bot."""
    return {
        "id": id,
        "organization_id": None,
        "login": email,
        "firstname": firstname,
        "lastname": lastname,
        "email": email,
        "image": None,
        "image_source": None,
        **dict.fromkeys(("web", "phone", "fax", "mobile"), ""),
        "department": None,
        **dict.fromkeys(("street", "zip", "city", "country"), ""),
        "address": None,
        "vip": False,
        "verified": False,
        "active": True,
        "note": "",
        "last_login": None,
        "source": None,
        "login_failed": 0,
        "out_of_office": False,
        "out_of_office_start_at": None,
        "out_of_office_end_at": None,
        "out_of_office_replacement_id": None,
        "preferences": {},
        **made(at, NOBODY),
        "role_ids": [CUSTOMER_ROLE],
        "organization_ids": [],
        "authorization_ids": [],
        "overview_sorting_ids": [],
        "group_ids": {},  # id of a group, as text -> rights
        **more,
    }


def nobody(at: str) -> Record:
    """The user that stands for nobody."""
    empty = dict.fromkeys(("department", "address"), "")
    return user(NOBODY, at, firstname="-", lastname="", email="", login="-", active=False, role_ids=[], **empty)


def role(id: int, at: str, **more: Any) -> Record:
    """A role: what its holders may do is fixed here."""
    return {
        "id": id,
        "name": ROLES[id],
        "preferences": {},
        "default_at_signup": id == CUSTOMER_ROLE,
        "active": True,
        "note": "",
        **made(at, NOBODY),
        "permission_ids": [],
        "knowledge_base_permission_ids": [],
        "group_ids": {},
        **more,
    }


def priority(id: int, at: str) -> Record:
    """A priority, as a webhook tells it."""
    return {
        "id": id,
        "name": PRIORITIES[id],
        "active": True,
        "default_create": id == 2,
        "note": None,
        "ui_color": None,
        "ui_icon": None,
        **made(at, NOBODY),
    }


def group(id: int, at: str, name: str, **more: Any) -> Record:
    """A group of tickets. Who has rights in it stands with the users."""
    return {
        "id": id,
        "signature_id": None,
        "email_address_id": None,
        "name": name,
        "assignment_timeout": None,
        "follow_up_possible": "yes",
        "reopen_time_in_days": None,
        "follow_up_assignment": True,
        "active": True,
        "shared_drafts": True,
        "note": None,
        **made(at, NOBODY),
        **more,
    }


def ticket(id: int, at: str, *, group_id: int, title: str, customer_id: int, **more: Any) -> Record:
    """A new ticket that came by mail."""
    nothing = (
        *("note", "first_response_at", "first_response_escalation_at", "first_response_in_min"),
        *("first_response_diff_in_min", "close_at", "close_escalation_at", "close_in_min", "close_diff_in_min"),
        *("update_escalation_at", "update_in_min", "update_diff_in_min", "last_close_at"),
    )
    return {
        "id": id,
        "group_id": group_id,
        "priority_id": 2,
        "state_id": 1,
        "organization_id": None,
        "number": str(82000 + id),
        "title": title,
        "owner_id": NOBODY,
        "customer_id": customer_id,
        **dict.fromkeys(nothing),
        "last_contact_at": None,
        "last_contact_agent_at": None,
        "last_contact_customer_at": None,
        "last_owner_update_at": None,
        "create_article_type_id": 1,
        "create_article_sender_id": 2,
        "article_count": 0,
        "escalation_at": None,
        "pending_time": None,
        "type": None,
        "time_unit": None,
        "preferences": {},
        **made(at, customer_id),
        **more,
    }


def article(id: int, at: str, *, ticket_id: int, type: str, sender: str, body: str, by: int, **more: Any) -> Record:
    """A message or note; what is not given is null."""
    return {
        "id": id,
        "ticket_id": ticket_id,
        "type_id": id_of(TYPES, type),
        "sender_id": id_of(SENDERS, sender),
        **dict.fromkeys(("from", "to", "cc", "subject", "reply_to", "message_id", "message_id_md5", "in_reply_to")),
        "content_type": "text/plain",
        "references": None,
        "body": body,
        "internal": False,
        "preferences": {},
        **made(at, by),
        "origin_by_id": None,
        **more,
    }
