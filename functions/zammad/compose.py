"""A proposal as HTML: the shared draft for the citizen, and the internal note for the agent.

What a citizen, a page or a model wrote is escaped; the whole is held to an allow-list once more, as a group's
greeting and signature are HTML of Zammad's own, and Zammad stores a shared draft unsanitised.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Final, Literal

import nh3

from functions.zammad.phrases import Phrases, direction, phrases
from functions.zammad.proposal import Answered, Proposal
from functions.zammad.triage import Triage
from functions.zammad.understanding import OTHER, Flag
from shared.knowledge.citations import Source, Statement
from shared.knowledge.injection import instructs
from shared.knowledge.markup import blocks

Opened = Callable[[Source, str], str | None]
DraftState = Literal["written", "kept_agents", "no_flag", "outdated", "none"]
_TAGS: Final = {"p", "br", "a", "ul", "ol", "li", "blockquote", "strong", "em", "b", "i", "u", "div", "span"}
_ATTRIBUTES: Final = {"*": {"lang", "dir"}, "a": {"href", "title"}}
_FIELD: Final = re.compile(r"#\{\s*([\w.]+)\s*\}")
_ITEM: Final = re.compile(r"(?:[-–•*]|\d+\.)\s+")
_SUSPICIOUS: Final = "(Text, der eine KI anweisen soll; siehe die Nachricht)"
_SHORT: Final = 300  # characters of a concern in the note
# Whoever writes a mail chooses the name, and the address that the answer goes to: it must be no message to a third.
_NAME: Final = re.compile(r"[^\W\d_]+(?:(?:[ ]|[.][ ]|['’-])[^\W\d_]+){0,5}\.?")
_LONGEST_NAME: Final = 60
_NAMES: Final = ("ticket.customer.firstname", "ticket.customer.lastname")
_STATES: Final[Mapping[DraftState, str]] = {
    "written": "Der Entwurf liegt im Ticket bereit. Bitte prüfen Sie ihn, bevor Sie ihn senden.",
    "kept_agents": "Im Ticket liegt schon ein Entwurf, den jemand geschrieben oder geändert hat. "
    "Er bleibt, wie er ist; der Vorschlag steht nur hier.",
    "no_flag": "Für diese Gruppe sind gemeinsame Entwürfe ausgeschaltet; der Vorschlag steht nur hier.",
    "outdated": "Im Ticket liegt noch unser Entwurf zu einer früheren Nachricht; er beantwortet diese nicht.",
    "none": "Es gibt keinen Entwurf.",
}
FLAG_WORDS: Final[Mapping[Flag, str]] = {
    "deadline": "Frist genannt",
    "complaint": "Beschwerde",
    "threat": "Drohung",
    "wants_human": "Möchte mit einem Menschen sprechen",
    "case_number": "Aktenzeichen genannt",
}
_MISSING: Final = {
    None: "keine Aussage",
    "no_source": "keine veröffentlichte Quelle beantwortet das",
    "elsewhere": "es geht um eine andere Stadt oder Gemeinde",
    "unsupported": "keine Aussage ließ sich belegen",
    "language": "in dieser Sprache werden für die Gruppe keine Entwürfe geschrieben",
    "category": "diese Kategorie wird für die Gruppe nicht beantwortet",
}


def draft_html(
    proposal: Proposal,
    *,
    fields: Mapping[str, str],
    greeting: str = "",
    signature: str = "",
    office: str = "",
    tone: Literal["formal", "plain"] = "formal",
) -> str:
    """The draft, in the proposal's language.

    ``greeting`` and ``signature`` are text modules as Zammad has them, HTML with ``#{ticket.customer.firstname}``;
    ``fields`` are what is known of such names, without ``#{}``. A module with a name that is not known is left out
    where it is the greeting, else the line that has it. Modules are for German drafts: other languages have their own.
    """
    say = phrases(proposal.language)
    german = proposal.language == "de"
    parts = [_greeting(greeting if german else "", fields, say)]
    parts.append(f"<p>{escape(say.thanks if tone == 'formal' else say.plain)}</p>")
    numbers = _numbers(proposal.answers)
    answered = [answer for answer in proposal.answers if answer.statements]
    foreign = any(_foreign(one, proposal.language) for answer in answered for one in answer.statements)
    if foreign:
        parts.append(f"<p>{escape(say.quotes)}</p>")
    for number, answer in enumerate(answered, 1):
        if len(answered) > 1:
            parts.append(f"<p><strong>{escape(say.matter.format(n=number))}</strong></p>")
        parts += [_statement(one, numbers[one.source.document], proposal.language) for one in answer.statements]
    if len(answered) < len(proposal.answers):
        parts.append(f"<p>{escape(say.open)}</p>")
    parts.append(_sources(answered, numbers, say))
    parts.append(_signature(signature, fields, say, office))
    body = "".join(parts)
    return clean(f'<div lang="{proposal.language}" dir="{direction(proposal.language)}">{body}</div>')


def note_html(
    proposal: Proposal,
    *,
    marker: str,
    draft: DraftState,
    triage: Triage | None = None,
    thumbs: tuple[str, str] | None = None,
    opened: Opened | None = None,
) -> str:
    """The internal note, in German.

    ``marker`` is the last line, as plain text; ``thumbs`` are two addresses; ``opened`` gives one for a source as it
    was when it was cited.
    """
    parts = ["<p><strong>KI-Vorschlag, bitte prüfen</strong></p>", f"<p>{escape(_state(proposal, draft))}</p>"]
    if proposal.injection:
        parts.append(
            "<p><strong>Achtung:</strong> Die Nachricht oder eine Datei enthält Text, der eine KI anweisen soll. "
            "Er wurde nicht befolgt und nicht übernommen.</p>"
        )
    parts.append(_facts(proposal, triage))
    numbers = _numbers(proposal.answers)
    for number, answer in enumerate(proposal.answers, 1):
        parts.append(_concern(number, answer, numbers, show=draft in ("kept_agents", "no_flag")))
    if quoted := _quotes(proposal.answers, numbers, opened):
        parts.append(f"<p><strong>Quellen</strong></p>{quoted}")
    if proposal.informing:
        inside = "".join(
            f"<li>{escape(one.source.title)}{_as_cited(one.source, one.quoted, opened)}: „{_lines(one.quoted)}“</li>"
            for one in proposal.informing
        )
        parts.append(f"<p><strong>Nur intern</strong>, nicht für den Bürger</p><ul>{inside}</ul>")
    unread = [file for file in proposal.mail.files if file.text is None]
    if unread:
        listed = "".join(f"<li>{escape(file.name)}: {escape(file.why_not or 'nicht gelesen')}</li>" for file in unread)
        parts.append(f"<p><strong>Nicht gelesen</strong></p><ul>{listed}</ul>")
    if thumbs is not None:
        up, down = (escape(address, quote=True) for address in thumbs)
        parts.append(f'<p>War der Vorschlag hilfreich? <a href="{up}">Ja</a> · <a href="{down}">Nein</a></p>')
    how = "von einem Sprachmodell formuliert" if proposal.mode == "generated" else "wörtlich aus den Quellen gewählt"
    model = f" ({escape(proposal.model)})" if proposal.model else ""
    parts.append(f"<p>Mit KI erstellt, {how}{model}.</p><p>{escape(marker)}</p>")
    return clean("".join(parts))


def clean(html: str) -> str:
    """HTML by allow-list: text, lists and links to http(s) pages."""
    return nh3.clean(
        html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https"}, link_rel="noopener noreferrer"
    )


def _greeting(module: str, fields: Mapping[str, str], say: Phrases) -> str:
    fields = {name: "" if name in _NAMES and not _is_name(text) else text for name, text in fields.items()}
    if module and all(fields.get(name) for name in _FIELD.findall(module)):
        return f"<div>{_filled(module, fields)}</div>"
    # Nobody is called "Frau" or "Herr" by a guess.
    names = [fields.get(name, "") for name in _NAMES]
    name = " ".join(" ".join(names).split())
    return f"<p>{escape(say.to.format(name=name) if all(names) else say.hello)}</p>"


def _is_name(text: str) -> bool:
    return len(text) <= _LONGEST_NAME and _NAME.fullmatch(" ".join(text.split())) is not None


def _signature(module: str, fields: Mapping[str, str], say: Phrases, office: str) -> str:
    if module and say is phrases("de"):
        known = "<br>".join(
            line for line in re.split(r"<br\s*/?>", module) if all(fields.get(name) for name in _FIELD.findall(line))
        )
        if any(block.text.strip() for block in blocks(known)):
            return f"<div>{_filled(known, fields)}</div>"
    return f"<p>{escape(say.bye)}{'<br>' + escape(office) if office else ''}</p>"


def _filled(module: str, fields: Mapping[str, str]) -> str:
    return _FIELD.sub(lambda found: escape(fields[found[1]]), module)


def _statement(one: Statement, number: int, language: str) -> str:
    tag = f' lang="{escape(one.source.language, quote=True)}" dir="{direction(one.source.language)}"'
    return f"<div{tag if _foreign(one, language) else ''}>{_lines(one.text, f' [{number}]')}</div>"


def _foreign(one: Statement, language: str) -> bool:
    """Whether a statement stands in the words of a source of another language."""
    return one.verbatim and one.source.language.partition("-")[0].lower() != language


def _lines(text: str, end: str = "") -> str:
    """Text as paragraphs and lists."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    out: list[str] = []
    for place, line in enumerate(lines):
        item = _ITEM.match(line)
        said = escape(line[item.end() :] if item else line) + (escape(end) if place == len(lines) - 1 else "")
        before = place > 0 and _ITEM.match(lines[place - 1]) is not None
        after = place + 1 < len(lines) and _ITEM.match(lines[place + 1]) is not None
        if item:
            out.append(f"{'' if before else '<ul>'}<li>{said}</li>{'' if after else '</ul>'}")
        else:
            out.append(f"<p>{said}</p>")
    return "".join(out)


