"""Names and e-mail addresses as people give them."""

from __future__ import annotations

import re

from jackfield.errors import InvalidRequest

LONGEST_NAME = 128
LONGEST_EMAIL = 254
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+")


def checked_email(text: str) -> str:
    """An e-mail address without the blanks around it; raises InvalidRequest."""
    email = text.strip()
    if len(email) > LONGEST_EMAIL or not _EMAIL.fullmatch(email) or not email.isprintable():
        raise InvalidRequest(f"'{email:.60}' is no e-mail address.", parameter="email")
    return email


def checked_name(text: str) -> str:
    """A name without the blanks around it; raises InvalidRequest."""
    name = text.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidRequest(
            f"A name has 1 to {LONGEST_NAME} characters on one line; '{name:.60}' does not.", parameter="name"
        )
    return name
