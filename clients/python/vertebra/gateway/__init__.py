"""The gateway: one Envoy in front of both services, for browsers and for clients beyond this host.

`gateway.yaml` is the configuration that is run everywhere; here it is filled in, written, and run
as a child. Needs the extra `gateway` where Envoy itself is to run.
"""

from vertebra.gateway.config import (
    GATEWAY_PORT,
    Gateway,
    ListenTls,
    ServiceTls,
    gateway_config,
)
from vertebra.gateway.descriptors import write_descriptors
from vertebra.gateway.encryption import write_secrets
from vertebra.gateway.running import GatewayFailed, RunningGateway, running_gateway
from vertebra.gateway.tokens import JwksUrl, Jwt

__all__ = [
    "GATEWAY_PORT",
    "Gateway",
    "GatewayFailed",
    "JwksUrl",
    "Jwt",
    "ListenTls",
    "RunningGateway",
    "ServiceTls",
    "gateway_config",
    "running_gateway",
    "write_descriptors",
    "write_secrets",
]
