"""Where an encoder computes: the processor, or a graphics processor of this machine."""

from typing import Any, Literal

from osler.base.errors import InputError

Device = Literal["auto", "cpu", "cuda"]


def choose_device(device: str = "auto") -> str:
    """The device to compute on.

    Args:
        device: `cpu`, `cuda` (the first graphics processor that this process sees), or `auto`: a graphics
            processor where torch finds one.

    Raises:
        InputError: another name, or torch finds no graphics processor.
    """
    import torch

    if device not in ("auto", "cpu", "cuda"):
        raise InputError(f"no device '{device}'", allowed=["auto", "cpu", "cuda"])
    found = torch.cuda.is_available()
    if device == "cuda" and not found:
        raise InputError(
            "torch finds no graphics processor",
            remedy="install a build of torch for CUDA and its driver, or use --device cpu",
        )
    return "cuda" if found and device != "cpu" else "cpu"


def free_memory(device: str) -> int:
    """Bytes that are free on a device."""
    if device == "cuda":
        import torch

        return int(torch.cuda.mem_get_info()[0])
    import psutil

    return int(psutil.virtual_memory().available)


def send(tensor: Any, device: str) -> Any:
    """A tensor on a device; it goes to a graphics processor from pinned memory, while computing goes on."""
    if device == "cpu":
        return tensor
    return tensor.pin_memory().to(device, non_blocking=True)
