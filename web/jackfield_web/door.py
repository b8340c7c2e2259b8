"""The door that `jackfield serve` opens."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

import msgspec

from jackfield.contracts.doors import Listen
from jackfield.identity.local_mode import refuse_open_door
from jackfield_web.answers.open_streams import OpenStreams
from jackfield_web.app import OpenWorkbench, create_app
from jackfield_web.server import StoppableServer
from jackfield_web.sockets import listening_socket
from jackfield_web.stop_signals import StopSignals

OnReady = Callable[[Listen], None]


class WebDoor:
    """Serves the OpenAI API over HTTP."""

    def serve(self, open_workbench: OpenWorkbench, listen: Listen, *, on_ready: OnReady) -> None:
        """Block until SIGINT or SIGTERM; raises PortInUse before anything is opened.

        Raises SettingsInvalid for an address beyond this machine while identity is off.
        """
        with listening_socket(listen) as listener, asyncio.Runner(loop_factory=_loop_factory()) as runner:
            taken = msgspec.structs.replace(listen, port=listener.getsockname()[1])
            runner.run(_serve(open_workbench, listener, taken, on_ready))


async def _serve(open_workbench: OpenWorkbench, listener: socket.socket, listen: Listen, on_ready: OnReady) -> None:
    signals = StopSignals()
    with signals.caught():
        async with open_workbench() as workbench:
            refuse_open_door(listen.host, identity=workbench.identity is not None)
            streams = OpenStreams()
            app = create_app(lambda: nullcontext(workbench), host=listen.host, open_streams=streams)
            server = StoppableServer(app, streams, on_ready=partial(on_ready, listen))
            with signals.calling(server.stop):
                await server.serve(sockets=[listener])


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed; it has no version for Windows."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
