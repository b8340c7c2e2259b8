"""Lookahead: several tokens in one step where they can be guessed, and the same output as without.

In the decode loop, from `planner`, `lookup_drafter`, `draft_model` and `verification`::

    lookahead = Lookahead([PromptLookupDrafter()])          # and DraftModel(small_engine, engine) after it
    lookahead.follow(key, sequence.tokens, references)       # at admission, and anew if tokens were ever cut

    rooms = {key: tokens it may still hold beyond the next, for every sequence that decodes in this step}
    drafts = lookahead.plan(rooms, spare_rows=rows and cells left, prefill_rows=rows of prefills in this step)
    # rows of a sequence: its newest token, then drafts.get(key, []), all flagged for logits
    lookahead.timed(rows, seconds)                           # after steps without prefill
    for token in drawn_tokens(sampler.sample, rows, draft): append it; break at an end
    engine.truncate(slot, len(tokens) - 1)                   # where a draft was not accepted whole
    lookahead.verified(len(draft), accepted)

    lookahead.forget(key)                                    # at the end

A model that cannot cut its sequences (`EngineLimits.shares_parts`) must not be given drafts. `verification` tells why
the output is the same; `planner` when drafts are made; `draft_length` how long.
"""
