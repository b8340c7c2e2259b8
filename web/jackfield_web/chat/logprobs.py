"""Token scores as chat answers carry them."""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.events import TokenChance, TokenScore
from jackfield_web.chat.replies import ChoiceLogprobs, TokenLogprob, TopLogprob


def choice_logprobs(scores: Sequence[TokenScore]) -> ChoiceLogprobs:
    """The scores of an answer's or a chunk's tokens, in order."""
    return ChoiceLogprobs(content=[_token_logprob(score) for score in scores])


def _token_logprob(score: TokenScore) -> TokenLogprob:
    return TokenLogprob(
        token=_shown(score.chosen),
        logprob=score.chosen.logprob,
        bytes=list(score.chosen.piece),
        top_logprobs=[
            TopLogprob(token=_shown(chance), logprob=chance.logprob, bytes=list(chance.piece))
            for chance in score.likeliest
        ],
    )


def _shown(chance: TokenChance) -> str:
    """A token as text; `bytes` tells what a part of a character really is."""
    return chance.piece.decode(errors="replace")
