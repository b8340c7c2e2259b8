"""Text to measure with: English and Python that read like any other, different for every seed and the same for one."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

SUBJECTS = (
    *(
        "the committee",
        "a surveyor",
        "our neighbour",
        "the harbour",
        "every witness",
        "the archive",
        "a young engineer",
    ),
    *("the orchestra", "the northern railway", "an old map", "the ministry", "her brother", "the winter market"),
    *("a retired pilot", "the laboratory", "this village", "the publisher", "a travelling merchant", "the lighthouse"),
)
VERBS = (
    *("described", "repaired", "postponed", "measured", "abandoned", "carried", "examined", "discovered", "painted"),
    *("rebuilt", "questioned", "remembered", "sold", "translated", "photographed", "inherited", "borrowed", "counted"),
)
OBJECTS = (
    *("seven wooden bridges", "the missing letters", "a narrow canal", "the second engine", "some cheap furniture"),
    *("the annual report", "three hundred coins", "a collection of beetles", "the broken telescope", "the garden wall"),
    *("an unusual recipe", "the eastern tunnel", "a cargo of salt", "the evening programme", "two copper kettles"),
)
CIRCUMSTANCES = (
    *("before the storm arrived", "in the autumn of that year", "without any explanation", "near the old station"),
    *("while the others slept", "for a small fee", "as the law required", "long after the war", "on the way to Lisbon"),
    *(
        "because nobody objected",
        "with great care",
        "under a grey sky",
        "at the request of the mayor",
        "by candlelight",
    ),
)
STAGES = (
    "orders",
    "parcels",
    "readings",
    "invoices",
    "samples",
    "tickets",
    "voyages",
    "ledgers",
    "sensors",
    "couriers",
)
ACTIONS = ("merge", "filter", "rank", "split", "count", "clean", "audit", "pack", "trace", "round")
FIELDS = ("weight", "price", "age", "distance", "volume", "delay", "score", "height", "margin", "speed")


def prose(random: Random) -> Iterator[str]:
    """Sentences without end."""
    while True:
        clause = f"{random.choice(SUBJECTS)} {random.choice(VERBS)} {random.choice(OBJECTS)}"
        number = random.randrange(2, 900)
        ending = random.choice((random.choice(CIRCUMSTANCES), f"and kept {number} pages of notes"))
        yield f"{clause[0].upper()}{clause[1:]} {ending}. "


def source_code(random: Random) -> Iterator[str]:
    """Python functions without end, none quite like another."""
    while True:
        stage, action, field = random.choice(STAGES), random.choice(ACTIONS), random.choice(FIELDS)
        limit, step = random.randrange(3, 400), random.randrange(2, 30)
        yield (
            f"def {action}_{stage}_by_{field}({stage}, limit={limit}):\n"
            f"    kept = []\n"
            f"    for place, item in enumerate({stage}):\n"
            f'        if item["{field}"] > limit and place % {step}:\n'
            f'            kept.append((item["{random.choice(FIELDS)}"], place))\n'
            f"    return sorted(kept)[:{random.randrange(5, 99)}]\n\n\n"
        )
