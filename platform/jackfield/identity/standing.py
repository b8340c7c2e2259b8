"""What somebody may do now on whose account something was begun earlier, such as a run."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from jackfield.contracts.identity import Account, ApiKey, Principal
from jackfield.contracts.identity_records import IdentityRecords
from jackfield.errors import NotAllowed
from jackfield.identity.local_mode import LOCAL
from jackfield.identity.roles import SCOPES


async def principal_of(account: Account | None, records: IdentityRecords) -> Principal:
    """Whoever an account belongs to, as they stand now; raises NotAllowed where they or their key hold no longer."""
    if account is None:
        return LOCAL
    user = await records.users.get(account.user_id)
    key = await records.keys.get(account.key_id) if account.key_id else None
    if user is None or not user.active or (account.key_id and (key is None or not _holds(key))):
        raise NotAllowed("Whoever began this may no longer do anything here: the user or the key holds no longer.")
    return Principal(
        account=msgspec.structs.replace(account, team_id=user.team_id),
        name=user.email,
        role=user.role,
        scopes=key.scopes if key else SCOPES,
        models=key.models if key else (),
    )


def _holds(key: ApiKey) -> bool:
    over = key.expires_at is not None and key.expires_at <= datetime.now(UTC)
    return key.revoked_at is None and not over
