# SPDX-License-Identifier: Apache-2.0
"""``thresher metrics``: a Prometheus for this machine's runs and Ray clusters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Keep the metrics of runs in a Prometheus.", no_args_is_help=True, rich_markup_mode=None
)

MetricsDir = Annotated[
    str | None,
    typer.Option(
        "--metrics-dir", metavar="FOLDER",
        help="Where it keeps its files; <tmp>/thresher_metrics_<uid> if not given.",
    ),
]  # fmt: skip


@app.command()
def start(
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="N", help="Its own port.")] = 9090,
    metrics_dir: MetricsDir = None,
    scrape: Annotated[
        list[str],
        typer.Option(
            metavar="HOST:PORT",
            help="A run's endpoint on another machine. Those here are found. Repeatable.",
        ),
    ] = [],  # noqa: B006 - read by typer only
) -> None:
    """Start Debian's Prometheus, set up for Thresher; it goes on until it is stopped."""
    from thresher.metrics import server

    folder = _folder(metrics_dir)
    running = server.status(folder)
    if running.pid is not None:
        print(f"Prometheus runs already: {running.url} (process {running.pid})")
        return
    started = server.start(port, folder, scrape)
    print(f"Prometheus: {started.url} (process {started.pid}), files in {started.folder}")


@app.command()
def stop(metrics_dir: MetricsDir = None) -> None:
    """Stop the Prometheus that was started for this folder, and no other."""
    from thresher.metrics import server

    print("Prometheus stopped" if server.stop(_folder(metrics_dir)) else "no Prometheus runs")


@app.command()
def status(
    metrics_dir: MetricsDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Say whether it runs, and where."""
    from thresher.metrics import server

    found = server.status(_folder(metrics_dir))
    if as_json:
        told = {"running": found.pid is not None, "pid": found.pid}
        print(json.dumps({**told, "url": found.url, "metrics_dir": str(found.folder)}))
    elif found.pid is None:
        print(f"no Prometheus runs for {found.folder} (thresher metrics start)")
    else:
        print(f"Prometheus: {found.url} (process {found.pid}), files in {found.folder}")


def _folder(given: str | None) -> Path | None:
    return None if given is None else Path(given)
