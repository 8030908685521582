"""The pages as citizens read them: plain HTML without scripts, every foreign piece cleaned."""

from collections import defaultdict
from html import escape

import nh3

from infra.cms.city import ZONE, City, Page
from infra.cms.interfaces import description
from infra.cms.store import Store

STYLE = """
:root { color-scheme: light; font: 17px/1.55 system-ui, sans-serif; color: #1d2b33; background: #f5f7f5; }
body { margin: 0; }
.stand-in { margin: 0; background: #fff3cd; color: #4a3b00; padding: .5rem 1.25rem; border-bottom: 1px solid #d9c36a; }
header { background: #14532d; color: #fff; padding: 1rem 1.25rem; }
header { display: flex; gap: 1.5rem; align-items: baseline; flex-wrap: wrap; }
header a { color: #fff; } header a:first-child { font-size: 1.3rem; font-weight: 700; text-decoration: none; }
main { max-width: 50rem; margin: 0 auto; padding: 1rem 1.25rem 3rem; background: #fff; min-height: 70vh; }
h1 { font-size: 1.8rem; line-height: 1.2; } h2 { font-size: 1.25rem; margin-top: 2rem; } h3 { font-size: 1.05rem; }
a { color: #0f5c8a; } a:focus-visible, button:focus-visible, textarea:focus-visible { outline: 3px solid #c2410c; }
.lead { font-size: 1.15rem; } .english, .meta { color: #4b5b63; }
dl.facts { background: #eef4ef; border-left: .35rem solid #14532d; padding: .75rem 1rem; display: grid;
  grid-template-columns: max-content 1fr; gap: .35rem 1rem; }
dl.facts dt { font-weight: 700; } dl.facts dd { margin: 0; } dl.facts ul { margin: 0; padding-left: 1.1rem; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .25rem .9rem .25rem 0;
  border-bottom: 1px solid #ccd6d0; }
textarea { width: 100%; box-sizing: border-box; min-height: 16rem; font: inherit; padding: .5rem; }
button { font: inherit; padding: .5rem 1rem; background: #14532d; color: #fff; border: 0; border-radius: .25rem; }
@media (max-width: 32rem) { dl.facts { grid-template-columns: 1fr; } }
form { margin-top: 1rem; } ul.pages { columns: 2 18rem; } .easy { background: #e6f0fa; padding: 0 .35rem; }
""".strip()

_FACTS = {"sf16": "Kosten", "sf17": "Bezahlen mit", "sf18": "Dauer", "sf19": "Rechtsgrundlage"}


def frame(city: City, title: str, body: str, search: str | None) -> str:
    """A whole document around this body; ``search`` is the address of the city's search."""
    found = f'<a href="{escape(search)}">Suche</a>' if search else ""
    return f"""<!doctype html>
<html lang="de"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} – Stadt {escape(city.name)}</title><link rel="stylesheet" href="/style.css"></head>
<body><aside class="stand-in">Stellvertreter eines Redaktionssystems, Teil von Stadtfunk. Die Texte dienen
Vorführung und Test und sind keine Auskunft einer Behörde.</aside>
<header><a href="/">Stadt {escape(city.name)}</a>{found}</header>
<main>{body}</main></body></html>"""


def index(city: City, store: Store, search: str | None = None) -> str:
    """The first page: every public page by category, and the offices."""
    groups: dict[str, list[Page]] = defaultdict(list)
    for page in [*store.pages("service"), *store.pages("info")]:
        if page.public:
            groups[city.categories.get(page.category, "Seiten") if page.kind == "service" else "Aktuelles"].append(page)
    parts = [f"<h1>Willkommen in {escape(city.name)}</h1>"]
    if city.offices:
        parts.append(
            '<p class="lead">Auenfurt an der Aune ist eine erfundene Stadt. Ändern Sie eine Seite und sehen Sie zu, '
            "wie die Suche sie findet: Der Verweis steht am Ende jeder Seite.</p>"
        )
    for title, pages in groups.items():
        rows = "".join(
            f'<li><a href="/services/{escape(page.id)}">{escape(page.name)}</a>'
            + (" <em>(ändert sich alle paar Minuten)</em>" if page.live else "")
            + "</li>"
            for page in pages
        )
        parts.append(f'<h2>{escape(title)}</h2><ul class="pages">{rows}</ul>')
    if city.offices:
        parts.append("<h2>Ämter</h2>" + "".join(_office(office.model_dump()) for office in city.offices))
    return frame(city, "Startseite", "".join(parts), search)


