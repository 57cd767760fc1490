"""``make demo``: a whole campaign in a home of its own, through the rehearsal carrier, to an Excel report."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config import settings, supervisor
from config.errors import ObzvonError
from config.settings import SettingsError
from web import background

HOME = supervisor.ROOT / "demo-home"
ASSETS = supervisor.ROOT / "assets"
#: Speaks an amount and a date from the columns of the sample base.
SPOKEN = ASSETS / "sample_message.json"
RING_S = 12
#: Nothing is expected to take this long for a list that a person would try; 1,000 numbers take 3 minutes.
LIMIT_S = 3600.0


class DemoError(ObzvonError):
    """The demonstration cannot go on; the sentence says why."""


@dataclass(frozen=True)
class Options:
    """What the caller may choose, from the environment (``make demo BASE=… CHANNELS=…``)."""

    base: Path
    report: Path
    channels: int
    attempts: int
    retry_s: int
    heard_s: float

    @classmethod
    def of(cls, words: Mapping[str, str]) -> Options:
        """Read the words of the command.

        :raises DemoError: one of them cannot be used; names it.
        """
        return cls(
            base=_path(words.get("BASE") or str(ASSETS / "sample_base.csv")),
            report=_path(words.get("REPORT") or "demo-report.xlsx"),
            channels=int(_number(words, "CHANNELS", 60, 1, 1000)),
            attempts=int(_number(words, "ATTEMPTS", 3, 1, 50)),
            retry_s=int(_number(words, "RETRY_S", 5, 1, 86400)),
            heard_s=_number(words, "HEARD_S", 4, 0, 3600),
        )


def _path(text: str) -> Path:
    return Path(os.path.expanduser(text)).absolute()


def _number(words: Mapping[str, str], name: str, default: float, least: float, most: float) -> float:
    text = words.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not least <= value <= most:
        raise DemoError("option_wrong", f"{name}={text} cannot be used: give a number from {least:g} to {most:g}.")
    return value


def main() -> int:
    """Run it; exit code 0, 1 for a fault, 2 for a base that cannot be read."""
    started = time.monotonic()
    copy = None
    try:
        options = Options.of(os.environ)
        _base_can_be_read(options.base)
        _report_can_be_written(options.report)
        _wipe(HOME)
        copy = background.BackgroundCopy(HOME, {"OBZVON_NODE_CHANNELS": str(max(200, options.channels))})
        _say("Starting Asterisk, the rehearsal carrier and the workers …")
        copy.start()
        return _campaign(options, copy, started)
    except _BaseUnreadable as exc:
        return _refuse(str(exc))
    except (SettingsError, ObzvonError) as exc:
        _say(str(exc))
        return 1
    except KeyboardInterrupt:
        _say("\nInterrupted.")
        return 130
    finally:
        if copy is not None:
            copy.stop()


class _BaseUnreadable(Exception):
    pass


def _refuse(sentence: str) -> int:
    _say(sentence)
    return 2


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _report_can_be_written(report: Path) -> None:
    """Open it: only that tells. A file that was not there is not left behind.

    :raises DemoError: it cannot be written.
    """
    try:
        there = report.exists()
        if there and not report.is_file():  # opening a pipe would wait for its reader
            raise _report_unwritable(report)
        report.open("ab").close()
        if not there:
            report.unlink()
    except OSError as exc:
        raise _report_unwritable(report, exc) from exc


def _report_unwritable(report: Path, exc: OSError | None = None) -> DemoError:
    why = f" ({exc.strerror})" if exc is not None else ""
    return DemoError(
        "report_unwritable", f"REPORT={report} cannot be written{why}: choose a file in a folder of yours."
    )


def _base_can_be_read(base: Path) -> None:
    """Find out before anything is started.

    :raises _BaseUnreadable: with the sentence that the page would show.
    """
    from campaigns import bases
    from campaigns.errors import CampaignError

    try:
        if not base.is_file():
            raise _BaseUnreadable(f"{base} is not there, or is no file.")
        bases.preview(base, base.name, region=str(settings.Settings.model_fields["default_region"].default))
    except CampaignError as exc:
        raise _BaseUnreadable(str(exc)) from exc
    except OSError as exc:
        raise _BaseUnreadable(f"{base} cannot be read ({exc.strerror}).") from exc


def _wipe(home: Path) -> None:
    """Every demonstration begins from nothing, also after one that was killed."""
    from web import first_start

    if home.exists():
        os.environ["OBZVON_HOME"] = str(home)
        current = settings.load()
        first_start.make_folders(current)
        with first_start.lock_home(current):  # refuses while another demonstration runs
            supervisor.end_leftovers(home)
            shutil.rmtree(home)


def _campaign(options: Options, copy: background.BackgroundCopy, started: float) -> int:
    from config.app import create_base_app

    os.environ.update({k: v for k, v in copy.environment.items() if k.startswith("OBZVON_")})
    for name in [name for name in os.environ if name.startswith("OBZVON_") and name not in copy.environment]:
        del os.environ[name]
    settings.get.cache_clear()
    with create_base_app(settings.get()).app_context():
        from campaigns import reports, service

        campaign_id = _make(options)
        _load(options, campaign_id)
        _say(_speak(campaign_id))
        if service.counts([campaign_id])[campaign_id].contacts:
            _wait_for_dial_worker(campaign_id)
            service.start(campaign_id)
            _follow(campaign_id, copy)
        try:
            reports.write_workbook(campaign_id, options.report, zone=settings.get().default_timezone)
        except OSError as exc:
            raise _report_unwritable(options.report, exc) from exc
        summary = reports.summary(campaign_id)
    copy.stop()
    _say(f"Report: {options.report}")
    keys = ("rows", "rejected", "duplicates", "contacts", "reached", "not_reached", "pending", "unknown", "attempts")
    answer = {key: summary[key] for key in keys} | {"seconds": round(time.monotonic() - started, 1)}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    return 0


def _wait_for_dial_worker(campaign_id: int) -> None:
    """The pages answer a moment before the dial worker has its connection."""
    from campaigns import service

    deadline = time.monotonic() + 30
    while service.start_problems(campaign_id) and time.monotonic() < deadline:
        time.sleep(0.2)


def _make(options: Options) -> int:
    """A campaign that may call now, whatever the hour: nobody but the rehearsal carrier is called."""
    from sqlalchemy import select

    from campaigns import service
    from campaigns.windows import CallingWindows
    from config import database
    from dialer.models import Trunk, TrunkKind

    with database.read() as session:
        trunk_id = session.scalars(select(Trunk.id).where(Trunk.kind == TrunkKind.REHEARSAL)).first()
    form = service.CampaignForm(
        name="Demonstration",
        trunk_id=trunk_id,
        channel_limit=options.channels,
        attempts=options.attempts,
        ring_s=RING_S,
        notification_s=options.heard_s,
        retry_s=options.retry_s,
        windows=CallingWindows.always().to_json(),
    )
    campaign_id = service.create(form, by="demo")
    service.set_sound(campaign_id, ASSETS / "sample_message.wav", "sample_message.wav")
    return campaign_id


def _load(options: Options, campaign_id: int) -> None:
    """Load the base through the jobs worker, as a page would.

    :raises _BaseUnreadable: with the sentence that the page would show.
    """
    from campaigns import bases
    from campaigns.models import ContactBase
    from campaigns.states import BaseState
    from config import database

    base_id = bases.add(campaign_id, options.base, options.base.name, by="demo")
    progress = Progress()
    while True:
        with database.read() as session:
            base = session.get(ContactBase, base_id)
        assert base is not None
        if base.state == BaseState.READY:
            progress.end(f"Loaded {base.rows} rows: {base.accepted} contacts, {base.rejected} rejected.")
            return
        if base.state in (BaseState.FAILED, BaseState.CANCELLED):
            raise _BaseUnreadable(base.error_detail or f"The base cannot be loaded ({base.error_code}).")
        progress.show(f"Loading {options.base.name}: {base.progress:.0%}")
        time.sleep(0.2)


def _speak(campaign_id: int) -> str:
    """Have everybody hear his own amount and date, if the base has them and somebody can say them.

    :returns: what will be heard.
    """
    from campaigns import service
    from campaigns.message.blocks import Message

    message = Message.model_validate_json(SPOKEN.read_text(encoding="utf-8"))
    columns = sorted(message.columns())
    if _has_columns(campaign_id, columns):
        service.set_message(campaign_id, message)
        if not any(problem.field == "message" for problem in service.start_problems(campaign_id)):
            return f"Everybody hears his own values of {' and '.join(columns)}."
        service.set_message(campaign_id, None)
    return "Everybody hears the same recorded message."


def _has_columns(campaign_id: int, columns: list[str]) -> bool:
    from sqlalchemy import select

    from campaigns.models import ContactBase
    from config import database

    with database.read() as session:
        layouts = session.scalars(select(ContactBase.layout).where(ContactBase.campaign_id == campaign_id)).all()
    return all(set(columns) <= set((layout or {}).get("columns") or ()) for layout in layouts)


def _follow(campaign_id: int, copy: background.BackgroundCopy) -> None:
    """Show the numbers until the campaign is finished.

    :raises DemoError: it was paused by the product, the copy ended, or it takes too long.
    """
    from campaigns import service
    from campaigns.states import CampaignState

    progress = Progress()
    deadline = time.monotonic() + LIMIT_S
    while True:
        campaign = service.get(campaign_id)
        now = service.counts([campaign_id])[campaign_id]
        progress.show(
            f"reached {now.reached}  not reached {now.not_reached}  to call {now.pending}"
            f"  calls up {now.open}  attempts {now.attempts}"
        )
        if campaign.state == CampaignState.FINISHED:
            progress.end("Finished.")
            return
        if campaign.state != CampaignState.RUNNING:
            sentence = f"The campaign is {campaign.state}: {campaign.state_code} {campaign.state_detail}".strip()
            raise DemoError("paused", sentence)
        if not copy.running:
            raise DemoError("ended", f"The processes ended early; see {copy.home / 'logs'}.")
        if time.monotonic() > deadline:
            raise DemoError("too_long", f"Not finished after {LIMIT_S / 60:.0f} minutes; see {copy.home / 'logs'}.")
        time.sleep(0.5)


class Progress:
    """One line that changes in a terminal; a line now and then in a file."""

    EVERY_S = 5.0

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._next = 0.0

    def show(self, text: str) -> None:
        """Tell how far it is."""
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + self.EVERY_S
            _say(text)

    def end(self, text: str) -> None:
        """The last word."""
        _say(("\r\x1b[K" if self._terminal else "") + text)
