"""The record that the PBX makes of an ended call: the same text in its event and in the call journal."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

#: Fields of the record as config/asterisk/pbx/extensions.conf.j2 writes them.
FIELDS = 8


@dataclass(frozen=True, slots=True)
class CallRecord:
    """What the PBX knows of an ended call; times are seconds of its clock since 1970."""

    cause: int  # Q.850, 0 when there was none
    sip_code: int | None  # the last one that came, 1xx when the call was given up before a final one
    answered: float | None
    message_begins: float | None
    message_ends: float | None
    ended: float
    played_to_end: bool
    technology: str = ""

    @classmethod
    def parse(cls, text: str) -> CallRecord:
        """Read ``cause|sip|answered|begins|ends|ended|played|technology``.

        :raises ValueError: it is not such a record.
        """
        parts = text.split("|")
        if len(parts) != FIELDS:
            raise ValueError(f"a call record has {FIELDS} fields, not {len(parts)}")
        cause, sip, answered, begins, ends, ended, played, technology = parts
        return cls(
            cause=int(cause or 0),
            # Other technologies have a text of their own there, whose digits are no SIP code.
            sip_code=int(sip) if sip and technology == "PJSIP" else None,
            answered=float(answered) if answered else None,
            message_begins=float(begins) if begins else None,
            message_ends=float(ends) if ends else None,
            ended=float(ended),
            played_to_end=played == "SUCCESS",
            technology=technology,
        )

    @property
    def listened_s(self) -> float:
        """Seconds of the message that the callee was there for, by the PBX's clock."""
        if self.message_begins is None:
            return 0.0
        until = self.ended if self.message_ends is None else self.message_ends
        return max(0.0, round(until - self.message_begins, 3))


def utc(seconds: float | None) -> dt.datetime | None:
    """Seconds since 1970 as an aware UTC time in whole milliseconds."""
    if seconds is None:
        return None
    return dt.datetime.fromtimestamp(round(seconds, 3), dt.UTC)
