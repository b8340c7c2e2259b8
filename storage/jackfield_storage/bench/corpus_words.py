"""What the generated files tell of, and what questions call the same things: no pair shares a telling word.

Each subject is a pair of phrases for files and phrases for questions. `{it}` is where something happened, in the
words of whoever says it.
"""

from __future__ import annotations

import msgspec


class Subject(msgspec.Struct, frozen=True):
    """One thing as files tell of it, and as questions do."""

    told: tuple[str, ...]
    asked: tuple[str, ...]


def _subjects(lines: str) -> tuple[Subject, ...]:
    """One a line: `told | told => asked | asked`."""
    pairs = (line.split("=>") for line in lines.strip().splitlines())
    return tuple(Subject(_phrases(told), _phrases(asked)) for told, asked in pairs)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in text.split("|"))


TOPICS = _subjects("""
the opening of the {it} was put off until {date} | the {it} will not open before {date} => a late start of the {it} | a delayed launch of the {it}
four people left the {it} within a month | the {it} lost four of its people in as many weeks => employees quitting the {it} | workers resigning from the {it}
the {it} charges a fifth more from {date} | from {date} everything at the {it} costs more => a price increase at the {it} | the {it} getting expensive
carpenters are in the {it} until {date} | the {it} is full of scaffolding => building repairs at the {it} | renovation of the {it}
the {it} now shuts at noon | until {date} the {it} is open in the mornings only => reduced business hours of the {it} | the {it} closing early each day
a visitor broke an arm at the {it} | somebody fell at the {it} and was hurt => the injury of a guest of the {it} | an accident to a person in the {it}
the {it} moves to other premises on {date} | we are packing up the {it} => relocation of the {it} | a change of address for the {it}
a claim for {amount} went to the insurer of the {it} | the insurer of the {it} was asked for {amount} => compensation demanded for damage to the {it} | reimbursement of losses of the {it}
the summer party at the {it} is off | there will be no summer party at the {it} => a celebration called off by the {it} | cancelled festivities of the {it}
letters from angry customers of the {it} keep coming | nineteen clients of the {it} wrote to object => complaints about service of the {it} | unhappy patrons of the {it}
everybody at the {it} takes a course on {date} | lessons for the whole crew of the {it} begin on {date} => staff education for the {it} | training of employees of the {it}
the {it} closes its doors for good on {date} | after {date} there will be no more {it} => permanent shutdown of the {it} | the {it} going out of business
two inspectors went through the {it} | the {it} was looked over by the authority => an official check of the {it} | government examination of the {it}
the {it} takes on six helpers until {date} | six hands from an agency are at the {it} => temporary workers hired for the {it} | short-term recruitment by the {it}
the {it} pays its customers back | all who had paid the {it} get their money again => refunds given by the {it} | reimbursing buyers of the {it}
a guard now sits at the entrance of the {it} | cameras and a watchman were ordered for the {it} => security measures for the {it} | protecting the {it} from intruders
we ended the agreement with the {it} | the {it} was told that its contract is over => terminated cooperation with the {it} | cutting business ties to the {it}
the landlord of the {it} lowers what is due each month | less is due each month for the {it} => a rent reduction for the {it} | cheaper lease of the {it}
the {it} joins forces with its rival | the {it} and its rival become one => a merger of the {it} with a competitor | the {it} combining with another company
forty neighbours came to tidy up the {it} | the {it} was cleared by people who gave up their Saturday => volunteers cleaning the {it} | unpaid community work for the {it}
the {it} borrows {amount} | a sum of {amount} was lent to the {it} => a credit taken by the {it} | new debt of the {it}
two thousand people put their names down to keep the {it} | a list of signatures for the {it} lies at the town hall => a public petition in support of the {it} | citizens campaigning to save the {it}
the rooms of the {it} are laid out afresh | walls at the {it} come down and others go up => a new floor plan for the {it} | interior redesign of the {it}
the {it} shows its first loss in nine years | the books of the {it} close in the red => poor financial results of the {it} | negative earnings of the {it}
""")  # noqa: E501

PLACES = _subjects("""
bakery => bread shop
infirmary => hospital
cinema => movie theatre
nursery => kindergarten
garage => car workshop
vineyard => wine estate
aerodrome => airport
brewery => beer maker
swimming baths => public pool
chemist's => pharmacy
guest house => small hotel
tannery => leather works
allotments => community gardens
sawmill => timber plant
quay => harbour dock
smithy => blacksmith
dairy => milk plant
barracks => soldiers' quarters
abbey => monastery
stud farm => horse breeder
printworks => book manufacturer
refectory => canteen
apiary => bee keeper
fishmonger's => seafood store
chambers of the solicitors => law firm
orchard => apple farm
tram depot => streetcar yard
observatory => astronomy station
laundry => clothes washing service
ice rink => skating hall
joiner's => furniture maker
greengrocer's => vegetable seller
almshouse => home for the elderly
record office => municipal archive
ground of the football club => soccer stadium
telephone exchange => call switching centre
""")

