"""What a gateway does when its memory runs out: it refuses calls, and does not end.

Whole messages are held while JSON is translated, megabytes a call: whoever sends many of them and
ends none would have the kernel end Envoy, and with it everybody's streams.
"""

from typing import Any

from vertebra.gateway.fragments import Fragment

HEAP_SHARE = 0.7
"""Of the memory; the rest is the program itself, and what arrives until Envoy looks again."""

HEAP = "envoy.resource_monitors.fixed_heap"

CALL_AFTER_S = 20
"""Silent calls are given up after it when memory is short; services send heartbeats, each 15 s."""

_TYPES = "type.googleapis.com/envoy"


def heap_monitor(memory_bytes: int | None) -> list[Fragment]:
    """Return what watches the memory; nothing where there is no limit."""
    if memory_bytes is None:
        return []
    typed = {
        "@type": f"{_TYPES}.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
        "max_heap_size_bytes": int(memory_bytes * HEAP_SHARE),
    }
    return [{"name": HEAP, "typed_config": typed}]


def overload_actions(memory_bytes: int | None) -> list[Fragment]:
    """Return what is done at which share of the heap."""
    if memory_bytes is None:
        return []
    scaled = {"scaling_threshold": 0.8, "saturation_threshold": 0.9}
    timer = {"timer": "HTTP_DOWNSTREAM_STREAM_IDLE", "min_timeout": f"{CALL_AFTER_S}s"}
    patience = {
        "@type": f"{_TYPES}.config.overload.v3.ScaleTimersOverloadActionConfig",
        "timer_scale_factors": [timer],
    }
    return [
        _action("reduce_timeouts", {"scaled": scaled}, typed_config=patience),
        _action("shrink_heap", {"threshold": {"value": 0.85}}),
        _action("stop_accepting_requests", {"threshold": {"value": 0.9}}),
        # What a refused caller goes on sending is read for a second.
        _action("stop_accepting_connections", {"threshold": {"value": 0.95}}),
    ]


def _action(name: str, when: Fragment, **more: Any) -> Fragment:
    return {"name": f"envoy.overload_actions.{name}", "triggers": [{"name": HEAP, **when}], **more}
