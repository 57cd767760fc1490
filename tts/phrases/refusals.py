"""Why a value is not spoken: codes and sentences. A wrong amount said aloud is worse than a contact not called."""

from __future__ import annotations

from config.i18n import N_
from tts.errors import PhraseError

SENTENCES = {
    "language_not_spoken": N_("Numbers are not spoken in the language {language}: choose one of {choices}."),
    "currency_not_spoken": N_("The currency {currency} is not spoken: choose one of {choices}."),
    "case_not_spoken": N_("This grammatical case does not exist in the language {language}: choose another."),
    "noun_forms_wrong": N_("Give {count} forms of the counted word in this language, in the order of the example."),
    "number_too_large": N_("{field}: the number is too large to be spoken: numbers are below {limit}."),
    "ordinal_wrong": N_("{field}: an ordinal number is a whole number from 0 to {limit}."),
    "amount_too_fine": N_("{field}: an amount has at most two decimals. Round it in your file."),
    "percent_too_fine": N_("{field}: a percentage has at most three decimals. Round it in your file."),
    "value_missing": N_("{field}: the cell is empty."),
    "value_has_formula": N_("{field}: the cell holds a formula. Save the file with values."),
    "value_has_spreadsheet_error": N_(
        "{field}: the cell holds an error of the spreadsheet, such as #N/A. Mend it there."
    ),
    "value_damaged": N_(
        "{field}: the spreadsheet shortened the number, as in 7.9E+10. Format the column as text and enter it again."
    ),
    "number_wrong": N_("{field}: this is not a number. Write it like 1251.20 or 1 251,20."),
    "number_ambiguous": N_(
        "{field}: this number can be read in two ways, as in 1.251 (over a thousand, or a little over one). "
        "Write it without thousands separators and with two decimals."
    ),
    "number_not_whole": N_("{field}: a whole number is needed here."),
    "currency_differs": N_("{field}: the cell names another currency than the message."),
    "date_wrong": N_("{field}: this is not a date of the calendar. Write it like 2026-12-31 or 31.12.2026."),
    "date_ambiguous": N_("{field}: day and month can be taken for each other here. Write the date like 2026-12-31."),
    "date_year_short": N_("{field}: write the year with four digits."),
    "date_is_number": N_("{field}: the cell holds a bare number. Format the column as a date in the spreadsheet."),
    "time_wrong": N_("{field}: this is not a time of the day. Write it like 14:30."),
    "time_is_number": N_("{field}: the cell holds a bare number. Format the column as a time in the spreadsheet."),
    "digits_wrong": N_("{field}: only digits, letters of the message's language, blanks and - / . can be spelled."),
    "phone_wrong": N_("{field}: this is not a telephone number with its country code."),
    "text_too_long": N_("{field}: the text is longer than {limit} characters."),
}


def refusal(code: str, field: str = "", **words: object) -> PhraseError:
    """The error for this code; ``field`` names the column. The value itself is left out: it may be personal."""
    filled = {"field": field or "?", **words}
    return PhraseError(code, SENTENCES[code].format(**filled), field=field, words=filled)
