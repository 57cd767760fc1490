"""The report of a campaign: its numbers, and the Excel workbook with every contact and every attempt (N12, N20)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import func, select

from campaigns import cards, report_rows, step_statistics
from campaigns import report_words as words
from campaigns.base_loading import DUPLICATE
from campaigns.errors import CampaignError
from campaigns.message import compose
from campaigns.models import Contact, FailedHandover
from campaigns.report_sheets import GREEN, RED, YELLOW, Book, Column, Kind, Table, clean, open_book
from campaigns.states import ContactState, Disposition
from config import database

Translate = Callable[[str], str]

#: Result -> the colour of its cell, as on the pages.
COLOURS: Mapping[str, str] = {
    ContactState.REACHED: GREEN,
    ContactState.NOT_REACHED: RED,
    ContactState.PENDING: YELLOW,
    ContactState.UNKNOWN: RED,
}


class ReportCancelled(CampaignError):
    """The writing was cancelled; no file was left."""

    def __init__(self) -> None:
        super().__init__("report_cancelled", "The report was cancelled; ask for it again.", status=409)


def zone_unknown(zone: str) -> CampaignError:
    """The refusal of a zone that the tz database does not have."""
    sentence = f"“{zone[:64]}” is no time zone: choose one such as Europe/Moscow."
    return CampaignError("report_zone_unknown", sentence, field="zone", words={"zone": zone[:64]})


def summary(campaign_id: int) -> dict[str, int]:
    """The campaign's numbers: rows, rejected, duplicates, contacts, reached, not_reached, pending, unknown, attempts.

    :raises CampaignError: ``campaign_missing``.
    """
    found = report_rows.overview(campaign_id)
    with database.read() as session:
        query = select(Contact.state, func.count()).where(Contact.campaign_id == campaign_id).group_by(Contact.state)
        states = {state: int(count) for state, count in session.execute(query)}
    return {
        "rows": sum(base.rows for base in found.bases),
        "rejected": sum(base.rejected for base in found.bases),
        "duplicates": sum(base.duplicates for base in found.bases),
        "contacts": sum(states.values()),
        **{str(state): states.get(state, 0) for state in ContactState},
        "attempts": found.attempts,
    }


def write_workbook(
    campaign_id: int,
    target: Path,
    *,
    translate: Translate = str,
    zone: str,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> None:
    """Write the report as an Excel workbook: summary, contacts, attempts, rejected rows.

    Memory does not grow with the campaign. The file appears whole or not at all. A campaign that runs meanwhile goes
    on running: the summary counts exactly what the sheets hold, each sheet as of the moment it was written.

    :param translate: a text marked in :mod:`campaigns.report_words` to the reader's language.
    :param zone: tz database name; all times are given in it, and it stands in their headings.
    :param progress: gets 0 to 1 about once in 2,000 rows.
    :param cancelled: asked as often; true ends the writing.
    :raises CampaignError: ``campaign_missing``, ``report_zone_unknown``.
    :raises ReportCancelled: ``cancelled`` said so.
    """
    try:
        zone_info = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise zone_unknown(zone) from exc
    found = report_rows.overview(campaign_id)
    with open_book(target, zone_info, found.campaign.name) as book:
        _Report(book, found, translate, zone, progress, cancelled).write()


class _Words(dict[str, object]):
    """Words of a sentence; one that was not kept is three dots."""

    def __missing__(self, key: str) -> str:
        return "…"


class _Report:
    """One workbook being written."""

    def __init__(
        self,
        book: Book,
        found: report_rows.Overview,
        translate: Translate,
        zone: str,
        progress: Callable[[float], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self.book = book
        self.found = found
        self.translate = translate
        self.zone = zone
        self.progress = progress
        self.cancelled = cancelled
        self.all_rows = 2 * found.contacts + found.attempts + sum(b.rejected + b.duplicates for b in found.bases)
        self.done = 0
        self.results: Counter[str] = Counter()
        self.dispositions: Counter[str] = Counter()
        self.base_names = {base.id: base.filename for base in found.bases}

    def _(self, text: str) -> str:
        return self.translate(text).replace("{zone}", self.zone)

    def step(self, rows: int) -> None:
        """Rows were read or written: say how far we are, and stop when that is wanted."""
        self.done += rows
        if self.cancelled is not None and self.cancelled():
            raise ReportCancelled
        if self.progress is not None:
            self.progress(min(1.0, self.done / max(1, self.all_rows)))

    def write(self) -> None:
        """Write all sheets; the summary stands first and is filled last, from what the others got."""
        self.step(0)
        summary_sheet = self.book.sheet(self._(words.SHEET_SUMMARY))
        fields = report_rows.field_names(list(self.base_names), self.step)
        contacts = Table(self.book, self._(words.SHEET_CONTACTS), self.contact_columns(fields))
        attempts = Table(self.book, self._(words.SHEET_ATTEMPTS), self.attempt_columns())
        self.write_contacts(contacts, fields)
        self.write_attempts(attempts)
        self.write_rejected()
        _Summary(self, summary_sheet, attempts.rows).write()
        if self.progress is not None:
            self.progress(1.0)

    def contact_columns(self, fields: list[str]) -> list[Column]:
        return [
            Column(self._(words.LINE), Kind.NUMBER),
            Column(self._(words.BASE)),
            Column(self._(words.NUMBER)),
            *(Column(name) for name in fields),
            Column(self._(words.ZONE)),
            Column(self._(words.RESULT), Kind.CHOICE, self.result_choices()),
            Column(self._(words.ATTEMPTS), Kind.NUMBER),
            Column(self._(words.LAST_DISPOSITION), Kind.CHOICE, self.disposition_choices()),
            *([Column(self._(words.NOT_SAID))] if self.found.campaign.message else []),
            Column(self._(words.LISTENED), Kind.SECONDS),
            Column(self._(words.FIRST_CALL), Kind.TIME),
            Column(self._(words.LAST_CALL), Kind.TIME),
        ]

    def attempt_columns(self) -> list[Column]:
        return [
            Column(self._(words.NUMBER)),
            Column(self._(words.ATTEMPT), Kind.NUMBER),
            Column(self._(words.COUNTED)),
            Column(self._(words.CALLED), Kind.TIME),
            Column(self._(words.ANSWERED), Kind.TIME),
            Column(self._(words.ENDED), Kind.TIME),
            Column(self._(words.DISPOSITION), Kind.CHOICE, self.disposition_choices()),
            Column(self._(words.SIP_CODE), Kind.NUMBER),
            Column(self._(words.CAUSE), Kind.NUMBER),
            Column(self._(words.LISTENED), Kind.SECONDS),
            Column(self._(words.MACHINE)),
            Column(self._(words.MACHINE_CAUSE)),
            Column(self._(words.REACHED_HOW)),
            Column(self._(words.HANDED_TO)),
            Column(self._(words.HANDOVER)),
            Column(self._(words.WAITED), Kind.SECONDS),
            Column(self._(words.TALKED), Kind.SECONDS),
            Column(self._(words.HANDED_BEFORE)),
            Column(self._(words.STEPS)),
            Column(self._(words.DETAIL)),
            Column(self._(words.CARD)),
        ]

    def word(self, table: Mapping[str, str], key: str) -> str:
        return self._(table[key]) if key in table else key

    def place(self, to: str) -> str:
        """Where a callee was handed over to: a queue's name among our words, else as it is."""
        kind, _colon, name = to.partition(":")
        return self._(words.QUEUE).replace("{name}", name) if kind == "queue" else to

    def not_said(self, row: Any) -> str:
        """Why this contact's message was not prepared; empty when it was."""
        if not row.prepare_code:
            return ""
        filled = {"column": row.prepare_column, "field": row.prepare_column, "most": compose.LONGEST_FIELD}
        return self.word(words.PREPARE, row.prepare_code).format_map(_Words(filled))

    def result_choices(self) -> dict[str, tuple[str, str]]:
        return {state: (self._(text), COLOURS[state]) for state, text in words.RESULTS.items()}

    def disposition_choices(self) -> dict[str, tuple[str, str]]:
        return {disposition: (self._(text), "") for disposition, text in words.DISPOSITIONS.items()} | {
            words.IN_PROGRESS: (self._(words.IN_PROGRESS), "")
        }

    def write_contacts(self, table: Table, fields: list[str]) -> None:
        own_zone = self.found.campaign.timezone
        for base_id, base_name in self.base_names.items():
            for page in report_rows.contacts(base_id):
                for row, calls in page:
                    self.results[row.state] += 1
                    table.append(
                        [
                            row.line,
                            base_name,
                            f"+{row.number}",
                            *(row.fields.get(name) for name in fields),
                            row.timezone or own_zone,
                            row.state,
                            row.attempts,
                            row.last_disposition,
                            *([self.not_said(row)] if self.found.campaign.message else []),
                            calls and calls.listened_s,
                            calls and calls.first_at,
                            calls and calls.last_at,
                        ]
                    )
                self.step(len(page))
        table.finish()

    def write_attempts(self, table: Table) -> None:
        counted = {True: self._(words.YES), False: self._(words.NO)}
        for page in report_rows.attempts(self.found.campaign.id):
            ids = [row.id for row in page] if self.found.campaign.message else []
            steps, failed = step_statistics.of_attempts(ids), step_statistics.failed_handovers(ids)
            for row in page:
                disposition = row.disposition or words.IN_PROGRESS
                self.dispositions[disposition] += 1
                table.append(
                    [
                        f"+{row.number}",
                        row.number_of_attempt,
                        counted[row.counted],
                        row.claimed_at,
                        row.answered_at,
                        row.ended_at,
                        disposition,
                        row.sip_code,
                        row.cause,
                        row.listened_s if row.answered_at else None,
                        self.word(words.MACHINES, row.machine),
                        row.machine_cause,
                        self.word(words.REACHED_BY, row.reached_by),
                        self.place(row.handover),
                        self.word(words.HANDOVERS, row.handover_result),
                        row.waited_s,
                        row.talked_s,
                        "; ".join(self.handover(one) for one in failed.get(row.id, ())),
                        "; ".join(step_statistics.told(step, self._) for step in steps.get(row.id, ())),
                        row.detail,
                        cards.address(row.uid),
                    ]
                )
            self.step(len(page))
        table.finish()

    def handover(self, row: FailedHandover) -> str:
        """One that came to nothing, in a short text."""
        return f"{self.place(row.handover)}: {self.word(words.HANDOVERS, row.handover_result)}"

    def write_rejected(self) -> None:
        headings = (words.LINE, words.BASE, words.REASON, words.CELL, words.DETAIL, words.CODE)
        columns = [Column(self._(heading), Kind.NUMBER if heading is words.LINE else Kind.TEXT) for heading in headings]
        table = Table(self.book, self._(words.SHEET_REJECTED), columns)
        for base_id, base_name in self.base_names.items():
            for page in report_rows.rejected(base_id):
                for row in page:
                    reason, detail = self.reason(row.code, row.detail)
                    table.append([row.line, base_name, reason, row.value, detail, row.code])
                self.step(len(page))
        table.finish()

    def reason(self, code: str, detail: str) -> tuple[str, str]:
        """Why a row became no contact, and what the sentence does not say; a code without sentence is shown itself."""
        sentence = words.REASONS.get(code)
        if sentence is None:
            return code, detail
        if code != DUPLICATE:
            return self._(sentence), detail
        base_id, _, line = detail.partition(":")  # where the row stands that was kept
        filename = self.base_names.get(int(base_id), "?") if base_id.isdigit() else "?"
        return self.translate(sentence).format(line=line, filename=filename), ""


