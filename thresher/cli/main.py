# SPDX-License-Identifier: Apache-2.0
"""The command ``thresher``: its subcommands and their options.

Nothing heavy is imported here: each command imports what it needs, so that help is instant.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from thresher import __version__
from thresher.cli import exit_codes, metrics

EPILOG = "Exit codes: " + "; ".join(f"{code} {what}" for code, what in exit_codes.TABLE) + "."

app = typer.Typer(
    name="thresher",
    help="Turn raw data into training-ready datasets.",
    epilog=EPILOG,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

app.add_typer(metrics.app, name="metrics")

RecipePath = Annotated[str, typer.Argument(metavar="RECIPE", help="A YAML file.")]
Sets = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="STAGE.parameter=value",
        help="Change a parameter; STAGE is a class, a stage's name or its number. Repeatable.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
TakeOver = Annotated[
    bool, typer.Option("--take-over", help="Run even if another process seems to.")
]
AsShard = Annotated[
    str | None,
    typer.Option(
        "--shard", metavar="I/N", help="Run share I of N, from 0; 'slurm' in a Slurm array."
    ),
]
Wait = Annotated[
    float, typer.Option(min=0, metavar="SECONDS", help="How long a shard waits for others.")
]
Trusted = Annotated[
    bool,
    typer.Option("--trust", help="Let the recipe run code that is not Thresher's (imports, ...)."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="Plain lines, no live view.")]
MetricsPort = Annotated[
    int | None,
    typer.Option(
        min=0, max=65535, metavar="N", help="Serve metrics for Prometheus; 0 is a free port."
    ),
]


def _print_version(asked: bool) -> None:
    if asked:
        print(f"thresher {__version__}")
        raise typer.Exit


@app.callback()
def _thresher(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print it.", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    pass


@app.command(epilog=EPILOG)
def run(
    recipe: RecipePath,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and print the plan; write nothing.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Only the first N records, in input order."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Workers; 0 runs in this process.")
    ] = None,
    memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Memory for data in flight, e.g. 8GB.")
    ] = None,
    run_dir: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Where the run keeps its records.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Do everything anew.")] = False,
    fresh_from: Annotated[
        str | None,
        typer.Option(metavar="STAGE", help="Do anew what stands from this stage on."),
    ] = None,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed/--no-retry-failed",
            help="Try what failed before again, in 3 further runs at most.",
        ),
    ] = True,
    take_over: TakeOver = False,
    shard: AsShard = None,
    wait: Wait = 60.0,
    sets: Sets = [],  # noqa: B006 - read by typer only
    trust: Trusted = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
    metrics_port: MetricsPort = None,
) -> None:
    """Run a recipe, or what is left of it."""
    from thresher.cli.run import RunOptions, run_recipe

    options = RunOptions(
        recipe,
        tuple(sets),
        dry_run=dry_run,
        limit=limit,
        workers=workers,
        memory=memory,
        run_dir=run_dir,
        fresh=fresh,
        fresh_from=fresh_from,
        take_over=take_over,
        shard=shard,
        wait=wait,
        as_json=as_json,
        quiet=quiet,
        no_progress=no_progress,
        metrics_port=metrics_port,
        trust=trust,
        retry_failed=retry_failed,
    )
    raise typer.Exit(run_recipe(options))


@app.command(epilog=EPILOG)
def retry(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's folder, or the output it has written.")
    ],
    take_over: TakeOver = False,
    shard: AsShard = None,
    wait: Wait = 60.0,
    sets: Sets = [],  # noqa: B006 - read by typer only
    trust: Trusted = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
    metrics_port: MetricsPort = None,
) -> None:
    """Try again what failed in a run, and what is in its quarantine; nothing else."""
    from thresher.cli.command import recall
    from thresher.cli.run import run_recipe

    options = recall(
        run,
        tuple(sets),
        take_over=take_over,
        shard=shard,
        wait=wait,
        as_json=as_json,
        quiet=quiet,
        no_progress=no_progress,
        metrics_port=metrics_port,
        trust=trust,
    )
    raise typer.Exit(run_recipe(options))


@app.command()
def plan(
    recipe: RecipePath,
    sets: Sets = [],  # noqa: B006 - read by typer only
    trust: Trusted = False,
    as_json: AsJson = False,
    nodes: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Predict time, memory and traffic on N nodes."),
    ] = None,
    cpus_per_node: Annotated[
        int | None, typer.Option(min=1, metavar="C", help="With --nodes; else as here.")
    ] = None,
    gpus_per_node: Annotated[
        float | None, typer.Option(min=0, metavar="G", help="With --nodes; else as here.")
    ] = None,
    memory_per_node: Annotated[
        str | None, typer.Option(metavar="SIZE", help="With --nodes; else as here.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="RUN_DIR",
            help="With --nodes: the run to take rates from; else the recipe's own.",
        ),
    ] = None,
) -> None:
    """Show what a recipe would do, or take on a cluster; write nothing."""
    from thresher.config import load_recipe

    if nodes is not None:
        from thresher.cli.plan_nodes import ClusterShape, show_forecast

        cluster = ClusterShape(nodes, cpus_per_node, gpus_per_node, memory_per_node, source)
        return show_forecast(load_recipe(recipe, sets, trust=trust), cluster, as_json)
    if any(given is not None for given in (cpus_per_node, gpus_per_node, memory_per_node, source)):
        raise typer.BadParameter("say on how many nodes: --nodes N")
    from thresher.cli.plan import show_plan

    return show_plan(load_recipe(recipe, sets, trust=trust), as_json)


@app.command("list")
def list_(
    kind: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="Only stages, filters, modifiers or executors."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List everything a recipe can name."""
    from thresher.cli.listing import list_entries

    list_entries(kind, as_json)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A stage, filter, modifier, ...")],
    as_json: AsJson = False,
) -> None:
    """Explain one of them: parameters, defaults, an example."""
    from thresher.cli.show import show_entry

    show_entry(name, as_json)


