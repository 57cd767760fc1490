"""The table behind :mod:`web.sentences`: error codes, rules, states and HTTP statuses."""

from __future__ import annotations

from campaigns import (
    bases,
    cards,
    channels,
    contacts_file,
    do_not_call,
    erasure,
    message_problems,
    pause_reasons,
    phone_numbers,
    preparing,
    report_words,
    speaking,
    trial_calls,
)
from campaigns.message import compose, flow
from config.i18n import N_
from tts import phrases, sound_files
from tts.engines import speech
from web.message import form as message_form
from web.message import words as message_words

SENTENCES: dict[str, str] = {
    **contacts_file.SENTENCES,
    **bases.SENTENCES,
    **bases.NOTE_SENTENCES,
    **bases.ROW_SENTENCES,
    **phone_numbers.SENTENCES,
    **sound_files.SENTENCES,
    **phrases.SENTENCES,
    **speech.SENTENCES,
    **erasure.SENTENCES,
    **cards.SENTENCES,
    # campaigns
    "campaign_missing": N_("There is no such campaign; somebody may have deleted it."),
    "contact_missing": N_("There is no such contact."),
    "state_wrong": N_(
        "This is not possible in the campaign's present state. Load the page again; stop the campaign first if it runs."
    ),
    "calls_up": N_("Calls of this campaign are still up: wait until they end."),
    "base_loading": N_("A base is still being loaded: wait until it is ready, or cancel it."),
    "trunk_missing": N_("There is no such trunk: choose another."),
    "trunk_not_chosen": N_("Choose the trunk through which to call."),
    "trunk_disabled": N_("The trunk {trunk} is switched off: switch it on or choose another."),
    "caller_id_not_owned": N_("This caller id is not one of the trunk's: choose one of them, or add it to the trunk."),
    "node_not_connected": N_("The telephone exchange is not connected now: wait a moment, then look at Nodes."),
    "nodes_draining": N_("Every node of the trunk is being drained: take one back on the page Nodes."),
    "sound_missing": N_("Upload the message: a sound file."),
    "sound_lost": N_("The message's sound file is gone: upload it again."),
    "no_windows": N_("There is no calling window: add the hours in which calls may be made."),
    "no_contacts": N_("Nobody is left to call: add a base with numbers."),
    "no_contacts_prepared": N_(
        "The message can be said to none of the contacts: look at their reasons, and change it or the base."
    ),
    "window_shape_wrong": N_("The calling windows are not written as the API's description says."),
    "window_time_wrong": N_("A time of the calling windows is wrong: write it like 09:00."),
    "window_order_wrong": N_("A window must end after it begins; split it at midnight."),
    "window_day_wrong": N_("A day of the calling windows is wrong: 0 is Monday, 6 is Sunday."),
    "window_date_wrong": N_("A date of the calling windows is wrong: write it like 2026-12-31."),
    "base_missing": N_("There is no such base; somebody may have deleted it."),
    "export_missing": N_("There is no such report: it may be over a week old."),
    "export_not_ready": N_("The report is not written yet: wait until it is ready."),
    "export_failed": N_("The report could not be written. Ask for it again."),
    "export_disk": N_("The report could not be written to the disk: is it full? Then ask for it again."),
    "report_zone_unknown": N_("There is no such time zone; choose one such as Europe/Moscow."),
    "file_not_chosen": N_("Choose a file first."),
    # trunks
    "trunk_name_taken": N_("There is a trunk with this name: choose another."),
    "trunk_name_wrong": N_("Use small letters, digits and - for the trunk's name."),
    "trunk_host_wrong": N_("Give the carrier's host name or IP address."),
    "trunk_port_wrong": N_("A port is a number from 1 to 65535."),
    "trunk_username_wrong": N_("The user name may hold letters, digits and _ . + - only."),
    "trunk_username_missing": N_("Give the user name as well."),
    "trunk_secret_wrong": N_(
        "The password may hold Latin letters, digits and signs without blanks, semicolons and backslashes, "
        "and not begin with = or >."
    ),
    "trunk_secret_missing": N_("Give the password with which to register at the carrier."),
    "trunk_template_wrong": N_("Write how a number is dialled, for example PJSIP/{number}@{trunk}."),
    "trunk_kind_wrong": N_("There is one rehearsal carrier already: choose another kind."),
    "trunk_rehearsal_kept": N_("The rehearsal carrier cannot be removed: switch it off instead."),
    "trunk_in_use": N_("Campaigns use this trunk: switch it off instead of removing it."),
    "trunk_nowhere": N_("Choose at least one node for the trunk."),
    # nodes
    "node_missing": N_("There is no such node."),
    "node_unknown": N_("There is no node with the name {node}."),
    "node_not_silent": N_(
        "The dial worker of this node is alive and settles its calls by itself: drain the node instead."
    ),
    "amd_too_short": N_("The time to decide must be longer than the silence after a greeting."),
    "trunk_price_missing": N_("Give the price of a minute as well: without it the money of a day cannot be counted."),
    "trunk_minutes_used_up": N_(
        "Today's minutes of the trunk {trunk} are used up: {used} of {cap}. Calling goes on after midnight ({zone})."
    ),
    "trunk_spend_used_up": N_(
        "Today's money of the trunk {trunk} is used up: {used} of {cap}. Calling goes on after midnight ({zone})."
    ),
    # why an exchange that is there is not used
    "ami_rights_too_many": N_(
        "Nothing is dialled: the manager user of this exchange may do more than it must. Its manager.conf was changed; "
        "restart Obzvon, which writes it anew."
    ),
    "ami_rights_too_few": N_(
        "Nothing is dialled: the manager user of this exchange may not do what it must. Its manager.conf was changed; "
        "restart Obzvon, which writes it anew."
    ),
    "node_disk_full": N_("The disk of {detail} is nearly full: nothing is dialled until there is room."),
    "node_lacks_sound": N_("It lacks the message of these campaigns: {detail}. Upload it again."),
    "node_other_secrets": N_(
        "This home has other secrets than the node {node}: copy secrets.json of that node's home into this one."
    ),
    **compose.SENTENCES,
    **message_form.SENTENCES,
    **trial_calls.SENTENCES,
    **message_words.SENTENCES,
    **speaking.SENTENCES,
    **preparing.SENTENCES,
    **flow.SENTENCES,
    **do_not_call.SENTENCES,
    **channels.SENTENCES,
    "message_missing": N_("The campaign has no message of blocks."),
    **message_problems.SENTENCES,
    **pause_reasons.SENTENCES,  # why the product paused a campaign
    # accounts
    "name_wrong": N_("A name has 2 to 40 letters of the Latin alphabet, digits, dots, hyphens or underscores."),
    "role_unknown": N_("Choose the role administrator or campaign manager."),
    "name_taken": N_("There is an account with this name already; choose another one."),
    "account_unknown": N_("There is no such account; somebody may have deleted it."),
    "own_account": N_("You cannot disable your own account; ask another administrator."),
    "key_name_missing": N_("Give the key a name that says what uses it."),
    "key_unknown": N_("There is no such key."),
    # alarms and where they are sent
    "alarm_missing": N_("There is no such alarm, or it is over."),
    "webhook_url_wrong": N_("Write a whole address that begins with https:// and holds no name or password."),
    "webhook_host_unknown": N_("The name {host} was not found: is it written right?"),
    "webhook_host_inside": N_(
        "{host} leads to {address}, which is not on the public internet. "
        "If you mean it, add {host} to the allowed hosts."
    ),
    "webhook_secret_missing": N_("Give a secret of at least 16 characters: with it the receiver checks the signature."),
    "webhook_missing": N_("No webhook is set up: give its address first, and save."),
    "webhook_failed": N_("The webhook was not taken: {reason}"),
    "mail_missing": N_("No e-mail is set up: give the server and the addresses first, and save."),
    "mail_address_wrong": N_("{address} is not an e-mail address."),
    "mail_failed": N_("The e-mail was not taken: {reason}"),
    "certificate_wrong": N_("The certificate must be PEM text: from BEGIN CERTIFICATE to END CERTIFICATE."),
}

