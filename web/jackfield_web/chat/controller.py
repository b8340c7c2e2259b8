"""POST /v1/chat/completions."""

from __future__ import annotations

from functools import partial
from typing import Any

from litestar import Controller, Request, Response, post
from litestar.di import NamedDependency
from litestar.params import RequestBody

from jackfield.errors import ToolNotFound
from jackfield_web.answers.answered import run_headers, streamed, whole
from jackfield_web.answers.answers import Answers
from jackfield_web.answers.frames import in_chunks
from jackfield_web.chat.answers import ChatChunks, chat_completion
from jackfield_web.chat.replies import ChatCompletion
from jackfield_web.chat.requests import ChatRequest, chat_runs
from jackfield_web.documentation import ANSWER_ERRORS, Streaming
from jackfield_web.identity.rights import needs


class ChatController(Controller):
    """Conversations."""

    path = "/v1/chat/completions"
    tags = ("Chat",)
    opt = needs("inference")

    @post(
        status_code=200,
        operation_id="createChatCompletion",
        operation_class=Streaming,
        response_description="The answer",
        summary="Answer a conversation",
        description="With `stream`, the answer is a stream of server-sent events, each a chat.completion.chunk.",
        responses=ANSWER_ERRORS,
    )
    async def create(
        self,
        request: Request[Any, Any, Any],
        data: RequestBody[ChatRequest],
        answers: NamedDependency[Answers],
    ) -> Response[ChatCompletion]:
        """Answer whole, or chunk by chunk."""
        asked = chat_runs(data)
        try:
            if data.stream:
                return await streamed(request, answers, asked, in_chunks(partial(ChatChunks, data)))
            written = await whole(request, answers, asked)
        except ToolNotFound as error:
            raise ToolNotFound(error.message, parameter="server_tools") from error
        return Response(chat_completion(data, answers.runs, written), headers=run_headers(answers.runs))
