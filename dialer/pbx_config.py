"""Renders everything that Asterisk reads, for the PBX and for the rehearsal carrier of one home."""

from __future__ import annotations

import math
import os
import re
import struct
import tempfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

import config
from config import secret_store
from config.settings import Settings
from dialer.amd import ASK_FOLDER
from dialer.asterisk_place import Place, installation, place
from dialer.errors import DialerError

TEMPLATES = Path(config.__file__).parent / "asterisk"
#: Sounds that ask for a key, one per language.
ASKED = Path(config.__file__).parent.parent / "assets" / "press_a_key"
#: RTP ports for the PBX, and the same number after them for the carrier.
RTP_PORTS = 5000

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
USERNAME = re.compile(r"[A-Za-z0-9_.+-]{1,100}")
#: Printable ASCII without what Asterisk's configuration reader takes for its own: ``;`` ``\`` and blanks.
SECRET = re.compile(r"[!-:<-\[\]-~]{1,100}")
TEMPLATE = re.compile(r"[A-Za-z0-9]+/[A-Za-z0-9{}@/._-]+")
#: Endpoints of ours that are no trunks: the operators' seats at the rehearsal carrier, and SIP addresses outside.
SEATS = tuple(f"operator-seat-{number}" for number in range(1, 6))
OUTSIDE = "outside"
#: Queues of operators to whom callees may be handed over.
QUEUES = ("operators",)
#: Names that mean something else in the rendered files.
RESERVED_NAMES = {
    *{"global", "system", "pbx", "general", "default", "trunk-endpoint", "transport-local", "transport-udp"},
    *{*SEATS, OUTSIDE},
}
#: What is heard from a rehearsal seat, and from the rehearsal callee who speaks.
SEAT_HZ, CALLEE_HZ = 620.0, 440.0
#: Most times that steps are spoken in one call, and most hand-overs of it; most seconds of ringing outside.
MOST_SPOKEN, MOST_HANDED, DIAL_RING_S = 30, 5, 45
#: Most characters of what a callee did that an operator's telephone is told with the address of the card.
MOST_TOLD = 400

_BOTH_MODULES = (
    "res_timing_timerfd",
    "res_sorcery_config",
    "res_sorcery_memory",
    "res_sorcery_astdb",
    "res_pjproject",
    "res_geolocation",
    "res_statsd",
    "res_crypto",
    "res_http_websocket",
    "res_pjsip",
    "res_pjsip_session",
    "res_pjsip_pubsub",
    "res_pjsip_sdp_rtp",
    "res_pjsip_caller_id",
    "res_pjsip_header_funcs",
    "res_pjsip_authenticator_digest",
    "res_pjsip_endpoint_identifier_ip",
    "res_pjsip_dtmf_info",
    "res_pjsip_rfc3326",
    "res_pjsip_nat",
    "res_rtp_asterisk",
    "chan_pjsip",
    "bridge_simple",
    "codec_alaw",
    "codec_ulaw",
    "codec_a_mu",
    "codec_resample",
    "format_wav",
    "format_pcm",
    "format_sln",
    "func_channel",
    "func_db",
    "func_devstate",  # whether a trunk answers
    "func_hangupcause",
    "func_logic",
    "func_strings",
    "func_timeout",
    "app_playback",
    "app_stack",
    "pbx_config",
)
PBX_MODULES = (
    *_BOTH_MODULES,
    "res_pjsip_outbound_authenticator_digest",
    "res_pjsip_outbound_registration",
    "func_base64",  # names of people come to the dialplan in it
    "func_callerid",
    "func_cut",
    "res_musiconhold",
    "app_amd",
    "app_userevent",
    "app_waitforsilence",
    "app_verbose",
    "app_read",
    "app_queue",
    "app_dial",
)
CARRIER_MODULES = (
    *_BOTH_MODULES,
    "func_env",
    "app_mixmonitor",
    "app_record",
    "app_senddtmf",
    "app_waitforsilence",
    "app_verbose",
    "func_base64",
    "func_callerid",
)


