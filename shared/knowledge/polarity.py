"""What turns or narrows a clause, in eight languages: negation, obligation, restriction, opposite words.

A clause is negative when an odd number of its words negate: "nicht erforderlich", "entfällt" and "not needed" alike,
and "ohne Genehmigung nicht" is as positive as "nur mit Genehmigung". Texts are folded as values.py folds them.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Literal

from shared.knowledge import vocabulary

Mark = Literal["must", "may", "only", "all", "except", "also"]

_NEGATIONS = {
    "de": (
        "nicht(?! nur)|kein\\w*|nie|niemals|nirgends|nichts|niemand\\w*|weder|entfäll\\w*"
        "|entfallen|verboten\\w*|verbietet"
        "|untersagt\\w*|unzulässig\\w*|ungültig\\w*|unmöglich|unnötig|unvollständig\\w*|ausgeschlossen\\w*"
        "|ausgenommen\\w*|geschlossen\\w*"
        "|kosten(?:los|frei)\\w*|\\w{3,}(?<!barriere)(?<!einwand)frei(?:e[nrsm]?)?|eintritt(?: \\w+){0,3} frei"
        "|unentgeltlich\\w*|gratis|umsonst|verzichte\\w*"
        "|verweiger\\w*|abgelehnt\\w*|abgelaufen\\w*|abgeschafft|eingestellt|befreit|unbefristet\\w*|freiwillig\\w*"
    ),
    "en": (
        'not(?! only)|\\w+n"t|no|never|none|nobody|nothing|neither|nor|without|cannot|free|forbidden'
        "|prohibited|banned|closed|excluded"
        "|exempt\\w*|invalid|expired|impossible|unnecessary|waived|optional|voluntary|denied|refused"
    ),
    "tr": (
        "değil\\w*|yok\\w*|\\w+(?:maz|mez|mıyor|miyor|muyor|müyor|mamalı|memeli|madan|meden|mayan|meyen"
        "|mayacak|meyecek|mamış|memiş|mamak|memek|mama|meme)\\w*"
        "|ücretsiz\\w*|geçersiz\\w*|bedava|yasak\\w*|kapalı\\w*|hariç|muaf\\w*|\\w+siz|\\w+sız"
    ),
    "ru": (
        "не(?! только)|нет|ни|без|нельзя|запре[тщ]\\w*|бесплатн\\w*|закрыт\\w*|никогда|ничего"
        "|недействительн\\w*|необязательн\\w*|исключ\\w*|освобожд\\w*"
    ),
    "uk": (
        "не(?! тільки| лише)|немає|нема|ні|без|заборон\\w*|безкоштовн\\w*|безоплатн\\w*|зачинен\\w*"
        "|закрит\\w*|ніколи|нічого|недійсн\\w*"
        '|необов"язков\\w*|звільн\\w*|виключ\\w*'
    ),
    "ar": "لا|لم|لن|ليس\\w*|ليست|غير|بدون|دون|مجان\\w*|ممنوع\\w*|يمنع|تمنع|يحظر|محظور\\w*|مغلق\\w*|معفي\\w*|معفى|ولا",
    "fr": (
        "pas(?! seulement)|aucun\\w*|sans|gratuit\\w*|gratuitement|interdi\\w*|fermé\\w*|jamais|rien"
        "|exclu\\w*|exonér\\w*|exempt\\w*|non|inutile"
        "|facultati\\w*"
    ),
    "pl": (
        "nie(?! tylko)|bez|brak\\w*|bezpłatn\\w*|darmow\\w*|zakaz\\w*|zabron\\w*|zabrania|zamknięt\\w*"
        "|żad\\w*|nieważn\\w*|nigdy|zwolnion\\w*"
        "|wykluczon\\w*|wyłączon\\w*"
    ),
}
# Closing is no negation where a time is named: "wir schließen um 11 Uhr".
_CLOSING = (
    "schlie(?:ß|ss)(?:t|en)(?!.* (?:ein|ab|an|aus|zu)\\W*$)|(?:wird|werden)(?: \\S+){0,4} geschlossen"
    "|closes?|closing|kapan\\w*"
    "|закрыва\\w*|зачиня\\w*|закрива\\w*|يغلق|تغلق|نغلق"
    "|ferme|ferment|fermons|zamyka\\w*"
)
_MARKS: dict[Mark, str] = {
    "must": (
        "muss|muß|müssen|musst|müsst|musste|mussten|verpflichtet|pflicht|zwingend|must|have to|has to|obliged"
        "|mandatory|compulsory|required to"
        "|zorunda\\w*|zorunlu\\w*|\\w+m[ae]l[ıi]\\w*|gerek(?:ir|iyor|li|mektedir)|нужно|долж\\w+|обязан\\w*"
        '|необходимо|потрібно|повинн\\w*|зобов"язан\\w*|необхідно'
        "|يجب|doit|doivent|devez|obligatoire\\w*|obligé\\w*|musi\\w*|trzeba|należy|obowiązk\\w*"
    ),
    "may": (
        "kann|kannst|können|könnt|darf|dürfen|dürft|möglich|erlaubt\\w*|gestattet\\w*|zulässig\\w*|may|can"
        "|could|allowed|permitted|possible"
        "|\\w+[ae]bilir\\w*|mümkün\\w*|serbest\\w*|можно|может|можете|могут|разреш\\w*|можна|може|можете"
        "|можуть|дозвол\\w*|يمكن\\w*|يجوز|يسمح"
        "|peu(?:t|vent)|pouvez|possible|autorisé\\w*|permis|może\\w*|mogą|można|wolno|dozwolon\\w*"
    ),
    "only": (
        "(?:nur|lediglich)(?! noch| \\d| die hälfte| halb| ein(?:en?)? (?:\\w+)?(?:drittel|viertel))"
        "|ausschließlich|bloß|allein(?= durch| beim)|genüg(?:t|en)|reicht|only|exclusively|solely|sadece|yalnız\\w*"
        "|ancak|только|исключительно|лише|тільки|виключно"
        '|فقط|حصرا|uniquement|seulement|exclusivement|(?:ne |n")\\w+ (?:\\w+ ){0,2}que|tylko|wyłącznie|jedynie'
    ),
    "all": (
        "(?<!nicht )(?:alle|allen|alles|immer)|sämtliche\\w*|dauerhaft|unbegrenzt\\w*|beliebig\\w*|garantiert"
        "|automatisch|stets|überall|jederzeit|(?<!not )(?:all|always)|permanently|guaranteed|unlimited|everyone"
        "|everybody"
        "|everywhere|anytime|bütün|tüm|herkes\\w*|daima|her zaman"
        "|все|всех|всем|всегда|везде|усі|усіх|всі|всіх|завжди|كل|جميع|دائما|tous|toutes|toujours|partout"
        "|wszys\\w+|zawsze|wszędzie"
    ),
    "also": (
        "auch|ebenfalls|ebenso|also|as well|too|даже|также|тоже|також|теж|ayrıca|da geçerli\\w*"
        "|de geçerli\\w*|aussi"
        "|également|ايضا|również|także|też"
    ),
    "except": (
        "außer|ausnahmen?|bis auf(?= d)|es sei denn|sofern nicht|except|unless|apart from|dışında|кроме"
        "|за исключением|крім|окрім|за винятком|باستثناء|ما عدا"
        '|sauf|excepté|à l"exception|oprócz|z wyjątkiem|poza'
    ),
}
_CITY = re.compile(r"\b(?:wir|die stadt|das (?:\w+)?amt|die behörde|die verwaltung)\b")
_READER = re.compile(r"\b(?:sie|ihnen)\b")
# Two poles each; a statement that names one while its quote names only the other says something else.
_POLES: tuple[tuple[str, str], ...] = (
    (
        "erwachsen\\w*|adults?|yetişkin\\w*|взросл\\w*|доросл\\w*|\\w*بالغ\\w*|adultes?|doros\\w*|dorośli",
        "kind|kinder\\w*|kindes|child|children|çocuk\\w*|дет(?:и|ей|ям|ск\\w+)|ребен\\w*|діт(?:и|ей|ям)"
        "|дитин\\w*|\\w*طفال|\\w*طفل|enfants?|dziec\\w*",
    ),
    (
        "erste[nrsm]?|erstmalig\\w*|first|ilk|birinci|перв\\w*|перш\\w*|\\w*الاول|الاولى|premi\\w+|pierwsz\\w*",
        "weitere[nrsm]?|zweite[nrsm]?|nächste[nrsm]?|further|additional|other|second|next|sonraki|ek|diğer"
        "|ikinci|последующ\\w*|следующ\\w*|втор\\w*|кажд\\w+|кожн\\w+"
        "|наступн\\w*|друг\\w*|\\w*اضافي|اضافية|\\w*الثاني|suivant\\w*|supplémentaire\\w*|deuxième|kolejn\\w*"
        "|następn\\w*|drug\\w*",
    ),
    (
        "schriftlich\\w*|in writing|written|yazılı|письменн\\w*|письмов\\w*|كتابي\\w*|par écrit|écrite?|pisemn\\w*",
        "mündlich\\w*|orally|verbally|sözlü|устн\\w*|усн(?:о|ий|а)|شفهي\\w*|oral\\w*|ustn\\w*",
    ),
    (
        "persönlich\\w*|in person|personally|şahsen|лично|особисто|شخصيا|en personne|personnellement|osobiście",
        "online|postalisch|per post|by post|by mail|internet\\w*|çevrimiçi|онлайн|почтой|поштою|الانترنت"
        "|عبر الانترنت|en ligne|par courrier|przez internet|pocztą",
    ),
    (
        "volljährig\\w*|of (?:legal )?age|adult|reşit|совершеннолет\\w*|повнолітн\\w*|majeure?s?|pełnoletni\\w*",
        "minderjährig\\w*|under ?age|minors?|reşit olmayan|несовершеннолет\\w*|неповнолітн\\w*|قاصر\\w*"
        "|mineure?s?|niepełnoletni\\w*",
    ),
    (
        "(?<!nicht )anmeld\\w*|angemeldet\\w*|melden an|registration|register\\w*",
        "abmeld\\w*|abgemeldet\\w*|deregist\\w*|unregist\\w*|de-regist\\w*",
    ),
    (
        "ermäßig\\w*|ermäßigt|verringer\\w*|sink\\w*|senk\\w*|gesenkt|reduz\\w*|weniger(?! als)|reduc\\w*|lower\\w*"
        "|discount\\w*|indirim\\w*|снижа\\w*|зменш\\w*|rédui\\w*|obniż\\w*",
        "erhöh\\w*|steig\\w*|verdoppel\\w*|increas\\w*|rais\\w*|doubl\\w*|artır\\w*|увелич\\w*|повыш\\w*"
        "|збільш\\w*|augment\\w*|podwyż\\w*|zwiększ\\w*",
    ),
    ("beginn\\w*|anfang\\w*|öffnet|start\\w*|opens?|begins?", "ende|endet|enden|schluss|schließt|ends?|ablauf"),
    ("innerhalb|inside|binnen|within", "außerhalb|outside"),
    ("links|left", "rechts|right"),
    (
        "allein|alleine|alone|unaccompanied|by (?:them|him|her|your|one)sel(?:f|ves)|tek başına|yalnız başına|одни|один"
        "|самостоятельно|самостійно|самі|بمفرده\\w*|بمفردهم|seule?s?|sami|sama?|samodzielnie",
        "\\w*begleit\\w*|accompan\\w*|eşli\\w*|refakat\\w*|сопровожд\\w*|супров\\w*|برفق\\w*|مراف\\w*"
        "|opiek\\w*|w towarzystwie",
    ),
    (
        "tragen sie|zahlen sie|sie (?:\\w+ )?(?:zahlen|tragen)|you (?:\\w+ ){0,2}pay",
        "(?:trägt|übernimmt|zahlt|bezahlt) (?:die|das|der) (?:stadt|amt|behörde|versicherung|arbeitgeber)\\w*"
        "|(?:trägt|übernimmt|zahlt|bezahlt),? wer|the city (?:\\w+ ){0,2}pays",
    ),
    ("sommer\\w*|summer|yaz", "winter\\w*|kış\\w*"),
    ("vormittag\\w*|morgens|in the morning", "nachmittag\\w*|abends|in the (?:afternoon|evening)"),
    ("vermieter\\w*|landlord\\w*", "mieter|mieters|mietern|tenant\\w*"),
    ("einzug\\w*|einziehen|move in|moving in", "auszug\\w*|ausziehen|move out|moving out"),
    ("einreise\\w*|entry", "ausreise\\w*|departure"),
    ("früher|eher|earlier|sooner", "später|later"),
    ("größer\\w*|groß(?:e[nrsm]?)?|larger?|bigg?(?:er)?", "klein\\w*|small(?:er)?"),
    ("vater|vaters|väter\\w*|fathers?", "mutter|mütter\\w*|mothers?"),
    ("hoch|hohe[nrsm]?|high", "niedrig\\w*|low"),
    ("länger(?! als)|lange?[nrsm]?|long", "kürzer\\w*|kurze?[nrsm]?|short"),
    ("älter\\w*|older", "jünger\\w*|younger"),
    ("öffentlich\\w*|public", "privat\\w*|private"),
    ("ledig\\w*|unverheiratet\\w*|unmarried|single", "verheiratet\\w*|married"),
    (
        "frühestens|earliest|au plus tôt|en erken|самое раннее|не раньше|найраніше|не раніше|najwcześniej",
        "spätestens|latest|au plus tard|en geç|не позднее|не пізніше|najpóźniej|no later than",
    ),
    ("gültig\\w*|valid", "abgelaufen\\w*|ungültig\\w*|expired|invalid"),
    ("neue[nrsm]?|new", "alte[nrsm]?|old"),
    ("express\\w*|eil\\w*", "normal\\w*|regulär\\w*"),
    (
        "vor(?! ort| allem)|bevor|before|prior to|önce|до(?! \\d)|перед|قبل|avant|przed",
        "nach(?! §| hause| absprache| vereinbarung| vollendung)|nachdem|after|following|sonra|после|після|بعد|après|po",
    ),
)


def negations(folded: str, language: str, *, timed: bool = False) -> int:
    """How many words negate a clause; of an unknown language every language's words count."""
    closing = _closing().findall(folded)
    if timed:
        return len(_negation(language).findall(_closing().sub(" ", folded)))
    return len(_negation(language).findall(_closing().sub(" ", folded))) + len(closing)


