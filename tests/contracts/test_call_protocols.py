"""Every registered call protocol keeps the contract's promises."""

from __future__ import annotations

import pytest

from jackfield.contracts.protocols import CallProtocol
from jackfield.plugin_host import BUILT_IN, LoadPolicy, PluginHost
from jackfield.testing.contract_suites.call_protocol import CallProtocolContract

PROTOCOLS = PluginHost(LoadPolicy(only=frozenset({BUILT_IN, "function-calls"}))).load().registry.call_protocols


def test_ours_are_there() -> None:
    assert {"native", "constrained", "interrupts"} <= set(PROTOCOLS.names())


class TestRegisteredProtocols(CallProtocolContract):
    """Ours, and those of installed plugins."""

    @pytest.fixture(params=PROTOCOLS.names())
    def protocol(self, request: pytest.FixtureRequest) -> CallProtocol:
        """Each of them."""
        return PROTOCOLS.get(request.param)
