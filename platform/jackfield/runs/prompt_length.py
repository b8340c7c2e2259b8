"""How long a request's prompt is, counted as a run would read it."""

from __future__ import annotations

import asyncio

from jackfield.contracts.models import InstalledModel
from jackfield.contracts.protocols import Presentation
from jackfield.contracts.runs import RunRequest, ToolUse
from jackfield.models.residency import ModelResidency
from jackfield.runs.agent_work import calls_tools
from jackfield.runs.assembly import prompt_of
from jackfield.runs.equipment import Equipment
from jackfield.runs.readable import Readable
from jackfield.runs.run_model import Asked, RunModel


async def prompt_length(
    request: RunRequest, model: InstalledModel, residency: ModelResidency, equipment: Equipment
) -> int:
    """The prompt's tokens, with the template and the tools that the caller runs; also where no context holds them.

    The model is loaded where it is not. Raises InvalidRequest, or ModelError.
    """
    shown = await _shown(request, model, residency, equipment) if calls_tools(request) else None
    tools = request.tools.callers if request.tools else ()
    async with residency.decoder_held(model) as decoder:
        return len(await asyncio.to_thread(prompt_of, request, decoder.engine, shown=shown, tools=tools))


async def _shown(
    request: RunRequest, model: InstalledModel, residency: ModelResidency, equipment: Equipment
) -> Presentation:
    """The conversation as the run's call protocol presents its first answer."""
    use = request.tools or ToolUse()
    protocol = equipment.protocol(use)
    guards = [guard for _, guard in equipment.guards.items()]
    asked = Asked(
        messages=Readable(protocol.markers, guards).messages(request.messages),
        tools=use.callers,
        choice=use.choice,
        several=use.several,
        mode=use.mode or equipment.defaults.mode,
    )
    return await RunModel(residency, request, model, None).presentation(protocol, asked)
