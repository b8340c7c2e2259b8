"""What holds while identity is switched off: whoever is on this machine may do everything, and nobody else may come."""

from __future__ import annotations

import ipaddress

from jackfield.contracts.identity import Account, Principal
from jackfield.errors import SettingsInvalid
from jackfield.identity.roles import SCOPES

LOCAL = Principal(account=Account(user_id="local"), name="local", role="admin", scopes=SCOPES)
"""Whoever asks while identity is off; runs are then recorded without an account."""


def account_of(principal: Principal) -> Account | None:
    """On whose behalf a run is recorded; None while identity is off."""
    return None if principal is LOCAL else principal.account


def is_loopback(host: str) -> bool:
    """Whether a host name or address always means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_open_door(host: str, *, identity: bool) -> None:
    """A server that asks nobody who they are listens on loopback only; raises SettingsInvalid."""
    if not identity and not is_loopback(host):
        raise SettingsInvalid(
            f"A server on '{host}' can be reached by others, and it would ask nobody who they are: "
            "switch identity on (JACKFIELD_IDENTITY__ENABLED=true), or listen on 127.0.0.1."
        )
