"""The tools that are run here."""
