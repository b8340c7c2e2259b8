"""What a person typed, as the words and phrases that are looked for: whatever it is, it is no query language."""

from __future__ import annotations

import re
import unicodedata

import msgspec

from jackfield.errors import InvalidRequest
from jackfield_storage.semantic_index.unspaced_scripts import has_signs, looked_for

_WORD = re.compile(r"[^\W_]+(?:[\u0300-\u036f]+[^\W_]*)*")
"""Letters and digits with their accents, as both kinds of full text part them."""
_QUOTED = re.compile(r'"([^"]*)"|“([^”]*)”|„([^“”]*)[“”]|«([^»]*)»')

_STOP = """
a about after all also am an and any are as at be because been before being both but by can could did do does doing
done find for from give had has have having he her here him his how i if in into is it its just me more most my no
not of off on once one only or other our out over own please same say says shall she should show so some such tell
than that the their them then there these they this those to too under until up us very was we were what when where
which while who whom whose why will with would you your
"""
STOP_WORDS = frozenset(_STOP.split())
"""English ones; another language's are found to be common where they are."""


class SearchWords(msgspec.Struct, frozen=True):
    """Words in lower case and in the order in which they were typed, and phrases of several, which must be there.

    `typed` are the words as they stand, `words` what is looked for of them in texts.
    """

    words: tuple[str, ...]
    phrases: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()


def search_words(text: str) -> SearchWords:
    """Raises InvalidRequest where nothing but signs and spaces was typed.

    Words that say little are left out, unless there are no others.
    """
    typed = unicodedata.normalize("NFC", text)
    quoted = [" ".join(words_of("".join(groups))) for groups in _QUOTED.findall(typed)]
    words = list(dict.fromkeys(words_of(typed)))
    if not words:
        raise InvalidRequest("A search takes a word or a number at least; say what is to be found.", parameter="text")
    telling = [word for word in words if word not in STOP_WORDS] or words
    return SearchWords(
        words=tuple(dict.fromkeys(part for word in telling for part in looked_for(word))),
        phrases=tuple(dict.fromkeys(phrase for phrase in quoted if " " in phrase or has_signs(phrase))),
        typed=tuple(telling),
    )


def words_of(text: str) -> list[str]:
    """Every word of a text, in lower case."""
    return _WORD.findall(text.lower())


def without_accents(text: str) -> str:
    """As full text compares."""
    if text.isascii():
        return text
    bare = "".join(sign for sign in unicodedata.normalize("NFD", text) if not "\u0300" <= sign <= "\u036f")
    return unicodedata.normalize("NFC", bare)
