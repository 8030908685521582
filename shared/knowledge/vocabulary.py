"""Words of values in eight languages: units, months, weekdays, numerals, and what stands before and after them.

Everything is folded as values.py folds a text: lower case, no vowel marks, every quotation mark and apostrophe '"'.
Patterns are matched at a word's beginning and end.
"""

# (pattern, kind, unit, factor to the unit)
UNITS: tuple[tuple[str, str, str, str], ...] = (
    ("€|eur|euros?|eura|avro\\w*|евро|євро|يورو|اورو", "money", "EUR", "1"),
    ("cents?|ct|cent[óy]\\w*|евроцент\\w*|центов|центів|سنت\\w*|centimes?", "money", "EUR", "0.01"),
    ("\\$|us-dollar\\w*|dollars?|usd|dolar\\w*|доллар\\w*|долар\\w*|دولار\\w*", "money", "USD", "1"),
    ("chf|franken|francs?|frank\\w*", "money", "CHF", "1"),
    ("£|gbp|pfund|pounds?|фунт\\w*", "money", "GBP", "1"),
    ("zł|złot\\w*|pln|zloty", "money", "PLN", "1"),
    ("lira\\w*|try|tl", "money", "TRY", "1"),
    ("грив\\w*|гривень|uah", "money", "UAH", "1"),
    ("руб\\w*|rub", "money", "RUB", "1"),
    (
        "%|prozent\\w*|per ?cent|pour ?cent|процент\\w*|відсот\\w*|procent\\w*|بالمئة|بالمائة|في المئة|في المائة",
        "percent",
        "%",
        "1",
    ),
    (
        "werktag\\w*|arbeitstag\\w*|bankarbeitstag\\w*|(?:working|business|work) ?days?|iş gün\\w*|рабоч\\w+ д\\w+"
        "|робоч\\w+ д\\w+|(?:ايام|يوم|يوما) عمل|jours? ouvr\\w+|d(?:ni|zień) robocz\\w+",
        "duration",
        "workday",
        "1",
    ),
    ("km/h|kmh|stundenkilometer\\w*|км/ч|км/год", "measure", "km/h", "1"),
    ("sekunden?|seconds?|saniye\\w*|секунд\\w*|ثاني\\w*|ثوان\\w*|secondes?", "duration", "second", "1"),
    (
        "min|minuten?|minutes?|dakika\\w*|минут\\w*|хвилин\\w*|دقيق\\w*|دقائق|minut\\w*|-?minütig\\w*",
        "duration",
        "minute",
        "1",
    ),
    (
        "std|stunden?|hours?|hrs?|час|часа|часов|часы|годин\\w*|godzin\\w*|ساعه|ساعة|ساعات|heures?"
        "|stündig\\w*|h|saat(?!ler)\\w*",
        "duration",
        "minute",
        "60",
    ),
    (
        "tag|tage|tagen|tages|tägig\\w*|days?|gün|günl?ü?k?|günde|gündür|дня|дней|день|дні|днів|يوم|يوما|ايام"
        "|jours?|dni|dniach|dzień|dnia",
        "duration",
        "day",
        "1",
    ),
    (
        "wochen?|wöchig\\w*|weeks?|hafta\\w*|недел\\w*|тижн\\w*|тижд\\w*|اسبوع\\w*|اسابيع|semaines?|tygod\\w*|tydzień",
        "duration",
        "day",
        "7",
    ),
    (
        "monat|monate|monaten|monats|monatig\\w*|months?|ay|ayl?ı?k?|aydır|aydan|ayı|aya|месяц\\w*|місяц\\w*"
        "|شهر|شهرا|اشهر|شهور|mois|miesi\\w*",
        "duration",
        "month",
        "1",
    ),
    (
        "jahr|jahre|jahren|jahres|lebensjahr\\w*|jährig\\w*|years?|year-olds?|yıl\\w*|yaş\\w*|лет|год|года"
        "|году|годы|рок|роки|"
        "років|року|рік|سنه|سنة|سنوات|عام|عاما|اعوام|سنين|ans?|années?|lat|lata|latach|rok|roku",
        "duration",
        "month",
        "12",
    ),
    (
        "m3|cbm|kubikmeter\\w*|cubic met\\w+|metreküp\\w*|кубометр\\w*|куб\\w* м\\w*|кубічн\\w* м\\w*"
        "|متر مكعب|امتار مكعبه|mètres? cubes?|metr\\w* sześcien\\w*",
        "measure",
        "m3",
        "1",
    ),
    (
        "m2|qm|quadratmeter\\w*|square met\\w+|metrekare\\w*|кв\\w* м\\w*|متر مربع|mètres? carrés?"
        "|metr\\w* kwadrat\\w*",
        "measure",
        "m2",
        "1",
    ),
    ("km|kilometer\\w*|kilomet\\w*|километр\\w*|кілометр\\w*|كيلومتر\\w*|kilomètres?|км", "measure", "m", "1000"),
    ("cm|zentimeter\\w*|centim\\w+|santim\\w*|сантиметр\\w*|سنتيمتر\\w*|centymetr\\w*|см", "measure", "m", "0.01"),
    ("mm|millimeter\\w*|millim\\w+|milimetr\\w*|миллиметр\\w*|міліметр\\w*|мм", "measure", "m", "0.001"),
    ("m|metern?|metres?|meters?|mètres?|metr\\w*|метр\\w*|متر\\w*|امتار|м", "measure", "m", "1"),
    ("kg|kilo|kilogramm\\w*|kilogram\\w*|килограмм\\w*|кілограм\\w*|كيلوغرام\\w*|كغ|кг", "measure", "kg", "1"),
    ("g|gramm|grams?|gram|грамм\\w*|грам\\w*|غرام\\w*|grammes?", "measure", "kg", "0.001"),
    ("t|tonnen?|tons?|tonnes?|тонн\\w*|тон|طن|اطنان|tony?", "measure", "kg", "1000"),
    ("l|liter\\w*|lit(?:re|er)s?|litre\\w*|литр\\w*|літр\\w*|لتر\\w*|litr\\w*", "measure", "l", "1"),
    ("ha|hektar\\w*|hectares?|гектар\\w*", "measure", "ha", "1"),
    ("kw|kilowatt", "measure", "kW", "1"),
    ("°c|grad|degrees?", "measure", "°", "1"),
    ("mb|megabyte\\w*", "measure", "MB", "1"),
    ("mal|malig\\w*|fach\\w*|times|kez|kere|defa|раза?|раз[иі]в?|مرات|fois|razy", "measure", "times", "1"),
)
# Words that are a value by themselves.
WHOLE: tuple[tuple[str, str, str, str], ...] = (
    ("einmal|einmalig|once|дважды(?!.)", "measure", "times", "1"),
    ("zweimal|doppelt\\w*|twice|дважды|двічі|مرتين|مرتان|dwukrotnie", "measure", "times", "2"),
    ("dreimal|трижды|тричі|trzykrotnie", "measure", "times", "3"),
    ("viermal", "measure", "times", "4"),
    ("fünfmal", "measure", "times", "5"),
    ("اسبوعين|اسبوعان", "duration", "day", "14"),
    ("يومين|يومان", "duration", "day", "2"),
    ("شهرين|شهران", "duration", "month", "2"),
    ("سنتين|سنتان|عامين|عامان", "duration", "month", "24"),
    ("ساعتين|ساعتان", "duration", "minute", "120"),
    (
        "(?:ein )?halbes jahr|halben jahres?|half a year|six-month|полгода|півроку|yarım yıl|نصف سنه|نصف سنة|pół roku",
        "duration",
        "month",
        "6",
    ),
    (
        "(?:eine )?halben? stunde|half an hour|полчаса|півгодини|yarım saat|نصف ساعه|نصف ساعة|une demi-heure"
        "|pół godziny",
        "duration",
        "minute",
        "30",
    ),
    ("einen halben tag", "duration", "minute", "720"),
    (
        "(?:die |der |zur )?hälfte|halbe[nrsm]?|half(?! past)|yarı(?:sı|m)\\w*|половин\\w*|نصف|النصف|moitié|demi-\\w+"
        "|połow\\w*",
        "percent",
        "%",
        "50",
    ),
    ("zwei drittel|two thirds|deux tiers", "percent", "%", "66.67"),
    (
        "(?:ein(?:em|es)? )?drittel|(?:a|one) third|üçte bir\\w*|треть\\w*|третин\\w*|ثلث|un tiers",
        "percent",
        "%",
        "33.33",
    ),
    ("drei viertel|three quarters", "percent", "%", "75"),
    (
        "(?:ein(?:em|es)? )?viertel(?! (?:vor|nach|\\w+ uhr))|a quarter of|dörtte bir\\w*|четверт\\w+|un quart de",
        "percent",
        "%",
        "25",
    ),
)
SCALES: tuple[tuple[str, int], ...] = (
    ("tausend|thousand|тысяч\\w*|тисяч\\w*|الف|الاف|mille|tysi\\w+", 1000),
    ("mio|million\\w*|milyon\\w*|миллион\\w*|мільйон\\w*|مليون\\w*|milion\\w*", 1_000_000),
    ("mrd|milliarde\\w*|billion", 1_000_000_000),
)