@app.command()
def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    import json

    from thresher.config.schema import schema as recipe_schema

    print(json.dumps(recipe_schema(), indent=2))


@app.command()
def retries(
    run_dir: Annotated[str, typer.Argument(metavar="RUN_DIR", help="The run's folder.")],
    max_array_size: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Slurm's bound on the indices of arrays.")
    ] = None,
) -> None:
    """List the shards that are not done: a line ARRAY OFFSET FIRST TOTAL for each Slurm array."""
    from thresher.cli.retries import list_retries

    list_retries(run_dir, max_array_size)


@app.command("merge-megatron")
def merge_megatron(
    input_dir: Annotated[
        str, typer.Option("--input-dir", metavar="FOLDER", help="Where the pairs of files are.")
    ],
    output_prefix: Annotated[
        str, typer.Option("--output-prefix", metavar="PATH", help="The new pair, without endings.")
    ],
) -> None:
    """Merge pairs of .bin and .idx, as MegatronTokenizerWriter writes them, to one."""
    from thresher.stages.text.io.megatron import merge_file_prefixes

    print(f"{output_prefix}.bin, .idx: {merge_file_prefixes(input_dir, output_prefix)}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code.

    Errors are told without a traceback; THRESHER_DEBUG=1 shows it.
    """
    given = None if arguments is None else list(arguments)
    try:
        app(args=given, prog_name="thresher")
    except SystemExit as ended:
        cause = ended.__context__.__cause__ if ended.__context__ is not None else None
        if isinstance(cause, KeyboardInterrupt):  # typer ends without a word
            exit_codes.tell(cause)
        return _flushed(ended.code if isinstance(ended.code, int) else exit_codes.FAILED)
    except BrokenPipeError:
        return _without_output()
    except (Exception, KeyboardInterrupt) as error:
        exit_codes.tell(error)
        return exit_codes.code_of(error)
    return _flushed(exit_codes.OK)


def _flushed(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _without_output()
    return code


def _without_output() -> int:
    """Whoever read the output has left; what is still buffered must not raise at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return exit_codes.BROKEN_PIPE
