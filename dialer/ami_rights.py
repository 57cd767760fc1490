"""Least rights at the manager interface, checked at every login.

Whoever has our manager user's secret should be able to do what the dial worker does, and no more: place calls, hang
up, look at channels, read and delete outcomes in the call journal. Asterisk gives rights by classes. ``ListCommands``
names every action that this login may use with the classes that open it; an action that none of our classes opens
shows a class too many, whatever the version of Asterisk.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import structlog

from dialer.ami import AmiAnswerError, AmiSession

log = structlog.get_logger(__name__)

#: As in config/asterisk/pbx/manager.conf.j2.
CLASSES = frozenset({"call", "originate", "reporting"})
#: What the dial worker uses.
NEEDED = frozenset({"Originate", "Hangup", "Getvar", "DBGetTree", "CoreStatus", "CoreShowChannels", "Ping"})
TOO_MANY, TOO_FEW = "ami_rights_too_many", "ami_rights_too_few"
_PRIVILEGES = re.compile(r"\(Priv: ([^)]*)\)\s*\Z")


async def fault(session: AmiSession) -> str:
    """A stable code when the rights are not as they must be, or ''. Nothing may be dialled then.

    :raises AmiLostError: the connection ended.
    """
    try:
        commands = await session.action("ListCommands")
    except AmiAnswerError:
        return TOO_FEW
    return judge(commands)


def judge(commands: Mapping[str, Any]) -> str:
    """The same from the answer to ``ListCommands``: ``name -> description (Priv: class,class)``."""
    classes = {
        name: set(found.group(1).split(","))
        for name, text in commands.items()
        if (found := _PRIVILEGES.search(str(text)))
    }
    excess = sorted(name for name, opened_by in classes.items() if not opened_by & (CLASSES | {"<none>"}))
    if excess:
        log.error("ami_user_may_do_too_much", count=len(excess), actions=excess[:20])
        return TOO_MANY
    missing = sorted(NEEDED - set(classes))
    if missing:
        log.error("ami_user_may_do_too_little", actions=missing)
        return TOO_FEW
    return ""