def _numbers(answers: Iterable[Answered]) -> dict[str, int]:
    """Each cited document's number, from 1 in the order of the draft."""
    found: dict[str, int] = {}
    for answer in answers:
        for one in answer.statements:
            found.setdefault(one.source.document, len(found) + 1)
    return found


def _cited(answers: Iterable[Answered]) -> dict[str, Source]:
    found: dict[str, Source] = {}
    for answer in answers:
        for one in answer.statements:
            found.setdefault(one.source.document, one.source)
    return found


def _sources(answers: Iterable[Answered], numbers: Mapping[str, int], say: Phrases) -> str:
    lines = [f"[{numbers[document]}] {_link(source)}" for document, source in _cited(answers).items()]
    return f"<p>{escape(say.sources)}<br>{'<br>'.join(lines)}</p>"


def _link(source: Source) -> str:
    title = f'<span lang="{escape(source.language, quote=True)}">{escape(source.title)}</span>'
    if not source.url.startswith(("https://", "http://")):
        return title
    return f'<a href="{escape(source.url, quote=True)}">{title}</a>'


def _quotes(answers: Sequence[Answered], numbers: Mapping[str, int], opened: Opened | None) -> str:
    out = []
    for document, source in _cited(answers).items():
        quotes = dict.fromkeys(
            one.quoted for answer in answers for one in answer.statements if one.source.document == document
        )
        where = f", S. {source.page}" if source.page else ""
        said = "".join(f"<blockquote>{_lines(quote)}</blockquote>" for quote in quotes)
        cited = _as_cited(source, next(iter(quotes)), opened)
        out.append(f"<div>[{numbers[document]}] {_link(source)}{where}{cited}{said}</div>")
    return "".join(out)