def page_html(page: Page, city: City, base: str, search: str | None = None) -> str:
    """One page with its facts; the texts pass nh3, so no script of a page ever runs here."""
    told = description(page, city, base)
    fields = {field["id"]: field for field in told["fields"]}
    parts = [f"<h1>{escape(page.name)}</h1>"]
    if page.english:
        parts.append(f'<p class="english" lang="en">{escape(page.english)}</p>')
    if page.easy:
        parts.append('<p><span class="easy">Leichte Sprache</span></p>')
    if page.summary:
        parts.append(f'<p class="lead">{escape(page.summary)}</p>')
    facts = [(title, nh3.clean(fields[id]["value"])) for id, title in _FACTS.items() if id in fields]
    online = [(link.label, link.url) for link in page.online]
    if online:
        facts.append(("Online", _links(online)))
    if facts:
        parts.append(
            '<dl class="facts">' + "".join(f"<dt>{title}</dt><dd>{html}</dd>" for title, html in facts) + "</dl>"
        )
    parts.append(nh3.clean(page.description()))
    parts += [f"<h2>{escape(section.heading)}</h2>{nh3.clean(section.html)}" for section in page.sections]
    if page.easy_page:
        parts.append(f'<p><a href="/services/{escape(page.easy_page)}">Diese Seite in Leichter Sprache</a></p>')
    if page.links:
        parts.append("<h2>Mehr dazu</h2>" + _links([(link.label, link.url) for link in page.links]))
    if told["offices"]:
        parts.append("<h2>Wo Sie uns finden</h2>" + "".join(_office(office) for office in told["offices"]))
    parts.append(
        f'<p class="meta">Zuletzt geändert: {page.modified.astimezone(ZONE):%d.%m.%Y, %H.%M} Uhr '
        f'· <a href="/_stand-in/pages/{escape(page.id)}/edit">Diese Seite ändern</a></p>'
    )
    return frame(city, page.name, "".join(parts), search)


def form(page: Page, city: City, notice: str, search: str | None) -> str:
    """The little editor; ``notice`` says what the webhook will do."""
    kind = "Markdown" if page.markup == "markdown" else "HTML"
    body = f"""<h1>„{escape(page.name)}“ ändern</h1>
<p>{escape(notice)}</p>
<form method="post" action="/_stand-in/pages/{escape(page.id)}/edit">
<label for="text">Beschreibung ({kind})</label>
<textarea id="text" name="text" maxlength="60000">{escape(page.text)}</textarea>
<p><button>Speichern und veröffentlichen</button></p></form>"""
    return frame(city, f"{page.name} ändern", body, search)


def saved(page: Page, city: City, outcome: str | None, search: str | None) -> str:
    """What came of an edit."""
    if outcome is None:
        told = "Kein Webhook eingerichtet; das nächste Einlesen findet die Änderung."
    elif outcome.startswith("2"):
        told = "Die Suche ist benachrichtigt; in wenigen Sekunden ist der neue Text zu finden."
    else:
        told = f"Die Benachrichtigung kam nicht an ({escape(outcome)}); das nächste Einlesen findet die Änderung."
    body = f"""<h1>Gespeichert</h1><p>{told}</p>
<p><a href="/services/{escape(page.id)}">Zur Seite „{escape(page.name)}“</a></p>"""
    return frame(city, "Gespeichert", body, search)


def _links(links: list[tuple[str, str]]) -> str:
    rows = "".join(f'<li><a rel="nofollow" href="{escape(url)}">{escape(label)}</a></li>' for label, url in links)
    return f"<ul>{rows}</ul>"


def _office(office: dict[str, object]) -> str:
    hours = office["hours"]
    lines = "<br>".join(escape(str(line)) for line in (hours if isinstance(hours, list | tuple) else ()))
    access = f"<br>{escape(str(office['access']))}" if office["access"] else ""
    return (
        f"<h3>{escape(str(office['name']))}</h3><p>{escape(str(office['address']))}<br>"
        f"Telefon {escape(str(office['phone']))}, {escape(str(office['email']))}<br>{lines}{access}</p>"
    )
