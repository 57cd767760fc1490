"""The call journal: outcomes that the PBX keeps in its AstDB until we have committed them."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

from dialer.ami import AmiSession
from dialer.call_record import CallRecord

log = logging.getLogger(__name__)

#: As in config/asterisk/pbx/extensions.conf.j2.
FAMILY = "obzvon"
#: Entries are deleted by the function DB_DELETE: the action DBDel needs a class of rights that opens far too much.
KEY = re.compile(r"[0-9A-Za-z_-]{1,64}")


async def read(session: AmiSession) -> dict[str, CallRecord]:
    """All entries by uid. An entry that cannot be read is logged and left where it is."""
    found: dict[str, CallRecord] = {}
    for row in await session.rows("DBGetTree", Family=FAMILY):
        uid = str(row.get("Key", "")).rpartition("/")[2]
        try:
            found[uid] = CallRecord.parse(str(row.get("Val", "")))
        except ValueError:
            log.error("call journal: the entry %s cannot be read: %r", uid, row.get("Val"))
    return found


def forget(session: AmiSession, uids: Iterable[str]) -> None:
    """Delete entries. One that is not there is no error; one that stays because of a fault is read again later."""
    for uid in uids:
        if KEY.fullmatch(uid):
            session.post("Getvar", {"Variable": f"DB_DELETE({FAMILY}/{uid})"})
