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


class MetricsController(Controller):
    """For whatever keeps figures over time."""

    path = "/"
    tags = ("Health",)
    opt = needs("metrics")

    @get(
        "/metrics",
        operation_id="getMetrics",
        response_description="Prometheus's text format, or OpenMetrics to whom asks for it",
        summary="What do the loaded models do?",
        media_type="text/plain",
    )
    async def metrics(self, workbench: NamedDependency[Workbench], request: Request[Any, Any, Any]) -> Response[bytes]:
        """Figures of every loaded model that writes, of the requests that this process answered, and of the process."""
        registry = CollectorRegistry()
        registry.register(LoadedModels(workbench.residency))
        if figures := request.app.state.get("request_figures"):
            registry.register(figures)
        ProcessCollector(registry=registry)
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), media_type=content_type)
