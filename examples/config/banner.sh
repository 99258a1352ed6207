#!/usr/bin/env bash
# Says its banner whenever that is another one: a shell, curl, and a call that waits for a change.
#   banner.sh OUTBOUND-LISTENER
tag=
head=$(mktemp)
trap 'rm -f "$head"' EXIT
while true; do
    # The entity tag is this reader's own. Without a change within a minute the answer is 304, and empty.
    banner=$(curl -sf -D "$head" -H 'Host: config.mesh' ${tag:+-H "If-None-Match: $tag"} \
        "http://$1/v1/configs/~/web/values/banner?wait=60s") || { sleep 0.2; continue; }
    tag=$(sed -n 's/^etag: *\([^\r]*\).*/\1/Ip' "$head")
    [[ $banner ]] && echo "banner: $banner"
done
