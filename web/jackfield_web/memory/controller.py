"""/api/memory: list, recall, add, look, forget. Everybody sees their own, and what others remember for all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, QueryParameter, RequestBody

from jackfield.contracts.identity import Principal
from jackfield.contracts.memory import Asker, Memory, MemoryKind, MemoryUnit
from jackfield.errors import InvalidRequest
from jackfield.identifiers import new_identifier
from jackfield.identity.local_mode import account_of
from jackfield.memory.taker import asker_of
from jackfield.workbench import Workbench
from jackfield_web.documentation import BAD_BODY, BAD_PARAMETER, FORBIDDEN, NOT_FOUND
from jackfield_web.identity.rights import needs
from jackfield_web.memory.bodies import (
    Forgotten,
    MemoryAddition,
    MemoryList,
    MemoryQuestion,
    MemoryVersions,
    RecalledList,
)

RECALLED = 5

Limit = Annotated[int, QueryParameter(description="How many at most.", ge=1, le=500)]
Before = Annotated[str | None, QueryParameter(description="Only those that come behind this memory.")]
Kind = Annotated[MemoryKind | None, QueryParameter(description="Only facts, or only kept texts.")]


def _memory(workbench: NamedDependency[Workbench]) -> Memory:
    return workbench.semantic.memory


def _asker(principal: NamedDependency[Principal]) -> Asker:
    return asker_of(account_of(principal))


class MemoryController(Controller):
    """What is remembered."""

    path = "/api/memory"
    tags = ("Memory",)
    dependencies = {  # noqa: RUF012 - Litestar's way to declare them
        "memory": Provide(_memory, sync_to_thread=False),
        "asker": Provide(_asker, sync_to_thread=False),
    }

    @get(
        operation_id="listMemories",
        opt=needs("read"),
        response_description="A page of them",
        summary="List memories",
        responses=BAD_PARAMETER,
    )
    async def page(
        self,
        memory: NamedDependency[Memory],
        asker: NamedDependency[Asker],
        kind: Kind = None,
        limit: Limit = 100,
        before: Before = None,
    ) -> MemoryList:
        """One's own, one's team's and everyone's."""
        return MemoryList(data=list(await memory.page(asker=asker, kind=kind, limit=limit, before=before)))

    @post(
        operation_id="addMemory",
        opt=needs("inference"),
        response_description="The memory",
        summary="Remember something",
        responses=BAD_BODY,
    )
    async def add(
        self, data: RequestBody[MemoryAddition], memory: NamedDependency[Memory], asker: NamedDependency[Asker]
    ) -> MemoryUnit:
        """The same words are kept once."""
        now = datetime.now(UTC)
        if data.expires_at is not None and data.expires_at <= now:
            raise InvalidRequest("'expires_at' has passed already.", parameter="expires_at")
        unit = MemoryUnit(
            id=new_identifier("mem"),
            text=data.text,
            provenance="user",
            owner_id=asker.id,
            team_id=asker.team_id,
            visibility=data.visibility or "owner",
            remembered_at=now,
            changed_at=now,
            expires_at=data.expires_at,
        )
        return await memory.remember(unit)

    @delete(
        status_code=200,
        operation_id="forgetMemories",
        opt=needs("inference"),
        response_description="How many",
        summary="Forget everything of one's own",
        responses=BAD_PARAMETER,
    )
    async def forget_all(self, memory: NamedDependency[Memory], asker: NamedDependency[Asker]) -> Forgotten:
        """For good, with every version."""
        return Forgotten(forgotten=await memory.forget_all(asker=asker))

    @post(
        "/recall",
        status_code=200,
        operation_id="recallMemories",
        opt=needs("follow"),
        response_description="The best first",
        summary="Recall what bears on a question",
        responses=BAD_BODY,
    )
    async def recall(
        self, data: RequestBody[MemoryQuestion], memory: NamedDependency[Memory], asker: NamedDependency[Asker]
    ) -> RecalledList:
        """As a run with memory would."""
        return RecalledList(data=list(await memory.recall(data.text, asker=asker, limit=data.limit or RECALLED)))

    @get(
        "/{memory_id:str}",
        operation_id="getMemory",
        opt=needs("follow"),
        response_description="The memory",
        summary="Look at a memory",
        responses=NOT_FOUND,
    )
    async def look(
        self, memory_id: FromPath[str], memory: NamedDependency[Memory], asker: NamedDependency[Asker]
    ) -> MemoryUnit:
        """As it stands."""
        return await memory.get(memory_id, asker=asker)

    @get(
        "/{memory_id:str}/versions",
        operation_id="getMemoryVersions",
        opt=needs("follow"),
        response_description="Oldest first",
        summary="Look at what a memory said before",
        responses=NOT_FOUND,
    )
    async def versions(
        self, memory_id: FromPath[str], memory: NamedDependency[Memory], asker: NamedDependency[Asker]
    ) -> MemoryVersions:
        """Every version of it."""
        return MemoryVersions(data=list(await memory.versions(memory_id, asker=asker)))

    @delete(
        "/{memory_id:str}",
        status_code=200,
        operation_id="forgetMemory",
        opt=needs("inference"),
        response_description="That it is gone",
        summary="Forget a memory",
        responses=NOT_FOUND | FORBIDDEN,
    )
    async def forget(
        self, memory_id: FromPath[str], memory: NamedDependency[Memory], asker: NamedDependency[Asker]
    ) -> Forgotten:
        """For good, with every version."""
        await memory.forget(memory_id, asker=asker)
        return Forgotten(forgotten=1)