@dataclass(frozen=True, slots=True)
class TrunkConfig:
    """A SIP trunk as it is rendered; ``local`` is the rehearsal carrier, reached over loopback."""

    name: str
    host: str
    port: int = 5060
    username: str = ""
    secret: str = ""
    register: bool = False
    #: Ask the carrier now and then whether it is there. A few never answer that question.
    qualify: bool = True
    local: bool = False

    def check(self) -> TrunkConfig:
        """Refuse whatever could be read as configuration of its own.

        :raises DialerError: with the field at fault.
        """
        if not NAME.fullmatch(self.name) or self.name in RESERVED_NAMES:
            raise DialerError("trunk_name_wrong", "Use small letters, digits and - for the trunk's name.", field="name")
        if not HOST.fullmatch(self.host) or ".." in self.host:
            raise DialerError("trunk_host_wrong", "The trunk's address is a host name or an IP address.", field="host")
        if not 1 <= self.port <= 65535:
            raise DialerError("trunk_port_wrong", "The trunk's port is between 1 and 65535.", field="port")
        if self.username and not USERNAME.fullmatch(self.username):
            raise DialerError(
                "trunk_username_wrong", "The user name may hold letters, digits and _ . + -", field="username"
            )
        if self.secret and (not SECRET.fullmatch(self.secret) or self.secret[0] in "=>"):
            raise DialerError(
                "trunk_secret_wrong",
                "The password may hold printable ASCII characters without blanks, ; and \\, and not begin with = or >.",
                field="secret",
            )
        if (self.secret or self.register) and not self.username:
            raise DialerError("trunk_username_missing", "Give the user name as well.", field="username")
        return self


def render_pbx(settings: Settings, trunks: Sequence[TrunkConfig]) -> None:
    """Write ``<home>/pbx/etc``; a running Asterisk takes it up when told to reload."""
    where = place(settings, "pbx")
    where.make()
    _render(
        "pbx",
        where,
        settings=settings,
        trunks=[trunk.check() for trunk in trunks],
        ami_secret=secret_store.load(settings.home).ami_secret,
        modules=PBX_MODULES,
        data=_data_folder(settings, where),
        music=_hold_music(settings, where),
        seats=SEATS,
        queues=QUEUES,
        most_spoken=MOST_SPOKEN,
        most_handed=MOST_HANDED,
        most_told=MOST_TOLD,
        dial_ring_s=DIAL_RING_S,
        **_rtp(settings, 0),
    )


def render_carrier(settings: Settings) -> None:
    """Write ``<home>/carrier/etc`` and the sounds of its answering machine."""
    where = place(settings, "carrier")
    where.make()
    settings.carrier_log.parent.mkdir(parents=True, exist_ok=True)
    settings.carrier_recordings.mkdir(parents=True, exist_ok=True)
    greeting, beep = where.lib / "greeting", where.lib / "beep"
    seat_tone, callee_tone = where.lib / "seat", where.lib / "callee"
    _write_tones(seat_tone.with_suffix(".wav"), [(SEAT_HZ, 5.0)])
    _write_tones(callee_tone.with_suffix(".wav"), [(CALLEE_HZ, 5.0)])
    _write_tones(greeting.with_suffix(".wav"), _greeting())
    _write_tones(beep.with_suffix(".wav"), [(1000.0, 0.5)])
    _render(
        "carrier",
        where,
        settings=settings,
        greeting=greeting,
        beep=beep,
        seat_tone=seat_tone,
        callee_tone=callee_tone,
        seat_log=seat_log(settings),
        modules=CARRIER_MODULES,
        **_rtp(settings, RTP_PORTS),
    )


