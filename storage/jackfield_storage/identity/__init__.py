"""Users, teams, keys, sessions, invitations and the audit log in tables."""

from __future__ import annotations

from jackfield_storage.engine import Database
from jackfield_storage.identity.audit import SqlAuditRecords
from jackfield_storage.identity.invitations import SqlInvitationRecords
from jackfield_storage.identity.keys import SqlKeyRecords
from jackfield_storage.identity.sessions import SqlSessionRecords
from jackfield_storage.identity.teams import SqlTeamRecords
from jackfield_storage.identity.users import SqlUserRecords


class SqlIdentityRecords:
    """Implements `jackfield.contracts.identity_records.IdentityRecords`."""

    def __init__(self, database: Database) -> None:
        self._users = SqlUserRecords(database)
        self._teams = SqlTeamRecords(database)
        self._keys = SqlKeyRecords(database)
        self._sessions = SqlSessionRecords(database)
        self._invitations = SqlInvitationRecords(database)
        self._audit = SqlAuditRecords(database)

    @property
    def users(self) -> SqlUserRecords:
        return self._users

    @property
    def teams(self) -> SqlTeamRecords:
        return self._teams

    @property
    def keys(self) -> SqlKeyRecords:
        return self._keys

    @property
    def sessions(self) -> SqlSessionRecords:
        return self._sessions

    @property
    def invitations(self) -> SqlInvitationRecords:
        return self._invitations

    @property
    def audit(self) -> SqlAuditRecords:
        return self._audit
