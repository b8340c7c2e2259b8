"""POST /v1/messages."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, Response, post
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, RequestBody

from jackfield.contracts.identity import Principal
from jackfield.workbench import Workbench
from jackfield_web.answers.answered import run_headers, streamed, whole
from jackfield_web.answers.answers import Answers
from jackfield_web.documentation import Streaming, in_shape_of
from jackfield_web.identity.rights import needs
from jackfield_web.messages.answers import MessageFrames, message_answer
from jackfield_web.messages.errors import OVERLOADED, MessageError, message_error_response
from jackfield_web.messages.replies import MessageAnswer, TokenCount
from jackfield_web.messages.requests import CountRequest, MessageRequest, counted_run, message_run

Version = Annotated[
    str | None, HeaderParameter(name="anthropic-version", description="Any; the API is that of 2023-06-01.")
]
ERRORS = in_shape_of(MessageError, {OVERLOADED: "The queue is full. Retry-After says when to ask again."})


class MessageController(Controller):
    """Conversations, as Anthropic has them."""

    path = "/v1/messages"
    tags = ("Messages",)
    opt = needs("inference")
    exception_handlers = {Exception: message_error_response}  # noqa: RUF012 - Litestar's own declaration

    @post(
        status_code=200,
        operation_id="createMessage",
        operation_class=Streaming,
        response_description="The answer",
        summary="Answer a conversation",
        description="With `stream`, the answer is a stream of server-sent events, from message_start to message_stop.",
        responses=ERRORS,
    )
    async def create(
        self,
        request: Request[Any, Any, Any],
        data: RequestBody[MessageRequest],
        answers: NamedDependency[Answers],
        anthropic_version: Version = None,
    ) -> Response[MessageAnswer]:
        """Answer whole, or event by event."""
        asked = [message_run(data)]
        if data.stream:
            return await streamed(request, answers, asked, MessageFrames)
        (written,) = await whole(request, answers, asked)
        return Response(message_answer(answers.runs[0], written), headers=run_headers(answers.runs))

    @post(
        "/count_tokens",
        status_code=200,
        operation_id="countMessageTokens",
        response_description="The count",
        summary="Count what a model would read",
        responses=ERRORS,
    )
    async def count(
        self,
        data: RequestBody[CountRequest],
        workbench: NamedDependency[Workbench],
        principal: NamedDependency[Principal],
        anthropic_version: Version = None,
    ) -> TokenCount:
        """The prompt's tokens, template and tools included; the model is loaded where it is not."""
        return TokenCount(input_tokens=await workbench.count_tokens(counted_run(data), principal=principal))
