"""Vectors: how the database keeps them, and nearest neighbours by FAISS."""
