"""The engines themselves: RHVoice and espeak-ng as installed, piper by a stand-in, gTTS against a stub."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs

import numpy as np
import pytest
import soundfile
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tts import phrases
from tts.engines import programs, together
from tts.engines.chain import Chain, PassedOver
from tts.engines.espeak import Espeak
from tts.engines.google import Google
from tts.engines.piper import Piper
from tts.engines.rhvoice import ALLOWED, RHVoice
from tts.engines.speech import RATE_HZ, Pcm, SpeechError

RUNTIME = Path(os.environ.get("OBZVON_RUNTIME", Path(__file__).parents[2] / ".runtime"))
FOLDER = (RUNTIME / "speech").absolute()
HELLO = {
    "ru": "Здравствуйте!",
    "en": "Good morning!",
    "cs": "Dobrý den!",
    "uk": "Добрий день!",
    "kk": "Сәлеметсіз бе!",
    "de": "Guten Tag!",
}


def seconds(pcm: Pcm) -> float:
    return len(pcm) / RATE_HZ


@pytest.mark.parametrize("voice", ALLOWED, ids=lambda voice: voice.name)
def test_every_allowed_voice_of_rhvoice_speaks(voice) -> None:
    """Each voice is installed, is listed for its language, and says an amount in it."""
    engine = RHVoice(FOLDER)
    assert voice in engine.voices(voice.language)
    text = f"{HELLO[voice.language]} {phrases.money(Decimal('1251.20'), 'EUR', voice.language)}."
    pcm = engine.synthesize(text, voice.language, voice.name)
    assert 2 < seconds(pcm) < 12
    assert np.abs(pcm).max() > 3000


@pytest.mark.parametrize("language", phrases.LANGUAGES)
def test_espeak_speaks_every_language(language: str) -> None:
    """And is marked as low quality."""
    engine = Espeak(FOLDER)
    assert engine.low_quality
    pcm = engine.synthesize(f"{HELLO[language]} {phrases.date(dt.date(2026, 12, 12), language)}", language, "")
    assert 1 < seconds(pcm) < 8
    assert np.abs(pcm).max() > 3000


@pytest.mark.parametrize("engine", [RHVoice(FOLDER), Espeak(FOLDER)], ids=lambda engine: engine.name)
def test_texts_are_data(engine, tmp_path: Path) -> None:
    """No markup, no phonemes, no options, no shell: a pause of nine seconds in SSML is not made, no file appears."""
    marker = tmp_path / "marker"
    for text in (
        'да <break time="9s"/> нет',
        f"да $(touch {marker}); `touch {marker}` | touch {marker}",
        f"--help -w {marker} да",
        "да [[_:_:_:_:_:_:_:]] нет",
    ):
        pcm = engine.synthesize(text, "ru", "")
        loud = np.flatnonzero(np.abs(pcm) > 300)
        assert np.diff(loud).max() < 2 * RATE_HZ, text
        assert seconds(pcm) > 0.5
    assert not marker.exists()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("engine", [RHVoice(FOLDER), Espeak(FOLDER)], ids=lambda engine: engine.name)
def test_speed(engine) -> None:
    """In percent of the voice's own."""
    text = "одна тысяча двести пятьдесят один рубль двадцать копеек"
    slow, usual, fast = (seconds(engine.synthesize(text, "ru", "", rate)) for rate in (60, 100, 160))
    assert slow > 1.2 * usual > 1.2 * 1.1 * fast


def test_only_allowed_voices_are_taken() -> None:
    """Names of others, and names that are paths or options, are refused before a program runs."""
    for name in ("arina", "../elena", "-s", "elena+arina"):
        with pytest.raises(SpeechError) as caught:
            RHVoice(FOLDER).synthesize("да", "ru", name)
        assert caught.value.code == "speech_voice_unknown"


def test_a_hanging_program_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next engine speaks, which shows."""
    program = tmp_path / "piper"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    (tmp_path / "x.onnx").touch()
    (tmp_path / "x.onnx.json").write_text('{"language": {"family": "ru"}}')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(programs, "WALL_CLOCK_S", 0.5)
    with pytest.raises(SpeechError) as caught:
        Piper(tmp_path).synthesize("да", "ru", "")
    assert caught.value.code == "speech_engine_slow"


def test_piper_with_a_voice_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program gets the voice's file, the speed and the text; a stand-in writes what it was told."""
    (tmp_path / "x.onnx").touch()
    (tmp_path / "x.onnx.json").write_text('{"language": {"family": "cs"}}')
    (tmp_path / "broken.onnx").touch()
    soundfile.write(str(tmp_path / "tone.wav"), 0.4 * np.sin(np.arange(22050) / 10), 22050)
    program = tmp_path / "piper"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/args; cat > {tmp_path}/text; cp {tmp_path}/tone.wav "$6"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    engine = Piper(tmp_path)
    assert [voice.name for voice in engine.voices("cs")] == ["x"]
    assert engine.voices("ru") == ()
    assert seconds(engine.synthesize("dvě koruny; rm -rf", "cs", "x", 200)) == 1
    assert (tmp_path / "text").read_text() == "dvě koruny; rm -rf"
    assert (tmp_path / "args").read_text().startswith(f"-m {tmp_path}/x.onnx --length_scale 0.50 -f ")


