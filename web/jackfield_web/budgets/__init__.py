"""Budgets, what is used of them, and the rates of a minute."""
