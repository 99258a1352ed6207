#!/bin/sh
# Knows its environment and nothing else: `heddle exec --config` starts it anew when that changes.
echo "$GREETING, at most ${LIMITS_REQUESTS:-any number} at once"
# A signal is heard between two steps.
while :; do sleep 0.1; done
