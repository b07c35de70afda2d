#!/bin/bash
# The plan in shards by GNU parallel: on the hosts of a file (one `user@host` a line, a shared disk), or on this host.
# A shard does what no other process has done or is at, so that one more run of all points ends what was cut short.
set -euo pipefail
plan=${1:-examples/sweep/plan.yaml}
store=${2:-runs/plan}
shards=${3:-4}
hosts=${4:-}

parallel ${hosts:+--sshloginfile "$hosts" --workdir .} \
  npx wafersim sweep "$plan" -o "$store" --jobs 1 --shard "{}/$shards" ::: $(seq 0 $((shards - 1)))

npx wafersim sweep "$plan" -o "$store"
