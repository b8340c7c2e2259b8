"""Shapes that answers must have, compiled against a vocabulary and followed token by token; for any engine."""
