"""What the reader of an HTML mail sees; hidden words are left out, since only a machine would read them."""

import contextlib
import re
from collections.abc import Iterable, Iterator
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from shared.knowledge.markup import blocks

# Matched against what ``_said`` gives: one blank at most, and so many characters at most.
_HIDDEN: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*(?:0+(?:\.(?:0\d*)?)?|\.0\d*)\s*(?:%|;|$|!)"
    r"|mso-hide\s*:\s*all"
    r"|font-size\s*:\s*(?:0|0?\.[0-3]\d*|[01](?:\.\d+)?(?=p[xt]))\s*(?:px|pt|em|rem|ex|%|;|$|!)|font\s*:\s*[01](?:px|pt)?[\s/]"
    r"|transform\s*:\s*scale\(\s*0"
    r"|(?:max-)?(?:height|width)\s*:\s*[01](?:px|pt|em|%)?\s*(?:;|$|!)|text-indent\s*:\s*-\s*\d{3}|(?:left|top"
    r"|right|margin-left|margin-top)\s*:\s*-\s*\d{3}"
    r"|clip\s*:\s*rect\(\s*0|clip-path\s*:\s*(?:inset\(\s*(?:50|100)|circle\(\s*0)|(?<![-\w])color\s*:\s*transparent"
    r"|(?<![-\w])color\s*:\s*rgba\([^)]{0,40},\s*(?:0+(?:\.0*)?|\.0+)\s*\)|line-height\s*:\s*0\s*(?:px|;|$)",
    re.I,
)
_COLOR: Final = re.compile(r"(?<![-\w])color\s*:\s*([#\w]+(?:\([^)]{0,60}\))?)", re.I)
_BACKGROUND: Final = re.compile(r"background(?:-color)?\s*:\s*([#\w]+(?:\([^)]{0,60}\))?)", re.I)
_WHITE: Final = re.compile(
    r"(?:white|snow|ivory|#f{3}|#f{6}|#f[a-f0-9]f[a-f0-9]f[a-f0-9]|rgba?\(25\d\D+25\d\D+25\d\D.*)", re.I
)

_RULE: Final = re.compile(r"([^{}@]{1,200})\{([^{}]{0,2000})\}")
_QUOTES: Final = (
    "blockquote, .gmail_quote, .gmail_extra, .yahoo_quoted, .moz-cite-prefix, .protonmail_quote, .zmail_extra"
    ", .OutlookMessageHeader, .js-signatureMarker ~ blockquote"
)
_RULES: Final = 200  # of a style sheet that are looked at
_SELECTORS: Final = 60  # of all sheets, that hide something
# Names, classes and the like within each other: ":has(:has(p) ~ *)" would keep a processor busy for minutes.
_COMPOUND: Final = (
    r"(?=[\w\-.#*\[])(?:\*|[a-z][\w-]{0,40})?"
    r"(?:[.#][a-z_-][\w-]{0,60}|\[[\w-]{1,40}(?:~?=[\"']?[\w-]{1,60}[\"']?)?\]){0,6}"
)
_SELECTOR: Final = re.compile(rf"{_COMPOUND}(?:(?:\s*[>+]\s*|\s+){_COMPOUND}){{0,5}}", re.I)
_STEPS: Final = 50_000_000  # from an element to one that it may stand in, for all selectors; half a second
_LONGEST: Final = 400_000  # characters of HTML; of a letter a tenth of that is read
_DEEPEST: Final = 200  # elements within each other; what climbs to the root is quadratic in it
_STYLE: Final = 4_000  # characters of an element's style; longer ones nobody writes
_URL: Final = re.compile(r"url\([^)]*\)", re.I)  # of a picture, which may stand in it as a whole
_STYLED: Final = "[style], [hidden], [aria-hidden], font[color], [bgcolor], [height]"


def text_of_html(html: str) -> tuple[str, str]:
    """The visible text of a mail, and apart from it the text of what it marks as quoted."""
    if "<" not in html and "&" not in html:
        return html, ""
    try:
        tree = LexborHTMLParser(html[:_LONGEST])
    except SelectolaxError:
        return "", ""
    size = None if tree.body is None else _size(tree.body)
    if tree.body is None or size is None:
        return "", ""
    behind: dict[int, str] = {}
    hidden = [node for node in tree.css(_STYLED) if _is_hidden(node, behind)]
    for selector in _hidden_selectors(tree, *size):
        with contextlib.suppress(SelectolaxError, ValueError):
            hidden += [node for node in tree.css(selector) if node.tag not in ("html", "body")]
    for node in _outermost(hidden):
        node.decompose()
    quotes = _outermost(tree.css(_QUOTES))
    quoted = "\n\n".join(_text(node.html or "") for node in quotes)
    for node in quotes:
        node.decompose()
    return _text(tree.body.html or ""), quoted


