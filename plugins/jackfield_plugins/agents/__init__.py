"""Agents: what decides, over and over, what a run does next."""
