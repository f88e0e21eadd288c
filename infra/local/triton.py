"""Triton Inference Server out of the nvidia-pytriton wheel, with its Python backend."""

from __future__ import annotations

import ctypes.util
import logging
import os
import shutil
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import httpx
import orjson

from infra.local.part import Part
from infra.local.paths import REPOSITORY, environment_bin, wheel_folder
from infra.local.ports import HOST
from schemas.errors import Fatal

PORTS = ("http", "grpc", "metrics")
LIBPYTHON = f"libpython{sys.version_info.major}.{sys.version_info.minor}.so.1.0"
_LOG = logging.getLogger(__name__)
_SYSTEM_LIBRARIES = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib")
_LIBRARIES = "nvidia_pytriton.libs"
_LOAD_TIMEOUT_S = 120.0


def server_folder() -> Path:
    """Return the wheel's Triton; Fatal if the wheel is missing."""
    return wheel_folder("pytriton", "nvidia-pytriton") / "tritonserver"


def find_libpython() -> Path:
    """Return the folder of libpython: of this Python if it was built shared, else the machine's.

    Raises Fatal naming the package to install.
    """
    shared = sysconfig.get_config_var("Py_ENABLE_SHARED")
    own = (str(sysconfig.get_config_var("LIBDIR")), f"{sys.base_prefix}/lib") if shared else ()
    for folder in (*own, *_SYSTEM_LIBRARIES):
        if os.access(Path(folder) / LIBPYTHON, os.R_OK):
            return Path(folder)
    if ctypes.util.find_library(LIBPYTHON.removeprefix("lib").partition(".so")[0]) is not None:
        return Path(_SYSTEM_LIBRARIES[0])
    package = LIBPYTHON.partition(".so")[0]
    raise Fatal(
        f"{LIBPYTHON} is missing, which Triton's Python models need; install Debian's package "
        f"{package} (apt-get install {package}) or use a Python built with --enable-shared"
    )


def link_backends(home: Path) -> Path:
    """Make the backend folder that Triton wants: the Python backend with the stub of our Python."""
    wheel = server_folder()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = home / "backends" / "python"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    stub = wheel / "python_backend_stubs" / version / "triton_python_backend_stub"
    for source in (*(wheel / "backends" / "python").glob("*triton_python*"), stub):
        (folder / source.name).symlink_to(source)
    return folder.parent


def load_model(http_url: str, name: str) -> None:
    """Load a model, or load it again after its files changed. Raises Fatal with Triton's reason."""
    url = f"{http_url}/v2/repository/models/{name}/load"
    try:
        answer = httpx.post(url, json={}, timeout=_LOAD_TIMEOUT_S)
    except httpx.HTTPError as error:
        raise Fatal(f"Triton at {http_url} does not answer ({error}); is the stack up?") from error
    if answer.is_error:
        raise Fatal(f"Triton cannot load the model {name}: {answer.text[:500]}")


def loaded_models(http_url: str) -> list[str]:
    """Return the names of the models that are ready to answer."""
    answer = httpx.post(f"{http_url}/v2/repository/index", json={"ready": True}, timeout=3.0)
    answer.raise_for_status()
    return sorted({entry["name"] for entry in answer.json()})


def probe(url: str) -> None:
    """Ask the server whether it is ready; raises while it is not."""
    httpx.get(f"{url}/v2/health/ready", timeout=2.0).raise_for_status()


class LoadedModels:
    """Remembers which models are loaded, so that a restarted Triton gets them back."""

    def __init__(self, http_url: str, file: Path) -> None:
        self._url = http_url
        self._file = file

    def remember(self) -> None:
        """Note what is loaded now. Raises httpx.HTTPError when Triton does not answer."""
        names = orjson.dumps(loaded_models(self._url))
        if not self._file.exists() or self._file.read_bytes() != names:
            self._file.write_bytes(names)

    def restore(self) -> None:
        """Load again what was loaded; a model that no longer loads is reported and left out."""
        if self._file.exists():
            for name in orjson.loads(self._file.read_bytes()):
                try:
                    load_model(self._url, name)
                except Fatal as error:
                    _LOG.warning("%s", error)


def environment() -> dict[str, str]:
    """Return the environment in which Python models find their Python and their modules.

    The models' interpreter is isolated and ignores PYTHONPATH; each model puts it on its path.
    """
    libraries = (find_libpython(), wheel_folder("pytriton", "nvidia-pytriton").parent / _LIBRARIES)
    packages = sysconfig.get_paths()
    modules = dict.fromkeys((packages["purelib"], packages["platlib"], str(REPOSITORY)))
    return {
        "LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries)),
        "PATH": f"{environment_bin()}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": os.pathsep.join(modules),
        "OMP_NUM_THREADS": "1",
    }


def triton_part(
    home: Path, ports: dict[str, int], repository: Path, stack_id: str, models: Sequence[str] = ()
) -> Part:
    """Describe Triton serving the model folder ``repository``; ``models`` are loaded at the start."""
    prefix = f"sightline-{stack_id}-"
    url = f"http://{HOST}:{ports['http']}"
    memory = LoadedModels(url, home / "loaded.json")

    def prepare() -> None:
        home.mkdir(parents=True, exist_ok=True)
        repository.mkdir(parents=True, exist_ok=True)
        link_backends(home)
        for leftover in Path("/dev/shm").glob(f"{prefix}*"):
            leftover.unlink(missing_ok=True)

    return Part(
        name="triton",
        command=(
            str(server_folder() / "bin" / "tritonserver"),
            *(f"--model-repository={repository}", "--model-control-mode=explicit"),
            *(f"--load-model={name}" for name in models),
            *(f"--backend-directory={home / 'backends'}", "--exit-on-error=false"),
            f"--backend-config=python,shm-region-prefix-name={prefix}",
            *(f"--http-address={HOST}", f"--http-port={ports['http']}"),
            *(f"--grpc-address={HOST}", f"--grpc-port={ports['grpc']}"),
            *(f"--metrics-address={HOST}", f"--metrics-port={ports['metrics']}"),
            *("--allow-gpu-metrics=false", "--exit-timeout-secs=3"),
        ),
        env=environment(),
        prepare=prepare,
        probe=lambda: probe(url),
        on_ready=memory.restore,
        watch=memory.remember,
        ports=ports,
        stop_grace_s=8.0,
    )