def acts(folded: str) -> frozenset[str]:
    """Whether the city or the reader does what a German clause says, as far as it is told."""
    return frozenset(who for who, pattern in (("city", _CITY), ("reader", _READER)) if pattern.search(folded))


def subjects(folded: str) -> frozenset[int]:
    """Things of city life that a text names, by number."""
    return frozenset(at for at, pattern in enumerate(_compiled_subjects()) if pattern.search(folded))


def marks(folded: str) -> frozenset[Mark]:
    """Obligation, permission, restriction and the like in a text."""
    return frozenset(mark for mark, pattern in _compiled_marks() if pattern.search(folded))


def poles(folded: str) -> frozenset[tuple[int, int]]:
    """Opposite words in a text, as (pair, side)."""
    return frozenset(
        (at, side)
        for at, pair in enumerate(_compiled_poles())
        for side, pattern in enumerate(pair)
        if pattern.search(folded)
    )


def opposed(stated: Iterable[tuple[int, int]], given: Iterable[tuple[int, int]]) -> bool:
    """Whether a statement names only one side of a pair and its quote only the other."""
    stated, given = frozenset(stated), frozenset(given)
    return any(
        (pair, 1 - side) in given and (pair, side) not in given and (pair, 1 - side) not in stated
        for pair, side in stated
    )


def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_])(?:{pattern})(?![^\W_])")


@cache
def _closing() -> re.Pattern[str]:
    return _whole(_CLOSING)


@cache
def _compiled_subjects() -> tuple[re.Pattern[str], ...]:
    return tuple(map(_whole, vocabulary.SUBJECTS))


@cache
def _negation(language: str) -> re.Pattern[str]:
    return _whole(_NEGATIONS[language] if language in _NEGATIONS else "|".join(_NEGATIONS.values()))


@cache
def _compiled_marks() -> tuple[tuple[Mark, re.Pattern[str]], ...]:
    return tuple((mark, _whole(pattern)) for mark, pattern in _MARKS.items())


@cache
def _compiled_poles() -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    return tuple((_whole(one), _whole(other)) for one, other in _POLES)
