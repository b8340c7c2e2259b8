"""Token scores as text completions carry them."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from jackfield.events import TokenChance, TokenScore
from jackfield_web.completions.replies import CompletionLogprobs


class LogprobWriter:
    """Writes the scores of one choice, part by part; it remembers how many characters came before."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._offset = 0

    def logprobs(self, scores: Sequence[TokenScore]) -> CompletionLogprobs:
        """The scores of the next tokens."""
        return CompletionLogprobs(
            tokens=[_shown(score.chosen) for score in scores],
            token_logprobs=[score.chosen.logprob for score in scores],
            top_logprobs=[
                {_shown(chance): chance.logprob for chance in (*score.likeliest, score.chosen)} for score in scores
            ],
            text_offset=[self._offset_of(score.chosen) for score in scores],
        )

    def _offset_of(self, chance: TokenChance) -> int:
        offset = self._offset
        self._offset += len(self._decoder.decode(chance.piece))
        return offset


def _shown(chance: TokenChance) -> str:
    """A token as text; OpenAI's `bytes:\\x…` form where it is only a part of a character."""
    try:
        return chance.piece.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in chance.piece)
