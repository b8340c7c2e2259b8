"""Plan-then-work (ReWOO, arXiv 2305.18323): one plan, its steps worked on side by side, one answer from the evidence.

The plan is JSON that a schema holds the planner to, and not the paper's lines of text: a small model then cannot name a
tool that is not there, leave an argument out or break its own notation, and arguments need no reading of free text.
What the paper has and JSON lacks is kept: each step says what it is for before it says what it calls, its label `#E1`
is written for it, and any text in its arguments may hold the labels of other steps.
"""
