"""ipycam as one ONVIF camera at loopback: device and media service, MJPEG, snapshots; a program.

Its own camera object binds the machine's outer address, so here its parts are put together. The
streams that it names by ONVIF are served by somebody else, at the port that it is told.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from http.server import ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import ipycam
import numpy as np

HOST = "127.0.0.1"


def main() -> None:
    """Serve as told on the command line; print the port, and end when stdin is closed."""
    told: dict[str, Any] = json.loads(sys.argv[1])
    config = ipycam.CameraConfig(local_ip=HOST, **told)
    mjpeg = ipycam.MJPEGStreamer()
    mjpeg.start()
    picture = np.zeros((240, 320, 3), np.uint8)
    picture[60:180, 80:240] = 200

    camera = SimpleNamespace(
        config=config,
        onvif=ipycam.ONVIFService(config),
        mjpeg_streamer=mjpeg,
        get_snapshot_frame=picture.copy,
    )
    handler = type("Handler", (ipycam.IPCameraHTTPHandler,), {"camera": camera})
    server = ThreadingHTTPServer((HOST, 0), handler)
    server.daemon_threads = True
    config.onvif_port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Thread(target=feed, args=(mjpeg, picture), daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


def feed(mjpeg: Any, picture: Any) -> None:
    """Give the stream a picture twenty times a second."""
    while True:
        mjpeg.stream_frame(picture)
        time.sleep(0.05)


if __name__ == "__main__":
    main()
