"""ipycam, an ONVIF camera that we have not written, as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.on_demand import installed, packages

_PROGRAM = Path(__file__).with_name("ipycam_device.py")


@contextmanager
def onvif_camera(password: str, rtsp_port: int) -> Iterator[str]:
    """Run the camera with the login ``viewer``; give its ``host:port``.

    Its profiles' streams are said to be ``video_main`` and ``video_sub`` at ``rtsp_port``.
    """
    told = {"username": "viewer", "password": password, "rtsp_port": rtsp_port}
    variables = {**os.environ, "PYTHONPATH": str(installed("ipycam", packages))}
    with subprocess.Popen(
        [sys.executable, str(_PROGRAM), json.dumps(told)],
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield f"127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()
            process.wait(10)
