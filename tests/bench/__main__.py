"""``python -m tests.bench``: every measurement, one after the other, on an otherwise idle machine."""

from __future__ import annotations

import subprocess
import sys

from tests.fixtures import ROOT

NAMES = (
    *("core", "rules", "tracker", "filter", "state", "fencing", "inference", "start", "delay"),
    *("cloud", "notify"),
)


def main() -> int:
    """Run those named on the command line, or all; return 1 when one of them failed."""
    wanted = sys.argv[1:] or list(NAMES)
    unknown = sorted(set(wanted) - set(NAMES))
    if unknown:
        sys.exit(f"there is no measurement {', '.join(unknown)}: choose of {', '.join(NAMES)}")
    failed = []
    for name in wanted:
        command = ["-m", f"tests.bench.{name}"]
        print(f"\n$ python {' '.join(command)}", flush=True)
        if subprocess.run([sys.executable, *command], cwd=ROOT, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
