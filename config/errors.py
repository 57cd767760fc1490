"""The shape that every package's error root has."""

from __future__ import annotations

from collections.abc import Mapping


class ObzvonError(Exception):
    """Something a user or caller can mend.

    ``code`` is stable and is what the API returns; ``field`` names the input at fault; ``words`` fill the translated
    sentence, which is looked up by ``code`` in ``web/sentences.py``. ``str(error)`` is a plain English sentence.
    """

    code = "error"
    status = 400

    def __init__(
        self,
        code: str,
        sentence: str,
        *,
        field: str = "",
        status: int = 400,
        words: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.field = field
        self.status = status
        self.words = dict(words or {})
