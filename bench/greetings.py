"""Greetings of people and of answering machines, spoken by our own engines: the set on which AMD is judged.

Texts are made up. What surrounds them is as on telephones: a moment before somebody speaks, noise of a street or an
office, a second "hello", a beep, music. Everything is the same at every run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from tts.engines.espeak import Espeak
from tts.engines.rhvoice import RHVoice
from tts.engines.speech import RATE_HZ, Engine

HUMAN, MACHINE = "human", "machine"
#: Loudest sample of speech, of 32767.
LEVEL = 8000
#: Mean level of noise: a quiet room, an office, a street, a car.
QUIET, OFFICE, STREET, CAR, FACTORY = 20, 90, 180, 320, 600

Sound = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Greeting:
    """What answers. ``parts`` in turn: a text, or seconds of silence, or ``beep``, ``music``, ``tone``."""

    kind: str
    language: str
    voice: str
    parts: tuple[str | float, ...]
    noise: int = QUIET
    rate: int = 100

    @property
    def text(self) -> str:
        """For the list of what was mistaken."""
        return " ".join(part if isinstance(part, str) else f"({part:g} s)" for part in self.parts)


def people() -> list[Greeting]:
    """Short, a moment after the answer, and then they wait for an answer."""
    said: list[tuple[str, str, tuple[str | float, ...], int]] = [
        ("ru", "elena", (0.4, "Алло?"), QUIET),
        ("ru", "aleksandr", (0.3, "Да."), OFFICE),
        ("ru", "anna", (0.7, "Алло, слушаю вас."), QUIET),
        ("ru", "irina", (0.5, "Слушаю."), STREET),
        ("ru", "aleksandr-hq", (0.6, "Да, алло."), QUIET),
        ("ru", "elena", (0.2, "Алё!"), CAR),
        ("ru", "anna", (1.5, "Алло?"), OFFICE),
        ("ru", "aleksandr", (0.4, "Алло?", 1.2, "Алло! Кто это?"), QUIET),
        ("ru", "irina", (0.8, "Да, я слушаю."), OFFICE),
        ("ru", "elena", (0.5, "Иванова, слушаю."), QUIET),
        ("ru", "aleksandr-hq", (0.3, "Да, говорите."), STREET),
        ("ru", "anna", (2.0, "Да?"), QUIET),
        ("en", "slt", (0.4, "Hello?"), QUIET),
        ("en", "bdl", (0.3, "Yes?"), OFFICE),
        ("en", "clb", (0.6, "Hello, who is it?"), QUIET),
        ("en", "alan", (0.5, "Good morning."), STREET),
        ("en", "slt", (0.8, "Smith speaking."), QUIET),
        ("en", "bdl", (0.4, "Hi, hello."), CAR),
        ("en", "clb", (1.2, "Hello?", 1.5, "Hello?"), QUIET),
        ("en", "alan", (0.3, "Yeah."), OFFICE),
        ("en", "bdl", (0.7, "Hello, John here."), QUIET),
        ("en", "slt", (1.8, "Yes, hello?"), OFFICE),
        ("cs", "zdenek", (0.4, "Prosím?"), QUIET),
        ("cs", "zdenek", (0.6, "Haló?"), OFFICE),
        ("cs", "zdenek", (0.5, "Novák, prosím."), QUIET),
        ("cs", "zdenek", (0.3, "Ano?"), STREET),
        ("cs", "zdenek", (1.0, "Dobrý den."), QUIET),
        ("cs", "zdenek", (0.5, "Haló?", 1.3, "Kdo volá?"), CAR),
        ("uk", "natalia", (0.4, "Алло?"), QUIET),
        ("uk", "anatol", (0.6, "Так, слухаю."), OFFICE),
        ("uk", "natalia", (0.5, "Слухаю вас."), QUIET),
        ("uk", "anatol", (0.9, "Так?"), STREET),
        ("de", "", (0.4, "Ja, bitte?"), QUIET),
        ("de", "", (0.6, "Müller."), OFFICE),
        ("de", "", (0.5, "Hallo?"), STREET),
        ("kk", "", (0.5, "Алло?"), QUIET),
        ("kk", "", (0.4, "Тыңдап тұрмын."), OFFICE),
        # Harder ones: a firm's greeting, two people, somebody who goes on.
        ("ru", "elena", (0.5, "Добрый день, аптека на Садовой."), QUIET),
        ("ru", "irina", (0.4, "Приёмная, Петрова, слушаю."), OFFICE),
        ("en", "slt", (0.5, "Good afternoon, city library."), QUIET),
        ("cs", "zdenek", (0.4, "Dobrý den, ordinace."), QUIET),
        ("ru", "aleksandr", (3.2, "Алло?"), OFFICE),
        ("ru", "anna", (0.5, "Алло, я вас плохо слышу."), FACTORY),
        ("en", "clb", (0.4, "Hello, sorry, it is quite loud here, who is it?"), STREET),
    ]
    return [Greeting(HUMAN, language, voice, (*parts, 4.0), noise) for language, voice, parts, noise in said]


def machines() -> list[Greeting]:
    """Long, without waiting, often with a beep at the end."""
    beep: tuple[str | float, ...] = (0.4, "beep", 8.0)
    said: list[tuple[str, str, tuple[str | float, ...], int]] = [
        ("ru", "elena", (0.5, "Здравствуйте! Меня сейчас нет дома. Оставьте сообщение после сигнала.", *beep), QUIET),
        ("ru", "anna", (0.3, "Вы позвонили в семью Ивановых. Мы не можем подойти к телефону.", *beep), QUIET),
        ("ru", "irina", (0.2, "Абонент временно недоступен. Перезвоните, пожалуйста, позднее.", 3.0), QUIET),
        ("ru", "elena", (0.2, "Телефон абонента выключен или находится вне зоны действия сети.", 3.0), QUIET),
        ("ru", "aleksandr", (0.6, "Говорите после сигнала, я вам обязательно перезвоню вечером.", *beep), QUIET),
        ("ru", "aleksandr-hq", (0.4, "Привет! Это Саша. Скажите, что хотели, и я перезвоню.", *beep), OFFICE),
        ("ru", "anna", (0.4, "Здравствуйте! Вы позвонили в компанию Ромашка. Ваш звонок очень важен.", "music"), QUIET),
        ("ru", "elena", ("music", "Спасибо за звонок. Наберите внутренний номер.", 3.0), QUIET),
        ("ru", "irina", (0.3, "Автоответчик. Оставьте, пожалуйста, своё имя и номер телефона.", *beep), QUIET),
        ("ru", "anna", (0.5, "Вас приветствует голосовой помощник. Я записываю звонки за Марию.", 4.0), QUIET),
        ("ru", "elena", (0.5, "Здравствуйте, это секретарь. Абонент сейчас занят. Что ему передать?", 4.0), QUIET),
        ("ru", "aleksandr", (1.2, "Нас нет дома. После длинного сигнала говорите.", *beep), OFFICE),
        (
            "en",
            "slt",
            (0.5, "You have reached the Smith family. Please leave a message after the tone.", *beep),
            QUIET,
        ),
        ("en", "bdl", (0.3, "I can't take your call right now. Leave your name and number.", *beep), QUIET),
        ("en", "clb", (0.2, "The person you are calling is not available. Please try again later.", 3.0), QUIET),
        ("en", "alan", (0.6, "Hello! This is Alan. I am away on holiday until Monday the twelfth.", *beep), QUIET),
        ("en", "slt", (0.4, "Thank you for calling. For sales, press one. For support, press two.", 4.0), QUIET),
        ("en", "bdl", (0.4, "Your call has been forwarded to an automatic voice message system.", *beep), QUIET),
        ("en", "clb", (0.5, "Sorry I missed you. Please speak after the beep, and I will call back.", *beep), OFFICE),
        ("en", "alan", ("music", "You are number three in the queue.", "music"), QUIET),
        ("en", "slt", (0.8, "The mailbox of the customer is full. Goodbye.", 3.0), QUIET),
        ("en", "bdl", (0.4, "The number you have dialled is not in service. Please check the number.", 3.0), QUIET),
        ("cs", "zdenek", (0.4, "Dobrý den, dovolali jste se k Novákům. Zanechte vzkaz po zaznění tónu.", *beep), QUIET),
        ("cs", "zdenek", (0.2, "Volaný účastník není dostupný. Zavolejte prosím později.", 3.0), QUIET),
        ("cs", "zdenek", (0.5, "Momentálně nemohu přijmout váš hovor. Nechte mi zprávu.", *beep), OFFICE),
        ("cs", "zdenek", (0.4, "Vítejte na zákaznické lince. Pro češtinu stiskněte jedna.", 4.0), QUIET),
        ("cs", "zdenek", ("music", "Všichni operátoři jsou obsazeni, vyčkejte prosím.", "music"), QUIET),
        ("cs", "zdenek", (0.6, "Hlasová schránka je plná a nelze v ní zanechat zprávu.", 3.0), QUIET),
        ("uk", "natalia", (0.4, "Вітаю! Мене немає вдома. Залиште повідомлення після сигналу.", *beep), QUIET),
        ("uk", "anatol", (0.2, "На жаль, абонент не може прийняти ваш дзвінок. Передзвоніть пізніше.", 3.0), QUIET),
        ("uk", "natalia", (0.5, "Дякуємо за дзвінок. Усі оператори зайняті, зачекайте.", "music"), QUIET),
        ("uk", "anatol", (0.4, "Це автовідповідач. Говоріть після звукового сигналу.", *beep), OFFICE),
        ("de", "", (0.4, "Guten Tag, Sie sind mit dem Anschluss der Familie Müller verbunden.", *beep), QUIET),
        ("de", "", (0.2, "Der gewünschte Gesprächspartner ist zur Zeit nicht erreichbar.", 3.0), QUIET),
        ("de", "", (0.5, "Bitte hinterlassen Sie eine Nachricht nach dem Signalton.", *beep), QUIET),
        ("kk", "", (0.4, "Абонент уақытша қолжетімсіз. Кейінірек қайта хабарласыңыз.", 3.0), QUIET),
        ("kk", "", (0.5, "Сәлеметсіз бе, дыбыстық белгіден кейін хабарлама қалдырыңыз.", *beep), OFFICE),
        ("ru", "elena", (0.3, "tone", 2.0), QUIET),
        ("en", "slt", ("music", "music"), QUIET),
        # Harder ones: short, or with pauses such as people make.
        ("ru", "aleksandr", (0.5, "Оставьте сообщение.", *beep), QUIET),
        ("ru", "anna", (0.6, "Здравствуйте!", 1.0, "Вы позвонили Анне.", 0.6, "Я перезвоню.", *beep), QUIET),
        ("en", "bdl", (0.5, "Leave a message.", *beep), QUIET),
    ]
    return [Greeting(MACHINE, language, voice, parts, noise) for language, voice, parts, noise in said]


def all_greetings() -> list[Greeting]:
    return people() + machines()


class Studio:
    """Makes sounds of greetings."""

    def __init__(self, speech: Path) -> None:
        self._engines: tuple[Engine, ...] = (RHVoice(speech), Espeak(speech))

    def record(self, greeting: Greeting, path: Path, seed: int) -> float | None:
        """Write a greeting as the carrier plays it. :returns: the second in which its beep ends, if it has one."""
        random = np.random.default_rng(seed)
        parts = list(self._parts(greeting))
        sound = np.concatenate(parts)
        noise = np.convolve(random.standard_normal(len(sound) + 20), np.ones(4) / 2, "same")[: len(sound)]
        pcm = np.clip(sound + greeting.noise * noise, -32768, 32767).astype(np.int16)
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, pcm, RATE_HZ, subtype="PCM_16")
        if "beep" not in greeting.parts:
            return None
        return sum(len(part) for part in parts[: greeting.parts.index("beep") + 1]) / RATE_HZ

    def _parts(self, greeting: Greeting) -> Iterator[Sound]:
        for part in greeting.parts:
            if isinstance(part, float):
                yield np.zeros(int(part * RATE_HZ))
            elif part in _SOUNDS:
                yield _tones(_SOUNDS[part])
            else:
                yield self._spoken(greeting, part)

    def _spoken(self, greeting: Greeting, text: str) -> Sound:
        engine = next(engine for engine in self._engines if engine.voices(greeting.language))
        pcm = engine.synthesize(text, greeting.language, greeting.voice, greeting.rate, personal=False)
        loud = np.flatnonzero(np.abs(pcm) > 300)
        speech: Sound = pcm[loud[0] : loud[-1] + 1].astype(np.float64)
        return speech * (LEVEL / np.abs(speech).max())


_SCALE = (392.0, 494.0, 587.0, 494.0, 440.0, 523.0, 659.0, 523.0)
#: Name -> (Hz, seconds) in turn.
_SOUNDS = {
    "beep": [(1000.0, 0.5)],
    "tone": [(425.0, 6.0)],
    "music": [(pitch, 0.35) for pitch in _SCALE * 2],
}


def _tones(notes: list[tuple[float, float]]) -> Sound:
    pieces = []
    for pitch, seconds in notes:
        t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
        fade = np.minimum(1, np.minimum(t, seconds - t) / 0.02)
        pieces.append(0.6 * LEVEL * fade * np.sin(2 * np.pi * pitch * t))
    return np.concatenate(pieces)
