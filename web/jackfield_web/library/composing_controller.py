"""/api/files/group, join, summarise, compare and do: calls that take many files together, and calls in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import RequestBody

from jackfield.contracts.files import Point
from jackfield.contracts.identity import Principal
from jackfield.errors import Conflict, InvalidRequest
from jackfield.files.asking import ChatModel
from jackfield.files.comparing import Comparison, compared_files, compared_versions
from jackfield.files.grouping import Grouping, grouped_by_meaning, grouped_by_words
from jackfield.files.joining import Joined, joined_files, joined_sections
from jackfield.files.library import Library
from jackfield.files.summaries import Summary, summary_of_files, summary_of_topic
from jackfield.files.words.commands import agreement_to, carried_out, plan_of
from jackfield.files.words.times import Clock
from jackfield.workbench import Workbench
from jackfield_web.identity.rights import needs
from jackfield_web.library.asked import LIBRARY, SENT
from jackfield_web.library.composing_bodies import (
    ComparisonWanted,
    GroupingWanted,
    JoiningWanted,
    SummaryWanted,
    WordsSaid,
)
from jackfield_web.library.composing_replies import WordsDone

AGREED_WITHIN = timedelta(hours=1)


class ComposingController(Controller):
    """Files taken together, and what is said of them in words."""

    path = "/api/files"
    tags = ("Semantic files",)
    dependencies = LIBRARY

    @post(
        "/group",
        operation_id="groupFiles",
        opt=needs("inference"),
        response_description="The groups",
        status_code=200,
        summary="Sort files into groups, by words or by meaning",
        responses=SENT,
    )
    async def group(
        self,
        data: RequestBody[GroupingWanted],
        library: NamedDependency[Library],
        workbench: NamedDependency[Workbench],
        principal: NamedDependency[Principal],
    ) -> Grouping:
        """By meaning it takes the embedding model; `notice` says what could not be done."""
        if data.words:
            if data.count or data.names:
                raise InvalidRequest("Groups by words are those words: leave out 'count' and 'names'.")
            return await grouped_by_words(library, data.collection, data.words, under=data.under)
        namer = _chat(workbench, principal, data.model) if data.names else None
        opened = await library.opened(data.collection)
        return await grouped_by_meaning(opened, under=data.under, count=data.count, namer=namer)

    @post(
        "/join",
        operation_id="joinFiles",
        opt=needs("inference"),
        response_description="The new file, and where its parts came from",
        status_code=201,
        summary="Merge files, or what they say of a topic, into one",
        responses=SENT,
    )
    async def join(self, data: RequestBody[JoiningWanted], library: NamedDependency[Library]) -> Joined:
        """Each part says where it came from; what two parts say is kept once."""
        opened = await library.opened(data.collection, "write")
        if not data.topic:
            return await joined_files(opened, data.paths, data.into, change=data.change)
        only = data.paths or None
        return await joined_sections(
            library, opened, data.topic, data.into, under=data.under, only=only, change=data.change
        )

    @post(
        "/summarise",
        operation_id="summariseFiles",
        opt=needs("inference"),
        response_description="A few sentences, and their sources",
        status_code=200,
        summary="Sum up what files say",
        responses=SENT,
    )
    async def summarise(
        self,
        data: RequestBody[SummaryWanted],
        library: NamedDependency[Library],
        workbench: NamedDependency[Workbench],
        principal: NamedDependency[Principal],
    ) -> Summary:
        """[1] and so on in the text are numbers of sources: paths, versions and spans."""
        if not data.topic and not data.paths:
            raise InvalidRequest("Say a 'topic', or name files in 'paths'.")
        opened = await library.opened(data.collection)
        chat = _chat(workbench, principal, data.model)
        if data.paths:
            return await summary_of_files(chat, opened, data.paths, data.topic)
        return await summary_of_topic(chat, (opened.name,), data.topic, under=data.under, limit=data.limit)

    @post(
        "/compare",
        operation_id="compareFiles",
        opt=needs("inference"),
        response_description="What differs",
        status_code=200,
        summary="Say in words what differs between two versions, or two files",
        responses=SENT,
    )
    async def compare(
        self,
        data: RequestBody[ComparisonWanted],
        library: NamedDependency[Library],
        workbench: NamedDependency[Workbench],
        principal: NamedDependency[Principal],
    ) -> Comparison:
        """Where no model is installed it is told in counts and headings."""
        opened = await library.opened(data.collection)
        chat = _chat(workbench, principal, data.model)
        if data.other:
            if data.old or data.new:
                raise InvalidRequest("Compare two versions, or two files with 'other'; not both.", parameter="other")
            return await compared_files(opened, data.path, data.other, chat=chat)
        old, new = (Point(number=number) if number else None for number in (data.old, data.new))
        return await compared_versions(opened, data.path, old, new, chat=chat)

    @post(
        "/do",
        operation_id="doWithFiles",
        opt=needs("inference"),
        response_description="The plan, and what came of it where it was carried out",
        status_code=200,
        summary="Do what is said in words, once somebody agreed to the plan",
        responses=SENT,
    )
    async def do(
        self,
        data: RequestBody[WordsSaid],
        library: NamedDependency[Library],
        workbench: NamedDependency[Workbench],
        principal: NamedDependency[Principal],
    ) -> WordsDone:
        """What only looks is done at once. What changes something is told as a plan; sending the same words again with
        `agreed` carries it out as one change, unless it would be another plan by now.
        """
        chat = _chat(workbench, principal, data.model)
        now = _agreed_at(data)
        plan = await plan_of(
            library,
            data.words,
            collection=data.collection,
            chat=chat,
            clock=Clock(now, UTC),
            choices=data.choices,
        )
        if data.agreed is None and plan.writes:
            return WordsDone.planned(plan, now)
        if data.agreed is not None and data.agreed.to != agreement_to(plan):
            raise Conflict("It would be another plan by now, and nothing was done; look at the new one.")
        return WordsDone.done(await carried_out(library, plan, chat=chat), now)


def _chat(workbench: Workbench, principal: Principal, model: str) -> ChatModel:
    return ChatModel(workbench, name=model, principal=principal)


def _agreed_at(data: WordsSaid) -> datetime:
    """When the plan was made that is agreed to, and else now; raises InvalidRequest for one that is too old."""
    now = datetime.now(UTC)
    if data.agreed is None:
        return now
    if not now - AGREED_WITHIN <= data.agreed.as_of <= now:
        raise InvalidRequest(
            "A plan is agreed to within an hour; send the words again for a new one.", parameter="agreed"
        )
    return data.agreed.as_of
