"""Whom a ticket knows by name and address, besides what its letter says: none of it may reach a model."""

from collections.abc import Sequence
from email.utils import getaddresses
from typing import NamedTuple

from functions.zammad.client import Zammad
from functions.zammad.tickets import Article, Ticket


class People(NamedTuple):
    """Names of the citizens who wrote, and every address in the ticket."""

    names: list[str]
    emails: list[str]


async def people_of(ticket: Ticket, articles: Sequence[Article], zammad: Zammad) -> People:
    """Those who wrote, and the addresses of those it was sent to.

    The latter have no say in the names: an office's is made of words that the letter needs.
    """
    written = [one for one in articles if one.sender == "Customer"]
    senders = getaddresses([text for one in written for text in (one.from_, one.reply_to) if text])
    everyone = getaddresses([text for one in articles for text in (one.to, one.cc) if text])
    customer = await zammad.customer(ticket.customer_id)
    if customer is not None:
        senders.append((f"{customer.firstname} {customer.lastname}".strip(), customer.email))
    addresses = {address for _, address in (*senders, *everyone) if "@" in address}
    return People(sorted({name for name, _ in senders if name}), sorted(addresses))