def seat_log(settings: Settings) -> Path:
    """The rehearsal seats' own log: a JSON line for each call that rings there, and one when it ends."""
    return settings.carrier_log.with_name("seats.jsonl")


def pbx_command(settings: Settings) -> list[str]:
    """The command that runs the PBX in the foreground."""
    return _command(settings, "pbx")


def carrier_command(settings: Settings) -> list[str]:
    """The command that runs the rehearsal carrier in the foreground."""
    return _command(settings, "carrier")


def _command(settings: Settings, instance: str) -> list[str]:
    return [*installation(settings).command, "-f", "-C", str(settings.home / instance / "etc" / "asterisk.conf")]


def _rtp(settings: Settings, offset: int) -> dict[str, int]:
    first = settings.rtp_start + offset
    last = first + RTP_PORTS - 1
    if last > 65535:
        raise DialerError(
            "rtp_range_wrong",
            f"OBZVON_RTP_START={settings.rtp_start} leaves no room: use at most {65536 - 2 * RTP_PORTS}.",
            field="rtp_start",
        )
    return {"rtp_first": first, "rtp_last": last}


def _render(instance: str, where: Place, **values: Any) -> None:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES / instance),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - not HTML; every value is checked above or comes from typed settings
    )
    for template in sorted(environment.list_templates(extensions=["j2"])):
        text = environment.get_template(template).render(place=where, **values)
        write_atomically(where.etc / template.removesuffix(".j2"), text.encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file so that no reader ever sees half of it; readable by us alone, since some hold secrets."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _data_folder(settings: Settings, where: Place) -> Path:
    """Asterisk's data folder: the installed one, in which ``o/<stem>`` is a prepared sound of ours.

    Names on the way to Asterisk are short so, since a line to the manager holds 1024 bytes only.
    """
    data = where.lib / "data"
    (data / "sounds").mkdir(parents=True, exist_ok=True)
    _link(data / "documentation", where.data / "documentation")
    settings.played.mkdir(parents=True, exist_ok=True)
    _link(data / "sounds" / "o", settings.played)
    _link(data / "sounds" / ASK_FOLDER, ASKED)
    return data


def _link(link: Path, target: Path) -> None:
    if not link.is_symlink() or link.readlink() != target:
        temporary = link.with_name(f".{link.name}.{os.getpid()}.new")
        temporary.symlink_to(target)
        temporary.replace(link)


def _hold_music(settings: Settings, where: Place) -> Path:
    """The folder of the music on hold: what Asterisk's package brought, else a few tones of ours."""
    music = installation(settings).data / "moh"
    if not any(music.glob("*.wav")):
        music = where.lib / "moh"
        music.mkdir(exist_ok=True)
        _write_tones(music / "hold.wav", [(pitch, 0.4) for pitch in (262.0, 330.0, 392.0, 523.0, 392.0, 330.0)] * 5)
    return music


def _greeting() -> list[tuple[float, float]]:
    """Six seconds with the rhythm of speech: syllables of changing pitch, short pauses between words."""
    pitches = (220.0, 262.0, 247.0, 0.0, 294.0, 233.0, 208.0, 0.0)
    tones = [(pitches[index % len(pitches)], 0.15) for index in range(40)]
    return tones


def _write_tones(path: Path, tones: Sequence[tuple[float, float]]) -> None:
    """Tones (Hz, seconds; 0 Hz is silence) as 8 kHz mono PCM16."""
    rate = 8000
    frames = bytearray()
    for pitch, seconds in tones:
        for index in range(int(rate * seconds)):
            envelope = min(1.0, index / 80, (rate * seconds - index) / 80)
            frames += struct.pack("<h", int(9000 * envelope * math.sin(2 * math.pi * pitch * index / rate)))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    with wave.open(str(temporary), "wb") as handle:
        handle.setnchannels(1)
        handle.setsampwidth(2)
        handle.setframerate(rate)
        handle.writeframes(bytes(frames))
    temporary.replace(path)