CAUSES = _subjects("""
the main supplier went into receivership | the firm that delivers the goods filed for insolvency => a bankrupt vendor
snow blocked the only road | the road in was under half a metre of snow => bad winter weather
the drivers walked out over pay | the drivers' union called everybody out => a labour strike
half the crew caught influenza | most of the crew lay in bed with a fever => staff illness
the booking program lost a day of entries | an update wiped the booking program => a computer failure
the council has not signed the permit | the town hall still sits on the licence => missing official approval
a cable fault left the building dark for two days | the substation burned out => a power outage
thieves took the copper piping | burglars emptied the store room => a robbery
a kettle set the kitchen alight | flames came out of the boiler room => a fire
head office froze all spending | the board stopped every payment above one hundred => budget cuts
the architect misread the measurements | the plans showed walls that are not there => an error in the drawings
the crates held the wrong parts | what came out of the crates was not what had been ordered => an incorrect shipment
the river rose over its banks | the cellar stood knee-deep in water => flooding
the new act forbids the old solvent | parliament outlawed the old coating => a change in the law
the main pump seized | the bearings of the conveyor gave out => a mechanical breakdown
the neighbours went to court over the noise | the people next door sued about the din => a lawsuit by nearby residents
mice got into the stock | rats had gnawed through the sacks => a rodent infestation
the manager handed in her notice | the head of the place walked out overnight => the boss resigning
a lorry hit the front wall | a van reversed into the gate => a vehicle collision
the bank called in its money | the lender pulled out => lost financing
""")

TELLINGS = (
    "{What}, since {why}.",
    "{What}. The reason: {why}.",
    "{Why}. So {what}.",
    "{What}; {why}.",
    "Because {why}, {what}.",
)
"""How files put a topic and its cause together."""

ABOUT_WHAT = ("{what}", "what do we have on {what}?", "was there {what}?")
ABOUT_WHY = ("{why} at the {it}", "what did {why} mean for the {it}?", "which effects had {why} on the {it}?")
ABOUT_BOTH = ("{what} due to {why}", "which papers are about {what} after {why}?", "{why} leading to {what}")
"""How questions ask."""

ASIDES = (
    "Please keep the receipts.",
    "More on this on Monday.",
    "I have told the others.",
    "Nobody else needs to know yet.",
    "The figures are in the annex.",
    "We talk about it at the next round.",
    "Call me if anything is unclear.",
    "{amount} has been set aside.",
    "{amount} is still open.",
    "An answer is expected by {date}.",
    "The keys are with {other}.",
    "{other} takes over from here.",
)

STANDING_TEXT = (
    (
        "This paper is kept for ten years and then destroyed. Whoever passes it on says so in the list at the "
        "front desk, with the day and the name of the person who received it. Corrections are made on a new "
        "sheet, never on this one."
    ),
    (
        "Numbers in this paper are net of tax unless a line says otherwise. Sums in foreign money were "
        "converted at the rate of the day on which they were booked. Differences of less than one unit come "
        "from rounding."
    ),
    (
        "Those who were asked for their opinion had two weeks to give it. No answer counts as consent. "
        "Objections are listed in the order in which they came in, without the names of those who made them."
    ),
    (
        "Distribution: the members of the committee, the reading room, one copy for the safe. Anyone else "
        "asks the front desk first. Photographs of single pages are allowed for work at home and are deleted "
        "afterwards."
    ),
)
"""What many papers say alike."""

FIRST_NAMES = _words(
    """
    Marta Yusuf Ingrid Tobias Leila Henrik Chiara Dmitri Oluwaseun Beatriz Kaito Noor Anselm Priya Gwen Rafael
    Solveig Emeka Tatiana Lucien Hana Mateus Freya Idris Camille Viktor Aisha Bram Elif Joaquin Mirela Oskar Paloma
    Ravi Sunniva Tariq Ulla Wanda Xavier Zofia
    """
)
LAST_NAMES = _words(
    """
    Oyelaran Brandt Kowalczyk Fenwick Haugland Iwasaki Jovanovic Kessler Lindqvist Marchetti Nakamura Okonkwo
    Pereira Quintero Rasmussen Szabo Takahashi Urquhart Vasilenko Wojcik Yilmaz Zeller Abernathy Bergstrom
    Castellano Dufresne Eriksen Farkas Gallagher Hashimoto Ibarra Jankowski Karlsen Lombardi Mwangi Novak Olafsen
    Petrov Ribeiro Sorensen Thackeray Ulrich Vandermeer Whitlock Ximenes Yamada Zielinski Achterberg Bellweather
    Cartwright Delacroix Engstrom Falkenrath Greenhalgh Hollister Inchbald Jelinek Kirkbride Ljungberg Montague
    """
)
TOWNS = _words(
    """
    Leeds Porto Gdansk Bergen Lyon Graz Turku Malaga Ghent Kaunas Split Cork Basel Brno Tartu Parma Umea Lugano
    Plovdiv Aarhus Coimbra Dresden Exeter Ferrara Groningen Haugesund Innsbruck Jena Kilkenny Limoges Maribor Narvik
    Ostrava Pecs Quimper Rijeka Salford Trier Uppsala Varna Whitby Zadar
    """
)
CODE_WORDS = _words(
    """
    amber basalt cedar delta ember falcon garnet heron indigo juniper kestrel lantern marlin nettle onyx pepper
    quartz raven saffron thistle umber vesper willow yarrow zephyr anchor birch comet drift echo flint grove harbor
    ivory jasper kelp lotus maple north opal pine quill ridge sable tundra ursa velvet walrus xenon yucca zinc aspen
    bramble cobalt dune elder fjord glacier hazel iris
    """
)
MONTHS = _words(
    """
    January February March April May June July August September October November December
    """
)
