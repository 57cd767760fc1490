"""Orders to our Asterisk through its control socket, which this system user alone can open.

The manager user has no right to reload: in Asterisk that right (class ``system``) also reads every configuration file
with its passwords and adds to the dialplan.
"""

from __future__ import annotations

import subprocess

import structlog

from config.settings import Settings
from dialer.pbx_config import pbx_command

log = structlog.get_logger(__name__)

#: Reloaded together by Asterisk's own "pjsip reload", as far as we load them.
SIP_MODULES = (
    "res_pjsip.so",
    "res_pjsip_endpoint_identifier_ip.so",
    "res_pjsip_outbound_registration.so",
)
PATIENCE_S = 15


def reload_sip(settings: Settings) -> bool:
    """Have Asterisk read its rendered SIP configuration again; False when it does not run or does not answer."""
    command = pbx_command(settings)
    command.remove("-f")
    order = f"module reload {' '.join(SIP_MODULES)}"
    try:
        done = subprocess.run([*command, "-rx", order], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        log.warning("sip_not_reloaded", error=type(exc).__name__)
        return False
    said = " ".join(done.stdout.split())
    if done.returncode != 0 or "reloaded successfully" not in said:
        log.warning("sip_not_reloaded", said=said or done.stderr.strip()[-200:])
        return False
    log.info("sip_reloaded")
    return True
