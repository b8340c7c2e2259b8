"""POST /v1/completions."""

from __future__ import annotations

from functools import partial
from typing import Any

from litestar import Controller, Request, Response, post
from litestar.di import NamedDependency
from litestar.params import RequestBody

from jackfield_web.answers.answered import run_headers, streamed, whole
from jackfield_web.answers.answers import Answers
from jackfield_web.answers.frames import in_chunks
from jackfield_web.completions.answers import CompletionChunks, completion
from jackfield_web.completions.replies import Completion
from jackfield_web.completions.requests import CompletionRequest, completion_runs
from jackfield_web.documentation import ANSWER_ERRORS, Streaming
from jackfield_web.identity.rights import needs


class CompletionController(Controller):
    """Raw prompts."""

    path = "/v1/completions"
    tags = ("Completions",)
    opt = needs("inference")

    @post(
        status_code=200,
        operation_id="createCompletion",
        operation_class=Streaming,
        response_description="The answer",
        summary="Go on with a text",
        description="With `stream`, the answer is a stream of server-sent events, each a text_completion.",
        responses=ANSWER_ERRORS,
    )
    async def create(
        self,
        request: Request[Any, Any, Any],
        data: RequestBody[CompletionRequest],
        answers: NamedDependency[Answers],
    ) -> Response[Completion]:
        """Answer whole, or chunk by chunk."""
        asked = completion_runs(data)
        if data.stream:
            return await streamed(request, answers, asked, in_chunks(partial(CompletionChunks, data)))
        written = await whole(request, answers, asked)
        return Response(completion(data, answers.runs, written), headers=run_headers(answers.runs))
