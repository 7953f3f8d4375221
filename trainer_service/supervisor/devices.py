"""The devices of this host, found without opening a CUDA library: this process never does.

A CPU is as many devices as there are slots, each with its share of the cores. Of NVIDIA's GPUs each
is one, or each slice of it where it is cut into slices (MIG).
"""

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from trainer_service.errors import DeviceUnavailable
from trainer_service.jobs import HostDevice

NVIDIA_DRIVER = Path("/proc/driver/nvidia")
"""Where the driver names its GPUs. Source: NVIDIA driver README, chapter 33."""
SMI = "nvidia-smi"
MEMORY_QUESTION = ("--query-gpu=uuid,memory.total", "--format=csv,noheader,nounits")
SMI_TIMEOUT_S = 30.0
"""Without its persistence daemon the driver takes seconds to wake up."""

GPU_LINE = re.compile(r"^GPU (?P<number>\d+): (?P<name>.+) \(UUID: (?P<uuid>GPU-[^)]+)\)")
SLICE_LINE = re.compile(r"^\s+MIG (?P<profile>\S+)\s+Device\s+\d+: \(UUID: (?P<uuid>MIG-[^)]+)\)")
"""Source: `nvidia-smi -L`, with and without MIG (NVIDIA MIG user guide, 9.4)."""

AskSmi = Callable[[Sequence[str]], str]
"""Runs nvidia-smi with arguments and returns what it prints; empty where that is impossible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """A GPU, or a slice of one, before it is known whether this process may use it."""

    number: int
    """In the order of the PCI bus."""
    uuid: str
    """Empty where only its number is known."""
    name: str
    memory_bytes: int = 0
    slice_of: str = ""
    """The UUID of the GPU that this is a slice of."""


def cpu_devices(num_slots: int, num_threads: int) -> tuple[HostDevice, ...]:
    """Return a device for each slot, which has `num_threads` cores."""
    description = "1 core" if num_threads == 1 else f"{num_threads} cores"
    return tuple(
        HostDevice(kind="cpu", index=index, description=description) for index in range(num_slots)
    )


def cuda_devices(visible: str | None) -> tuple[HostDevice, ...]:
    """Return the GPUs that this process may use; empty if there are none.

    Args:
        visible: CUDA_VISIBLE_DEVICES of this process; None where it is not set.
    """
    gpus = gpus_told_by_smi(ask_smi) or gpus_told_by_driver(NVIDIA_DRIVER)
    chosen = gpus if visible is None else tuple(visible_gpus(gpus, visible))
    return tuple(
        HostDevice(
            kind="cuda",
            index=index,
            description=gpu.name,
            memory_bytes=gpu.memory_bytes,
            handle=gpu.uuid or str(gpu.number),
        )
        for index, gpu in enumerate(chosen)
    )


def require_cuda(devices: tuple[HostDevice, ...]) -> tuple[HostDevice, ...]:
    """Return the devices.

    Raises:
        DeviceUnavailable: there are none.
    """
    if devices:
        return devices
    raise DeviceUnavailable(
        f"VERTEBRA_TRAINER_DEVICE is 'cuda', but no GPU is there: `{SMI} -L` and {NVIDIA_DRIVER}"
        " name none, or CUDA_VISIBLE_DEVICES hides all; give this process a GPU, or set"
        " VERTEBRA_TRAINER_DEVICE to 'cpu'"
    )


def gpus_told_by_smi(ask: AskSmi) -> tuple[Gpu, ...]:
    """Return the GPUs that nvidia-smi lists, slices in place of what they are cut from."""
    listed = ask(("-L",))
    memory = _memory_by_uuid(ask(MEMORY_QUESTION))
    gpus: list[Gpu] = []
    for line in listed.splitlines():
        if found := GPU_LINE.match(line):
            uuid = found["uuid"]
            gpu = Gpu(number=int(found["number"]), uuid=uuid, name=found["name"])
            gpus.append(replace(gpu, memory_bytes=memory.get(uuid, 0)))
        elif (found := SLICE_LINE.match(line)) and gpus:
            gpus.append(_slice(gpus[-1], found["profile"], found["uuid"]))
    cut = {gpu.slice_of for gpu in gpus}
    return tuple(gpu for gpu in gpus if gpu.uuid not in cut)


def gpus_told_by_driver(folder: Path) -> tuple[Gpu, ...]:
    """Return the GPUs that the driver's folder names, in the order of the PCI bus."""
    files = sorted(folder.glob("gpus/*/information"))
    facts = [_facts(path.read_text("utf-8", "replace")) for path in files]
    return tuple(
        Gpu(number=number, uuid=of.get("GPU UUID", ""), name=of.get("Model", ""))
        for number, of in enumerate(facts)
    )


def visible_gpus(gpus: Sequence[Gpu], visible: str) -> Iterator[Gpu]:
    """Yield the GPUs that a value of CUDA_VISIBLE_DEVICES names, in its order. As CUDA does, it
    ends at the first name that no GPU has.

    Source: CUDA C++ programming guide, CUDA_VISIBLE_DEVICES.
    """
    for name in (word.strip() for word in visible.split(",")):
        found = [gpu for gpu in gpus if _is_called(gpu, name)]
        if not found:
            return
        yield found[0]


def ask_smi(arguments: Sequence[str]) -> str:
    """Return what nvidia-smi prints; empty where it is absent, fails or takes too long."""
    try:
        answer = subprocess.run(
            [SMI, *arguments], capture_output=True, text=True, timeout=SMI_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout if answer.returncode == 0 else ""


def _is_called(gpu: Gpu, name: str) -> bool:
    if name.isdecimal():
        return not gpu.slice_of and gpu.number == int(name)
    return bool(name) and gpu.uuid.startswith(name)


def _slice(gpu: Gpu, profile: str, uuid: str) -> Gpu:
    """Return a slice of the GPU that was listed before it, or of which the slice before it is."""
    memory = re.search(r"(\d+)gb", profile)
    return Gpu(
        number=gpu.number,
        uuid=uuid,
        name=f"{gpu.name.split(' MIG ')[0]} MIG {profile}",
        memory_bytes=int(memory[1]) * 2**30 if memory else 0,
        slice_of=gpu.slice_of or gpu.uuid,
    )


def _memory_by_uuid(csv: str) -> Mapping[str, int]:
    """Return bytes by UUID; nvidia-smi tells MiB, and `[N/A]` of some GPUs."""
    rows = [line.split(",") for line in csv.splitlines() if line.count(",") == 1]
    return {
        uuid.strip(): int(mebibytes) * 2**20
        for uuid, mebibytes in rows
        if mebibytes.strip().isdecimal()
    }


def _facts(information: str) -> Mapping[str, str]:
    """Return the lines `Model: \t NVIDIA H200` of the driver's file as a table."""
    pairs = (line.partition(":") for line in information.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
