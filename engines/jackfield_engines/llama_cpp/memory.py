"""Whether a model fits this machine, and the sentence for when it does not."""

from __future__ import annotations

from jackfield.contracts.engine import Fit


def fit(name: str, *, weight_bytes: int, context_bytes: int, available: int) -> Fit:
    """Whether weights and context together fit the memory that is available, all in bytes."""
    needed = weight_bytes + context_bytes
    if needed <= available:
        return Fit(fits=True, bytes_needed=needed, bytes_available=available)
    reason = (
        f"Model '{name}' needs about {human(needed)} of memory ({human(weight_bytes)} for its weights, "
        f"{human(context_bytes)} for its context) and {human(available)} are available; choose a smaller or more "
        "strongly quantized model, set a lower engine.context_length and engine.cells, or close other programs."
    )
    return Fit(fits=False, bytes_needed=needed, bytes_available=available, reason=reason)


def human(size: int) -> str:
    """A size in bytes as people say it."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
