"""`jackfield chat`: a conversation in a terminal, kept in the database."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack

import click

from jackfield.cli.answering import Answer, remark_on_end, shown_answer, unasked
from jackfield.cli.memory_options import MemoryFlags, memory_options, tell_remembered, with_memory
from jackfield.cli.output import exit_code, say
from jackfield.cli.sampling_options import sampling_options
from jackfield.cli.session import Session, pass_session
from jackfield.cli.tool_options import ToolFlags, chosen_tools, require_tools, tool_options
from jackfield.contracts.runs import Conversation, RunRequest, ToolUse
from jackfield.contracts.sampling import SamplingOverrides
from jackfield.errors import CallDenied, ConversationNotFound, InvalidRequest, JackfieldError
from jackfield.messages import Message, Span
from jackfield.wiring import open_workbench
from jackfield.workbench import Workbench

HELP = """  /new    begin a new conversation
  /exit   leave (so does Ctrl+D)
  Ctrl+C  stops an answer; what was written is kept"""
TITLE_LENGTH = 60


class Chat:
    """One conversation at a time with one model."""

    def __init__(
        self,
        workbench: Workbench,
        model: str,
        adapter: str | None,
        system: str,
        sampling: SamplingOverrides,
        tools: ToolUse | None = None,
        memory: MemoryFlags | None = None,
    ) -> None:
        self._workbench = workbench
        self._model = model
        self._adapter = adapter
        self._system = system
        self._sampling = sampling
        self._tools = tools
        self._memory = memory or MemoryFlags()
        self._conversation: Conversation | None = None

    def begin_anew(self) -> None:
        """Forget the conversation here; it stays in the database."""
        self._conversation = None

    async def resume(self) -> tuple[Message, ...]:
        """Take up the last conversation and give its messages; raises ConversationNotFound."""
        recent = await self._workbench.conversations.recent(limit=1)
        if not recent:
            raise ConversationNotFound("There is no conversation to continue yet; start one with `jackfield chat`.")
        self._conversation = recent[0]
        return await self._history()

    async def answer(self, text: str) -> Answer:
        """Say something, show the answer, and keep both; what got no answer is not kept, so that another may.

        Of calls only the answer that they led to is kept. Raises CallDenied where one waits for approval.
        """
        conversation = self._conversation = self._conversation or await self._opened(text)
        said = Message.of("user", text)
        request = RunRequest(
            model=self._model,
            messages=(*await self._history(), said),
            sampling=self._sampling,
            adapter=self._adapter,
            client="terminal",
            tools=self._tools,
            conversation_id=conversation.id,
        )
        request = await with_memory(self._workbench, request, self._memory)
        answer = await shown_answer(self._workbench, request)
        tell_remembered(self._workbench)
        if answer.waiting:
            raise CallDenied(f"{unasked(answer).message}\nThis conversation does not keep the turn.")
        conversations = self._workbench.conversations
        await conversations.append(conversation.id, said)
        await conversations.append(conversation.id, _kept(answer), run_id=answer.run_id)
        return answer

    async def _opened(self, text: str) -> Conversation:
        conversations = self._workbench.conversations
        conversation = await conversations.add(text.strip().splitlines()[0][:TITLE_LENGTH], model=self._model)
        if self._system:
            await conversations.append(conversation.id, Message.of("system", self._system))
        return conversation

    async def _history(self) -> tuple[Message, ...]:
        if self._conversation is None:
            return ()
        stored = await self._workbench.conversations.messages(self._conversation.id)
        return tuple(each.message for each in stored)


def _kept(answer: Answer) -> Message:
    """An answer as a turn; one that calls led to commands no more than what they gave."""
    return Message(role="assistant", spans=(Span(answer.answer, "tool" if answer.calls else "assistant"),))


@click.command("chat")
@click.option("-m", "--model", default="", metavar="NAME", help="The model to talk with; the default otherwise.")
@click.option("--adapter", metavar="NAME", help="A LoRA adapter for the model to answer with.")
@click.option("-s", "--system", default="", metavar="TEXT", help="Instructions for the whole conversation.")
@click.option("-c", "--continue", "continued", is_flag=True, help="Go on with the last conversation.")
@memory_options
@tool_options
@sampling_options
@pass_session
def command(
    session: Session,
    model: str,
    adapter: str | None,
    system: str,
    continued: bool,
    flags: ToolFlags,
    memory: MemoryFlags,
    sampling: SamplingOverrides,
) -> None:
    """Talk with a model, turn by turn.

    Lines that are piped in are turns too; a turn that fails then shows in the exit code when all are done. With --tool
    the model may call tools; of a turn with calls, the answer is kept for the next ones.
    """
    require_tools(flags)
    if continued and system:
        raise InvalidRequest("--system is for a new conversation, and --continue goes on with one that has its own.")
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - line editing and history for input()
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            chat = runner.run(_opened(stack, session, model, adapter, system, flags, memory, sampling))
            if continued:
                for message in runner.run(chat.resume()):
                    say(f"{message.role}: {message.text}")
            failure = _converse(runner, chat)
        finally:
            runner.run(stack.aclose())
    if failure and not sys.stdin.isatty():
        sys.exit(exit_code(failure))


async def _opened(
    stack: AsyncExitStack,
    session: Session,
    model: str,
    adapter: str | None,
    system: str,
    flags: ToolFlags,
    memory: MemoryFlags,
    sampling: SamplingOverrides,
) -> Chat:
    workbench = await stack.enter_async_context(open_workbench(session.settings, session.plugins))
    installed = await workbench.models.get(model)
    if adapter:
        await workbench.models.adapter(adapter)
    tools = await chosen_tools(workbench, flags) if flags.names else None
    say(f"Loading {installed.name} …")
    await workbench.residency.decoder(installed)
    if memory.remembers(session.settings):
        say("Memory is on: what you say of yourself is remembered (`jackfield memory ls` lists it).")
    say("Say something; /help lists what else there is.")
    return Chat(workbench, installed.name, adapter, system, sampling, tools, memory)


def _converse(runner: asyncio.Runner, chat: Chat) -> JackfieldError | None:
    """Read lines until /exit or the end of input; an error ends a turn, not the conversation. Gives the last one."""
    failure: JackfieldError | None = None
    for text in _lines():
        match text.strip():
            case "":
                continue
            case "/exit" | "/quit":
                break
            case "/new":
                chat.begin_anew()
                say("A new conversation.")
            case "/help":
                say(HELP)
            case command if command.startswith("/") and " " not in command:
                say(f"There is no {command}.\n{HELP}")
            case _:
                failure = _turn_failure(runner, chat, text) or failure
    return failure


def _turn_failure(runner: asyncio.Runner, chat: Chat, text: str) -> JackfieldError | None:
    """Take a turn; the error that ended it, which has been shown, or None."""
    try:
        remark_on_end(runner.run(chat.answer(text)))
    except JackfieldError as error:
        advice = " /new begins a new conversation." if isinstance(error, InvalidRequest) else ""
        say(f"error: {error.message}{advice}")
        return error
    return None


def _lines() -> Iterator[str]:
    prompt = "> " if sys.stdin.isatty() else ""
    while True:
        try:
            yield input(prompt)
        except UnicodeDecodeError as error:
            raise InvalidRequest(f"What was typed or piped in is not UTF-8 text ({error.reason}).") from error
        except EOFError:
            say("")
            return
        except KeyboardInterrupt:
            say("\n(Ctrl+D or /exit leaves)")
