"""HTML of articles as it comes back from the store.

Harder than Zammad's own allow-list, which differs by version: of attributes only those that every version keeps. What
is to survive in a real Zammad must be visible text or the address of a link.
"""

import re
from typing import Final

import nh3

_TAGS: Final = frozenset(
    {
        *("a", "b", "blockquote", "br", "code", "dd", "del", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5"),
        *("h6", "hr", "i", "ins", "li", "ol", "p", "pre", "q", "s", "small", "span", "strong", "sub", "sup", "u"),
        *("table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
    }
)
_ATTRIBUTES: Final = {"a": {"href"}, "*": {"dir", "lang"}}
_LINK = re.compile(r'<a ([^>]*?)href="([^"]*)"([^>]*)>')  # nh3 writes attributes with double quotes, escaped


def sanitised(html: str) -> str:
    """What is kept of an article's HTML; links get what Zammad gives them."""
    clean = nh3.clean(
        html,
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel=None,
    )
    return _LINK.sub(r'<a \1href="\2"\3 rel="nofollow noreferrer noopener" target="_blank" title="\2">', clean)