class _Summary:
    """The first sheet: what the campaign is, its numbers with a picture, its attempts by disposition, its bases."""

    def __init__(self, report: _Report, sheet: Any, attempts: int) -> None:
        self.report = report
        self.book = report.book
        self.sheet = sheet
        self.attempts = attempts
        self.row = 0

    def write(self) -> None:
        self.sheet.set_column(0, 0, 34)
        self.sheet.set_column(1, 1, 22)
        self.sheet.set_column(2, 6, 18)
        self.head()
        self.numbers()
        self.by_disposition()
        self.by_message()
        self.bases()

    def line(self, *cells: tuple[Any, Any]) -> None:
        """One row of (value, format); numbers as numbers, all else as text."""
        for column, (value, form) in enumerate(cells):
            if isinstance(value, int | float):
                self.sheet.write_number(self.row, column, value, form)
            elif value not in (None, ""):
                self.sheet.write_string(self.row, column, clean(value), form)
        self.row += 1

    def head(self) -> None:
        report, book, campaign = self.report, self.book, self.report.found.campaign
        self.line((campaign.name, book.title))
        self.row += 1
        state = report._(words.CAMPAIGN_STATES.get(campaign.state, campaign.state))
        self.line((report._(words.STATE), book.bold), (state, book.text))
        self.line((report._(words.MESSAGE), book.bold), (report_rows.message_told(campaign), book.text))
        moments = (
            (words.STARTED, campaign.started_at),
            (words.FINISHED, campaign.finished_at),
            (words.WRITTEN, database.utcnow()),
        )
        for label, moment in moments:
            value = None if moment is None else book.serial(moment)
            self.line((report._(label), book.bold), (value, book.time))
        self.row += 1

    def numbers(self) -> None:
        report, book, bases = self.report, self.book, self.report.found.bases
        results = report.results
        contacts = sum(results.values())
        self.line((report._(words.ROWS), book.bold), (sum(b.rows for b in bases), book.number))
        self.line((report._(words.REJECTED), book.bold), (sum(b.rejected for b in bases), book.number))
        self.line((report._(words.DUPLICATES), book.bold), (sum(b.duplicates for b in bases), book.number))
        self.line((report._(words.CONTACTS), book.bold), (contacts, book.number))
        first = self.row
        for state, text in words.RESULTS.items():
            share = results[state] / contacts if contacts else 0.0
            label = (report._(text), book.fill(COLOURS[state]))
            self.line(label, (results[state], book.number), (share, book.share))
        self.line((report._(words.ATTEMPTS), book.bold), (self.attempts, book.number))
        self.row += 1
        if contacts:
            self.picture(first, len(words.RESULTS))

    def picture(self, first: int, count: int) -> None:
        """The result as a ring: green reached, red not reached, yellow still to call (N11)."""
        chart = self.book.workbook.add_chart({"type": "doughnut"})
        fills = ("#2FB344", "#D63939", "#F7C325", "#8A1F1F")
        name = self.sheet.get_name()
        chart.add_series(
            {
                "categories": [name, first, 0, first + count - 1, 0],
                "values": [name, first, 1, first + count - 1, 1],
                "points": [{"fill": {"color": fill}} for fill in fills],
            }
        )
        chart.set_title({"none": True})
        chart.set_size({"width": 380, "height": 260})
        self.sheet.insert_chart(1, 4, chart)

    def by_disposition(self) -> None:
        report, book = self.report, self.book
        self.line((report._(words.BY_DISPOSITION), book.heading), (report._(words.COUNT), book.heading))
        order = [*Disposition, words.IN_PROGRESS]
        for disposition in sorted(report.dispositions, key=lambda d: order.index(d) if d in order else len(order)):
            text = report._(words.DISPOSITIONS.get(disposition, disposition))
            self.line((text, book.text), (report.dispositions[disposition], book.number))
        self.row += 1

    def by_message(self) -> None:
        """What made reached, what callees did at the steps, and hand-overs; of a message with blocks."""
        report, book = self.report, self.book
        if not report.found.campaign.message:
            return
        found = step_statistics.of_campaign(report.found.campaign.id)
        self.counts(words.BY_REACHED, [(report.word(words.REACHED_BY, by), n) for by, n in found.reached_by.items()])
        self.counts(words.BY_STEP, [(step_statistics.told(row, report._), row.count) for row in found.steps])
        if found.handovers:
            headings = (words.BY_HANDOVER, words.COUNT, words.WAITED, words.TALKED)
            self.line(*((report._(heading), book.heading) for heading in headings))
            for row in found.handovers:
                label = (f"{report.place(row.to)}: {report.word(words.HANDOVERS, row.result)}", book.text)
                means = ((round(row.waited_s, 1), book.number), (round(row.talked_s, 1), book.number))
                self.line(label, (row.count, book.number), *means)
            self.row += 1

    def counts(self, heading: str, rows: list[tuple[str, int]]) -> None:
        """A small table of labels and numbers; nothing when there are none."""
        report, book = self.report, self.book
        if not rows:
            return
        self.line((report._(heading), book.heading), (report._(words.COUNT), book.heading))
        for label, count in rows:
            self.line((label, book.text), (count, book.number))
        self.row += 1

    def bases(self) -> None:
        report, book = self.report, self.book
        headings = (words.BASE, words.COMMENT, words.ROWS, words.ACCEPTED, words.REJECTED, words.DUPLICATES)
        self.line(*((report._(heading), book.heading) for heading in headings))
        for base in report.found.bases:
            counts = (base.rows, base.accepted, base.rejected, base.duplicates)
            self.line((base.filename, book.text), (base.comment, book.text), *((n, book.number) for n in counts))
