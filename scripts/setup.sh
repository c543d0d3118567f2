#!/bin/sh
# Make .venv: Python 3.10 with exactly what requirements.lock names, and this project on top.
#
# Called by `make setup`. Needs git, make and any Python from 3.8 on; downloads the rest. Call it as
# often as you like: it returns at once where nothing changed and mends what was interrupted.
#   TORCH=cpu scripts/setup.sh    PyTorch without its 5 GB of GPU libraries (Linux)
#   scripts/setup.sh --quiet      says nothing where there is nothing to do; keeps the TORCH of the
#                                 last time
# Exit codes: 0 done; 2 something a person must mend first, said in a sentence.
set -u

UV_VERSION=0.13.8
NEEDED_GB=12
TORCH=${TORCH:-}
STAMP=.venv/.setup-done
CHOICE=.venv/.torch
QUIET=
SCRATCH=

cd "$(dirname "$0")/.." || exit 2

say() { printf '%s\n' "$*"; }

fail() {
    printf 'Error: %s\n' "$*" >&2
    exit 2
}

clean_up() { [ -z "$SCRATCH" ] || rm -rf "$SCRATCH"; }
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What .venv was made from. `cksum` is in POSIX; the hashes that guard against tampering are the
# lock's own.
fingerprint() { cat requirements.lock pyproject.toml scripts/setup.sh | cksum | sed "s|\$| $TORCH|"; }

runs_python() { # command, required version as (major, minor), "==" or ">="
    "$1" -c "import sys; sys.exit(not sys.version_info[:2] $3 $2)" >/dev/null 2>&1
}

check_disk() {
    [ -e .venv ] && return 0
    free_gb=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
    [ "${free_gb:-$NEEDED_GB}" -ge "$NEEDED_GB" ] || fail "only $free_gb GB are free here, a first" \
        "installation needs $NEEDED_GB. Free some space, or move the project to a larger disk."
}

# Companies' networks often have a certificate of their own, which only the system knows.
trust_system_certificates() {
    for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
        [ ! -s "$bundle" ] || export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
    done
}

# Any Python that can make a virtual environment for uv.
find_any_python() {
    for candidate in python3 python /usr/bin/python3; do
        if runs_python "$candidate" "(3, 8)" ">="; then
            say "$candidate"
            return 0
        fi
    done
    return 1
}

uv_works() { "$1" --version 2>/dev/null | grep -q "^uv $UV_VERSION"; }

# Set UV to a uv of the pinned version, in a folder of its own, so that nothing of yours is touched.
find_uv() {
    for UV in .uv/bin/uv .uv/lib/bin/uv; do
        uv_works "$UV" && return 0
    done
    say "Installing uv $UV_VERSION into .uv ..."
    rm -rf .uv
    if any=$(find_any_python); then
        log=$SCRATCH/uv.log
        UV=.uv/bin/uv
        "$any" -m venv .uv >"$log" 2>&1 &&
            .uv/bin/python -m pip install --quiet "uv==$UV_VERSION" >>"$log" 2>&1
        uv_works "$UV" && return 0
        # Debian without python3-venv: pip alone will do.
        rm -rf .uv
        UV=.uv/lib/bin/uv
        "$any" -m pip install --quiet --target .uv/lib "uv==$UV_VERSION" >>"$log" 2>&1
        uv_works "$UV" && return 0
        rm -rf .uv
    fi
    if UV=$(command -v uv) && "$UV" --version >/dev/null 2>&1; then
        say "Using $("$UV" --version), found on PATH."
        return 0
    fi
    [ -n "$any" ] || fail "no Python from 3.8 on was found. Install one (Debian, Ubuntu:" \
        "apt install python3 python3-venv; macOS: xcode-select --install)."
    tail -n 3 "$log" >&2
    fail "uv could not be installed (last lines above). Is the network there? On Debian and Ubuntu" \
        "'apt install python3-venv' may be missing. Or install uv yourself and call this again."
}