_DE = (
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn"
    " sechzehn siebzehn achtzehn neunzehn"
)
_EN = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
)
_TENS_DE = {
    "zwanzig": 20,
    "dreißig": 30,
    "vierzig": 40,
    "fünfzig": 50,
    "sechzig": 60,
    "siebzig": 70,
    "achtzig": 80,
    "neunzig": 90,
}
_TENS_EN = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_ONES_DE = ("ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")


def _german() -> dict[str, str]:
    found = {word: str(number) for number, word in enumerate(_DE.split())}
    found |= {word: str(number) for word, number in _TENS_DE.items()}
    for ten, number in _TENS_DE.items():
        found |= {f"{one}und{ten}": str(number + at) for at, one in enumerate(_ONES_DE, 1)}
    return found | {
        "hundert": "100",
        "einhundert": "100",
        "zweihundert": "200",
        "tausend": "1000",
        "eintausend": "1000",
        "anderthalb": "1.5",
        "eineinhalb": "1.5",
        "zweieinhalb": "2.5",
        "beide": "2",
        "beiden": "2",
        "zweier": "2",
        "dreier": "3",
    }


def _english() -> dict[str, str]:
    found = {word: str(number) for number, word in enumerate(_EN.split())}
    found |= {word: str(number) for word, number in _TENS_EN.items()}
    for ten, number in _TENS_EN.items():
        found |= {f"{ten}-{one}": str(number + at) for at, one in enumerate(_EN.split()[1:10], 1)}
    return found | {"both": "2", "hundred": "100"}


