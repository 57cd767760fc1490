"""From a message to the channel variables that its call is made with; the dialplan follows them. Pure.

The dialplan (``config/asterisk/pbx/extensions.conf.j2``, contexts obzvon-flow and after) is the same for all messages.
What is said, which keys mean what and what follows comes with each call, so a call that is up goes on as it was when
the message is edited, and when everything but the PBX is dead.

==================  ==================================================================================================
``OBZ_F_<step>_n``  files of the step, in order, ``o/<stem>&o/<stem>…``; line n goes on where line n-1 ends
``OBZ_I_<step>_n``  the same for what is said after a key that means nothing
``OBZ_S_<step>``    the step: ``mode|timeout|tries|after|otherwise|key 0|…|key 9|key *|key #``; an action is named by
                    the number of its line (two digits) and its place in it; mode: plain, keys, enter (a number is
                    typed while or after the step is spoken)
``OBZ_A_nn``        actions, divided by ``|``; parts of one by ``:``
``OBZ_MOST``        seconds after which the PBX ends the call, whatever it does then; 0: it ends with its message
``OBZ_ZONE_S``      seconds by which the campaign's zone is ahead of UTC
``OBZ_NUMBER``      the callee's number, shown to whom he is handed over
``OBZ_NAME``        his name for the operator's telephone: base64 of UTF-8, since it is text of a user
``OBZ_CALLER``      our number towards an outside number
==================  ==================================================================================================
"""

from __future__ import annotations

import base64
import datetime as dt
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from campaigns.errors import CampaignError
from campaigns.message.blocks import (
    Action,
    Answer,
    BusinessHours,
    Confirm,
    DialNumber,
    DialSip,
    EnterNumber,
    GoTo,
    HangUp,
    Message,
    OptOut,
    Repeat,
    Step,
    Transfer,
)
from campaigns.phone_numbers import Number, is_costly, normalize
from config.i18n import N_
from dialer.gateway import LINE_BYTES, MOST_VARIABLES

SENTENCES = {
    "message_too_large": N_("The message has too many steps, keys or blocks for one call: make it smaller."),
    "handover_number_refused": N_(
        "The message hands over to {number}, which the trunk {trunk} may not dial: change the number or the trunk."
    ),
    "handover_sip_refused": N_(
        "The message hands over to the SIP host {host}, which the administrator has not allowed (OBZVON_SIP_HOSTS)."
    ),
}
#: Before the stem of a file: the PBX's folder of prepared sounds.
FOLDER = "o/"
#: Room for a variable's value in a line to the manager.
VALUE_BYTES = LINE_BYTES - 60
#: Keys in the order in which a step names its actions.
KEYS = "0123456789*#"
#: A number is typed: seconds of silence, and how often it may be tried, where the step has no choice of its own.
ENTER_TIMEOUT_S, ENTER_TRIES = 6.0, 3
#: Longest call: with a hand-over, and with keys or several steps. Without them it is the message's own length.
HANDOVER_MOST_S, KEYS_MOST_S = 1800, 900
#: Bytes of a name that an operator's telephone shows, and what stands there for quotes and backslashes.
NAME_BYTES = 120
_NOT_QUOTED = str.maketrans({'"': "'", "\\": "/"})
#: Seconds that a call may last longer than the sound of its message.
MARGIN_S = 5


@dataclass(frozen=True, slots=True)
class Around:
    """What a call needs to know besides its message."""

    #: The callee's number, E.164 digits, and his name as the base has it.
    number: str = ""
    name: str = ""
    #: The campaign's number towards others.
    caller_id: str = ""
    #: Where a number without its country code belongs: 8 809 … is a Russian premium number, none of Bangladesh.
    region: str = ""
    #: The campaign's zone, for business hours, and the moment of the claim.
    zone: ZoneInfo | None = None
    now: dt.datetime | None = None
    #: How the campaign's trunk dials, and what it may.
    trunk: str = ""
    template: str = ""
    number_prefix: str = ""
    allowed_prefixes: Sequence[str] = ()
    costly_allowed: bool = False
    #: SIP hosts that the administrator allows for hand-overs.
    sip_hosts: Sequence[str] = ()


