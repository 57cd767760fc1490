"""Places calls on one Asterisk, follows them, and hands exactly one result per call to the ledger.

Two threads: one runs an asyncio loop with the AMI connection, the other (:mod:`dialer.recorder`) talks to the ledger.
What Asterisk did while nobody listened is found in its journal and its list of channels: :mod:`dialer.settling`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import structlog

from config import secret_store
from config.settings import Settings
from dialer import ami_rights, events, journal, pbx_control
from dialer.ami import AmiAddress, AmiClient, AmiError, AmiLostError, AmiSession, AmiState, AmiTimes
from dialer.call_tracker import CallState, TrackedCall, no_channel, not_placed, result_of
from dialer.calls import UID_LENGTH, CallLedger, CallRequest, CallResult, OpenCall
from dialer.crash_points import crash_point
from dialer.recorder import Recorder
from dialer.settling import Settler, SettleTimes

log = structlog.get_logger(__name__)

T = TypeVar("T")

NUMBER = re.compile(r"\+?[0-9]{2,25}")  # a trunk's prefix and up to 15 digits
DIGITS = re.compile(r"[0-9]{0,20}")
UID = re.compile(rf"[0-9a-z]{{{UID_LENGTH}}}")
SOUND = re.compile(r"[A-Za-z0-9_-]{1,100}")
CHANNEL = re.compile(r"[A-Za-z0-9]+/[A-Za-z0-9+@/._-]+")
CHANNEL_NAME = re.compile(r"[A-Za-z0-9]+/[A-Za-z0-9+@/:;._-]+")
VARIABLE = re.compile(r"OBZ_[A-Za-z0-9_]{1,40}")
#: No comma, quote, bracket, dollar or line break: nothing that Asterisk would read as more than a text.
VALUE = re.compile(r"[A-Za-z0-9_.:|&@/+*#~-]*")
#: A line to the manager holds 1024 bytes, a message 128 lines.
LINE_BYTES, MOST_VARIABLES = 1000, 100
#: The variable of a message with steps: such a call goes through them.
FLOW = "OBZ_S_main"
#: How long an ended uid is remembered, so that nothing places it again or ends it a second time. One that was given up
#: could still come up, however late; one whose end the PBX told is past, and at 500 calls a second they would fill
#: memory.
REMEMBER_S = 600.0
REMEMBER_TOLD_S = 20.0
#: A call claimed longer ago is not placed: Stop may have been pressed, the window may have closed.
PLACE_WITHIN_S = 1.0
#: After so long with wrong rights we log in anew: they may have been mended, and count from the login on.
RIGHTS_AGAIN_S = 30.0
#: An Asterisk that says nothing for so long (it is pinged twice a second) may be frozen: what we send would go out
#: when it wakes, however late that is.
SILENT_S = 1.5


class Gateway:
    """The one connection of a node's dial worker to its Asterisk. All public methods are thread safe."""

    def __init__(
        self,
        settings: Settings,
        ledger: CallLedger,
        app_context: Callable[[], AbstractContextManager[object]],
        *,
        ami_times: AmiTimes | None = None,
        settle_times: SettleTimes | None = None,
    ) -> None:
        self._settings = settings
        port = settings.ami_connect_port or settings.ami_port
        address = AmiAddress("127.0.0.1", port, "obzvon", secret_store.load(settings.home).ami_secret)
        self._client = AmiClient(address, ami_times)
        self._recorder = Recorder(ledger, app_context, self._results_recorded, self._count_live)
        self._settler = Settler(self, settle_times or SettleTimes())
        self._calls: dict[str, TrackedCall] = {}
        self._ended: dict[str, float] = {}  # uid -> until when it is remembered, monotonic seconds
        self._boot: str | None = None
        self._trouble = ""
        #: When every open call was compared with what the PBX has, last after a gap; seconds since 1970.
        self.reconciled_at: float | None = None
        self._reload_wanted = False
        self._session: AmiSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._thread: threading.Thread | None = None
        self._started = threading.Event()

    # ------------------------------------------------------------------ for the owner, from any thread

    def start(self) -> None:
        """Begin to connect; returns at once. ``boot`` says when calls can be placed."""
        self._recorder.start()
        self._thread = threading.Thread(target=self._run_loop, name="gateway-ami", daemon=True)
        self._thread.start()
        self._started.wait(5)

    def stop(self, timeout_s: float = 5) -> None:
        """End both threads. Calls that are up go on; the next start finds them."""
        self._boot = None
        until = time.monotonic() + timeout_s
        loop, main = self._loop, self._main
        if loop is not None and main is not None and self._thread is not None and self._thread.is_alive():
            loop.call_soon_threadsafe(main.cancel)
            self._thread.join(timeout_s)
        self._recorder.stop(max(0.2, until - time.monotonic()))

    @property
    def boot(self) -> str | None:
        """Since when the connected PBX runs, once every gap is settled; None: claim nothing now."""
        session, boot = self._session, self._boot
        return boot if session is not None and session.silent_s < SILENT_S else None

    @property
    def trouble(self) -> str:
        """A stable code when the PBX is connected but must not be used, else ''."""
        return self._trouble

    @property
    def state(self) -> AmiState:
        """The connection's state, for an operator."""
        return self._client.state

    def place(self, requests: Sequence[CallRequest]) -> None:
        """Send these calls; each ends in one result for the ledger, also when it cannot be sent."""
        boot = self._boot
        if boot is None or self._loop is None:
            for request in requests:
                self._finish(not_placed(request.uid, "Asterisk is not connected"))
            return
        now = time.monotonic()
        for request in requests:
            if request.uid not in self._ended:
                self._calls.setdefault(request.uid, TrackedCall(request.uid, boot, now))
        self._loop.call_soon_threadsafe(self._place_all, tuple(requests), boot)

    def live_uids(self) -> set[str]:
        """The calls that are followed now."""
        return set(self._calls)

    def reload(self) -> None:
        """Have Asterisk read its rendered SIP configuration again; when it is away, after the next connection."""
        self._reload_wanted = not pbx_control.reload_sip(self._settings)

    def hangup(self, uids: Iterable[str]) -> None:
        """End these calls; their results come as those of any other call."""
        self._soon(self._hang_up, tuple(uids))

    def ask(self, question: Callable[[AmiSession], Coroutine[Any, Any, T]], timeout_s: float = 10) -> T:
        """Ask the PBX something on this connection and wait for the answer.

        :raises AmiError: not connected, refused, or no answer in time.
        """
        loop, session = self._loop, self._session
        if loop is None or session is None or loop.is_closed():
            raise AmiLostError
        asked = asyncio.run_coroutine_threadsafe(question(session), loop)
        try:
            return asked.result(timeout_s)
        except TimeoutError as exc:
            asked.cancel()
            raise AmiLostError(f"Asterisk did not answer within {timeout_s:g} s.") from exc

    # ------------------------------------------------------------------ loop thread: connection

    def _run_loop(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._main = asyncio.current_task()
        self._started.set()
        try:
            await self._client.run(self._serve)
        except asyncio.CancelledError:
            pass
        finally:
            self._boot = None
            self._session = None

    async def _serve(self, session: AmiSession) -> None:
        """One connection: take events from the first moment, settle the gap, then sweep."""
        self._session = session
        consumer = asyncio.ensure_future(self._consume(session))
        try:
            if self._reload_wanted:
                asyncio.get_running_loop().run_in_executor(None, self.reload)
            self._trouble = await ami_rights.fault(session)
            boot = await self._settler.settle_gap(session)
            if self._trouble:  # outcomes are taken, nothing is dialled
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._settler.sweep_for_ever(session, boot), RIGHTS_AGAIN_S)
                return
            self._boot = boot
            self.reconciled_at = time.time()
            log.info("pbx_connected", boot=boot)
            await self._settler.sweep_for_ever(session, boot)
        finally:
            self._boot = None
            self._session = None
            consumer.cancel()

    async def _consume(self, session: AmiSession) -> None:
        """The one consumer of the event queue. Nothing that goes wrong with one event may stop the next."""
        while True:
            message = await session.events.get()
            try:
                self._handle(message)
            except Exception:
                log.exception("event_not_used", name=message.get("Event"))

    def _handle(self, message: Mapping[str, Any]) -> None:
        event = events.parse(message)
        if isinstance(event, events.Ended):
            crash_point("after_end_event")
            self._finish(result_of(event.uid, event.record))
        elif isinstance(event, events.Answered):
            self._answered(event.uid)
        elif isinstance(event, events.OriginateFailed):
            call = self._calls.get(event.uid)
            if call is not None:
                call.originate_failed(event.reason, time.monotonic())
                self._settler.wake()
        elif isinstance(event, events.ShuttingDown):
            self._boot = None

    def _answered(self, uid: str) -> None:
        call = self._calls.get(uid)
        if call is not None:
            call.answered()
        elif uid in self._ended:
            # We said that it was never placed; it must not go on, since the person may be called again.
            log.error("call_up_after_it_was_given_up", attempt=uid, done="hanging up")
            self._hang_up((uid,))
        crash_point("after_answer_event")

    # ------------------------------------------------------------------ loop thread: calls

    def _place_all(self, requests: Sequence[CallRequest], boot: str) -> None:
        session = self._session
        sent: list[str] = []
        for request in requests:
            if request.uid in self._ended:
                self._calls.pop(request.uid, None)
                continue
            if session is None or boot != self._boot:
                self._finish(not_placed(request.uid, "the connection to Asterisk was lost before the call"))
                continue
            if time.monotonic() - request.claimed > PLACE_WITHIN_S:
                self._finish(not_placed(request.uid, "it came too late: the campaign may have been stopped since"))
                continue
            if self._place(session, request):
                sent.append(request.uid)
        if sent:
            log.info("calls_sent", attempts=sent)

    def _place(self, session: AmiSession, request: CallRequest) -> bool:
        try:
            headers = originate_headers(request, self._settings.sounds)
            crash_point("originate_before_send")
            session.post("Originate", headers, lambda answer: self._originate_answered(request.uid, answer))
            crash_point("originate_after_send")
        except (AmiError, ValueError) as exc:
            log.error("call_not_sent", attempt=request.uid, error=str(exc))
            self._finish(not_placed(request.uid, str(exc)))
            return False
        return True

    def _originate_answered(self, uid: str, answer: Mapping[str, Any]) -> None:
        if answer.get("Response") == "Error":
            why = str(answer.get("Message", ""))
            log.error("call_refused_by_pbx", attempt=uid, why=why)
            self._finish(not_placed(uid, why))

    def _finish(self, result: CallResult) -> None:
        """Hand over the one result of a call. A second one of the same call goes no further."""
        self._calls.pop(result.uid, None)
        if result.uid in self._ended:
            return
        self._remember(result)
        if result.detail.startswith("unlisted"):
            log.warning("outcome_not_in_the_table", attempt=result.uid, detail=result.detail)
        self._recorder.put(result)

    def _results_recorded(self, uids: Sequence[str]) -> None:
        """Recorder's thread: these are committed, the PBX may forget them."""
        self._soon(self._forget, uids)

    def _forget(self, uids: Sequence[str]) -> None:
        session = self._session
        if session is None or not uids:
            return  # without a session: the next settling finds the entries
        try:
            journal.forget(session, uids)
        except AmiError:
            log.info("journal_kept_until_the_next_connection", entries=len(uids))

    def _hang_up(self, uids: Sequence[str]) -> None:
        session = self._session
        if session is None:
            return
        for uid in uids:
            if UID.fullmatch(uid):
                try:
                    session.post("Hangup", {"Channel": uid, "Cause": "16"})
                except AmiError:
                    return

    def _count_live(self) -> tuple[int, int]:
        calls = list(self._calls.values())
        talking = sum(call.state is CallState.TALKING for call in calls)
        return len(calls) - talking, talking

    def _soon(self, work: Callable[..., None], *args: object) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            try:
                loop.call_soon_threadsafe(work, *args)
            except RuntimeError:
                log.debug("gateway_has_stopped")

    # ------------------------------------------------------------------ loop thread: for the settler

    def followed(self) -> dict[str, TrackedCall]:
        """The calls in hand, by uid; a copy."""
        return dict(self._calls)

    def has_ended(self, uid: str) -> bool:
        return uid in self._ended

    def finish(self, result: CallResult) -> None:
        self._finish(result)

    def record_again(self, result: CallResult) -> None:
        """An outcome found in the journal whose deletion may have been lost: committed (again), then deleted."""
        self._calls.pop(result.uid, None)
        self._remember(result)
        self._recorder.put(result)

    def adopt(self, uid: str, boot: str, talking: bool) -> None:
        """Follow a call that an earlier life of ours placed."""
        state = CallState.TALKING if talking else CallState.RINGING
        if uid not in self._ended:
            call = self._calls.setdefault(uid, TrackedCall(uid, boot, time.monotonic(), state))
            call.state = state

    def end_channels(self, names: Iterable[str]) -> None:
        """Hang up these channels, which are no calls that we follow."""
        session = self._session
        for name in names:
            if session is not None and CHANNEL_NAME.fullmatch(name):
                with contextlib.suppress(AmiError):
                    session.post("Hangup", {"Channel": name, "Cause": "16"})

    async def open_calls(self) -> Sequence[OpenCall]:
        """The ledger's open calls, after everything that was finished before is committed."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[OpenCall]] = loop.create_future()

        def _set(found: Sequence[OpenCall]) -> None:
            if not answer.done():
                answer.set_result(found)

        self._recorder.ask_open_calls(lambda found: self._soon(_set, found))
        return await answer

    def no_channel(self, call: TrackedCall) -> None:
        self._finish(no_channel(call.uid, call.failed_reason))

    def _remember(self, result: CallResult) -> None:
        told = result.ended_at is not None
        self._ended[result.uid] = time.monotonic() + (REMEMBER_TOLD_S if told else REMEMBER_S)

    def forget_ended(self) -> None:
        """Drop uids that ended long ago."""
        now = time.monotonic()
        for uid in [uid for uid, until in self._ended.items() if until < now]:
            del self._ended[uid]


def originate_headers(request: CallRequest, sounds: Any) -> dict[str, Any]:
    """The Originate of one call. Every value is checked, though all are ours: a comma or a line break would be a bill.

    :raises ValueError: a value is not what it must be.
    """
    channel = request.template.replace("{number}", request.number).replace("{trunk}", request.trunk)
    for name, pattern, value in (
        ("uid", UID, request.uid),
        ("number", NUMBER, request.number),
        ("caller id", DIGITS, request.caller_id),
        ("sound", SOUND, request.sound),
        ("channel", CHANNEL, channel),
    ):
        if not pattern.fullmatch(value):
            raise ValueError(f"its {name} is not what it must be")  # the value may be a person's number: not logged
    variables = [f"OBZ_SOUND={sounds}/{request.sound}", 'CHANNEL(hangup_handler_push)="obzvon-ended,s,1"']
    if request.tag_attempt:
        variables.append(f"PJSIP_HEADER(add,X-Obzvon-Attempt)={request.uid}")
    variables += _own_variables(request.variables)
    headers: dict[str, Any] = {
        "ActionID": request.uid,
        "ChannelId": request.uid,
        "Channel": channel,
        "Context": "obzvon-flow" if FLOW in request.variables else "obzvon-message",
        "Exten": "s",
        "Priority": "1",
        "Timeout": str(max(1, request.ring_s) * 1000),
        "Async": "true",
        "Variable": variables,
    }
    if request.caller_id:
        headers["CallerID"] = f"<{request.caller_id}>"
    return headers


def _own_variables(variables: Mapping[str, str]) -> list[str]:
    if len(variables) > MOST_VARIABLES:
        raise ValueError("its message has too many variables")
    lines: list[str] = []
    for name, value in variables.items():
        if not VARIABLE.fullmatch(name) or not VALUE.fullmatch(value):
            raise ValueError("its message has a variable that is not what it must be")
        lines.append(f"{name}={value}")
        if len("Variable: ") + len(lines[-1]) > LINE_BYTES:
            raise ValueError("its message has a variable that is too long")
    return lines