def _listed(text: str) -> dict[str, str]:
    """ "word/word=2 …" as a table."""
    return {word: number for entry in text.split() for words, number in [entry.split("=")] for word in words.split("/")}


NUMERALS: dict[str, dict[str, str]] = {
    "de": _german(),
    "en": _english(),
    "tr": _listed(
        "bir=1 iki=2 üç=3 dört=4 beş=5 altı=6 yedi=7 sekiz=8 dokuz=9 on=10 onbir=11 yirmi=20 otuz=30 elli=50 yüz=100"
    ),
    "ru": _listed(
        "один/одна/одного/одной/одну=1 два/две/двух/двумя=2 три/трех/тремя=3 четыре/четырех=4 пять/пяти=5"
        " шесть/шести=6 семь/семи=7 "
        "восемь/восьми=8 девять/девяти=9 десять/десяти=10 двенадцать/двенадцати=12"
        " четырнадцать/четырнадцати=14 двадцать/двадцати=20 тридцать/тридцати=30 оба/обе=2"
    ),
    "uk": _listed(
        "один/одна/одного/однієї/одну=1 два/дві/двох/двома=2 три/трьох/трьома=3 чотири/чотирьох=4"
        ' п"ять/п"яти=5 шість/шести=6 сім/семи=7 '
        'вісім/восьми=8 дев"ять/дев"яти=9 десять/десяти=10 дванадцять/дванадцяти=12'
        " чотирнадцять/чотирнадцяти=14 двадцять/двадцяти=20 тридцять=30 обидва=2"
    ),
    "ar": _listed(
        "واحد/واحده/واحدة=1 اثنان/اثنين/اثنتين=2 ثلاثه/ثلاثة/ثلاث=3 اربعه/اربعة/اربع=4 خمسه/خمسة/خمس=5"
        " سته/ستة/ست=6 سبعه/سبعة/سبع=7 "
        "ثمانيه/ثمانية/ثماني=8 تسعه/تسعة/تسع=9 عشره/عشرة/عشر=10 عشرين/عشرون=20 ثلاثين/ثلاثون=30"
    ),
    "fr": _listed(
        "un/une=1 deux=2 trois=3 quatre=4 cinq=5 six=6 sept=7 huit=8 neuf=9 dix=10 onze=11 douze=12"
        " quatorze=14 quinze=15 vingt=20 trente=30"
    ),
    "pl": _listed(
        "jeden/jedna/jedno/jednego/jednej=1 dwa/dwie/dwóch/dwoma=2 trzy/trzech/trzema=3 cztery/czterech=4"
        " pięć/pięciu=5 sześć/sześciu=6 siedem/siedmiu=7 "
        "osiem/ośmiu=8 dziewięć/dziewięciu=9 dziesięć/dziesięciu=10 dwanaście/dwunastu=12"
        " czternaście/czternastu=14 dwadzieścia=20 trzydzieści=30 obie/oba/oboje=2"
    ),
}
# One, but an article too: a number only before a unit.
ARTICLES: dict[str, tuple[str, ...]] = {
    "de": ("ein", "eine", "einen", "einem", "einer", "eines"),
    "en": ("a", "an", "one"),
    "tr": ("bir",),
    "fr": ("un", "une"),
    "ru": ("один", "одна", "одного", "одной", "одну"),
    "uk": ("один", "одна", "одного", "однієї", "одну"),
    "pl": ("jeden", "jedna", "jedno", "jednego", "jednej"),
}

