"""Cuts a text into passages: stretches that are embedded, found and cited, each by its byte offsets."""
