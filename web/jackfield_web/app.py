"""The Litestar app over a workbench."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.di import Provide

from jackfield.workbench import Workbench
from jackfield_web.answers.answers import Answers
from jackfield_web.answers.open_streams import OpenStreams
from jackfield_web.bodies import MAX_BODY_BYTES, JsonRequest
from jackfield_web.budgets.controller import BudgetController, UsageController
from jackfield_web.budgets.rate_headers import add_rate_headers
from jackfield_web.chat.controller import ChatController
from jackfield_web.closed_schemas import ClosedSchemas
from jackfield_web.completions.controller import CompletionController
from jackfield_web.documentation import openapi_config
from jackfield_web.embeddings.controller import EmbeddingController
from jackfield_web.errors import error_response
from jackfield_web.files.controller import FileController
from jackfield_web.guards import guards_for, in_turn
from jackfield_web.health.controller import HealthController
from jackfield_web.identity.controllers import IDENTITY_CONTROLLERS
from jackfield_web.identity.declared_rights import DeclaredRights
from jackfield_web.identity.recognise import principal_dependency, recognise
from jackfield_web.library.controllers import LIBRARY_CONTROLLERS
from jackfield_web.memory.controller import MemoryController
from jackfield_web.messages.controller import MessageController
from jackfield_web.metrics.controller import MetricsController
from jackfield_web.models.controller import ModelController
from jackfield_web.mounts import mounts_open
from jackfield_web.page import front_page
from jackfield_web.queries import refuse_unread
from jackfield_web.responses.controller import ResponseController
from jackfield_web.runs.controller import RunController
from jackfield_web.tools.controller import ToolController

OpenWorkbench = Callable[[], AbstractAsyncContextManager[Workbench]]


def create_app(
    open_workbench: OpenWorkbench, *, host: str = "127.0.0.1", open_streams: OpenStreams | None = None
) -> Litestar:
    """The API over a workbench that is open as long as the app lives.

    `host` is where it will listen, which decides who may ask; `open_streams` lets a server end what is being read.
    """

    @asynccontextmanager
    async def workbench_open(app: Litestar) -> AsyncIterator[None]:
        async with open_workbench() as workbench:
            app.state.workbench = workbench
            async with mounts_open(app, workbench), workbench.libraries.kept():
                yield

    streams = OpenStreams() if open_streams is None else open_streams

    def answers(request: Request[Any, Any, Any]) -> Answers:
        """One dependency instead of three: Litestar resolves several in tasks, which cost more than all of these."""
        return Answers(request.app.state.workbench, streams, principal_dependency(request))

    return Litestar(
        route_handlers=[
            front_page,
            ChatController,
            MessageController,
            ResponseController,
            FileController,
            CompletionController,
            EmbeddingController,
            ModelController,
            RunController,
            ToolController,
            BudgetController,
            UsageController,
            MemoryController,
            HealthController,
            MetricsController,
            *IDENTITY_CONTROLLERS,
            *LIBRARY_CONTROLLERS,
        ],
        lifespan=[workbench_open],
        dependencies={
            "workbench": Provide(_workbench, sync_to_thread=False),
            "principal": Provide(principal_dependency, sync_to_thread=False),
            "open_streams": Provide(lambda: streams, sync_to_thread=False),
            "answers": Provide(answers, sync_to_thread=False),
        },
        guards=[in_turn([*guards_for(host), recognise, refuse_unread])],
        plugins=[ClosedSchemas(), DeclaredRights()],
        exception_handlers={Exception: error_response},
        before_send=[add_rate_headers],
        request_class=JsonRequest,
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=openapi_config(),
        logging_config=None,
    )


def _workbench(state: State) -> Workbench:
    workbench: Workbench = state.workbench
    return workbench