MONTHS: tuple[str, ...] = (
    "januar|jänner|jan|january|ocak|январ[ья]|січ(?:ень|ня)|يناير|كانون الثاني|janvier|stycze[nń]\\w*|stycznia",
    "februar|feb|february|şubat|феврал[ья]|лют(?:ий|ого)|فبراير|شباط|février|lut(?:y|ego)",
    "märz|mrz|march|mart|март|марта|берез(?:ень|ня)|مارس|اذار|mars|marzec|marca",
    "april|apr|nisan|апрел[ья]|квіт(?:ень|ня)|ابريل|نيسان|avril|kwie(?:cień|tnia)",
    "mai|may|mayıs|ма[йя]|трав(?:ень|ня)|مايو|ايار|maj|maja",
    "juni|jun|june|haziran|июн[ья]|черв(?:ень|ня)|يونيو|حزيران|juin|czerw(?:iec|ca)",
    "juli|jul|july|temmuz|июл[ья]|лип(?:ень|ня)|يوليو|تموز|juillet|lip(?:iec|ca)",
    "august|aug|ağustos|август|августа|серп(?:ень|ня)|اغسطس|اب|août|sierp(?:ień|nia)",
    "september|sept|sep|eylül|сентябр[ья]|верес(?:ень|ня)|سبتمبر|ايلول|septembre|wrze(?:sień|śnia)",
    "oktober|okt|october|oct|ekim|октябр[ья]|жовт(?:ень|ня)|اكتوبر|تشرين الاول|octobre|październik\\w*",
    "november|nov|kasım|ноябр[ья]|листопад\\w*|نوفمبر|تشرين الثاني|novembre|listopad\\w*",
    "dezember|dez|december|dec|aralık|декабр[ья]|груд(?:ень|ня)|ديسمبر|كانون الاول|décembre|grud(?:zień|nia)",
)
WEEKDAYS: tuple[str, ...] = (
    "montag\\w*|mondays?|pazartesi\\w*|понедельник\\w*|понеділ\\w*|الاثنين|lundis?|poniedział\\w*",
    "dienstag\\w*|tuesdays?|salı\\w*|вторник\\w*|вівтор\\w*|الثلاثاء|mardis?|wtor(?:ek|ki|ku)",
    "mittwoch\\w*|wednesdays?|çarşamba\\w*|сред(?:а|у|ы|ам)|серед(?:а|у|и|ам|ах)|الاربعاء|mercredis?|środ(?:a|ę|y|ach)",
    "donnerstag\\w*|thursdays?|perşembe\\w*|четверг\\w*|четвер\\w*|الخميس|jeudis?|czwart(?:ek|ki|ku)",
    'freitag\\w*|fridays?|cuma(?!rtesi)\\w*|пятниц\\w*|п"ятниц\\w*|الجمعه|الجمعة|vendredis?|piąt(?:ek|ki|ku)',
    "samstag\\w*|sonnabend\\w*|saturdays?|cumartesi\\w*|суббот\\w*|субот\\w*|السبت|samedis?|sobot\\w*",
    "sonntag\\w*|sonn(?=-)|sundays?|pazar(?:ları| gün\\w+)|воскресень\\w*|неділ\\w*|الاحد|dimanches?|niedziel\\w*",
)
WEEKDAY_LETTERS = ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")

