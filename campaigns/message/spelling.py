"""The text of a contact's column in words, as a block of a message wants it said. Pure."""

from __future__ import annotations

from campaigns import phone_numbers
from campaigns.message.blocks import FieldBlock, Say
from campaigns.message.compose import Speller
from tts import phrases
from tts.phrases import Case, Gender, Grouping, fields, values

_KINDS = {
    Say.MONEY: fields.Kind.MONEY,
    Say.WHOLE: fields.Kind.WHOLE,
    Say.DIGITS: fields.Kind.DIGITS,
    Say.ACCOUNT: fields.Kind.DIGITS,
    Say.PHONE: fields.Kind.PHONE,
    Say.DATE: fields.Kind.DATE,
    Say.TIME: fields.Kind.TIME,
    Say.ORDINAL: fields.Kind.ORDINAL,
    Say.PERCENT: fields.Kind.PERCENT,
    Say.TEXT: fields.Kind.TEXT,
}


def speller(region: str) -> Speller:
    """How the bases of a campaign with this region are spoken: numbers and dates as they are written there.

    What it gives raises :class:`tts.errors.PhraseError`; ``field`` of the error is the column.
    """

    def spell(text: str, block: FieldBlock, language: str) -> str:
        if block.say is Say.WHOLE and not block.noun_forms:
            number = values.whole_number(text, region, field=block.column)
            return phrases.cardinal(number, language, Gender(block.gender), Case(block.case), field=block.column)
        if block.say is Say.PHONE:
            text = _with_country(text, region)
        return fields.say(_field(block), text, language, region)

    return spell


def _field(block: FieldBlock) -> fields.Field:
    return fields.Field(
        column=block.column,
        kind=_KINDS[block.say],
        # Dates stand in the case in which something happens on them, unless another one is asked for.
        case=None if block.say is Say.DATE and block.case == "nominative" else Case(block.case),
        currency=block.currency or "",
        gender=Gender(block.gender),
        noun_forms=block.noun_forms,
        with_year=block.with_year,
        grouping=Grouping.ACCOUNT if block.say is Say.ACCOUNT else Grouping.ONE_BY_ONE,
    )


def _with_country(text: str, region: str) -> str:
    """A number as people of this region write it, with its country code; what is no number is refused later."""
    number = phone_numbers.normalize(text, region, costly=True)
    return f"+{number.digits}" if isinstance(number, phone_numbers.Number) else text
