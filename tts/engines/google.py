"""Google's voice through gTTS. Texts leave the house, so it is off until the administrator accepts that.

gTTS prepares the requests; they are sent here, because gTTS sends them with the check of the certificate switched off.
"""

from __future__ import annotations

import base64
import binascii
import re
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import requests
from gtts import gTTS

from tts.engines.speech import Pcm, Voice, at_8_khz, checked, chosen, speech_error

ADDRESS = "https://translate.google.com"
LANGUAGES = ("ru", "en", "cs", "uk", "de")  # no Kazakh
#: Seconds to connect, and between two pieces of the answer; seconds for a whole text.
TIMEOUT_S = (3.05, 10.0)
WHOLE_S = 45.0
#: Seconds between two requests of this process: the service answers 429 to more.
PAUSE_S = 1.0
#: Seconds without a request after a 429.
COOL_DOWN_S = 300.0
MAX_ANSWER = 4 << 20
SLOW = 80

_AUDIO = re.compile(rb'jQ1olc","\[\\"([A-Za-z0-9+/=]+)\\"\]')


class Google:
    """``accepted``: texts may leave the house; ``personal_accepted``: those with a person's data too."""

    name = "gtts"
    low_quality = False
    leaves_house = True

    def __init__(
        self,
        accepted: bool = False,
        personal_accepted: bool = False,
        address: str = ADDRESS,
        pause_s: float = PAUSE_S,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._accepted = accepted
        self.personal_accepted = personal_accepted
        self._address = address
        self._pause_s = pause_s
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = 0.0
        self._closed_until = 0.0

    def voices(self, language: str) -> tuple[Voice, ...]:
        if not self._accepted or language not in LANGUAGES:
            return ()
        return (Voice("google", language, "Google's terms of use"),)

    def synthesize(self, text: str, language: str, voice: str, rate: int = 100, *, personal: bool = True) -> Pcm:
        """Only two speeds: slow below 80 percent."""
        text = checked(text, rate)
        if not self._accepted:
            raise speech_error("speech_not_accepted", engine=self.name)
        if personal and not self.personal_accepted:
            raise speech_error("tts_exports_personal_data", engine=self.name)
        chosen(self, language, voice)
        prepared = gTTS(text, lang=language, slow=rate < SLOW, lang_check=False)._prepare_requests()
        deadline = self._clock() + WHOLE_S
        with tempfile.TemporaryDirectory(prefix="speech-") as folder, requests.Session() as session:
            piece = Path(folder) / "piece.mp3"
            pieces: list[Pcm] = []
            for request in prepared:
                self._wait(deadline)
                piece.write_bytes(self._ask(session, request))
                pieces.append(at_8_khz(piece, self.name))  # each alone: a decoder may stop at the end of the first
            return np.concatenate(pieces)

    def _wait(self, deadline: float) -> None:
        """One request a second, and none for a while after a refusal."""
        with self._lock:
            now = self._clock()
            if now < self._closed_until:
                raise speech_error("speech_engine_busy", engine=self.name)
            start = max(now, self._next)
            if start > deadline:
                raise speech_error("speech_engine_slow", engine=self.name)
            self._next = start + self._pause_s
        self._sleep(start - now)

    def _ask(self, session: requests.Session, request: requests.PreparedRequest) -> bytes:
        parts = urlsplit(str(request.url))
        own = urlsplit(self._address)
        request.url = urlunsplit((own.scheme, own.netloc, parts.path, parts.query, ""))
        try:
            settings = session.merge_environment_settings(request.url, {}, True, True, None)
            with session.send(request, timeout=TIMEOUT_S, allow_redirects=False, **settings) as answer:
                self._check_status(answer.status_code)
                body = answer.raw.read(MAX_ANSWER, decode_content=True)
        except requests.Timeout:
            raise speech_error("speech_engine_slow", engine=self.name) from None
        except (requests.RequestException, OSError):
            raise speech_error("speech_engine_unreachable", engine=self.name) from None
        found = _AUDIO.search(body)
        if found is None:
            raise speech_error("speech_engine_failed", engine=self.name)
        try:
            return base64.b64decode(found[1], validate=True)
        except binascii.Error:
            raise speech_error("speech_engine_failed", engine=self.name) from None

    def _check_status(self, status: int) -> None:
        if status == 429:
            with self._lock:
                self._closed_until = self._clock() + COOL_DOWN_S
            raise speech_error("speech_engine_busy", engine=self.name)
        if status != 200:
            raise speech_error("speech_engine_failed", engine=self.name)
