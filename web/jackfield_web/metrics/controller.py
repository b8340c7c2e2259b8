"""GET /metrics."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder

from jackfield.workbench import Workbench
from jackfield_web.identity.rights import needs
from jackfield_web.metrics.collector import LoadedModels
from jackfield_web.metrics.team import TeamFigures, looked_up


class MetricsController(Controller):
    """For whatever keeps figures over time."""

    path = "/"
    tags = ("Health",)
    opt = needs("metrics")

    @get(
        "/metrics",
        operation_id="getMetrics",
        response_description="Prometheus's text format, or OpenMetrics to whom asks for it",
        summary="What do the models, the workers and this server do?",
        media_type="text/plain",
    )
    async def metrics(self, workbench: NamedDependency[Workbench], request: Request[Any, Any, Any]) -> Response[bytes]:
        """Figures of loaded models that write, of requests, of the team's runs and workers, and of this process."""
        registry = CollectorRegistry()
        registry.register(LoadedModels(workbench.residency))
        if figures := request.app.state.get("request_figures"):
            registry.register(figures)
        registry.register(TeamFigures(await looked_up(workbench)))
        ProcessCollector(registry=registry)
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), media_type=content_type)