def mp3(length_s: float) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, 0.4 * np.sin(np.arange(int(24000 * length_s)) / 10), 24000, format="MP3")
    return file.getvalue()


class Stub(BaseHTTPRequestHandler):
    """What the service answers: its own wrapping around an mp3."""

    texts: ClassVar[list[str]] = []
    status = 200
    answer = b""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        Stub.texts.append(parse_qs(body)["f.req"][0])
        assert self.path == "/_/TranslateWebserverUi/data/batchexecute"
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_arguments: object) -> None:
        """Quiet."""


@contextmanager
def stub(answer: bytes, status: int = 200, context: ssl.SSLContext | None = None) -> Iterator[str]:
    handler = type("Handler", (Stub,), {"answer": answer, "status": status})
    Stub.texts.clear()
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def wrapped(sound: bytes) -> bytes:
    return b')]}\'\n\n[["wrb.fr","jQ1olc","[\\"' + base64.b64encode(sound) + b'\\"]",null,null,null,"generic"]]\n'


def google(address: str, **choices: object) -> Google:
    return Google(accepted=True, personal_accepted=True, address=address, pause_s=0, **choices)  # type: ignore[arg-type]


def test_google_speaks() -> None:
    """A long text goes in pieces of about a hundred letters, and comes back as one sound."""
    with stub(wrapped(mp3(1.0))) as address:
        pcm = google(address).synthesize("Добрый день. " * 20, "ru", "")
        pieces = len(Stub.texts)
    assert pieces > 1
    assert seconds(pcm) == pytest.approx(pieces, rel=0.15)
    assert "Добрый день" in json.loads(json.loads(Stub.texts[0])[0][0][1])[0]


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (b"", 500, "speech_engine_failed"),
        (b"", 302, "speech_engine_failed"),
        (b"<html>", 200, "speech_engine_failed"),
        (wrapped(b"no sound"), 200, "speech_engine_failed"),
        (b"", 429, "speech_engine_busy"),
    ],
)
def test_google_answers_otherwise(answer: bytes, status: int, code: str) -> None:
    """Each with its code."""
    with stub(answer, status) as address, pytest.raises(SpeechError) as caught:
        google(address).synthesize("день", "ru", "")
    assert caught.value.code == code


def test_google_is_left_alone_after_too_many() -> None:
    """After a 429 nothing is sent for five minutes; RHVoice speaks meanwhile, and it shows."""
    now = 0.0
    with stub(b"", 429) as address:
        engine = google(address, clock=lambda: now)
        chain = Chain([engine, RHVoice(FOLDER)])
        first = chain.speak("день", "ru")
        second = chain.speak("день", "ru")
        assert len(Stub.texts) == 1
        now = 301.0
        chain.speak("день", "ru")
        assert len(Stub.texts) == 2
    assert first.passed_over == second.passed_over == (PassedOver("gtts", "speech_engine_busy"),)
    assert (first.engine, first.voice) == ("rhvoice", "elena")


def test_google_is_asked_once_a_second() -> None:
    """The pieces of a text, and texts after each other, wait for their turn."""
    waits: list[float] = []
    with stub(wrapped(mp3(0.5))) as address:
        engine = Google(True, True, address, clock=lambda: 0.0, sleep=waits.append)
        engine.synthesize("день", "ru", "")
        engine.synthesize("ночь", "ru", "")
    assert waits == [0.0, 1.0]


def test_google_without_network() -> None:
    """The real error of a host without name service or way out."""
    for address in ("https://translate.google.invalid", "http://127.0.0.1:9"):
        with pytest.raises(SpeechError) as caught:
            google(address).synthesize("день", "ru", "")
        assert caught.value.code == "speech_engine_unreachable"


def test_google_must_prove_who_it_is(tmp_path: Path) -> None:
    """A server with a certificate of its own making gets no text; gTTS itself would send it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "own.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with stub(wrapped(mp3(0.5)), context=context) as address, pytest.raises(SpeechError) as caught:
        google(address).synthesize("день", "ru", "")
    assert caught.value.code == "speech_engine_unreachable"
    assert Stub.texts == []


@pytest.mark.parametrize("voice", ALLOWED, ids=lambda voice: voice.name)
def test_texts_of_one_run_sound_as_alone(voice) -> None:
    """To the bit, by each voice; what could pass for the word between them, or for markup, is left to be said alone."""
    engine, language = RHVoice(FOLDER), voice.language
    amounts = [phrases.money(Decimal(amount), "RUB", language) for amount in ("1251.20", "7", "99021.05")]
    texts = [*amounts, f"{amounts[1]},", together.separator(language), "<speak>1</speak>", HELLO[language]]
    found = engine.synthesize_together(texts, language, voice.name)
    assert [pcm is not None for pcm in found] == [True, True, True, True, False, False, True]
    for text, pcm in zip(texts, found, strict=True):
        assert pcm is None or np.array_equal(pcm, engine.synthesize(text, language, voice.name))
