# SPDX-License-Identifier: Apache-2.0
"""The Grafana dashboards, defined once: `python deploy/grafana/build.py` writes their JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
WIDTH = 24
ONE = 'pipeline=~"$pipeline",run=~"$run"'
"""Of the runs that are chosen above a dashboard."""


@dataclass(frozen=True)
class Panel:
    """A title, (query, legend) pairs, a unit of Grafana's, and what to draw."""

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8
    note: str = ""


def rate(name: str, by: str, more: str = "") -> str:
    """Per second, over what Grafana thinks fits the zoom."""
    return f"sum by ({by}) (rate(thresher_{name}{{{ONE}{more}}}[$__rate_interval]))"


def total(name: str, by: str = "pipeline", more: str = "") -> str:
    """The sum over shards."""
    return f"sum by ({by}) (thresher_{name}{{{ONE}{more}}})"


RUN = (
    Panel("State", ((f"max by (status) (thresher_run_status{{{ONE}}}) == 1", "{{status}}"),),
          kind="stat", width=4),
    Panel("Parts done", ((f"{total('parts_done')} / {total('parts')}", "done"),),
          "percentunit", "stat", 4),
    Panel("Time left", ((f"max by (pipeline) (thresher_eta_seconds{{{ONE}}})", "left"),),
          "s", "stat", 4, "Absent before the first part is done, and after the end."),
    Panel("Rows in quarantine", ((total("quarantined_rows_total"), "rows"),), kind="stat", width=4),
    Panel("Workers", ((total("workers"), "workers"),), kind="stat", width=4),
    Panel("Since progress",
          ((f"time() - max by (pipeline) (thresher_last_progress_timestamp_seconds{{{ONE}}})",
            "ago"),), "s", "stat", 4),
    Panel("Rows into each stage", ((rate("rows_total", "stage", ',direction="in"'), "{{stage}}"),),
          "rowsps"),
    Panel("Bytes into each stage", ((rate("bytes_total", "stage"), "{{stage}}"),), "Bps"),
    Panel("Rows dropped, by rule",
          ((rate("dropped_rows_total", "stage, reason"), "{{stage}}: {{reason}}"),), "rowsps"),
    Panel("Rows: in and out of each stage",
          ((total("rows_total", "stage", ',direction="in"'), "in"),
           (total("rows_total", "stage", ',direction="out"'), "out")), kind="bargauge", width=12),
    Panel("Quarantine, failed attempts, restarts",
          ((rate("quarantined_rows_total", "stage"), "quarantined by {{stage}}"),
           (rate("failed_attempts_total", "kind"), "attempts: {{kind}}"),
           (rate("worker_restarts_total", "pipeline"), "workers restarted")), width=12),
)  # fmt: skip

WORK = (
    Panel("Calls running, by Step", ((total("busy_workers", "step"), "{{step}}"),)),
    Panel("Workers, by Step", ((total("step_workers", "step"), "{{step}}"),)),
    Panel("Busy share of all workers, by Step",
          ((f"{rate('busy_seconds_total', 'pipeline, step')} / on (pipeline) group_left () "
            f"({total('workers')} > 0)", "{{step}}"),), "percentunit",
          note="Seconds in calls that have ended; one long call shows at its end."),
    Panel("Seconds of a call (95%)",
          (("histogram_quantile(0.95, sum by (le, stage) (rate("
            f"thresher_task_seconds_bucket{{{ONE}}}[$__rate_interval])))", "{{stage}}"),), "s"),
    Panel("CPU seconds per second, by stage",
          ((rate("stage_cpu_seconds_total", "stage"), "{{stage}}"),)),
    Panel("Seconds per row, by stage",
          ((f"{total('stage_seconds_total', 'stage')} / "
            f"({total('rows_total', 'stage', ',direction=' + chr(34) + 'in' + chr(34))} > 0)",
            "{{stage}}"),), "s"),
    Panel("Memory for parts in flight",
          ((total("queue_bytes"), "expected"), (total("queue_limit_bytes"), "allowed")), "bytes"),
    Panel("Largest worker, by Step",
          ((f"max by (step) (thresher_worker_memory_peak_bytes{{{ONE}}})", "{{step}}"),), "bytes"),
    Panel("Disk: share free",
          ((f"min by (place) (thresher_disk_free_bytes{{{ONE}}} / "
            f"thresher_disk_size_bytes{{{ONE}}})", "{{place}}"),), "percentunit"),
    Panel("GPU memory: share used",
          ((f"max by (gpu) (thresher_gpu_memory_bytes{{{ONE}}} / "
            f"thresher_gpu_memory_limit_bytes{{{ONE}}})", "GPU {{gpu}}"),), "percentunit",
          note="Empty where the driver's machine has none."),
)  # fmt: skip

