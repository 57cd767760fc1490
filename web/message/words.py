"""What the editor calls things."""

from __future__ import annotations

from config.i18n import N_

LANGUAGES = {
    "ru": N_("Russian"),
    "en": N_("English"),
    "cs": N_("Czech"),
    "uk": N_("Ukrainian"),
    "kk": N_("Kazakh"),
    "de": N_("German"),
}
BLOCKS = {
    "text": N_("Text"),
    "field": N_("Field of the contact"),
    "sound": N_("Recorded sound"),
    "pause": N_("Pause"),
}
SAYS = {
    "text": N_("as plain text"),
    "money": N_("as money"),
    "whole": N_("as a whole number"),
    "date": N_("as a date"),
    "time": N_("as a time of day"),
    "ordinal": N_("as an ordinal: first, second"),
    "percent": N_("as a percentage"),
    "phone": N_("as a telephone number"),
    "account": N_("as an account number, in groups"),
    "digits": N_("digit by digit"),
}
CURRENCIES = {
    "RUB": N_("Russian rouble"),
    "USD": N_("US dollar"),
    "EUR": N_("Euro"),
    "KZT": N_("Tenge"),
    "UAH": N_("Hryvnia"),
    "CZK": N_("Czech crown"),
    "GBP": N_("Pound sterling"),
}
#: Case -> its name, and how a sentence asks for it in languages that have it.
CASES = {
    "nominative": N_("nominative: the debt is …"),
    "genitive": N_("genitive: a debt of …"),
    "accusative": N_("accusative: pay …"),
    "prepositional": N_("prepositional: of a debt about …"),
}
GENDERS = {"masculine": N_("masculine"), "feminine": N_("feminine"), "neuter": N_("neuter")}
MISSING = {
    "refuse": N_("the contact is not called, and listed with the reason"),
    "skip": N_("this block is left out"),
}
ACTIONS = {
    "hangup": N_("hang up"),
    "repeat": N_("say the step again"),
    "goto": N_("go to a step"),
    "transfer": N_("hand over to the operators"),
    "number": N_("hand over to a telephone number"),
    "sip": N_("hand over to a SIP address"),
    "confirm": N_("take it as heard: the callee is reached"),
    "answer": N_("note an answer"),
    "enter": N_("let a number be typed"),
    "opt_out": N_("no more calls to this number"),
    "hours": N_("depending on the hour"),
}
#: What went wrong, at a place of the editor.
SENTENCES = {
    "message_words_missing": N_("Write what is said."),
    "message_column_unchosen": N_("Choose the column of the base."),
    "message_sound_missing": N_("Choose a sound file."),
    "message_pause_wrong": N_("A pause lasts from 0.1 to 10 seconds."),
    "message_language_missing": N_(
        "Nothing is said here in the message's own language ({language}): others may be missing, this one may not."
    ),
    "message_step_missing": N_("Choose the step."),
    "message_step_unknown": N_("The step {step} is not there any more: choose another."),
    "message_key_twice": N_("The key {key} is there twice."),
    "message_digits_wrong": N_("The least number of digits is not more than the most."),
    "message_keys_missing": N_("Add a key, or let the step go on without keys."),
    "message_column_unknown": N_("No base of this campaign has the column {column}."),
    "message_voice_missing": N_("No voice for this language is installed: such contacts would not be called."),
    "message_language_unheard": N_(
        "Nobody hears this language: choose the column that says which language a contact speaks."
    ),
    "message_case_unknown": N_("This grammatical case does not exist in this language: choose another."),
    "message_step_unreached": N_("Nothing leads to this step."),
    "message_sound_gone": N_("This sound file is gone: send it again."),
}
#: Licences of voices that are told in words.
LICENCES = {
    "GPL-3+ (the program; its speech is free)": N_("GPL-3+ (the program; its speech is free)"),
    "CMU (free, with attribution)": N_("CMU (free, with attribution)"),
    "public domain": N_("public domain"),
    "Google's terms of use": N_("Google's terms of use"),
    "as the voice file's maker says": N_("as the voice file's maker says"),
}
#: How far a test call is.
STAGES = {
    "preparing": N_("the sound is being made"),
    "waiting": N_("waiting for a free line"),
    "calling": N_("the call is being made"),
    "done": N_("the call is over"),
    "failed": N_("not called"),
}