def variables(message: Message, prompts: Mapping[str, Sequence[str]], around: Around | None = None) -> dict[str, str]:
    """The channel variables of one contact's call.

    :param prompts: stems by place (``Message.spoken``), as ``Prompts`` keeps them under ``p``.
    :raises CampaignError: ``message_too_large``.
    """
    around = around or Around()
    actions = _Actions(around)
    found: dict[str, str] = {}
    for name, step in message.all_steps().items():
        found |= _files(f"OBZ_F_{name}", prompts.get(name, ()))
        found |= _files(f"OBZ_I_{name}", prompts.get(f"{name}.invalid", ()))
        found[f"OBZ_S_{name}"] = _step(step, actions)
    found |= actions.lines()
    found["OBZ_MOST"] = str(_most_s(message))
    found["OBZ_ZONE_S"] = str(_ahead_s(around))
    if around.number:
        found["OBZ_NUMBER"] = around.number
    if around.caller_id:
        found["OBZ_CALLER"] = around.caller_id
    if name := encoded_name(around.name if hands_to_queue(message) else ""):
        found["OBZ_NAME"] = name
    if len(found) > MOST_VARIABLES or any(len(value) > VALUE_BYTES for value in found.values()):
        raise CampaignError("message_too_large", SENTENCES["message_too_large"], field="message")
    return found


def longest_s(message: Message, main_s: float) -> int:
    """The most that a call with this message lasts; the PBX ends it then.

    :param main_s: seconds of the contact's own words.
    """
    return _most_s(message) or math.ceil(main_s) + MARGIN_S


def billed_s(message: Message, main_s: float) -> int:
    """The most that the trunk is used for one call, with the second one that a hand-over to a number makes."""
    return longest_s(message, main_s) * (2 if dials_out(message) else 1)


def dials_out(message: Message) -> bool:
    """Whether a call may take a second channel of the campaign's trunk."""
    return any(isinstance(action, DialNumber) for action in message.actions())


def hands_to_queue(message: Message) -> bool:
    """Whether an operator may get the callee."""
    return any(isinstance(action, Transfer) for action in message.actions())


def refusal(message: Message, around: Around) -> CampaignError | None:
    """The first hand-over of the message that the rules forbid, as a sentence."""
    for action in message.actions():
        if isinstance(action, DialNumber) and not _may_dial(action, around):
            return _refusal("handover_number_refused", {"number": action.number, "trunk": around.trunk})
        if isinstance(action, DialSip) and action.host not in around.sip_hosts:
            return _refusal("handover_sip_refused", {"host": action.host})
    return None


def _refusal(code: str, words: dict[str, object]) -> CampaignError:
    return CampaignError(code, SENTENCES[code].format(**words), field="message", words=words)


def _may_dial(action: DialNumber, around: Around) -> bool:
    number = _digits(action, around)
    allowed = tuple(around.allowed_prefixes)
    within = not allowed or number.startswith(allowed)
    return bool(number) and within and (around.costly_allowed or not is_costly(number))


def _digits(action: DialNumber, around: Around) -> str:
    """The number as a base's cell is read, E.164 digits; '' when it is none that could be called."""
    found = normalize(action.number, around.region, costly=True)
    return found.digits if isinstance(found, Number) else ""


def _most_s(message: Message) -> int:
    """0: the call ends with its message."""
    if any(isinstance(action, Transfer | DialNumber | DialSip) for action in message.actions()):
        return HANDOVER_MOST_S
    if message.steps or message.choice is not None or not isinstance(message.after, HangUp):
        return KEYS_MOST_S
    return 0


