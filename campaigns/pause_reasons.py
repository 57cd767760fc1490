"""Why the product itself pauses a campaign: the sentences of ``Campaign.state_code``, for pages, API and alarms."""

from __future__ import annotations

from config.i18n import N_

RESTORED = "restored"

SENTENCES: dict[str, str] = {
    "trunk_congested": N_("Ten different numbers in a row were refused with “congestion”: the trunk {detail} is ill."),
    "trunk_failure": N_("The trunk itself does not work: {detail}."),
    "trunk_switched_off": N_(
        "The trunk {detail} was switched off meanwhile: switch it on or choose another, then resume."
    ),
    RESTORED: N_(
        "Everything was restored from a backup of {detail} (UTC). Whoever was called after that moment may be called "
        "again: compare with the carrier's list of calls, then resume."
    ),
}
