"""Token counts as OpenAI reports them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jackfield.events import Usage


class PromptTokensDetails(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the prompt's tokens were in a cache and not evaluated again."""

    cached_tokens: int = 0


class CompletionUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens read and written; prompt and completion add up to the total."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails


def usage_of(usages: Sequence[Usage], *, choices_per_prompt: int) -> CompletionUsage:
    """The sum over runs that stand in the order of their prompts; a prompt counts once however many choices it has."""
    prompts = [usages[first : first + choices_per_prompt] for first in range(0, len(usages), choices_per_prompt)]
    read = sum(choices[0].prompt_tokens for choices in prompts)
    cached = sum(min(choice.cached_tokens for choice in choices) for choices in prompts)
    written = sum(usage.completion_tokens for usage in usages)
    return CompletionUsage(
        prompt_tokens=read,
        completion_tokens=written,
        total_tokens=read + written,
        prompt_tokens_details=PromptTokensDetails(cached_tokens=cached),
    )