def _ahead_s(around: Around) -> int:
    if around.zone is None:
        return 0
    offset = (around.now or dt.datetime.now(dt.UTC)).astimezone(around.zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _files(name: str, stems: Sequence[str]) -> dict[str, str]:
    """Lists of files over as many variables as they need; the dialplan joins them as they are."""
    return _lines(name + "_{}", ["&" * bool(place) + FOLDER + stem for place, stem in enumerate(stems)], "")


def _lines(name: str, parts: Iterable[str], between: str) -> dict[str, str]:
    lines: list[list[str]] = []
    length = VALUE_BYTES + 1
    for part in parts:
        if length + len(between) + len(part) > VALUE_BYTES:
            lines.append([])
            length = 0
        lines[-1].append(part)
        length += len(between) + len(part)
    return {name.format(number): between.join(line) for number, line in enumerate(lines, 1)}


def _step(step: Step, actions: _Actions) -> str:
    choice = step.choice
    if choice is not None:
        keys = [actions.add(choice.keys[key]) if key in choice.keys else "" for key in KEYS]
        head = ["keys", _number(choice.timeout_s), str(choice.tries), "", actions.add(choice.otherwise)]
        return "|".join([*head, *keys])
    mode = "enter" if isinstance(step.after, EnterNumber) else "plain"
    head = [mode, _number(ENTER_TIMEOUT_S), str(ENTER_TRIES), actions.add(step.after), actions.add(HangUp())]
    return "|".join([*head, *[""] * len(KEYS)])


class _Actions:
    """Every different action once, in lines that fit."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._lines: list[list[str]] = []
        self._names: dict[str, str] = {}

    def add(self, action: Action) -> str:
        """The name of this action: its line in two digits, then its place in the line."""
        text = self._text(action)
        if text not in self._names:
            if not self._lines or len("|".join([*self._lines[-1], text])) > VALUE_BYTES:
                self._lines.append([])
            self._lines[-1].append(text)
            self._names[text] = f"{len(self._lines):02d}{len(self._lines[-1])}"
        return self._names[text]

    def lines(self) -> dict[str, str]:
        return {f"OBZ_A_{number:02d}": "|".join(line) for number, line in enumerate(self._lines, 1)}

    def _text(self, action: Action) -> str:
        return ":".join(self._words(action))

    def _words(self, action: Action) -> list[str]:
        match action:
            case Repeat() | HangUp():
                return [action.kind]
            case GoTo():
                return ["goto", action.step]
            case Transfer():
                return ["queue", action.queue, *_otherwise(action)]
            case DialNumber() | DialSip():
                return self._outside(action)
            case BusinessHours():
                return _hours(action)
            case _:
                return _answered(action)

    def _outside(self, action: DialNumber | DialSip) -> list[str]:
        around = self._around
        if isinstance(action, DialSip):
            if action.host not in around.sip_hosts:
                return ["refused", "sip", f"{action.user}@{action.host}", *_otherwise(action)]
            return ["sip", action.user, action.host, str(action.port), *_otherwise(action)]
        if not _may_dial(action, around) or not around.template:
            return ["refused", "number", action.number.lstrip("+"), *_otherwise(action)]
        number = _digits(action, around)
        channel = around.template.replace("{number}", f"{around.number_prefix}{number}")
        return ["number", number, channel.replace("{trunk}", around.trunk), *_otherwise(action)]


def _otherwise(action: Transfer | DialNumber | DialSip) -> list[str]:
    """The step that is said when the hand-over does not come about."""
    return [action.otherwise] if action.otherwise else []


def encoded_name(name: str) -> str:
    """A person's name for the way to the PBX, without padding: letters, digits, + and / only, whatever is in it.

    Control characters would be lines of their own to the manager and to SIP; what is longer than a display is cut.
    SIP writes a quote and a backslash with a backslash before it, which not every telephone takes off.
    """
    shown = "".join(
        sign if sign.isprintable() else " " for sign in unicodedata.normalize("NFC", name.translate(_NOT_QUOTED))
    )
    cut = " ".join(shown.split()).encode(errors="ignore")[:NAME_BYTES].decode(errors="ignore").strip()
    return base64.b64encode(cut.encode()).decode().rstrip("=")


def _answered(action: Action) -> list[str]:
    """Actions after which another step may be spoken; without one the call ends."""
    then = getattr(action, "then", None) or ""
    match action:
        case OptOut():
            return ["optout", then]
        case Confirm():
            return ["confirm", then]
        case Answer():
            return ["answer", then, action.name, action.value]
        case EnterNumber():
            return ["enter", then, action.name, str(action.least), str(action.most)]
        case _:
            raise TypeError(f"an action that the dialplan does not know: {action!r}")


def _hours(action: BusinessHours) -> list[str]:
    """Days from 1 (Monday), the second of the day at which they begin, and how long; past midnight it is one span."""
    begins, ends = (_second_of_day(text) for text in (action.begins, action.ends))
    length = (ends - begins) % 86400 or 86400
    days = "".join(str(day + 1) for day in sorted(set(action.days)))
    return ["hours", days, str(begins), str(length), action.within, action.outside]


def _second_of_day(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 3600 + int(minutes) * 60


def _number(value: float) -> str:
    return f"{value:g}"
