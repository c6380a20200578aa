# What the scripts beside this file share: sourced, not run.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
peers=$root/build/peers

# One line about what happens now, with the seconds since the script began.
say() { printf '[%3ds] %s\n' "$SECONDS" "$*"; }

die() {
    printf '%s: %s\n' "$(basename "$0")" "$1" >&2
    exit "${2:-1}"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "'$*' needs root: run this as root, or install sudo"
    fi
}

# What building needs; what checking and formatting needs besides; what ./tools/test runs against.
build_packages=(
    ca-certificates ccache clang-16 cmake git libbenchmark-dev libboost-json1.81-dev
    libboost1.81-dev libclang-rt-16-dev libdeflate-dev libflatbuffers-dev libfmt-dev libgmock-dev libgtest-dev liblmdb-dev
    libpugixml-dev libssl-dev libxxhash-dev libyaml-cpp-dev mold ninja-build openssl pkg-config python3 zlib1g-dev
)
edit_packages=(clang-format-16 clang-tidy-16)
# libpmix-dev: Slurm's plugin for MPI loads libpmix.so by that name, which no other package has.
test_packages=(
    libopenmpi-dev libpmix-dev libsecret-1-0 munge openmpi-bin python3-azure-storage python3-mpi4py rclone slurm-wlm unzip
)

# Installs those of the named Debian packages that are missing; says nothing when none is.
debian_packages() {
    local present missing=() package
    present=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' || true)
    for package in "$@"; do
        grep -qxF -- "$package" <<<"$present" || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return 0
    say "installing from Debian: ${missing[*]}"
    local log
    log=$(mktemp)
    if ! { as_root apt-get update -q &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"; } \
        >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        die "apt-get could not install them; see above, then run this again"
    fi
    rm -f "$log"
}

# The other tools that tests and comparisons run against, at fixed versions, under build/peers.
node_peers() {
    local wanted=$root/tests/interop/peers
    if [ -e "$peers/.complete" ] && cmp -s "$wanted/package-lock.json" "$peers/package-lock.json"; then
        return 0
    fi
    command -v npm >/dev/null || debian_packages nodejs npm
    say "installing from npm: azurite, azcopy, the JavaScript SDK (into build/peers)"
    mkdir -p "$peers"
    rm -f "$peers/.complete"
    cp "$wanted/package.json" "$wanted/package-lock.json" "$peers/"
    npm ci --prefix "$peers" --no-fund --no-audit --loglevel=error >"$peers/npm.log" 2>&1 </dev/null || {
        tail -n 20 "$peers/npm.log" >&2
        die "npm could not install them; see above, then run this again"
    }
    chmod +x "$peers/node_modules/@azure-tools/azcopy-linux/dist/bin/azcopy_linux_amd64"
    touch "$peers/.complete"
}

# build_preset PRESET [TARGET...]: configures once, builds the targets (default: all). Quiet unless it fails.
build_preset() {
    local preset=$1 log
    shift
    log=$root/build/$preset.log
    mkdir -p "$root/build"
    cd "$root"
    if [ ! -e "build/$preset/build.ninja" ]; then
        cmake --preset "$preset" >"$log" 2>&1 </dev/null || {
            tail -n 30 "$log" >&2
            die "configuring the preset $preset failed; the whole log is in $log"
        }
    fi
    # -n says at once whether there is anything to do, so that a second run stays quiet.
    if ninja -C "build/$preset" -n "$@" 2>/dev/null | grep -q 'no work to do'; then
        return 0
    fi
    say "building $preset${*:+: $*}"
    ninja -C "build/$preset" "$@" >"$log" 2>&1 </dev/null || {
        grep -E -A20 'FAILED|error:' "$log" | head -n 60 >&2
        die "building the preset $preset failed; the whole log is in $log"
    }
}
