"""Who may do what: one row for each rpc of the contract. What has no row is nobody's.

The roles are few because people remember few; a permission is what a group of calls costs whom.
"""

from enum import Enum

from catalog_service.serving.principals import Role


class Permission(Enum):
    """What calls need."""

    OPEN = "open"
    """Nothing: whether a service lives is no secret, and probes show nothing."""
    LOOK = "look"
    """See names, descriptions, jobs and their curves."""
    DOWNLOAD = "download"
    """Take weights and results away."""
    BUILD = "build"
    """Have models made and weights fetched, which costs disk, network and time."""
    TRAIN = "train"
    """Plan, start, steer and delete jobs; a plan reads the data's names."""
    REGISTER = "register"
    """Bring bytes and backbones in."""
    MANAGE = "manage"
    """Remove what others may need; decide what is kept."""
    DIAGNOSE = "diagnose"
    """Ask for failures, long silent streams and the contract itself."""


ROLES: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.LOOK}),
    Role.USER: frozenset(Permission) - {Permission.MANAGE},
    Role.OPERATOR: frozenset(Permission),
}
"""What a role allows."""

_CATALOG = "vertebra.catalog.v1"

_SERVICES: dict[str, dict[Permission, str]] = {
    f"{_CATALOG}.ArchitectureService": {Permission.LOOK: "ListArchitectures GetArchitecture"},
    f"{_CATALOG}.ModelService": {
        Permission.LOOK: "DescribeModel RenderModel CheckInput ListCompositions AdviseTransfer",
        Permission.BUILD: "BuildModel",
    },
    f"{_CATALOG}.WeightsService": {
        Permission.LOOK: "ListWeights GetWeights ExplainWeights",
        Permission.BUILD: "EnsureWeights",
    },
    f"{_CATALOG}.CheckpointService": {
        Permission.LOOK: "GetCheckpoint ListCheckpoints",
        Permission.REGISTER: "IdentifyCheckpoint RegisterCheckpoint",
        Permission.MANAGE: "DeleteCheckpoint",
    },
    f"{_CATALOG}.StorageService": {
        Permission.LOOK: "ListEntries PlanBundle",
        Permission.DOWNLOAD: "ExportBundle",
        Permission.MANAGE: "VerifyCache PruneCache PinBlobs ImportBundle",
    },
    "vertebra.blob.v1.BlobService": {
        Permission.LOOK: "StatBlob",
        Permission.DOWNLOAD: "ReadBlob ReadTensors",
        Permission.REGISTER: "WriteBlob QueryWrite",
    },
    "vertebra.trainer.v1.TrainJobService": {
        Permission.LOOK: (
            "GetTrainJob ListTrainJobs WatchTrainJob ListTrainJobEvents ListSnapshots QueryMetrics"
            " GetCapacity GetTrainForm ListExports"
        ),
        Permission.TRAIN: (
            "PlanTrainJob CreateTrainJob CancelTrainJob PauseTrainJob ResumeTrainJob DeleteTrainJob"
            " PinSnapshot"
        ),
    },
    "vertebra.diagnostics.v1.PathService": {
        Permission.LOOK: "Echo",
        Permission.DIAGNOSE: "HoldStream CountCalls",
    },
    "grpc.health.v1.Health": {Permission.OPEN: "Check Watch List"},
    "grpc.reflection.v1alpha.ServerReflection": {Permission.DIAGNOSE: "ServerReflectionInfo"},
    "grpc.reflection.v1.ServerReflection": {Permission.DIAGNOSE: "ServerReflectionInfo"},
}


def permission_table() -> dict[str, Permission]:
    """Return what each rpc needs: `/package.Service/Method` -> permission."""
    return {
        f"/{service}/{method}": permission
        for service, rows in _SERVICES.items()
        for permission, methods in rows.items()
        for method in methods.split()
    }


def is_allowed(roles: frozenset[Role], permission: Permission) -> bool:
    """Return whether any of the roles gives the permission."""
    return permission is Permission.OPEN or any(permission in ROLES[role] for role in roles)


def roles_with(permission: Permission) -> tuple[Role, ...]:
    """Return the roles that would do, the smallest first."""
    return tuple(role for role in ROLES if permission in ROLES[role])
