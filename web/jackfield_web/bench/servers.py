"""What is measured: a whole `jackfield serve` around the instant engine, an upstream alone, and LiteLLM before it."""

from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jackfield.contracts.budgets import PERIODS, Budget
from jackfield.contracts.identity import Holder
from jackfield.contracts.models import InstalledModel
from jackfield.identity.audit import COMMAND_LINE
from jackfield.identity.desk import opened_identity
from jackfield.identity.keys import KeyWish
from jackfield.settings import Settings, load_settings
from jackfield.wiring import open_store
from jackfield_web.bench.instant import DESCRIPTION, MARK
from jackfield_web.bench.processes import Running, free_port, running

if TYPE_CHECKING:
    from jackfield.plugin_host import PluginHost

MODEL = "bench"
PLENTY = 10**15
"""Tokens and millionths of a budget, and tokens and requests a minute, that no bench uses up."""


@contextmanager
def upstream(folder: Path) -> Iterator[Running]:
    """A server that answers at once, whatever it is asked."""
    port = free_port()
    command = [sys.executable, "-m", "jackfield_web.bench.upstream", str(port)]
    with running("upstream", command, port=port, log=folder / "upstream.log") as server:
        yield server


@contextmanager
def litellm(program: str, behind: Running, folder: Path) -> Iterator[Running]:
    """One worker of LiteLLM's proxy, which asks for a key, before the upstream."""
    config = {
        "model_list": [
            {
                "model_name": MODEL,
                "litellm_params": {
                    "model": f"openai/{MODEL}",
                    "api_base": f"http://127.0.0.1:{behind.port}/v1",
                    "api_key": "none",
                },
            }
        ],
        "general_settings": {"master_key": "sk-bench"},
        "litellm_settings": {"telemetry": False},
    }
    path = folder / "litellm.yaml"
    path.write_bytes(msgspec.json.encode(config))  # JSON is YAML
    port = free_port()
    command = [program, "--config", str(path), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    variables = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    with running(
        "litellm", command, port=port, log=folder / "litellm.log", key="sk-bench", variables=variables
    ) as server:
        yield server


@asynccontextmanager
async def jackfield(plugins: PluginHost, folder: Path, database: str) -> AsyncIterator[Running]:
    """`jackfield serve` with identity switched on, and a key whose rates and budgets are counted but never reached."""
    home = folder / "home"
    variables = {
        "JACKFIELD_HOME": str(home),
        "JACKFIELD_SETTINGS": str(folder / "jackfield.toml"),
        "JACKFIELD_DATABASE_URL": database,
        "JACKFIELD_IDENTITY__ENABLED": "true",
        "JACKFIELD_LOG_LEVEL": "warning",
        "PYTHONPATH": str(_installed_engine(folder / "site")),
    }
    settings = load_settings(
        home=home, database_url=database, identity={"enabled": True, "setup_token": secrets.token_urlsafe()}
    )
    key = await _prepared(settings, plugins)
    port = free_port()
    command = [sys.executable, "-m", "jackfield", "serve", "--port", str(port), "--model", MODEL]
    with running("jackfield", command, port=port, log=folder / "jackfield.log", key=key, variables=variables) as server:
        yield server


def _installed_engine(site: Path) -> Path:
    """A folder that makes the instant engine a plugin of whatever process has it on its path."""
    metadata = site / "jackfield_instant_engine-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.4\nName: jackfield-instant-engine\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[jackfield]\ninstant = jackfield_web.bench.instant\n")
    return site


async def _prepared(settings: Settings, plugins: PluginHost) -> str:
    """A home with the model, a user, and the key that is given."""
    file = settings.models_folder / "instant.model"
    file.parent.mkdir(parents=True)
    file.write_bytes(MARK)
    async with open_store(settings, plugins) as store:
        await store.models.put(
            InstalledModel(
                name=MODEL,
                path=file,
                reference=str(file),
                sha256="0" * 64,
                pulled_at=datetime.now(UTC),
                description=DESCRIPTION,
            )
        )
        identity = await opened_identity(store, settings)
        assert identity is not None
        user = await identity.users.add(
            COMMAND_LINE, email="bench@example.org", name="Bench", role="member", password=None
        )
        wish = KeyWish(name="bench", requests_per_minute=PLENTY, tokens_per_minute=PLENTY)
        made = await identity.keys.make(COMMAND_LINE, user, wish)
        for holder in (Holder("key", made.key.id), Holder("user", user.id)):
            for period in PERIODS:
                await store.budgets.put(Budget(holder=holder, period=period, tokens=PLENTY, money=PLENTY))
    return made.secret