JOINERS = "bis(?: zu(?:m|r)?)?|-|to|until|till|au|до|ile|ila|à|do|الي|الى|إلى"  # between the ends of a range
ALTERNATIVES = "und|oder|and|or|и|или|і|й|або|та|و|او|et|ou|i|lub|ve|veya"

UP = (
    "ab|mindestens|wenigstens|über|oberhalb|mehr als|älter als|länger als|größer als|seit|nach|frühestens"
    "|erst|von|nicht vor|nicht früher als"
    "|at least|from|over|above|more than|older than|since|after|starting|beginning|no earlier than"
    "|minimum|aged|exceed\\w*|превыша\\w*|перевищ\\w*|dépass\\w*|przekracz\\w*"
    "|en az|не менее|не менше|щонайменше|минимум|мінімум|от|від|с|со|з|старше|старші за|старших|понад"
    "|свыше|более|больше|більше|после|після|начиная с|починаючи з"
    "|من|ابتداء من|اكثر من|فوق|لا يقل عن|علي الاقل|على الاقل|بعد|منذ"
    '|à partir d[e"]|au moins|plus d[e"]|dès|depuis|après|du|au-dessus de|minimum d[e"]'
    "|od|co najmniej|powyżej|ponad|więcej niż|po|starsz\\w+ niż"
)
DOWN = (
    "unter|bis|bis zu|bis zum|bis zur|höchstens|maximal|max|längstens|weniger als|jünger als|vor"
    "|spätestens|unterhalb|nicht über|noch nicht|noch keine|nicht später als"
    "|under|below|up to|until|before|by|at most|no later than|not later than|maximum|less than"
    "|younger than|fewer than|to"
    "|en fazla|azami|до|не позднее|не пізніше|максимум|менее|меньше|менше|младше|молодше|моложе"
    "|حتي|حتى|اقل من|تحت|دون|لا يزيد عن|لا تتجاوز|لا يتجاوز|كحد اقصي|قبل|الي|الى|اقصاه"
    '|jusqu"(?:à|au|en)|moins d[e"]|au plus|au maximum|avant|au|max'
    "|do|najwyżej|poniżej|mniej niż|przed|maksymalnie|młods\\w+ niż"
)
# Of those, prepositions that need not bound a number.
LOOSE = (
    "von|nach|vor|seit|from|to|by|since|after|before|с|со|з|от|від|до|после|після|من|الي|الى|بعد|du|au"
    "|depuis|après|avant|od|do|po|przed"
)
WITHIN = (
    "innerhalb|innerhalb von|binnen|within|в течение|в течении|протягом|впродовж|خلال|في غضون|في خلال"
    '|dans|en l"espace de|sous|w ciągu|w terminie'
)
# "not more than": a comparison after a negation is turned.
NOT = "nicht|keinesfalls|not|no|не|ne|pas|nie|لا|غير|never"
# What may stand between such a word and its value.
FILLERS = (
    "der|die|das|dem|den|des|einem|einer|von|zu|zum|zur|vollendung|etwa|ca|rund|ungefähr|insgesamt|ihrem|jeweils|dass"
    '|the|age|age of|of|a|about|around|approximately|les|la|le|l|un|une|délai|d"âge|de|du|d|wieku|lat|dnia'
    "|возраста|віку|سن|عمر|الساعه|الساعة|يوم|дня|примерно|приблизно|około|environ|yaklaşık|saat|euro|€"
    "|\\$|eur|am|um|at|от|on"
)
UP_AFTER = (
    "über(?:schreit|steig)\\w*|(?:oder|und) (?:älter|mehr|darüber)|(?:or|and) (?:older|more|over|above)"
    "|\\+|على الاقل|علي الاقل|au moins|at least|mindestens|minimum|itibaren|(?:ve )?üze?ri\\w*|üst\\w*|büyük\\w*"
    "|и (?:старше|более)|і (?:старше|більше)|та старші|فاكثر|فما فوق|et plus|(?:i|lub) (?:więcej|starsi|starsze)"
)
DOWN_AFTER = (
    "maximal|höchstens|maximum|at most|au maximum|كحد اقصي|كحد اقصى"
    "|(?:dürfen |darf )?nicht (?:über(?:schreit|steig)\\w*)|eski olma\\w+|geçme\\w+|(?:oder|und) (?:jünger"
    "|weniger)|(?:or|and) (?:younger|less|under)|alt[ıi]\\w*|küçük\\w*|kadar|и младше|та молодші|فاقل"
    "|et moins|lub mniej"
)
WITHIN_AFTER = "içinde|zarfında"
BEFORE = "vor|before|prior to|ahead of|avant|до|перед|przed|önce|قبل"
AFTER = "nach|after|following|після|после|après|po|sonra|بعد"

