"""The kinds of personal data, and what stands in their place."""

from typing import Final, Literal, NamedTuple

Kind = Literal[
    "name",
    "email",
    "phone",
    "iban",
    "tax_id",
    "plate",
    "id_card",
    "birth_date",
    "address",
    "case_number",
    "link",
    "number",  # long, and of no kind that could be told
]

PLACEHOLDERS: Final[dict[Kind, str]] = {
    "name": "[Name]",
    "email": "[E-Mail]",
    "phone": "[Telefon]",
    "iban": "[IBAN]",
    "tax_id": "[Steuer-ID]",
    "plate": "[Kennzeichen]",
    "id_card": "[Ausweis]",
    "birth_date": "[Geburtsdatum]",
    "address": "[Anschrift]",
    "case_number": "[Aktenzeichen]",
    "link": "[Link]",
    "number": "[Nummer]",
}


class Span(NamedTuple):
    """A personal datum in a text."""

    start: int
    end: int
    kind: Kind
