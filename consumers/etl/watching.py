"""The fleet in figures for Prometheus: silent sites, cameras by state, the certificate's end."""

from __future__ import annotations

import socket
import ssl
from collections import Counter
from urllib.parse import urlsplit

from cryptography import x509

from consumers.etl.figures import CAMERAS, CERTIFICATE, SITE_SILENT
from consumers.etl.postgres import Connection

STATES = ("online", "connecting", "stalled", "offline", "ended")
TIMEOUT_S = 10.0


def watch_fleet(connection: Connection) -> None:
    """Show for each site how long it has been silent, and its cameras by state."""
    rows = connection.execute(
        "SELECT site, state, kind, count(*), "
        "extract(epoch FROM clock_timestamp() - max(at))::float8 FROM health GROUP BY 1, 2, 3"
    ).fetchall()
    cameras: Counter[tuple[str, str]] = Counter()
    silent_s: dict[str, float] = {}
    for site, state, kind, number, age_s in rows:
        silent_s[site] = min(silent_s.get(site, float("inf")), max(0.0, age_s))
        if kind == "camera":
            cameras[site, state] += number
    # Sites and states that are gone must not stand for ever.
    SITE_SILENT.clear()
    CAMERAS.clear()
    for site, seconds in silent_s.items():
        SITE_SILENT.labels(site).set(seconds)
        for state in STATES:
            CAMERAS.labels(site, state).set(cameras[site, state])


def watch_certificate(public_url: str) -> str | None:
    """Show when the certificate of the public address ends; return what is wrong with it.

    Whether it is trusted does not matter here: an expired one is to be seen too.
    """
    parts = urlsplit(public_url)
    if parts.scheme != "https" or parts.hostname is None:
        return None
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((parts.hostname, parts.port or 443), TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as secure,
        ):
            certificate = secure.getpeercert(binary_form=True)
    except OSError as error:
        return f"{parts.hostname} shows no certificate: {error}"
    if certificate is None:
        return f"{parts.hostname} shows no certificate"
    ends_at = x509.load_der_x509_certificate(certificate).not_valid_after_utc
    CERTIFICATE.labels(parts.hostname).set(ends_at.timestamp())
    return None
