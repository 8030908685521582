"""A stand-in for Zammad, with a demo help desk of its own. Nothing of it is needed in production.

It answers below ``/api/v1`` as Zammad 5.5 was recorded to (``Authorization: Token token=<t>``), as far as a bot with
``ticket.agent`` and ``knowledge_base.reader`` needs it:

    GET    users/me  users/:id  groups (403: for administrators)  text_modules
    GET    tickets  tickets/:id  tickets/search  ticket_articles/by_ticket/:id  ticket_attachment/:ticket/:article/:id
    PUT    tickets/:id
    POST   ticket_articles
    GET    PUT  DELETE tickets/:id/shared_draft      overwrites without a check, stores the body unsanitised
    GET    tags   POST tags/add   DELETE tags/remove
    POST   knowledge_bases/init  knowledge_bases/search
    GET    knowledge_bases/:id  knowledge_bases/:id/answers/:id  knowledge_bases/visible_ids

Triggers send webhooks with a valid ``X-Hub-Signature``, and again after 10, 20, 30 and 40 s while they are refused.
Articles' HTML is sanitised harder than Zammad does: comments, classes, ids and data attributes are gone, so that
nothing is built on one of them. ``/`` is a small mailbox for people, ``/_stand-in/`` changes tickets and switches
faults on (infra/zammad/control.py).
"""
