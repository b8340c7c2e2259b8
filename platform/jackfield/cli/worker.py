"""`jackfield worker`: a process that executes runs for `jackfield serve --executor celery`."""

from __future__ import annotations

import click
import structlog

from jackfield.cli.output import say
from jackfield.cli.session import Session, pass_session
from jackfield.logs import configure_logs
from jackfield.settings import Settings
from jackfield.settings_variables import listed_names
from jackfield.telemetry.spans import traces_sent

log = structlog.get_logger()


@click.command("worker")
@click.option(
    "--models", metavar="NAMES", help="The models to serve, with commas between them; all installed if unset."
)
@click.option(
    "--concurrency", type=click.IntRange(1, 1024), metavar="RUNS", help="How many runs to take at once; 64 unless set."
)
@pass_session
def command(session: Session, models: str | None, concurrency: int | None) -> None:
    """Execute runs for a server until Ctrl+C, then let those under way end or go on elsewhere."""
    settings = session.settings
    jobs = settings.jobs
    if models is not None:
        jobs = jobs.model_copy(update={"models": tuple(listed_names("--models", models))})
    if concurrency is not None:
        jobs = jobs.model_copy(update={"concurrency": concurrency})
    settings = settings.model_copy(update={"jobs": jobs})
    configure_logs(settings.log_level, settings.telemetry.log_format)
    for report in session.plugins.reports():
        if report.state == "failed":
            log.warning("a plugin failed and is left out", plugin=report.name, reason=report.error)

    from jackfield.jobs.celery_worker import serve_runs
    from jackfield.jobs.redis_connection import redis_url
    from jackfield.wiring import open_worker

    sent = settings.telemetry
    with traces_sent(sent.otlp_endpoint, service=f"{sent.service_name}-worker", sample=sent.sample):
        serve_runs(
            lambda: open_worker(settings, session.plugins),
            redis_url(settings),
            concurrency=settings.jobs.concurrency,
            on_ready=lambda name: _greet(name, settings),
        )


def _greet(name: str, settings: Settings) -> None:
    """Say that it takes runs; in one line among others where programs read them."""
    if settings.telemetry.log_format == "json":
        log.info("taking runs", worker=name, models=settings.jobs.models)
        return
    models = ", ".join(settings.jobs.models) or "every model"
    say(f"Worker {click.style(name, bold=True)} serves {models}   (Ctrl+C stops it)")
