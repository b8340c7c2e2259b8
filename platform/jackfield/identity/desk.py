"""Identity as one object: who somebody is, and every act of administering users, teams, keys and invitations."""

from __future__ import annotations

from pathlib import Path

from jackfield.contracts.identity import Principal
from jackfield.contracts.identity_records import IdentityRecords
from jackfield.contracts.records import StateStore
from jackfield.identity.audit import AuditLog
from jackfield.identity.invitations import Invitations
from jackfield.identity.keys import Keys
from jackfield.identity.passwords import Passwords
from jackfield.identity.recognition import Recognition
from jackfield.identity.set_up import SetUp
from jackfield.identity.sign_in import SignIn
from jackfield.identity.teams import Teams
from jackfield.identity.users import Users
from jackfield.settings import IdentitySettings, Settings


class Identity:
    """Who uses this installation. Usable from one event loop; a workbench has None of it where identity is off."""

    def __init__(self, records: IdentityRecords, settings: IdentitySettings, folder: Path) -> None:
        self._recognition = Recognition(records)
        forget = self._recognition.forget
        passwords = Passwords(memory_mb=settings.password_memory_mb)
        self.audit = AuditLog(records.audit)
        self.users = Users(records, passwords, self.audit, forget)
        self.teams = Teams(records.teams, self.audit, forget)
        self.keys = Keys(records.keys, self.audit, forget)
        self.invitations = Invitations(records, self.users, passwords, self.audit, hours=settings.invitation_hours)
        self.sign_in = SignIn(records, passwords, self.audit, forget, hours=settings.session_hours)
        self.set_up = SetUp(
            records.users, passwords, self.audit, token=settings.setup_token.get_secret_value(), folder=folder
        )

    async def principal_of_key(self, secret: str) -> Principal:
        """Whose API key it is; raises NotAuthenticated."""
        return await self._recognition.key(secret)

    async def principal_of_session(self, cookie: str) -> Principal:
        """Whose session a browser's cookie stands for; raises NotAuthenticated."""
        return await self._recognition.session(cookie)


async def opened_identity(store: StateStore, settings: Settings) -> Identity | None:
    """Identity with a set-up token made where one is needed; None where it is switched off."""
    if not settings.identity.enabled:
        return None
    identity = Identity(store.identity, settings.identity, settings.home)
    await identity.set_up.prepare()
    return identity
