"""Reaching a Ray cluster, or starting one that only this machine can reach; each within a bounded time."""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from osler.base.errors import InputError
from osler.base.offline import go_offline

# Seconds that a cluster may take to answer.
REACH = 10.0
ANSWER = 30.0
_LOOPBACK = "127.0.0.1"
# Vectors of the batches on their way; Ray wants at least 75 MiB.
_STORE_BYTES = 200 * 2**20
# Does a cluster answer at this address? One that wants a token first does; `ray.init` looks for the token.
_ASK = """
import sys
import ray
from ray._raylet import GcsClient
try:
    GcsClient(address=sys.argv[1])
except Exception as error:
    sys.exit(0 if type(error).__name__ == "AuthenticationError" else 1)
"""
_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}


def import_ray() -> Any:
    """Ray with its telemetry off.

    Raises:
        InputError: it is not installed.
    """
    go_offline()  # before the import, which reads the switches
    try:
        import ray
    except ImportError as error:
        raise InputError(
            "engine 'ray' needs the package ray, which is not installed",
            remedy="pip install 'osler[ray]', or use --engine local",
        ) from error
    return ray


@contextmanager
def cluster(address: str | None, *, cpus: int) -> Iterator[Any]:
    """Ray, connected; what was connected or started here is left or stopped at the end.

    Args:
        address: `HOST:PORT`, `auto`, or None to start a cluster on this machine.
        cpus: cores that a cluster started here offers.

    Yields:
        The module `ray`.

    Raises:
        InputError: Ray is not installed, nothing answers at the address, or what answers is no cluster that
            this version of Ray and Python can join.
    """
    ray = import_ray()
    if ray.is_initialized():  # the program that calls us has its own connection, which stays
        yield ray
    elif address is None:
        # The folder around Ray's own, which Ray opens to everybody, lets nobody else in.
        with tempfile.TemporaryDirectory(prefix="osler-ray-", ignore_cleanup_errors=True) as folder:
            try:
                _start(ray, Path(folder) / "r", cpus=cpus)
                yield ray
            finally:
                ray.shutdown()
    else:
        try:
            _connect(ray, address)
            yield ray
        finally:
            ray.shutdown()


def _start(ray: Any, folder: Path, *, cpus: int) -> None:
    _use_own_token()
    with _held_to_loopback():
        info = ray.init(
            address="local",
            num_cpus=cpus,
            include_dashboard=False,
            object_store_memory=_STORE_BYTES,
            _node_ip_address=_LOOPBACK,
            _temp_dir=str(folder),
            **_QUIET,
        )
    if info.address_info["node_ip_address"] != _LOOPBACK:
        raise InputError(
            "this version of Ray would offer its ports to other machines",
            allowed=["ray 2.40 to 2.60"],
            remedy="install one of these, or start a cluster yourself and name it with --address",
        )


@contextmanager
def _held_to_loopback() -> Iterator[None]:
    """Ray replaces a loopback address by one that other machines reach; here it shall not."""
    from ray._private import services

    name = "resolve_ip_for_localhost"
    before = getattr(services, name, None)
    if before is None:
        yield
        return
    setattr(services, name, lambda host: host)
    try:
        yield
    finally:
        setattr(services, name, before)


def _use_own_token() -> None:
    """A token for this process and its cluster: other users of the machine cannot join.

    Versions of Ray that know tokens would else leave one in the home folder. Ray keeps the first one that it
    sees, so that it stays for as long as the process.
    """
    if "RAY_AUTH_TOKEN_PATH" not in os.environ:
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


def _connect(ray: Any, address: str) -> None:
    if address != "auto":
        _require_answer(address)
    try:
        ray.init(address=address, **_QUIET)
    except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
        raise InputError(
            f"the Ray cluster cannot be joined: {str(error).splitlines()[0]}",
            where=address,
            remedy="run on a machine of the cluster, with its token where it wants one, and "
            "with the same versions of Python and Ray on every node",
        ) from error


def _require_answer(address: str) -> None:
    """Ask in another process whether a cluster answers: Ray may wait for minutes, or end the process."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise InputError(f"'{address}' is no address of a Ray cluster", allowed=["HOST:PORT", "auto"])
    remedy = "name the address that `ray start --head` printed, or check that the cluster still runs"
    try:
        socket.create_connection((host, int(port)), timeout=REACH).close()
    except (OSError, OverflowError) as error:
        raise InputError("nothing answers at this address", where=address, remedy=remedy) from error
    if address.startswith("ray://"):
        return
    try:
        done = subprocess.run(
            [sys.executable, "-c", _ASK, address],
            capture_output=True,
            timeout=ANSWER,
            check=False,
            env=dict(os.environ),
        )
        answers = done.returncode == 0
    except subprocess.TimeoutExpired:
        answers = False
    if not answers:
        raise InputError("what answers at this address is no Ray cluster", where=address, remedy=remedy)
