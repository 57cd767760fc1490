"""Every setting, typed, with one sentence each; read from the environment and from ``<home>/obzvon.env``.

A wrong value stops the start and names itself (see :func:`load`).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

#: Asterisk reads our paths inside comma- and ampersand-separated arguments, so a home may hold only these.
SAFE_PATH = re.compile(r"^[A-Za-z0-9_./+@-]+$")


#: Settings that ``config.ports`` chooses at the first start of a home.
PORTS = ("web_port", "ami_port", "sip_port", "sip_local_port", "carrier_sip_port", "rtp_start")
#: What a copy consists of; a rehearsal carrier comes with the PBX (OBZVON_REHEARSAL).
PROCESSES = ("redis", "pbx", "web", "jobs", "dial", "beat")
#: Speech engines, in the order in which they are asked.
SPEECH_ENGINES = ("rhvoice", "piper", "espeak-ng", "gtts")
#: Longest path of a folder of unix sockets: the address of a socket holds 107 bytes, and names come after it.
LONGEST_SOCKET_FOLDER = 80
#: Not $TMPDIR: it may be long, and every shell must come to the same folder.
SHORT = Path("/tmp")  # noqa: S108 - folders in it are made by own_folder


def known_zone(name: str) -> str:
    """The name of a time zone, unchanged.

    :raises ValueError: the tz database does not know it.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:  # OSError: a folder of zones, or a name too long
        raise ValueError("not a zone of the tz database, such as Europe/Moscow") from exc
    return name


class SettingsError(Exception):
    """A setting cannot be used; the message names the setting and says what to do."""

    code = "settings_wrong"


def kept_ports(home: Path) -> dict[str, int]:
    """What ``<home>/ports.json`` says, by the names of the settings; nothing when it is not there or damaged."""
    try:
        found = json.loads((home / "ports.json").read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: port for name, port in found.items() if name in PORTS and isinstance(port, int)}


