"""What is found in a list: kind, encoding, delimiter, header, columns, lines."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.contacts_file import SENTENCES, ContactsFile, LayoutChoice
from campaigns.errors import CampaignError

DATA = Path(__file__).parents[2] / "data"
#: All examples of a test may write into one folder, however long that takes.
SLOW_AND_SHARED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


def read(path: Path, choice: LayoutChoice | None = None, region: str = "RU"):
    with ContactsFile(path, region, choice) as file:
        return file.layout, list(file.rows())


def refused(path: Path, choice: LayoutChoice | None = None) -> CampaignError:
    with pytest.raises(CampaignError) as caught:
        read(path, choice)
    assert caught.value.code in SENTENCES
    assert caught.value.sentence.endswith(".")
    assert "{" not in caught.value.sentence
    return caught.value


def file(tmp_path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path = tmp_path / "list.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


# --- the lists that customers send --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "format", "encoding", "delimiter", "header", "phone", "zone", "rows", "first", "last"),
    [
        ("debts_cp1251.csv", "csv", "cp1251", ";", 1, 0, None, 168, 2, 169),
        ("us_utf8_bom.csv", "csv", "utf-8-sig", ",", 1, 1, 2, 60, 2, 70),
        ("billing.xlsx", "xlsx", "", "", 3, 1, None, 100, 4, 103),
        ("numbers_only.txt", "csv", "utf-8", "", 0, 0, None, 100, 1, 100),
    ],
)
def test_data_files(name, format, encoding, delimiter, header, phone, zone, rows, first, last):
    layout, found = read(DATA / name)
    assert (layout.format, layout.encoding, layout.delimiter) == (format, encoding, delimiter)
    assert (layout.header_line, layout.phone_column, layout.zone_column) == (header, phone, zone)
    assert (len(found), found[0].line, found[-1].line) == (rows, first, last)
    assert layout.notes == {}


# --- encodings ----------------------------------------------------------------------------------------------------

RUSSIAN = "Телефон;ФИО;Сумма\n89005550000;Иванова Анна;1,00\n89005550001;Юсупов Пётр;2,50\n"
CZECH = "Telefon;Jméno;Částka\n601000000;Černý Jiří;1,00\n601000001;Nováková Žofie;2,50\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "cp866", "koi8_r", "utf-16", "utf-16-le"])
def test_russian_encodings(tmp_path, encoding):
    layout, rows = read(file(tmp_path, RUSSIAN, encoding))
    assert layout.columns == ("Телефон", "ФИО", "Сумма")
    assert rows[1].cells == ["89005550001", "Юсупов Пётр", "2,50"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1250", "utf-16"])
def test_czech_encodings(tmp_path, encoding):
    layout, rows = read(file(tmp_path, CZECH, encoding), region="CZ")
    assert layout.columns == ("Telefon", "Jméno", "Částka")
    assert rows[0].cells[1] == "Černý Jiří"


@pytest.mark.parametrize("encoding", ["cp1251", "cp866", "koi8_r"])
@pytest.mark.parametrize("name", ["Юсупов Мария", "ЁЛКИНА АННА", "Цой", "Щербаков Фёдор", "ооо Ромашка", "Хабибуллина"])
def test_one_short_row_is_enough(tmp_path, encoding, name):
    _layout, rows = read(file(tmp_path, f"89005550000;{name}\n", encoding))
    assert rows[0].cells == ["89005550000", name]


def test_letters_far_below_the_beginning_decide_too(tmp_path):
    plain = "".join(f"7900{i:07d};Ivan\n" for i in range(5550000, 5555000))
    layout, rows = read(file(tmp_path, plain + "79005560000;Юсупов Пётр\n", "cp1251"))
    assert layout.encoding == "cp1251"
    assert rows[-1].cells[1] == "Юсупов Пётр"


def test_one_broken_letter_does_not_change_the_encoding(tmp_path):
    content = (RUSSIAN * 20).encode() + b"89005550002;\xd0;1\n"
    layout, rows = read(file(tmp_path, content))
    assert layout.encoding == "utf-8"
    assert rows[0].cells[1] == "Иванова Анна"
    assert layout.notes == {"encoding_errors": 1}


def test_the_encoding_may_be_chosen(tmp_path):
    layout, rows = read(file(tmp_path, RUSSIAN, "cp1251"), LayoutChoice(encoding="cp866"))
    assert layout.encoding == "cp866"
    assert rows[0].cells[1] != "Иванова Анна"
    for name in ("klingon", "base64", "rot13", "", "a\0b", "идна", "idna", "punycode", "utf-7", "unicode_escape"):
        assert refused(file(tmp_path, RUSSIAN), LayoutChoice(encoding=name)).code == "encoding_unknown"


# --- delimiters, quotes, lines ------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_delimiters(tmp_path, delimiter):
    rows = [["Phone", "Name", "Sum"], ["89005550000", "Ivanov, Ivan", "1,5"], ["89005550001", "A; B|C", "2"]]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    layout, found = read(file(tmp_path, text.getvalue()))
    assert layout.delimiter == delimiter
    assert [row.cells for row in found] == rows[1:]


def test_names_with_commas_do_not_win(tmp_path):
    layout, rows = read(file(tmp_path, "89165550000;Ivanov, Ivan\n89165550001;Petrov, Petr\n"))
    assert layout.delimiter == ";"
    assert rows[1].cells == ["89165550001", "Petrov, Petr"]


def test_decimal_commas_do_not_win(tmp_path):
    layout, _rows = read(file(tmp_path, "".join(f"8900555{i:04d};{i},15\n" for i in range(50))))
    assert layout.delimiter == ";"


def test_excels_separator_line(tmp_path):
    layout, rows = read(file(tmp_path, "sep=|\nТелефон|ФИО\n89005550000|Иванов\n"))
    assert (layout.delimiter, layout.header_line, rows[0].line) == ("|", 2, 3)


def test_delimiter_may_be_chosen(tmp_path):
    path = file(tmp_path, "89005550000:a\n89005550001:b\n")
    _layout, rows = read(path, LayoutChoice(delimiter=":"))
    assert rows[0].cells == ["89005550000", "a"]
    assert refused(path, LayoutChoice(delimiter="::")).code == "delimiter_unusable"
    assert refused(path, LayoutChoice(delimiter='"')).code == "delimiter_unusable"


def test_lines_are_those_of_the_file(tmp_path):
    content = 'Phone,Note\r\n\r\n89005550000,"two\r\nlines"\r\n,\r\n89005550001,one\r\n \t,\r\n89005550002,"a ""b"" c"'
    _layout, rows = read(file(tmp_path, content))
    assert [(row.line, row.cells[0]) for row in rows] == [
        (3, "89005550000"),
        (6, "89005550001"),
        (8, "89005550002"),
    ]
    assert rows[0].cells[1] == "two\r\nlines"
    assert rows[2].cells[1] == 'a "b" c'


def test_old_macintosh_lines(tmp_path):
    _layout, rows = read(file(tmp_path, "Phone;Name\r89005550000;a\r89005550001;b\r"))
    assert [row.line for row in rows] == [2, 3]


def test_control_characters_are_removed(tmp_path):
    _layout, rows = read(file(tmp_path, "Phone;Name\n8900\x005550000;a\x07b\x1f\n89005550001;c\n\x1a"))
    assert [row.cells for row in rows] == [["89005550000", "ab"], ["89005550001", "c"]]


def test_ragged_rows(tmp_path):
    layout, rows = read(file(tmp_path, "Phone;Name;\n89005550000\n89005550001;b;c;d\n89005550002;e;\n89005550003;e;\n"))
    assert layout.columns == ("Phone", "Name", "column 3")
    assert layout.fields(rows[0].cells) == {"Phone": "89005550000", "Name": "", "column 3": ""}
    assert layout.fields(rows[1].cells)["column 4"] == "d"


def test_a_quotation_mark_never_closed_swallows_no_rows_in_silence(tmp_path):
    rows = "".join(f"8900555{i:04d};Иванов;Москва\n" for i in range(30))
    error = refused(file(tmp_path, f'Телефон;ФИО;Город\n89005559999;"ООО Ромашка;Тула\n{rows}89005559998;x";y\n'))
    assert error.code == "quote_not_closed"
    assert error.words["line"] == 2
    error = refused(file(tmp_path, "89005550000\n" * 5 + '"89005550001\n' + "89005550002\n" * 10))
    assert (error.code, error.words["line"]) == ("quote_not_closed", 6)


def test_giant_cells(tmp_path):
    good = "89005550000;" + "x" * 65_000 + "\n"
    _layout, rows = read(file(tmp_path, good * 3))
    assert len(rows) == 3
    error = refused(file(tmp_path, "89005550000;a\n" + "89005550001;" + "x" * 70_000 + "\n"))
    assert (error.code, error.words["line"]) == ("field_too_long", 2)
    error = refused(file(tmp_path, '89005550000;a\n89005550001;"' + "x y z\n" * 30_000))
    assert (error.code, error.words["line"]) == ("field_too_long", 2)
    assert refused(file(tmp_path, "89005550000;" + "x" * 3_000_000)).code == "line_too_long"
    error = refused(file(tmp_path, "89005550000;a\n" + "89005550001;b" * 500 + "\n"))
    assert (error.code, error.words["line"]) == ("too_many_columns", 2)


# --- header and columns -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "header", "phone", "rows"),
    [
        ("Телефон\n89005550000\n", 1, 0, 1),
        ("89005550000\n89005550001\n", 0, 0, 2),
        ("Должники за ноябрь\n\nФИО;Телефон\nИванов;89005550000\n", 3, 1, 1),
        ("ФИО;Телефон\nБезномерный;\nИванов;89005550000\n", 1, 1, 2),
        ("ФИО;Телефон\nПусто;нет телефона\nИванов;89005550000\n", 1, 1, 2),
        ("ФИО;Телефон;Долг на 01.12.2026\nИванов;89005550000;5,00\n", 1, 1, 1),
        (";Пусто\n89005550000;Иванов\n", 0, 0, 2),
        ("Телефон;ФИО\n;а\nнет;б\n7,9E+10;в\n", 1, 0, 3),  # no number at all: the name decides
        ("Счёт;Номер\n7701234567;89005550000\n7701234568;89005550001\n", 1, 1, 2),
        ("ИНН;Контакт\n9161234567;89005550000\n9161234568;89005550001\n", 1, 1, 2),
        ("Имя;Дата;Моб.\nа;16.12.2026;89005550000\nб;17.12.2026;89005550001\n", 1, 2, 2),
        ("Телефон 1;Телефон 2\n89005550000;\n89005550001;89005550002\n", 1, 0, 2),
    ],
)
def test_header_and_phone_column(tmp_path, text, header, phone, rows):
    layout, found = read(file(tmp_path, text))
    assert (layout.header_line, layout.phone_column, len(found)) == (header, phone, rows)


def test_header_and_columns_may_be_chosen(tmp_path):
    path = file(tmp_path, "Телефон;Запасной\n89005550000;89005550001\n")
    layout, rows = read(path, LayoutChoice(header_line=0, phone_column=1))
    assert (layout.header_line, layout.phone_column, len(rows)) == (0, 1, 2)
    assert layout.columns == ("column 1", "column 2")
    assert refused(path, LayoutChoice(phone_column=7)).code == "column_unknown"
    assert refused(path, LayoutChoice(zone_column=7)).code == "column_unknown"


def test_zone_and_language_columns(tmp_path):
    text = "Phone;Region;Язык\n89005550000;Asia/Omsk;ru\n89005550001;europe/moscow;en\n89005550002;;\n"
    layout, _rows = read(file(tmp_path, text))
    assert (layout.zone_column, layout.language_column) == (1, 2)
    layout, _rows = read(file(tmp_path, text), LayoutChoice(zone_column=-1, language_column=-1))
    assert (layout.zone_column, layout.language_column) == (None, None)


def test_repeated_and_missing_names(tmp_path):
    layout, rows = read(file(tmp_path, "Phone;Name;;Name\n89005550000;a;b;c\n"))
    assert layout.fields(rows[0].cells) == {"Phone": "89005550000", "Name": "a", "column 3": "b", "Name 2": "c"}


def test_nothing_to_call(tmp_path):
    assert refused(file(tmp_path, "Имя;Город\nИванов;Тула\nПетров;Омск\n")).code == "phone_column_not_found"
    assert refused(file(tmp_path, "\n \n;;\n")).code == "file_has_no_rows"
    assert refused(file(tmp_path, "")).code == "file_empty"
    assert refused(file(tmp_path, "Телефон;Имя\n")).code == "file_has_no_rows"


# --- round trip ---------------------------------------------------------------------------------------------------

LETTERS = st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co", "Zl", "Zp", "Zs"], include_characters="\n ")
CELL = st.text(LETTERS, max_size=20).map(str.strip)
CYRILLIC = st.text("абвгдежзиклмнопрстуфхцчшщыэюяАБВГДЕ ,.\"'-0123456789", max_size=20).map(str.strip)


@settings(max_examples=200, deadline=None, suppress_health_check=SLOW_AND_SHARED)
@given(
    st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=12),
    st.sampled_from([";", ",", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_is_written_is_read(tmp_path, cells, delimiter, encoding, ending):
    rows = [[f"8900555{index:04d}", *row] for index, row in enumerate(cells)]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL).writerows(rows)
    path = file(tmp_path, text.getvalue(), encoding)
    choice = LayoutChoice(delimiter=delimiter, encoding=encoding, header_line=0)
    _layout, found = read(path, choice)
    assert [row.cells for row in found] == rows
    lines, line = [], 1
    for row in rows:
        lines.append(line)
        line += 1 + sum(cell.count("\n") for cell in row)
    assert [row.line for row in found] == lines


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW_AND_SHARED)
@given(
    st.lists(st.tuples(CYRILLIC, CYRILLIC), min_size=1, max_size=12),
    st.sampled_from([";", ",", "\t", "|"]),
    st.sampled_from(["utf-8", "cp1251", "utf-16"]),
)
def test_what_is_written_is_found(tmp_path, cells, delimiter, encoding):
    """Nothing is told: delimiter, header and column are found again whatever stands in the other cells."""
    rows = [["Телефон", "Фамилия, имя", "Заметка"]]
    rows += [[f"8900555{index:04d}", *row] for index, row in enumerate(cells)]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    layout, found = read(file(tmp_path, text.getvalue(), encoding))
    assert (layout.delimiter, layout.header_line, layout.phone_column) == (delimiter, 1, 0)
    assert [row.cells for row in found] == rows[1:]


@settings(max_examples=200, deadline=None, suppress_health_check=SLOW_AND_SHARED)
@given(st.binary(max_size=3000))
def test_rubbish_gives_an_error_or_rows_never_a_traceback(tmp_path, content):
    try:
        read(file(tmp_path, content))
    except CampaignError as error:
        assert error.code in SENTENCES  # noqa: PT017 - either way is right


@pytest.mark.parametrize(
    ("choice", "code", "field"),
    [
        (LayoutChoice(phone_column=-5), "column_unknown", "phone_column"),
        (LayoutChoice(phone_column=9), "column_unknown", "phone_column"),
        (LayoutChoice(zone_column=9), "column_unknown", "zone_column"),
        (LayoutChoice(language_column=9), "column_unknown", "language_column"),
        (LayoutChoice(header_line=99999), "file_has_no_rows", "header_line"),
    ],
)
def test_a_choice_outside_of_the_file_is_named(tmp_path, choice, code, field):
    error = refused(file(tmp_path, RUSSIAN), choice)
    assert (error.code, error.field) == (code, field)
