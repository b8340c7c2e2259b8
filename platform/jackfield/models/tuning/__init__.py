"""Tuning: what a model's other formats cost and give on this machine, and which one is the best bargain."""