# Things of city life that a statement in another language can be about, so that one is not taken for another.
SUBJECTS: tuple[str, ...] = (
    "personalausweis\\w*|(?:identity|id) cards?|kimlik\\w*|удостоверени\\w* личности|посвідченн\\w* особи"
    '|بطاقة الهوية|بطاقه الهويه|carte d"identité|dow[oó]d\\w* osobist\\w*',
    "\\w*reisepass\\w*|passports?(?! photo)|pasaport\\w*|(?:загран)?паспорт\\w*|جواز\\w* السفر"
    "|passeports?|paszport\\w*",
    '\\w*führerschein\\w*|fahrerlaubnis\\w*|driv(?:ing|er"s) licen[cs]es?|ehliyet\\w*|водительск\\w+'
    "|водійськ\\w+|رخصة القياده|رخصة القيادة|permis de conduire|praw\\w* jazdy",
    "geburtsurkunde\\w*|birth certificates?|doğum belges\\w*|свидетельств\\w* о рождении"
    "|свідоцтв\\w* про народження|شهادة الميلاد|acte\\w* de naissance|akt\\w* urodzenia",
    "\\w*hunde?\\w*|dogs?|köpe\\w*|собак\\w*|\\w*كلب|\\w*كلاب|chiens?|ps(?:a|y|ów|om|ie)|pies",
    "katzen?\\w*|cats?|kedi\\w*|кошк\\w*|кошек|кіш\\w*|котів|\\w*قطط|chats?|kot(?:y|a|ów)|koty",
    "fahrrad\\w*|fahrräder\\w*|bicycles?|bikes?|bisiklet\\w*|велосипед\\w*|دراج\\w*|vélos?|rower\\w*",
    "auto|autos|pkw|kraftfahrzeug\\w*|cars?|otomobil\\w*|автомобил\\w*|автомобіл\\w*|سياره|سيارة"
    "|voitures?|samoch[oó]d\\w*",
    "garagen?|garages?|garaj\\w*|гараж\\w*|مراب|garaż\\w*",
    "(?:schwimm|frei|hallen|fluss|strand|see|natur)bad\\w*|(?:schwimm|frei|hallen)bäder\\w*|swimming pools?"
    "|havuz\\w*|бассейн\\w*|басейн\\w*|مسبح\\w*|piscines?|basen\\w*",
    "museum\\w*|museen|museums?|müze\\w*|музе\\w*|متحف\\w*|musées?|muze\\w*",
    "\\w*bibliothek\\w*|\\w*bücherei\\w*|librar\\w*|kütüphane\\w*|библиотек\\w*|бібліотек\\w*|مكتبه|مكتبة"
    "|bibliothèques?|bibliotek\\w*",
    "\\w*schule\\w*|\\w*schulen|schools?|okul\\w*|школ\\w*|шкіл\\w*|مدرسه|مدرسة|\\w*المدرسة|écoles?|szkoł\\w*|szkół",
    "kita\\w*|kindergart\\w*|kindergartens?|nurser\\w*|day ?care\\w*|anaokul\\w*|детск\\w+ сад\\w*"
    "|дитяч\\w+ сад\\w*|روضة|روضه|crèches?|przedszkol\\w*|krippe\\w*",
    "elterngeld\\w*|parental (?:allowance|benefit)s?|ebeveyn\\w*|родительск\\w+ пособи\\w*|allocation parentale",
    "wohngeld\\w*|housing (?:benefit|allowance)s?|kira yardım\\w*|жилищн\\w+ пособи\\w*"
    "|житлов\\w+ субсиді\\w*|اعانة السكن|allocation logement|dodat\\w+ mieszkaniow\\w+",
    "eheschließung\\w*|trauung\\w*|heirat\\w*|verlobte\\w*|marriages?|wedding\\w*|evlen\\w*|брак\\w*"
    "|шлюб\\w*|\\w*زواج|mariages?|ślub\\w*|małżeństw\\w*",
    "scheidung\\w*|divorces?|boşan\\w*|развод\\w*|розлученн\\w*|\\w*طلاق|rozwod\\w*|rozwód",
    "parken|park(?:platz|plätze|gebühr|ausweis|schein)\\w*|\\w*parkausweis\\w*|parking|otopark\\w*"
    "|парков\\w*|паркуванн\\w*|stationnement\\w*|parkow\\w*|parkingow\\w*|park kart\\w*",
    "sperrmüll\\w*|müll\\w*|abfall\\w*|abfälle\\w*|waste|rubbish|garbage|trash|çöp\\w*|atık\\w*|мусор\\w*"
    "|отход\\w*|сміття|відход\\w*|نفايات\\w*|déchets?|poubelles?|odpad\\w*|śmieci\\w*",
    "baum|bäume\\w*|bäumen|trees?|ağaç\\w*|дерев\\w*|\\w*شجار|arbres?|drzew\\w*",
    "gewerbe\\w*|trade licen[cs]e\\w*|business registration|işletme\\w*|предпринимател\\w*|підприємн\\w*"
    "|działalnoś\\w*",
    "\\w*markt|\\w*markts|wochenmarkt\\w*|markets?|pazar yeri\\w*|рын\\w+|ринк\\w*|marchés?|targ\\w*",
    "wahl|wahlen|\\w+wahl|wahllokale?|elections?|seçim\\w*|выбор(?:ы|ов|ах)|вибор(?:и|ів|ах)|\\w*نتخابات"
    "|élections?|wybory|wyborów",
    "kirche\\w*|church\\w*|kilise\\w*|церк\\w*|كنيسة|églises?|kości\\w*",
    "krankenhaus\\w*|klinik\\w*|hospitals?|hastane\\w*|больниц\\w*|лікарн\\w*|\\w*مستشفى|\\w*مستشفي|عيادة"
    "|\\w*العيادة|hôpita\\w*|szpital\\w*",
    "rathaus\\w*|town halls?|city halls?|belediye bina\\w*|ратуш\\w*|mairies?|ratusz\\w*",
    "rente|renten|pensions?|emekli\\w*|пенси\\w*|пенсі\\w*|معاش\\w*|retraites?|emerytur\\w*",
    "\\w*pool|\\w*pools|sauna\\w*|saunas?|саун\\w*",
    "vermieter\\w*|wohnungsgeber\\w*|landlord\\w*|ev sahi\\w*|арендодател\\w*|орендодав\\w*|المؤجر|مالك"
    "|propriétaire\\w*|bailleu\\w*|wynajmując\\w*",
    "arbeitgeber\\w*|employers?|işveren\\w*|работодател\\w*|роботодав\\w*|صاحب العمل|employeur\\w*|pracodaw\\w*",
    "arzt|ärzt\\w*|doctors?|physician\\w*|doktor\\w*|врач\\w*|лікар(?!н)\\w*|\\w*طبيب|médecin\\w*|lekarz\\w*",
    "polizei\\w*|police|polis\\w*|полици\\w*|поліці\\w*|\\w*شرطة|policj\\w*",
    "notar\\w*|notar(?:y|ies)|noter\\w*|нотариус\\w*|нотаріус\\w*|كاتب العدل|notaire\\w*|notariusz\\w*",
    "\\w*gericht|\\w*gerichts|courts?|mahkeme\\w*|суд|суда|суду|محكمة|tribuna\\w*|sąd\\w*",
    "botschaft\\w*|konsulat\\w*|embass\\w*|consulate\\w*|büyükelçilik\\w*|konsolosluk\\w*|посольств\\w*"
    "|سفارة|\\w*السفارة|ambassade\\w*|ambasad\\w*",
    "bus|busse|bussen|\\w+bus|buses|otobüs\\w*|автобус\\w*|حافلة|autobus\\w*",
    "musikschule\\w*|music schools?|müzik okul\\w*|музыкальн\\w+ школ\\w*|музичн\\w+ школ\\w*"
    "|école de musique|szkoł\\w* muzyczn\\w*",
)

