"""Why a file cannot be loaded: every code with its sentence."""

from __future__ import annotations

from campaigns.errors import CampaignError
from config.i18n import N_

#: code -> sentence; the names in braces are the error's ``words``.
SENTENCES = {
    "file_empty": N_("The file is empty."),
    "file_has_no_rows": N_("The file holds no rows."),
    "load_failed": N_("The file could not be loaded; save it anew, as CSV, and try again."),
    "file_missing": N_("The uploaded file is gone; load it again."),
    "file_too_large": N_("The file is larger than {limit_mb} MiB; split it."),
    "file_kind_unknown": N_(
        "This is not a list but {kind}; save it as CSV (text with delimiters) or as an Excel workbook (.xlsx)."
    ),
    "file_not_text": N_("The file holds no readable text; save the list as CSV or as an Excel workbook (.xlsx)."),
    "file_password_protected": N_("The workbook is protected by a password; save it without one."),
    "file_damaged": N_("The file is damaged and cannot be read to its end; save it again and load the new one."),
    "file_unpacks_too_large": N_("The workbook unpacks to more than may be loaded; save the list as CSV."),
    "file_unsafe": N_("The workbook holds XML declarations that spreadsheets never write; save the list as CSV."),
    "sheet_too_large": N_("The sheet needs too much memory; save the list as CSV."),
    "sheet_unknown": N_("The workbook has no sheet named {sheet}; it has {sheets}."),
    "encoding_unknown": N_("There is no encoding named {encoding}."),
    "delimiter_unusable": N_("A delimiter is a single character such as ; or , or a tab."),
    "column_unknown": N_("The file has no column {column}; it has {columns}."),
    "phone_column_not_found": N_("No column with phone numbers was found; choose it."),
    "field_too_long": N_(
        "The row at line {line} holds a cell of more than {limit} characters; a quotation mark is probably not closed."
    ),
    "line_too_long": N_("The file has a line of more than {limit_mb} MiB; it is probably not a list."),
    "quote_not_closed": N_(
        "The quotation mark opened at line {line} is closed only at line {last_line}, after other rows."
    ),
    "cell_too_long": N_("The column {column} holds more than {limit} characters, or its name does."),
    "row_too_wide": N_("There are {count} columns; at most {limit} are allowed."),
    "too_many_columns": N_("The row at line {line} has {count} columns; at most {limit} are allowed."),
}


def file_error(code: str, *, field: str = "file", status: int = 400, **words: object) -> CampaignError:
    """The error with this code; ``words`` fill its sentence."""
    return CampaignError(code, SENTENCES[code].format(**words), field=field, status=status, words=words)