STATUSES: dict[int, str] = {
    400: N_("The request could not be understood."),
    401: N_("Sign in first; the API wants a key in the header Authorization: Bearer."),
    403: N_("Your account may not do this. Ask an administrator."),
    404: N_("There is nothing here. It may have been deleted, or the address is wrong."),
    405: N_("This address cannot be used in this way."),
    413: N_("The file is too large."),
    415: N_("This kind of content is not understood here; send JSON."),
    422: N_("Something in the input is wrong."),
    429: N_("Too many attempts. Wait a minute and try again."),
    503: N_("The product cannot do this right now. Try again in a moment."),
}

CAMPAIGN_STATES = {
    "draft": N_("Draft"),
    "running": N_("Running"),
    "paused": N_("Paused"),
    "finished": N_("Finished"),
    "stopped": N_("Stopped"),
    "deleting": N_("Being deleted"),
}

BASE_STATES = {
    "waiting": N_("Waiting"),
    "loading": N_("Loading"),
    "ready": N_("Ready"),
    "failed": N_("Failed"),
    "cancelled": N_("Cancelled"),
}

CONTACT_STATES = {
    "pending": N_("Still to call"),
    "reached": N_("Reached"),
    "not_reached": N_("Not reached"),
    "unknown": N_("Unknown"),
}

