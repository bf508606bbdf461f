# SPDX-License-Identifier: Apache-2.0
"""A recipe once a day as an Airflow DAG: four shards side by side, each retried by itself.

Exit code 75, "run the same command again", is an ordinary failure to Airflow: it retries.
"""

from __future__ import annotations

import datetime as dt

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

SHARDS = 4
RECIPE = "/data/recipe.yaml"

with DAG(
    "thresher",
    schedule="@daily",
    start_date=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    catchup=False,
    max_active_runs=1,
):
    for shard in range(SHARDS):
        BashOperator(
            task_id=f"shard_{shard}",
            bash_command=f"thresher run {RECIPE} --shard {shard}/{SHARDS} --wait 600 --no-progress",
            retries=5,
            retry_delay=dt.timedelta(minutes=1),
        )
