# Sourced by every example's `run`: starts heddle and example services, makes calls, and checks what comes back.
# An example proves itself: it exits 0 when all its checks held, and 1 otherwise. It ends what it started.
#
# HEDDLE and EXAMPLE_SERVICE name other binaries than those that lie built (release first, else debug).

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
example=$(cd "$(dirname "$0")" && pwd)
_built() {
    local configuration
    for configuration in release debug; do
        [[ -x $repository/.build/$configuration/$1 ]] && echo "$repository/.build/$configuration/$1" && return
    done
    echo "$1 is not built: run swift build in $repository" >&2
}
: "${HEDDLE:=$(_built heddle)}" "${EXAMPLE_SERVICE:=$(_built example-service)}"
[[ $HEDDLE && $EXAMPLE_SERVICE ]] || exit 2

# The manifests are copied, so that the example can change them while they are served.
work=$(mktemp -d "${TMPDIR:-/tmp}/heddle-example-XXXXXX")
cp -r "$example/manifests" "$work/manifests"

_children=()
_failures=0
_finish() {
    local status=$?
    trap - EXIT INT TERM
    ((${#_children[@]})) && kill "${_children[@]}" 2>/dev/null
    wait 2>/dev/null
    if ((_failures)); then
        tail -n 20 "$work"/*.log >&2
        status=1
    fi
    rm -rf "$work"
    exit "$status"
}
trap _finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# start_service NAME PORT
start_service() {
    "$EXAMPLE_SERVICE" --listen "127.0.0.1:$2" --name "$1" >"$work/$1.log" 2>&1 &
    _children+=($!)
}

# start NAME COMMAND…: any other workload. A program, no function of the shell: what a function starts would outlive it.
start() {
    [[ $(type -t "$2") == file ]] || {
        echo "start $1: $2 is no program" >&2
        exit 2
    }
    "${@:2}" >"$work/$1.log" 2>&1 &
    _children+=($!)
}

# start_heddle NAME [OPTION…]: with a state folder of its own, $work/state-NAME.
start_heddle() {
    "$HEDDLE" run --manifests "$work/manifests" --state "$work/state-$1" "${@:2}" >"$work/heddle-$1.log" 2>&1 &
    _children+=($!)
}

# make_authority TRUST-DOMAIN: what all nodes' certificates are signed by, in $work/authority.
make_authority() { "$HEDDLE" authority create --dir "$work/authority" --trust-domain "$1" >/dev/null; }

# make_certificate NAME DNS-NAME: self-signed, as certificate.pem and key.pem in $work/tls/NAME. That is a link, which leads
# to another folder at once: nobody finds a certificate beside another one's key.
make_certificate() {
    mkdir -p -m 700 "$work/tls"
    local folder
    folder=$(mktemp -d "$work/tls/$1-XXXXXX")
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 90 -subj "/CN=$2" \
        -addext "subjectAltName=DNS:$2" -keyout "$folder/key.pem" -out "$folder/certificate.pem" 2>/dev/null
    chmod 600 "$folder/key.pem"
    ln -s "$folder" "$work/tls/$1.new" && mv -T "$work/tls/$1.new" "$work/tls/$1"
}

# replace_manifest NAME: takes the new text from standard input, and puts it in place at once, as apply and editors do.
replace_manifest() {
    cat >"$work/.staged"
    mv "$work/.staged" "$work/manifests/$1"
}

# say WHETHER WHAT
_say() {
    if [[ $1 == ok ]]; then
        echo "ok: $2"
    else
        echo "FAILED: $2" >&2
        _failures=$((_failures + 1))
    fi
}

# expect WHAT COMMAND…: the command succeeds, within 10 s (a mesh that starts or takes up a change needs a moment).
expect() {
    local what=$1 attempt
    shift
    for attempt in $(seq 100); do
        "$@" >/dev/null 2>&1 && _say ok "$what" && return
        sleep 0.1
    done
    _say failed "$what"
}

# refuse WHAT COMMAND…: the command fails, at once.
refuse() {
    local what=$1
    shift
    if "$@" >/dev/null 2>&1; then _say failed "$what"; else _say ok "$what"; fi
}

# status CODE CURL-ARGUMENT…: whether curl's answer has this status.
status() {
    [[ $(curl -s -o /dev/null --max-time 5 -w '%{http_code}' "${@:2}") == "$1" ]]
}

# answer TEXT CURL-ARGUMENT…: whether the answer contains a text.
answer() {
    curl -s --max-time 5 "${@:2}" | grep -qF -- "$1"
}
