# Sourced by the other scripts: installs Debian packages that are missing, and says which.

# install_packages PACKAGE…: with sudo when not root. Fails with the command to run where neither is possible.
install_packages() {
    local missing=() package
    for package in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    echo "Installing: ${missing[*]}" >&2
    local as_root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || {
            echo "Not root, and sudo is not there. Run as root: apt-get install ${missing[*]}" >&2
            return 1
        }
        as_root=(sudo)
    fi
    # A package list that is old or not there at all is the usual reason for a first failure.
    local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends)
    "${install[@]}" "${missing[@]}" >&2 ||
        { "${as_root[@]}" apt-get update -q >&2 && "${install[@]}" "${missing[@]}" >&2; }
}

# find_etcd: where etcd is. If it is not installed, Debian's package is unpacked below .build/tools: to install it would start it as a
# service of this host. Prints nothing where it cannot be had.
find_etcd() {
    command -v etcd && return
    local tools=$PWD/.build/tools
    if [[ ! -x $tools/usr/bin/etcd ]]; then
        mkdir -p "$tools/packages"
        (
            cd "$tools/packages" && rm -f etcd-server_*.deb &&
                { apt-get download -q etcd-server || { ((EUID == 0)) && apt-get update -q && apt-get download -q etcd-server; }; } &&
                dpkg-deb -x etcd-server_*.deb "$tools"
        ) >&2 || return 0
    fi
    echo "$tools/usr/bin/etcd"
}

# What building Heddle takes besides the Swift toolchain.
build_packages=(libyaml-dev libssl-dev libcurl4-openssl-dev pkg-config)

# What Tests/Interop calls from and through. The servers are started by the tests alone, each with data of its own.
interop_packages=(
    curl iproute2 nftables nghttp2-client openssl postgresql python3-venv redis-server redis-tools util-linux)

require_swift() {
    command -v swift >/dev/null && return 0
    echo "The Swift toolchain (6.2 or later) is not installed. See https://www.swift.org/install/linux/ for Debian 12." >&2
    return 1
}