RAY = (
    Panel("CPU", (("max by (ip) (ray_node_cpu_utilization)", "{{ip}}"),), "percent"),
    Panel("Memory", (("max by (ip) (ray_node_mem_used / ray_node_mem_total)", "{{ip}}"),),
          "percentunit"),
    Panel("Disk", (("max by (ip) (ray_node_disk_utilization_percentage)", "{{ip}}"),), "percent"),
    Panel("Resident memory, by component",
          (("sum by (ip, Component) (ray_component_rss_bytes)", "{{ip}} {{Component}}"),), "bytes"),
    Panel("Objects, by place",
          (("sum by (Location) (ray_object_store_memory)", "{{Location}}"),), "bytes",
          note="SPILLED is what no longer fitted into shared memory."),
    Panel("GPU memory", (("max by (ip, GpuIndex) (ray_node_gram_used)", "{{ip}} {{GpuIndex}}"),),
          "decmbytes", note="Empty where there is none."),
)  # fmt: skip

DASHBOARDS = {
    "thresher-run": ("Thresher: a run", RUN),
    "thresher-work": ("Thresher: where time and memory go", WORK),
    "thresher-ray": ("Thresher: Ray's nodes", RAY),
}


def dashboard(uid: str, title: str, panels: tuple[Panel, ...]) -> dict[str, Any]:
    """One dashboard as Grafana imports it."""
    return {
        "uid": uid,
        "title": title,
        "tags": ["thresher"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_source(), *([] if uid == "thresher-ray" else _choices())]},
        "panels": _placed(panels),
    }


def _source() -> dict[str, Any]:
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _choices() -> list[dict[str, Any]]:
    """Pipeline and run; the newest run first, which is what is shown unless others are chosen."""
    queries = (
        ("pipeline", "label_values(thresher_run_info, pipeline)", 1),
        ("run", 'label_values(thresher_run_info{pipeline=~"$pipeline"}, run)', 2),
    )
    return [
        {
            "name": name, "label": name.title(), "type": "query", "query": query, "sort": sort,
            "refresh": 2, "multi": True, "includeAll": True,
            "datasource": {"type": "prometheus", "uid": "${source}"},
        }
        for name, query, sort in queries
    ]  # fmt: skip


def _placed(panels: tuple[Panel, ...]) -> list[dict[str, Any]]:
    placed, x, y = [], 0, 0
    for number, panel in enumerate(panels, 1):
        height = 4 if panel.kind == "stat" else 8
        placed.append(_panel(number, panel, {"x": x, "y": y, "w": panel.width, "h": height}))
        x += panel.width
        if x >= WIDTH:
            x, y = 0, y + height
    return placed


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    instant = panel.kind != "timeseries"
    made = {
        "id": number,
        "title": panel.title,
        "description": panel.note,
        "type": panel.kind,
        "gridPos": place,
        "datasource": {"type": "prometheus", "uid": "${source}"},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": "ABC"[i], "expr": query, "legendFormat": legend, "instant": instant}
            for i, (query, legend) in enumerate(panel.queries)
        ],
    }
    if panel.title == "State":
        made["options"] = {"textMode": "name"}
    return made


def built() -> dict[str, str]:
    """File names and their contents."""
    return {
        f"{uid}.json": json.dumps(dashboard(uid, title, panels), indent=1) + "\n"
        for uid, (title, panels) in DASHBOARDS.items()
    }


if __name__ == "__main__":
    for name, text in built().items():
        (FOLDER / name).write_text(text)
