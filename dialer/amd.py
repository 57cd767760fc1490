"""Answering machine detection of Asterisk (AMD): its parameters, per trunk, within limits."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from config.i18n import N_
from dialer.errors import DialerError

#: Folder, below Asterisk's own sounds, of those that ask for a key: ``k/<language>``.
ASK_FOLDER = "k"


class AmdParameters(BaseModel):
    """What AMD() is called with. A telephone network's own noise, delay and announcements decide what is right, so each
    trunk has its own. The usual ones are those of Asterisk, but for three that were chosen on the greetings of
    bench/greetings.py: with 1500 ms, 3 words and a level of 256 eight people of 44 were taken for machines, now two.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    initial_silence_ms: int = Field(2500, ge=500, le=10_000, description="Silence at first that makes it doubtful")
    greeting_ms: int = Field(2000, ge=300, le=10_000, description="A person's greeting is not longer")
    after_greeting_ms: int = Field(800, ge=200, le=5000, description="Silence after the greeting that makes a person")
    total_ms: int = Field(5000, ge=1000, le=15_000, description="Longest time until it is decided")
    min_word_ms: int = Field(100, ge=20, le=1000, description="Shorter sounds are no words")
    between_words_ms: int = Field(50, ge=20, le=1000, description="Silence that divides words")
    most_words: int = Field(4, ge=1, le=20, description="A person's greeting has no more words")
    silence_level: int = Field(450, ge=16, le=8000, description="Sound under this level (of 32767) is silence")
    max_word_ms: int = Field(5000, ge=200, le=10_000, description="A longer sound is a machine's tone or music")
    beep_silence_ms: int = Field(1500, ge=300, le=5000, description="Silence after which the machine records")
    beep_wait_s: int = Field(40, ge=5, le=120, description="Seconds to wait for that silence")

    #: In the order of AMD()'s arguments.
    ARGUMENTS: ClassVar[tuple[str, ...]] = (
        "initial_silence_ms",
        "greeting_ms",
        "after_greeting_ms",
        "total_ms",
        "min_word_ms",
        "between_words_ms",
        "most_words",
        "silence_level",
        "max_word_ms",
    )

    @model_validator(mode="after")
    def _there_is_time_to_decide(self) -> AmdParameters:
        if self.total_ms <= self.after_greeting_ms:
            raise DialerError(
                "amd_too_short",
                N_("The time to decide must be longer than the silence after a greeting."),
                field="amd.total_ms",
                status=422,
            )
        return self

    def variables(self) -> dict[str, str]:
        """As the dialplan reads them, see config/asterisk/pbx/extensions_amd.conf.j2."""
        return {
            "OBZ_AMD": ":".join(str(getattr(self, name)) for name in self.ARGUMENTS),
            "OBZ_AMD_BEEP": f"{self.beep_silence_ms}:{self.beep_wait_s}",
        }


USUAL = AmdParameters.model_validate({})


def of_trunk(kept: dict[str, Any] | None) -> AmdParameters:
    """The parameters of a trunk, from its column."""
    return AmdParameters.model_validate(kept) if kept else USUAL


def to_keep(parameters: AmdParameters | None) -> dict[str, Any] | None:
    """For the column: only what differs from the usual; None when nothing does."""
    return (parameters.model_dump(exclude_defaults=True) or None) if parameters else None
