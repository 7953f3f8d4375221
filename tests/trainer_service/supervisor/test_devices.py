"""Devices are told apart without CUDA: what nvidia-smi or the driver says, and what is hidden."""

import os
from dataclasses import replace

import pytest

from trainer_service.errors import DeviceUnavailable
from trainer_service.supervisor import devices
from trainer_service.supervisor.devices import (
    Gpu,
    cpu_devices,
    cuda_devices,
    gpus_told_by_driver,
    gpus_told_by_smi,
    require_cuda,
    visible_gpus,
)

TWO_GPUS = """\
GPU 0: NVIDIA H200 (UUID: GPU-11111111-aaaa-bbbb-cccc-000000000001)
GPU 1: NVIDIA H200 (UUID: GPU-22222222-aaaa-bbbb-cccc-000000000002)
"""
ONE_IN_SLICES = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-11111111-aaaa-bbbb-cccc-000000000001)
  MIG 3g.20gb     Device  0: (UUID: MIG-77777777-aaaa-bbbb-cccc-000000000007)
  MIG 1c.3g.20gb  Device  1: (UUID: MIG-88888888-aaaa-bbbb-cccc-000000000008)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-22222222-aaaa-bbbb-cccc-000000000002)
"""
MEMORY = """\
GPU-11111111-aaaa-bbbb-cccc-000000000001, 143771
GPU-22222222-aaaa-bbbb-cccc-000000000002, [N/A]
"""
INFORMATION = """\
Model: \t\t NVIDIA H200
IRQ:   \t\t 0
GPU UUID: \t GPU-33333333-aaaa-bbbb-cccc-000000000003
Bus Location: \t 0000:1b:00.0
"""
GPUS = tuple(Gpu(number=n, uuid=f"GPU-{n}{n}{n}{n}-x", name="NVIDIA H200") for n in range(3))


def smi(listed: str, memory: str = ""):
    return lambda arguments: listed if arguments == ("-L",) else memory


def test_a_cpu_is_as_many_devices_as_there_are_slots():
    found = cpu_devices(2, 4)

    assert [(one.kind, one.index, one.description) for one in found] == [
        ("cpu", 0, "4 cores"),
        ("cpu", 1, "4 cores"),
    ]


def test_each_gpu_is_a_device_with_its_name_and_memory():
    first, second = gpus_told_by_smi(smi(TWO_GPUS, MEMORY))

    assert (first.number, first.name, first.memory_bytes) == (0, "NVIDIA H200", 143771 * 2**20)
    assert (second.uuid[:12], second.memory_bytes) == ("GPU-22222222", 0)


def test_slices_stand_in_place_of_the_gpu_that_they_are_cut_from():
    names = [(gpu.name, gpu.memory_bytes) for gpu in gpus_told_by_smi(smi(ONE_IN_SLICES))]

    assert names == [
        ("NVIDIA A100-SXM4-40GB MIG 3g.20gb", 20 * 2**30),
        ("NVIDIA A100-SXM4-40GB MIG 1c.3g.20gb", 20 * 2**30),
        ("NVIDIA A100-SXM4-40GB", 0),
    ]


def test_the_driver_is_asked_where_nvidia_smi_is_absent(tmp_path):
    folder = tmp_path / "gpus" / "0000:1b:00.0"
    folder.mkdir(parents=True)
    (folder / "information").write_text(INFORMATION)

    (found,) = gpus_told_by_driver(tmp_path)

    assert (found.name, found.uuid[:12]) == ("NVIDIA H200", "GPU-33333333")


@pytest.mark.parametrize(
    ("visible", "numbers"),
    [
        ("", []),
        ("1", [1]),
        ("2,0", [2, 0]),
        ("GPU-1111", [1]),
        ("0,-1,2", [0]),
        ("0, 9, 1", [0]),
        ("NoDevFiles", []),
    ],
)
def test_hidden_gpus_are_no_devices(visible, numbers):
    """As CUDA reads it: in this order, up to the first name that no GPU has."""
    assert [gpu.number for gpu in visible_gpus(GPUS, visible)] == numbers


def test_a_number_does_not_name_a_slice():
    sliced = replace(GPUS[0], uuid="MIG-7", slice_of="GPU-0")

    assert list(visible_gpus([sliced], "0")) == []
    assert list(visible_gpus([sliced], "MIG-7")) == [sliced]


def test_devices_are_numbered_from_0_and_named_so_that_no_order_matters(monkeypatch, tmp_path):
    """The numbers of CUDA and of nvidia-smi may differ; UUIDs do not."""
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncase $1 in -L) cat <<'E'\n{TWO_GPUS}E\n;; esac\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    (found,) = cuda_devices("1")

    assert (found.kind, found.index, found.handle[:12]) == ("cuda", 0, "GPU-22222222")


def test_no_gpu_is_said_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(devices, "NVIDIA_DRIVER", tmp_path)

    with pytest.raises(DeviceUnavailable, match="VERTEBRA_TRAINER_DEVICE"):
        require_cuda(cuda_devices(None))
