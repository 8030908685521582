"""Where sentences end in German: not after "gem. § 14 Abs. 2", "z. B." or "am 3. Oktober"."""

import re
from collections.abc import Iterator


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A dot after these ends no sentence (lower case, without the dot).
_ABBREVIATIONS = _words(
    """
    abb abk abs abschn abt allg alt anl anm apr art aufl aug az bd begr bes best betr bspw bzgl bzw ca co dez dgl dipl
    div dr ebd ehem eigtl einschl entspr etc ev evtl exkl feb ff fr frl gegr gem gemäß gesch geb gez ggf ggfs ggü grds
    hausnr hbf hg hj hr hrn hrsg hs inkl insb insbes ing jan jg jh jhd jr jul jun kap kath kfm kfz lfd lit lt max med
    mio min mrd mtl mär n nov nr nrn o okt op pers pf pfd pl plz pos prof rd ref reg rel rn rspr s sek sen sept sep sog
    sonst spez st std stdn stellv str tab tägl tel u urspr usf usw v verg verh vgl vorl vors vs wg wiss z zb zf ziff zt
    zus zzgl zw zz zzt zi mo di mi do sa so mwst
    """
)
# These stand at the end of a sentence as often as inside one.
_MAY_END = frozenset(["etc", "usw", "dgl", "std", "min", "mio", "mrd", "str"])
_OPENERS = _words(
    """
    der die das den dem des ein eine einen einem einer sie er es wir ihr ich bitte wenn falls für bei mit nach auch hier
    dort dies diese dieser dieses dazu danach dann außerdem beachten in im am zum zur ab es
    """
)
_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”“»«)\]]*+(?=\s)")  # possessive: dots without end are looked at once
_TOKEN_BEFORE = re.compile(r"([^\W_]+)$")
_TOKEN = 20  # characters; no abbreviation is as long
_ORDINAL = 3  # digits; more is a year or an amount, and its dot ends a sentence


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order; a line break always ends one. Nothing but blanks is lost."""
    return [sentence for line in text.split("\n") for sentence in _of_line(line)]


def _of_line(line: str) -> Iterator[str]:
    start = 0
    for end in _END.finditer(line):
        if not _ends(line, end.start(), end.end()):
            continue
        sentence = line[start : end.end()].strip()
        if sentence:
            yield sentence
        start = end.end()
    rest = line[start:].strip()
    if rest:
        yield rest


def _ends(line: str, dot: int, after: int) -> bool:
    following = line[after:].lstrip()
    if not following:
        return True
    first = following.lstrip("\"'„“»«([")[:1]
    if line[dot] != "." or line[dot : dot + 2] == "..":
        # "Was ist das?" ends even before a small letter rarely; "Yahoo! ist" does not.
        return not first.islower()
    if first.islower():
        return False
    found = _TOKEN_BEFORE.search(line[max(0, dot - _TOKEN) : dot])
    if found is None:
        return True
    token = found.group().lower()
    if token.isdigit():
        return len(token) > _ORDINAL or _starts_anew(following)
    if token in _MAY_END:
        return _starts_anew(following)
    return not (len(token) == 1 or token in _ABBREVIATIONS)


def _starts_anew(following: str) -> bool:
    # "… nach § 14. Die Gebühr …": an article or the like starts a sentence, a noun goes on with "am 3. Werktag".
    word = re.match(r"[^\W\d_]+", following)
    return word is not None and word.group()[0].isupper() and word.group().lower() in _OPENERS