# Print a Python 3.10 that really runs: a pyenv shim can be on PATH and still refuse to.
find_python310() {
    for candidate in python3.10 python3 python /usr/bin/python3.10 /usr/local/bin/python3.10 \
        /opt/homebrew/bin/python3.10 "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/3.10.*/bin/python; do
        if runs_python "$candidate" "(3, 10)" "=="; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return 0
        fi
    done
    return 1
}

make_venv() {
    if runs_python .venv/bin/python "(3, 10)" "=="; then
        return 0
    fi
    if python310=$(find_python310); then
        say "Using $("$python310" --version) at $python310"
    else
        say "No Python 3.10 here; uv downloads one ..."
        "$UV" python install --quiet 3.10 || fail "Python 3.10 could not be downloaded. Is the" \
            "network there? Otherwise install Python 3.10 yourself (pyenv install 3.10) and call" \
            "this again."
        python310=3.10
    fi
    "$UV" venv --quiet --clear --python "$python310" .venv ||
        fail ".venv could not be made (reason above). Remove the folder .venv and call this again."
}

# The lock without torch and the GPU libraries that only torch needs.
lock_without_torch() {
    awk '/^[a-z0-9]/ { keep = $0 !~ /^(torch==|triton==|nvidia-|cuda-)/ } keep || /^#/' requirements.lock
}

install_lock() {
    printf '%s\n' "$TORCH" >"$CHOICE"
    lock=requirements.lock
    if [ "$TORCH" = cpu ]; then
        lock=$SCRATCH/lock-without-torch.txt
        lock_without_torch >"$lock"
    elif ls -d .venv/lib/python3.10/site-packages/torch-*+cpu.dist-info >/dev/null 2>&1; then
        "$UV" pip uninstall --quiet --python .venv/bin/python torch
    fi
    say "Installing what requirements.lock names; the first time this takes some minutes ..."
    "$UV" pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes "$lock" ||
        fail "the installation stopped (reason above). Is the network there, and space on the" \
            "disk? Calling 'make setup' again goes on from here."
    [ "$TORCH" != cpu ] || install_cpu_torch
}

install_cpu_torch() {
    version=$(sed -n 's/^torch==\([0-9.]*\).*/\1/p' requirements.lock)
    "$UV" pip install --quiet --python .venv/bin/python --no-deps --torch-backend cpu \
        "torch==$version" || fail "PyTorch's own index, where the build without GPU libraries" \
        "lies, could not be used (reason above). Remedy: call plain 'make setup', which takes" \
        "PyTorch from the ordinary index and needs about 5 GB more."
}

install_project() {
    "$UV" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable . ||
        fail "the project itself could not be installed (reason above). Is pyproject.toml valid?"
}

main() {
    [ "${1:-}" != --quiet ] || QUIET=1
    [ ! "$QUIET" ] || [ "$TORCH" ] || TORCH=$(cat "$CHOICE" 2>/dev/null)
    case $TORCH in '' | cpu) ;; *) fail "TORCH is '$TORCH'; known: cpu, or leave it out." ;; esac
    [ -f requirements.lock ] || fail "requirements.lock is missing. Get it back with" \
        "'git checkout requirements.lock'."
    wanted=$(fingerprint)
    if [ -x .venv/bin/bot ] && [ "$(cat "$STAMP" 2>/dev/null)" = "$wanted" ]; then
        [ "$QUIET" ] || say "Everything is installed already."
        return 0
    fi
    check_disk
    SCRATCH=$(mktemp -d) || fail "no scratch folder could be made. Is the disk full?"
    rm -f "$STAMP"
    trust_system_certificates
    find_uv
    make_venv
    install_lock
    install_project
    printf '%s\n' "$wanted" >"$STAMP"
    [ "$QUIET" ] || say "Done. Next: make chat"
}

main "$@"