DISPOSITIONS = {
    "reached": N_("Reached"),
    "answered_not_heard": N_("Answered, not heard"),
    "busy": N_("Busy"),
    "no_answer": N_("No answer"),
    "declined": N_("Declined"),
    "invalid_number": N_("Invalid number"),
    "unavailable": N_("Unavailable"),
    "congestion": N_("Congestion"),
    "trunk_failure": N_("Trunk failure"),
    "not_placed": N_("Not placed"),
    "expired": N_("Expired"),
    "blocked": N_("Not allowed on the trunk"),
    "machine": N_("Answering machine"),
    "do_not_call": N_("Do not call"),
    "not_prepared": N_("Message not prepared"),
    "unknown": N_("Unknown"),
}

#: Parameters of answering machine detection, by their names in ``dialer.amd``: label and hint.
AMD = {
    "initial_silence_ms": (N_("Silence at the beginning"), N_("Longer: it is doubtful what answered.")),
    "greeting_ms": (N_("Longest greeting of a person"), N_("Longer: a machine.")),
    "after_greeting_ms": (N_("Silence after the greeting"), N_("Then it is a person, who waits for an answer.")),
    "total_ms": (N_("Time to decide"), N_("Without decision it is doubtful.")),
    "min_word_ms": (N_("Shortest word"), N_("Shorter sounds do not count.")),
    "between_words_ms": (N_("Silence between words"), ""),
    "most_words": (N_("Most words of a person"), N_("More: a machine.")),
    "silence_level": (N_("Level of silence"), N_("Of 32767; quieter sound is silence. Raise it on noisy lines.")),
    "max_word_ms": (N_("Longest word"), N_("Longer: a tone or music, so a machine.")),
    "beep_silence_ms": (N_("Silence after the beep"), N_("Then the message is left.")),
    "beep_wait_s": (N_("Wait for the beep, in seconds"), N_("Then it hangs up.")),
}

#: What answered, by ``campaigns.machines.Heard``.
HEARD = {
    "human": N_("A person"),
    "machine": N_("Answering machine"),
    "doubtful": N_("Doubtful"),
}

#: Answers to "why is this person not being called now", by ``campaigns.eligibility.Rule``.
RULES = {
    "ok": N_("May be called now; it waits for a free channel."),
    "contact_final": N_("Nothing is left to do: this contact has its final result."),
    "attempt_open": N_("A call to this number is being made now."),
    "campaign_not_running": N_("The campaign is not running."),
    "base_not_ready": N_("Its base is not loaded completely yet."),
    "not_prepared": N_("The sound of its message is being made."),
    "attempts_used": N_("All attempts are used."),
    "prefix_not_allowed": N_("The campaign's trunk may not dial numbers that begin like this."),
    "costly_number": N_("This is an expensive number, which the campaign's trunk may not dial."),
    "do_not_call": N_("This number is on the do-not-call list."),
    "cap_reached": N_("The trunk's minutes or money of today are used up; calling goes on at {until}."),
    "not_due": N_("The time between attempts has not passed; due at {until}."),
    "window_closed": N_("Outside the calling windows; they open at {until}."),
}

#: What made a callee count as reached, by ``campaigns.states.ReachedBy``.
REACHED_BY = {
    "time": N_("time of listening"),
    "phrase": N_("key phrase"),
    "key": N_("key or conversation"),
}

#: What came of a step, besides keys.
STEP_RESULTS = report_words.STEP_RESULTS

#: How a hand-over ended, by ``dialer.calls.HandoverResult``.
HANDOVERS = {
    "talked": N_("Talked"),
    "gave_up": N_("Hung up while waiting"),
    "timeout": N_("Nobody took the call in time"),
    "nobody": N_("No operator was there"),
    "full": N_("Too many were waiting"),
    "busy": N_("Busy"),
    "no_answer": N_("No answer"),
    "not_allowed": N_("Not allowed on the trunk"),
    "failed": N_("Failed"),
}

EXPORT_STATES = {
    "waiting": N_("Waiting"),
    "working": N_("Being written"),
    "ready": N_("Ready"),
    "failed": N_("Failed"),
    "cancelled": N_("Cancelled"),
}

DAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))
