"""Traces and request ids: what ties a request to its run in another process. Costs next to nothing while it is off."""