def _size(body: LexborNode) -> tuple[int, int] | None:
    """How many nodes there are, and how deep the deepest lies; None: no mail program wrote this."""
    node, depth, count, deepest = body, 0, 1, 0
    while depth <= _DEEPEST:
        if node.first_child is not None:
            node, depth, count = node.first_child, depth + 1, count + 1
            deepest = max(deepest, depth)
            continue
        while depth and node.next is None and node.parent is not None:
            node, depth = node.parent, depth - 1
        if not depth or node.next is None:
            return count, deepest
        node, count = node.next, count + 1
    return None


def _outermost(nodes: Iterable[LexborNode]) -> list[LexborNode]:
    """Those that stand within none of the others, once each."""
    chosen = {node.mem_id: node for node in nodes}
    within: dict[int, bool] = dict.fromkeys(chosen, True)  # by element: it is chosen, or stands within one that is
    found = []
    for node in chosen.values():
        path, above = [], node.parent
        while above is not None and above.mem_id not in within:
            path.append(above.mem_id)
            above = above.parent
        inside = above is not None and within[above.mem_id]
        within |= dict.fromkeys(path, inside)
        if not inside:
            found.append(node)
    return found


def _text(html: str) -> str:
    lines: list[str] = []
    for block in blocks(html):
        if lines and block.kind in ("text", "heading"):
            lines.append("")
        lines.append(block.text)
    return "\n".join(lines)


def _hidden_selectors(tree: LexborHTMLParser, nodes: int, depth: int) -> Iterator[str]:
    """Selectors of the mail's own style sheets that hide what they select, as far as they are soon looked up."""
    left, steps = _SELECTORS, _STEPS
    for sheet in tree.css("style"):
        for rule in list(_RULE.finditer(sheet.text() or ""))[:_RULES]:
            if not _HIDDEN.search(_said(rule.group(2))):
                continue
            for selector in map(str.strip, rule.group(1).split(",")):
                cost = nodes * depth ** len(re.findall(r"[\s>+]+", selector))
                if _SELECTOR.fullmatch(selector) and cost <= steps:
                    yield selector
                    left, steps = left - 1, steps - cost
                if not left:
                    return


def _said(style: str) -> str:
    """A style in few characters, whatever a stranger wrote."""
    return " ".join(_URL.sub("url()", style).split())[: _STYLE + 1]


def _is_hidden(node: LexborNode, behind: dict[int, str]) -> bool:
    """Whether a reader does not see this; ``behind`` are the colours that elements lie in, as far as they are known."""
    attributes = node.attributes
    if node.tag in ("html", "body", "img", "td", "table", "tr") and not attributes.get("style"):
        return False
    style = _said(attributes.get("style") or "")
    if "hidden" in attributes or attributes.get("aria-hidden") == "true" or _HIDDEN.search(style):
        return node.tag not in ("html", "body")
    if len(style) > _STYLE:
        return node.tag not in ("html", "body")
    color = _COLOR.search(style)
    shown = color.group(1) if color else (attributes.get("color") or "") if node.tag == "font" else ""
    if not shown:
        return False
    own = _BACKGROUND.search(style)
    back = own.group(1) if own else _behind(node, behind)
    if back:
        return _same(shown, back)
    return _WHITE.fullmatch(shown) is not None


def _behind(node: LexborNode, known: dict[int, str]) -> str:
    """The nearest colour behind a node; empty for the page's own, which is white."""
    path, color = [], ""
    parent = node.parent
    while parent is not None:
        id = parent.mem_id
        if id in known:
            color = known[id]
            break
        path.append(id)
        own = _BACKGROUND.search(_said(parent.attributes.get("style") or ""))
        color = own.group(1) if own else parent.attributes.get("bgcolor") or ""
        if color:
            break
        parent = parent.parent
    known |= dict.fromkeys(path, color)
    return color


def _same(one: str, other: str) -> bool:
    if _WHITE.fullmatch(one) and _WHITE.fullmatch(other):
        return True
    return one.strip().casefold() == other.strip().casefold()
