"""The gateway: one Envoy in front of both services, for browsers and for clients beyond this host.

`gateway.yaml` is the configuration that is run everywhere; here it is filled in, written, and run
as a child. Needs the extra `gateway` where Envoy itself is to run.
"""

from vertebra.gateway.config import (
    GATEWAY_PORT,
    Gateway,
    Jwt,
    ListenTls,
    ServiceTls,
    gateway_config,
)
from vertebra.gateway.descriptors import write_descriptors
from vertebra.gateway.encryption import write_secrets
from vertebra.gateway.running import GatewayFailed, RunningGateway, running_gateway

__all__ = [
    "GATEWAY_PORT",
    "Gateway",
    "GatewayFailed",
    "Jwt",
    "ListenTls",
    "RunningGateway",
    "ServiceTls",
    "gateway_config",
    "running_gateway",
    "write_descriptors",
    "write_secrets",
]
