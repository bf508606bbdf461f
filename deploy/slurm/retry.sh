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
most=$(scontrol show config | sed -n 's/^MaxArraySize *= *//p')
arrays=$("${THRESHER:-thresher}" retries "$run_dir" --max-array-size "${most:-1001}")
if [[ -z $arrays ]]; then
    echo "everything is published" >&2
    exit 0
fi
while read -r array offset first total; do
    echo "shards $array of $total, counted from $offset" >&2
    # The number of all shards: that of this array is smaller.
    THRESHER_OFFSET=$offset \
    THRESHER_SLURM_ARRAY_MINIMUM_SHARD_INDEX=$first \
    THRESHER_SLURM_ARRAY_TOTAL_SHARDS=$total \
        sbatch --array="$array" "$here/array.sbatch" "$@"
done <<<"$arrays"