def _as_cited(source: Source, quote: str, opened: Opened | None) -> str:
    address = None if opened is None else opened(source, quote)
    return f' (<a href="{escape(address, quote=True)}">zitierte Fassung</a>)' if address else ""


def _state(proposal: Proposal, draft: DraftState) -> str:
    if draft == "outdated":
        return f"{_state(proposal, 'none')} {_STATES[draft]}"
    if draft != "none":
        return _STATES[draft]
    if not proposal.understanding.asks:
        return "Es gibt keinen Entwurf: In der Nachricht steht keine Frage und kein Wunsch."
    if proposal.abstains:
        reasons = dict.fromkeys(_MISSING[answer.reason] for answer in proposal.answers)
        return f"Es gibt keinen Entwurf: {'; '.join(reasons)}."
    return _STATES[draft]


def _facts(proposal: Proposal, triage: Triage | None) -> str:
    found = proposal.understanding
    facts = [f"Sprache: {found.language}"]
    if found.category != OTHER:
        facts.append(f"Kategorie: {found.category}")
    facts += [FLAG_WORDS[flag] for flag in sorted(found.flags)]
    if triage is not None:
        facts.append(f"Dringlichkeit: {'hoch' if triage.urgency == 'high' else 'normal'}")
        if triage.group:
            facts.append(f"Zuständig wohl: {triage.group}")
        if triage.duplicates:
            facts.append(f"Ähnliche offene Tickets: {', '.join(f'#{one.number}' for one in triage.duplicates)}")
    return f"<ul>{''.join(f'<li>{escape(fact)}</li>' for fact in facts)}</ul>"


def _concern(number: int, answer: Answered, numbers: Mapping[str, int], *, show: bool) -> str:
    # An order to a model is not repeated where the next program may read it.
    text = _SUSPICIOUS if instructs(answer.concern.text) else answer.concern.text
    asked = text if len(text) <= _SHORT else f"{text[:_SHORT].rpartition(' ')[0]} …"
    head = f"<p>{number}. <em>{escape(asked)}</em>"
    if not answer.statements:
        return f"{head}<br><strong>Fehlt:</strong> {escape(_MISSING[answer.reason])}</p>"
    if show:
        said = "".join(_statement(one, numbers[one.source.document], "de") for one in answer.statements)
        return f"{head}</p>{said}"
    cited = dict.fromkeys(f"[{numbers[one.source.document]}]" for one in answer.statements)
    return f"{head}<br>beantwortet aus {' '.join(cited)}</p>"
