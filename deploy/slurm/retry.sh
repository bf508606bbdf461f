#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Submit again the shards of an array that are not done.
#
#   deploy/slurm/retry.sh RUN_DIR recipe.yaml [options of thresher run]
#
# RUN_DIR is the run's folder, <output>/_thresher/<pipeline name>. Shards that are done cost nothing.
set -euo pipefail

run_dir=${1:?the folder of the run, <output>/_thresher/<pipeline name>}
shift
here=$(cd "$(dirname "$0")" && pwd)
total=$(sed -n 's/.*"shards": *\([0-9]*\).*/\1/p' "$run_dir/run.json")
generation=$(find "$run_dir/plans" -name '*.json' -printf '%f\n' | sed 's/\.json$//' | sort -n | tail -1)
done_dir=$run_dir/done/$generation
last=$(find "$done_dir" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort -n | tail -1)

missing=()
for ((shard = 0; shard < total; shard++)); do
    [[ -n $last && -e $done_dir/$last/$shard ]] || missing+=("$shard")
done
if ((${#missing[@]} == 0)); then
    missing=(0) # all shares are done: any one publishes, if that is not done
fi
list=$(IFS=,; echo "${missing[*]}")
echo "shards $list of $total" >&2
# The number of all shards: that of this array is smaller.
export THRESHER_SLURM_ARRAY_TOTAL_SHARDS=$total
exec sbatch --array="$list" "$here/array.sbatch" "$@"
