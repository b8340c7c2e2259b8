"""Whether a model fits this machine, and the sentence for when it does not."""

from __future__ import annotations

from jackfield.contracts.engine import Fit
from jackfield.quantities import readable_bytes


def fit(name: str, *, weight_bytes: int, context_bytes: int, available: int) -> Fit:
    """Whether weights and context together fit the memory that is available, all in bytes."""
    needed = weight_bytes + context_bytes
    if needed <= available:
        return Fit(fits=True, bytes_needed=needed, bytes_available=available)
    weights, context = readable_bytes(weight_bytes), readable_bytes(context_bytes)
    reason = (
        f"Model '{name}' needs about {readable_bytes(needed)} of memory ({weights} for its weights, {context} for its "
        f"context) and {readable_bytes(available)} are available; choose a smaller or more strongly quantized model, "
        "set a lower engine.context_length and engine.cells, or close other programs."
    )
    return Fit(fits=False, bytes_needed=needed, bytes_available=available, reason=reason)