class KeptPorts(PydanticBaseSettingsSource):
    """The ports that this home chose at its first start (``<home>/ports.json``); anything set explicitly wins."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        home = Path(self.current_state.get("home") or os.environ.get("OBZVON_HOME") or "var").expanduser()
        return dict(kept_ports(home))


class Settings(BaseSettings):
    """All settings; the environment wins over the file (prefix ``OBZVON_``)."""

    model_config = SettingsConfigDict(env_prefix="OBZVON_", extra="ignore")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, dotenv_settings, KeptPorts(settings_cls)

    home: Path = Field(Path("var"), description="Folder that holds all state of this copy.")
    runtime: Path = Field(Path(".runtime"), description="Folder with the installed Asterisk; several homes share it.")
    database_url: str = Field("", description="SQLAlchemy address; empty means SQLite inside the home.")
    broker_url: str = Field("", description="Celery broker; empty means the private Redis of this home.")

    web_host: str = Field("127.0.0.1", description="Address on which the pages are served.")
    web_port: int = Field(8080, ge=1, le=65535, description="Port of the pages.")
    web_https: bool = Field(False, description="Pages are reached through HTTPS only: cookies are marked secure.")
    public_url: str = Field(
        "",
        pattern=r"^(https?://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+){0,5}/?)?$",
        description="Address at which people open the pages, such as https://obzvon.example.net; empty: calls name "
        "their card by its path alone.",
    )
    web_proxies: int = Field(0, ge=0, le=5, description="Trusted reverse proxies in front of the pages.")
    ami_port: int = Field(5038, ge=1, le=65535, description="Manager port of our Asterisk, on 127.0.0.1.")
    ami_connect_port: int = Field(
        0, ge=0, le=65535, description="Port at which the dial worker finds the manager, if a proxy stands in between."
    )
    sip_host: str = Field("0.0.0.0", description="Address on which Asterisk speaks SIP to carriers.")  # noqa: S104 - endpoints alone answer
    sip_port: int = Field(5060, ge=1, le=65535, description="SIP port towards carriers.")
    sip_external_host: str = Field(
        "",
        pattern=r"^([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)?$",
        description="Public address behind which carriers find us (NAT); empty: they reach us as we are.",
    )
    sip_local_port: int = Field(
        5070, ge=1, le=65535, description="SIP port on 127.0.0.1 towards the rehearsal carrier."
    )
    carrier_host: str = Field("127.0.0.2", description="Loopback address of the rehearsal carrier.")
    carrier_sip_port: int = Field(5080, ge=1, le=65535, description="SIP port of the rehearsal carrier.")
    rtp_start: int = Field(10000, ge=1024, le=65000, description="First RTP port; 10,000 ports from here are used.")

    sip_hosts: str = Field(
        "",
        pattern=r"^([A-Za-z0-9.-]+(,[A-Za-z0-9.-]+)*)?$",
        description="SIP hosts to which messages may hand callees over, divided by commas; empty: none.",
    )

    queue_wait_s: int = Field(300, ge=1, le=1700, description="Most seconds that a callee waits for an operator.")
    queue_length: int = Field(100, ge=1, le=1000, description="Most callees that wait for an operator at once.")

    rehearsal: bool = Field(True, description="Run the rehearsal carrier, which answers like real people do.")
    rehearsal_record: bool = Field(True, description="Record what the rehearsal callees hear.")

    processes: str = Field(
        ",".join(PROCESSES), description="Processes of this copy, divided by commas; a further node runs pbx,dial."
    )
    node_name: str = Field("main", pattern=r"^[a-z0-9-]{1,20}$", description="Name of this Asterisk node.")
    node_channels: int = Field(200, ge=1, le=5000, description="Most calls at once on this node.")
    node_cps: float = Field(50.0, gt=0, le=5000, description="Most new calls per second on this node.")

    default_region: str = Field("RU", pattern=r"^[A-Z]{2}$", description="Region of numbers without country code.")
    default_timezone: str = Field("Europe/Moscow", description="Zone of new campaigns (tz database name).")
    default_locale: str = Field(
        "en", pattern=r"^(en|ru)$", description="Language of the pages where neither user nor browser chose."
    )

    jobs_workers: int = Field(
        2, ge=1, le=64, description="Processes of a jobs worker; imports and reports leave one of them free."
    )
    web_threads: int = Field(100, ge=2, le=500, description="Threads of the web server; each open live page holds one.")
    max_upload_mb: int = Field(512, ge=1, le=4096, description="Largest file that may be uploaded, MiB.")
    keep_uploads_days: int = Field(30, ge=1, le=3650, description="Days after which uploaded lists are deleted.")
    keep_reports_days: int = Field(7, ge=1, le=3650, description="Days after which reports are deleted.")
    keep_recordings_days: int = Field(7, ge=1, le=3650, description="Days that rehearsal recordings are kept.")
    speech_engines: str = Field(
        ",".join(SPEECH_ENGINES), description="Speech engines in the order in which they are asked, divided by commas."
    )
    speech_cache_mb: int = Field(
        4096, ge=16, le=1_000_000, description="Room for spoken pieces of messages, MiB; those unused longest go."
    )
    piper_voices: str = Field("", description="Folder with voices for piper (x.onnx beside x.onnx.json); empty: none.")
    metrics_token: str = Field(
        "",
        pattern=r"^[!-~]{0,200}$",
        description="Token with which other hosts may read /metrics; empty: this host only.",
    )
    log_level: str = Field("INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$", description="Least level that is logged.")

    @field_validator("default_timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        return known_zone(value)

    @field_validator("processes")
    @classmethod
    def _processes_exist(cls, value: str) -> str:
        names = [name.strip() for name in value.split(",") if name.strip()]
        wrong = [name for name in names if name not in PROCESSES]
        if wrong or not names:
            raise ValueError("name some of " + ", ".join(PROCESSES) + ", divided by commas")
        return ",".join(names)

    @field_validator("public_url")
    @classmethod
    def _without_end(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("speech_engines")
    @classmethod
    def _engines_exist(cls, value: str) -> str:
        names = [name.strip() for name in value.split(",") if name.strip()]
        if not names or set(names) - set(SPEECH_ENGINES):
            raise ValueError("name some of " + ", ".join(SPEECH_ENGINES) + ", divided by commas")
        return ",".join(dict.fromkeys(names))

    @field_validator("home", "runtime")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        path = value.expanduser().absolute()
        if not SAFE_PATH.match(str(path)):
            raise ValueError("the path may hold letters, digits and _ . / + @ - only")
        return path

    @model_validator(mode="after")
    def _fill_addresses(self) -> Settings:
        if not self.database_url:
            self.database_url = f"sqlite:///{self.home}/obzvon.sqlite3"
        if not self.broker_url:
            self.broker_url = self.private_broker
        return self

    @property
    def private_broker(self) -> str:
        """Address of this home's own Redis."""
        return f"redis+socket://{self.sockets}/redis.sock"

    def runs(self, process: str) -> bool:
        """Whether this process belongs to this copy."""
        names = self.processes.split(",")
        if process == "carrier":
            return self.rehearsal and "pbx" in names
        if process == "redis":  # only where it is the broker
            return process in names and self.broker_url == self.private_broker
        return process in names

    @property
    def run(self) -> Path:
        """Rendered configuration and locks of the running copy."""
        return self.home / "run"

    @property
    def logs(self) -> Path:
        """Logs of every process."""
        return self.home / "logs"

    @property
    def sockets(self) -> Path:
        """Folder of unix sockets: ``run``, or a short one when the path is too long for a socket's address."""
        if len(str(self.run)) <= LONGEST_SOCKET_FOLDER:
            return self.run
        digest = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        return SHORT / f"obzvon-{os.getuid()}-{digest}"

    @property
    def sounds(self) -> Path:
        """Messages as Asterisk plays them: ``<sha256>.wav``, 8 kHz mono PCM16."""
        return self.home / "sounds"

    @property
    def played(self) -> Path:
        """Prepared sounds, all in one folder that Asterisk knows as ``o``: ``<stem>.wav``; they can be made again."""
        return self.home / "played"

    @property
    def uploads(self) -> Path:
        """Files as users sent them, under names of our own."""
        return self.home / "uploads"

    @property
    def carrier_log(self) -> Path:
        """The rehearsal carrier's own log, one JSON object per line; the truth for tests."""
        return self.home / "carrier" / "calls.jsonl"

    @property
    def carrier_recordings(self) -> Path:
        """What each rehearsal callee heard: ``<attempt uid>.wav``."""
        return self.home / "carrier" / "heard"