# How often, or per what: (pattern, the unit and its count as a duration). "im Jahr 2026" is none.
RATES: tuple[tuple[str, str, str, str], ...] = (
    (
        "täglich|pro tag|am tag(?! (?:der|des|vor|nach|danach|davor|zuvor))|je tag|jeden tag|(?:a|per|each"
        "|every) day|daily|günde|günlük"
        "|в день|ежедневно|на день|щодня|يوميا|في اليوم|par jour|dziennie|na dzień",
        "day",
        "day",
        "1",
    ),
    (
        "wöchentlich|pro woche|in der woche|je woche|jede woche|(?:a|per|each|every) week|weekly(?! market)"
        "|haftada|haftalık(?! pazar)"
        "|в неделю|еженедельно|на тиждень|щотижня|اسبوعيا|في الاسبوع|par semaine|tygodniowo|na tydzień|w tygodniu",
        "week",
        "day",
        "7",
    ),
    (
        "monatlich|pro monat|im monat|je monat|jeden monat|(?:a|per|each|every) month|monthly|ayda|aylık"
        "|в месяц|ежемесячно|на місяць|щомісяця"
        "|شهريا|في الشهر|par mois|miesięcznie|na miesiąc|w miesiącu",
        "month",
        "month",
        "1",
    ),
    (
        "vierteljährlich|pro quartal|im quartal|je quartal|pro vierteljahr|im vierteljahr|(?:a|per|each"
        "|every) quarter|quarterly"
        "|в квартал|ежеквартально|на квартал|щокварталу|par trimestre|kwartalnie|na kwartał",
        "quarter",
        "month",
        "3",
    ),
    (
        "jährlich|pro jahr|im jahr(?! \\d)|je jahr|jedes jahr|(?:a|per|each|every) year|yearly|annually|yılda"
        "|yıllık|в год|ежегодно|на рік|щороку"
        "|سنويا|في السنة|في السنه|par an|rocznie|na rok|w roku(?! \\d)",
        "year",
        "month",
        "12",
    ),
)
