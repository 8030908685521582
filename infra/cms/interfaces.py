"""Pages in the shapes of the two content management systems (see the package's docstring)."""

from collections.abc import Sequence
from html import escape
from typing import Any

from infra.cms.city import City, Office, Page

PAGE_SIZE = 100  # Magnolia's own, whatever limit is asked for

_LABELS = {
    "sf1": ("SUMMARY", "Zusammenfassung"),
    "sf2": ("DEPARTMENT", "Referat"),
    "sf6": ("DOCUMENTS", "Unterlagen"),
    "sf7": ("SPECIALS", "Besonderheiten"),
    "sf12": ("CONDITIONS", "Voraussetzungen"),
    "sf13": ("NOTICE", "Zu beachten"),
    "sf14": ("IMPORTANT", "Wichtiger Hinweis"),
    "sf16": ("FEES", "Gebührenrahmen"),
    "sf17": ("PAYMENT", "Zahlungsarten"),
    "sf18": ("DURATION", "Bearbeitungszeit"),
    "sf19": ("LEGAL_BASIS", "Rechtsgrundlagen"),
    "sf20": ("FAQ", "Fragen und Antworten"),
    "sf23": ("EASY_LANGUAGE", "Leichte Sprache"),
}


def listing(pages: Sequence[Page]) -> dict[str, Any]:
    """befi's list of services."""
    return {"ids": [{"id": page.id} for page in pages]}


def description(page: Page, city: City, base: str) -> dict[str, Any]:
    """befi's description of one service; ``base`` is the address citizens know, without a slash at its end."""
    texts = {
        "sf1": f"<p>{escape(page.summary)}</p>" if page.summary else "",
        "sf2": escape(page.department),
        "sf16": _lines(page.fees),
        "sf17": _lines(page.payment),
        "sf18": escape(page.duration),
        "sf19": _lines(page.legal_basis),
        **{section.id: section.html for section in page.sections},
    }
    fields: list[dict[str, Any]] = [
        {"id": id, "name": _LABELS[id][0], "label": _LABELS[id][1], "type": "TEXT", "value": texts[id]}
        for id in sorted(texts, key=lambda id: int(id[2:]))
        if texts[id]
    ]
    links = {
        ("sf23", *_LABELS["sf23"]): [("Diese Seite in Leichter Sprache", f"{base}/services/{page.easy_page}")]
        if page.easy_page
        else [],
        ("sf4", "ONLINE_SERVICE", "Online-Dienst"): [(link.label, link.url) for link in page.online],
        ("sf5", "LINKS", "Weiterführende Links"): [(link.label, link.url) for link in page.links],
    }
    for (id, name, label), values in links.items():
        if values:
            shown = [{"label": text, "uri": url} for text, url in values]
            fields.append({"id": id, "name": name, "label": label, "type": "LINK", "values": shown})
    title = city.categories.get(page.category)
    return {
        "id": page.id,
        "name": page.name,
        "nameEnglish": page.english,
        "language": "de",
        "easyLanguage": page.easy,
        "description": page.description(),
        "fields": fields,
        "categryPath": {"name": "Bürgerservice", "nextLevel": {"name": title, "nextLevel": None} if title else None},
        "synonyms": list(page.synonyms),
        "publicUrl": f"{base}/services/{page.id}",
        "public": page.public,
        "lastModification": page.modified.isoformat(),
        "leika": page.leika,
        "offices": [_office(city.office(id)) for id in page.offices],
    }


def articles(pages: Sequence[Page], city: City, offset: int) -> dict[str, Any]:
    """Magnolia's delivery answer: at most PAGE_SIZE articles from ``offset`` on."""
    shown = pages[offset : offset + PAGE_SIZE]
    results = [_article(page, city) for page in shown]
    return {"total": len(pages), "offset": offset, "limit": PAGE_SIZE, "results": results}


def _article(page: Page, city: City) -> dict[str, Any]:
    path = f"/infos/{page.id}"
    blocks = [("", page.description()), *((section.heading, section.html) for section in page.sections)]
    nodes = {
        str(number): {
            "@name": str(number),
            "@path": f"{path}/blocks/{number}",
            "@id": f"{page.id}-{number}",
            "@nodeType": "mgnl:component",
            "headline": headline,
            "text": html,
            "@nodes": [],
        }
        for number, (headline, html) in enumerate(blocks)
        if html
    }
    return {
        "@name": page.id,
        "@path": path,
        "@id": page.id,
        "@nodeType": "mgnl:page",
        "mgnl:lastModified": page.modified.isoformat(),
        "title": page.name,
        "urlTitle": page.id,
        "summary": page.summary,
        "sprache": "de",
        "mainCategory": city.categories.get(page.category, ""),
        "hideArticle": not page.public,
        "blocks": {
            "@name": "blocks",
            "@path": f"{path}/blocks",
            "@id": f"{page.id}-blocks",
            "@nodeType": "mgnl:area",
            **nodes,
            "@nodes": list(nodes),
        },
        "@nodes": ["blocks"],
    }


def _office(office: Office) -> dict[str, Any]:
    return office.model_dump(mode="json")


def _lines(values: Sequence[str]) -> str:
    """One value as it is, several as a list."""
    if len(values) == 1:
        return escape(values[0])
    return "<ul>" + "".join(f"<li>{escape(value)}</li>" for value in values) + "</ul>" if values else ""
