"""Several texts in one run of an engine, and its sound cut into theirs: most of a short run is the engine's start.

Between two texts stands a word of ours, as a paragraph of its own. RHVoice speaks each paragraph as if it were alone,
to the last bit, so that word sounds as in a run of its own; exactly that sound is looked for. Unless it is found once
between every two texts nothing is cut, and each text gets a run of its own: pauses are never guessed at, since a wrong
cut would be somebody else's amount.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from tts.engines.speech import Pcm

#: The word between two texts; none of them may hold it.
WORDS = {"ru": "эхо", "en": "echo", "cs": "echo", "uk": "луна"}
#: What may be said together: the language's own letters, digits and the plainest marks. No sign that could reach into
#: the next paragraph, no foreign letter that looks like one of ours.
_PLAIN = {
    "ru": re.compile(r"[а-яёА-ЯЁ0-9 ,.!?-]+"),
    "en": re.compile(r"[a-zA-Z0-9 ,.!?-]+"),
    "cs": re.compile(r"[a-záčďéěíňóřšťúůýžA-ZÁČĎÉĚÍŇÓŘŠŤÚŮÝŽ0-9 ,.!?-]+"),
    "uk": re.compile(r"[абвгґдеєжзиіїйклмнопрстуфхцчшщьюяАБВГҐДЕЄЖЗИІЇЙКЛМНОПРСТУФХЦЧШЩЬЮЯ0-9 ,.!?'’ʼ-]+"),
}


def separator(language: str) -> str:
    """The text of the word between two texts, for its run alone."""
    return f"{WORDS[language]}."


def is_plain(text: str, language: str) -> bool:
    """Whether the text may be spoken together with others."""
    plain = _PLAIN.get(language)
    return plain is not None and bool(plain.fullmatch(text)) and WORDS[language] not in text.lower()


def joined(texts: Sequence[str], language: str) -> str:
    """The texts of one run."""
    return f"\n\n{separator(language)}\n\n".join(texts)


def cut(sound: Pcm, between: Pcm, texts: int) -> list[Pcm] | None:
    """The sound of each text. None: the word between them is not there just once between every two."""
    whole, word = sound.tobytes(), between.tobytes()
    found: list[Pcm] = []
    begins = 0
    while (at := _find(whole, word, begins)) >= 0:
        found.append(sound[begins // 2 : at // 2])
        begins = at + len(word)
    found.append(sound[begins // 2 :])
    if len(found) != texts or not all(np.any(part) for part in found):
        return None
    return found


def _find(whole: bytes, word: bytes, begins: int) -> int:
    """Where the word begins, between two samples."""
    at = whole.find(word, begins)
    while at % 2 and at >= 0:
        at = whole.find(word, at + 1)
    return at
