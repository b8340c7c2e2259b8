"""Keys, tokens and password hashes, and what slows guessing down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import InvalidRequest, RateLimited
from jackfield.identity.passwords import Passwords
from jackfield.identity.secrets import fingerprint, hint_of, is_key_secret, new_key_secret, same
from jackfield.identity.throttle import Throttle


def test_a_key_is_known_by_its_form_and_its_checksum() -> None:
    secret = new_key_secret()
    assert secret.startswith("sk-jf-")
    assert is_key_secret(secret)
    assert secret.startswith(hint_of(secret))
    assert len(hint_of(secret)) < 12


@given(place=st.integers(6, 51), letter=st.sampled_from("0Az9-_ é"))
def test_a_mistyped_key_is_none(place: int, letter: str) -> None:
    secret = new_key_secret()
    mistyped = secret[:place] + letter + secret[place + 1 :]
    assert is_key_secret(mistyped) == (mistyped == secret)


@given(st.text())
def test_any_text_is_looked_at_without_a_fault(text: str) -> None:
    assert not is_key_secret(text)
    assert len(fingerprint(text)) == 64
    assert same(text, text)


async def test_a_password_is_checked_and_hashed_anew_where_its_parameters_are_old() -> None:
    cheap, dearer = Passwords(memory_mb=1), Passwords(memory_mb=2)
    stored = await cheap.hashed("correct horse battery")
    assert stored.startswith("$argon2id$")
    assert await cheap.check(stored, "correct horse battery") == (True, None)
    assert not (await cheap.check(stored, "correct horse batterz")).right
    checked = await dearer.check(stored, "correct horse battery")
    assert checked.right
    assert checked.new_hash
    assert await dearer.check(checked.new_hash, "correct horse battery") == (True, None)


@pytest.mark.parametrize("stored", [None, "", "no hash", "$argon2id$v=19$broken"])
async def test_where_nothing_usable_is_stored_no_password_is_right(stored: str | None) -> None:
    assert not (await Passwords(memory_mb=1).check(stored, "nobody has this password")).right


@pytest.mark.parametrize("password", ["", "short", "x" * 1025])
async def test_a_password_has_a_length(password: str) -> None:
    with pytest.raises(InvalidRequest, match="10 to 1024"):
        await Passwords(memory_mb=1).hashed(password)


def test_guesses_are_counted_apart_and_forgotten_with_time() -> None:
    now = 0.0
    throttle = Throttle(most=2, seconds=60, clock=lambda: now)
    for _ in range(2):
        throttle.attempt("eve")
    with pytest.raises(RateLimited) as caught:
        throttle.attempt("eve")
    assert caught.value.retry_after == 60
    throttle.attempt("ada")
    now = 61.0
    throttle.attempt("eve")
    throttle.attempt("eve")
    throttle.forget("eve")
    throttle.attempt("eve")
