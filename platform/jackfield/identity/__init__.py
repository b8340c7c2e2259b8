"""Who uses an installation, what they may do, and what they may spend.

`desk.Identity` is what doors talk to: it recognises keys and sessions, and does every administrative act, each of
which leaves an audit entry. `roles.py` holds the one table of who may do what; `local_mode.py` is what holds while
identity is switched off. Secrets come in and go out as text and are stored as hashes only.
"""
