"""Secrets that are given out once, and the hashes that are kept of them.

They are random with 238 bits and more, so that a plain hash keeps them: nothing is gained by guessing.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib

PREFIX = "sk-jf-"
RANDOM_CHARACTERS = 40
CHECKSUM_CHARACTERS = 6
HINT_CHARACTERS = len(PREFIX) + 4
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

_KEY = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{RANDOM_CHARACTERS}}})([0-9A-Za-z]{{{CHECKSUM_CHARACTERS}}})", re.ASCII)


def new_key_secret() -> str:
    """A new API key: `sk-jf-`, 40 random letters and digits, 6 more that are their checksum."""
    random = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    return f"{PREFIX}{random}{_checksum(random)}"


def is_key_secret(text: str) -> bool:
    """Whether a text has the form of a key and a right checksum; what has not is looked up nowhere."""
    found = _KEY.fullmatch(text)
    return found is not None and _checksum(found[1]) == found[2]


def hint_of(secret: str) -> str:
    """The beginning of a key, by which its owner knows it again."""
    return secret[:HINT_CHARACTERS]


def new_token() -> str:
    """A new token for a session, an invitation or the set-up: 256 bits."""
    return secrets.token_urlsafe(32)


def fingerprint(secret: str) -> str:
    """The SHA-256 hash that stands for a secret in the store, in hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell where they differ."""
    return secrets.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def _checksum(random: str) -> str:
    number = zlib.crc32(random.encode("ascii"))
    digits = ""
    for _ in range(CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