def own_folder(path: Path) -> Path:
    """Make a folder that is ours alone (0700), also where others may write, as in /tmp.

    :raises SettingsError: somebody else made it first.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = path.lstat()
    if path.is_symlink() or status.st_uid != os.getuid():
        raise SettingsError(f"{path} belongs to somebody else; have it removed and start again.")
    path.chmod(0o700)
    return path


def load(env_file: Path | None = None) -> Settings:
    """Read the settings anew.

    :raises SettingsError: a value is wrong; the sentence names the setting.
    """
    home = Path(os.environ.get("OBZVON_HOME", "var"))
    try:
        return Settings(_env_file=env_file or home / "obzvon.env")  # type: ignore[call-arg]
    except ValidationError as exc:
        first = exc.errors()[0]
        name = "OBZVON_" + str(first["loc"][0]).upper() if first["loc"] else "settings"
        message = str(first["msg"]).removeprefix("Value error, ")
        raise SettingsError(f"{name}={first.get('input')!r} cannot be used: {message}.") from exc
    except (UnicodeDecodeError, OSError) as exc:
        raise SettingsError(f"{env_file or home / 'obzvon.env'} cannot be read: save it as UTF-8 text.") from exc


@lru_cache(maxsize=1)
def get() -> Settings:
    """The settings of this process, read once."""
    return load()
