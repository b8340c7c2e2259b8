"""Semantic files as people and runs use them: who may, what is done in several steps, what is said in words."""
