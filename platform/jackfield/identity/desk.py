"""Identity as one object: who somebody is, and every act of administering users, teams, keys and invitations."""

from __future__ import annotations

from jackfield.contracts.identity import Principal
from jackfield.contracts.identity_records import IdentityRecords
from jackfield.identity.recognition import Recognition


class Identity:
    """Who uses this installation. Usable from one event loop; made by `wiring`, None where identity is off."""

    def __init__(self, records: IdentityRecords) -> None:
        self._recognition = Recognition(records)

    async def principal_of_key(self, secret: str) -> Principal:
        """Whose API key it is; raises NotAuthenticated."""
        return await self._recognition.key(secret)

    async def principal_of_session(self, cookie: str) -> Principal:
        """Whose session a browser's cookie stands for; raises NotAuthenticated."""
        return await self._recognition.session(cookie)
