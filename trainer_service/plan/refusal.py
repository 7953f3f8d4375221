"""How a plan refuses: under the field of the spec that is to be changed."""

from catalog_service.errors import InvalidRequest, Violation, invalid


def refused(field: str, why: str) -> InvalidRequest:
    """Return the error; `field` is a path below `spec`."""
    return invalid([Violation(field=f"spec.{field}", description=why)])
