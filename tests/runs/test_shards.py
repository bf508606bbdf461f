# SPDX-License-Identifier: Apache-2.0
"""Several drivers, one run: the same bytes and the same manifest as one driver makes."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.toys import read_output
from thresher.backends.local import LocalExecutor
from thresher.cli import main
from thresher.errors import EngineError, PlanError, StageError
from thresher.pipeline import Pipeline, RunResult
from thresher.runs.report import Observer
from thresher.runs.run_id import NAMES
from thresher.runs.shard import Shard, share_of
from thresher.stages.checkpoint import Checkpoint
from thresher.stages.text.filters import WordCountFilter
from thresher.stages.text.io import JsonlReader
from thresher.stages.text.io.writer import JsonlWriter

CORPUS = Path(__file__).parents[2] / "examples" / "corpus"
DONE = ("complete", "nothing to do")


def run(
    source: Path,
    output: Path,
    shard: str | tuple[int, int] | None = None,
    *,
    words: int = 40,
    checkpoint: bool = False,
    max_error_rate: float = 0.05,
    **options: Any,
) -> RunResult:
    stages = [
        JsonlReader(str(source), blocksize="96KB"),
        WordCountFilter(min_words=words),
        *([Checkpoint()] if checkpoint else []),
        JsonlWriter(str(output)),
    ]
    pipeline = Pipeline("job", stages=stages, max_error_rate=max_error_rate)
    options = {"wait": 0.0, "observer": Observer(), **options}
    return pipeline.run(LocalExecutor(workers=0), shard=shard, **options)


def left(output: Path) -> dict[str, bytes]:
    """Output, quarantine and manifest; and no temporaries."""
    run_dir = output / "_thresher" / "job"
    assert [p for p in output.rglob("*") if p.is_file() and "_tmp" in p.parts] == []
    assert list(output.rglob(".thresher-tmp-*")) == []
    rejected = {
        f"quarantine/{p.name}": p.read_bytes() for p in (run_dir / "quarantine").rglob("*.ndjson")
    }
    return {
        **read_output(output),
        **rejected,
        "manifest": (run_dir / "manifest.json").read_bytes(),
    }


def run_all(source: Path, output: Path, n: int, **options: Any) -> list[str]:
    """One after another, again and again, until all are done."""
    statuses: list[str] = []
    for _ in range(4):
        now = [run(source, output, (i, n), **options).status for i in range(n)]
        statuses += now
        if all(status in DONE for status in now):
            return statuses
    raise AssertionError(statuses)


def pages(output: Path, chain: str) -> list[dict[str, Any]]:
    folder = output / "_thresher" / "job" / "ledger" / chain
    return [json.loads(p.read_text()) for p in sorted(folder.glob("0*.json"))]


def committed(output: Path, chain: str) -> list[str]:
    return [r["name"] for page in pages(output, chain) for r in page.get("records", ())]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards") / "input"
    for language in ("ja", "ar"):
        shutil.copytree(CORPUS / language, folder / language)
    return folder


@pytest.fixture(scope="module")
def references(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Any, Any]:
    """What one driver leaves, after a first and after a second recipe."""
    found: dict[Any, Any] = {}
    for checkpoint in (False, True):
        output = tmp_path_factory.mktemp("shards") / "out"
        run(source, output, checkpoint=checkpoint)
        found[checkpoint, 40] = left(output)
        run(source, output, checkpoint=checkpoint, words=60)
        found[checkpoint, 60] = left(output)
    return found


# -- shares -----------------------------------------------------------------------------------


def test_every_part_belongs_to_one_shard() -> None:
    names = [f"folder/file-{i}.jsonl" for i in range(1000)]
    for n in (1, 2, 7):
        shares = [[x for x in names if Shard(i, n).owns(x)] for i in range(n)]
        assert sorted(x for share in shares for x in share) == sorted(names)
        assert min(map(len, shares)) > 1000 / n * 0.7
    # The formula is a promise: another one would give running arrays other shares.
    assert [share_of(name, 7) for name in ("a", "b", "c/d")] == [4, 0, 1]


def test_what_names_a_shard() -> None:
    assert Shard.of("1/4", {}) == Shard.of((1, 4), {}) == Shard(1, 4)
    for wrong in ("4/4", "-1/4", "1", "a/b", (1,), (1.0, 4), (True, 4), (4, 4), (0, 0), 3):
        with pytest.raises(PlanError):
            Shard.of(wrong, {})


def test_shards_of_a_slurm_array() -> None:
    array = {"SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "4"}
    assert Shard.of("slurm", array) == Shard(2, 4)
    retry = {
        "SLURM_ARRAY_TASK_ID": "6",
        "SLURM_ARRAY_TASK_COUNT": "1",
        "THRESHER_SLURM_ARRAY_TOTAL_SHARDS": "8",
    }
    assert Shard.of("slurm", retry) == Shard(6, 8)
    from_one = {**array, "THRESHER_SLURM_ARRAY_MINIMUM_SHARD_INDEX": "1"}
    assert Shard.of("slurm", from_one) == Shard(1, 4)
    with pytest.raises(PlanError, match="SLURM_ARRAY_TASK_COUNT"):
        Shard.of("slurm", {"SLURM_ARRAY_TASK_ID": "2"})
    with pytest.raises(PlanError, match="TOTAL_SHARDS"):
        Shard.of("slurm", {**array, "SLURM_ARRAY_TASK_ID": "4"})
    with pytest.raises(PlanError, match="no number"):
        Shard.of("slurm", {**array, "SLURM_ARRAY_TASK_ID": "x"})


# -- the same bytes ---------------------------------------------------------------------------


@pytest.mark.parametrize("checkpoint", [False, True])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_one_after_another(
    source: Path, references: dict[Any, Any], tmp_path: Path, n: int, checkpoint: bool
) -> None:
    output = tmp_path / "out"
    for words in (40, 60):  # the second is a generation over a published one
        run_all(source, output, n, checkpoint=checkpoint, words=words)
        assert left(output) == references[checkpoint, words]
    names = [set(committed(output, str(i))) for i in range(n)]
    assert all(names)
    assert sum(map(len, names)) == len(set.union(*names))  # no part was done by two


def test_all_at_once(source: Path, references: dict[Any, Any], tmp_path: Path) -> None:
    output = tmp_path / "out"
    spawn = multiprocessing.get_context("spawn")
    for words in (40, 60):
        with spawn.Pool(3) as pool:
            calls = [
                pool.apply_async(run, (source, output, (i, 3)), {"words": words, "wait": 60.0})
                for i in range(3)
            ]
            assert {call.get().status for call in calls} == {"complete"}
        assert left(output) == references[False, words]


def test_a_changed_and_a_vanished_source(source: Path, tmp_path: Path) -> None:
    mine = shutil.copytree(source, tmp_path / "input")
    run_all(mine, tmp_path / "three", 3)
    run(mine, tmp_path / "one")
    files = sorted(mine.rglob("*.jsonl"))
    files[0].write_bytes(files[0].read_bytes() * 2)
    files[1].unlink()
    run_all(mine, tmp_path / "three", 3)
    run(mine, tmp_path / "one")
    assert left(tmp_path / "three") == left(tmp_path / "one")


def test_initial_tasks(tmp_path: Path) -> None:
    from tests.toys import Pass, batch

    for n in (1, 3):
        for i in range(n):
            stages = [Pass(), JsonlWriter(str(tmp_path / str(n)))]
            tasks = [batch(range(k, k + 3)) for k in range(5)]
            Pipeline("job", stages=stages).run(
                LocalExecutor(workers=0), tasks, shard=(i, n), wait=0, observer=Observer()
            )
    assert left(tmp_path / "3") == left(tmp_path / "1")


# -- one plan ---------------------------------------------------------------------------------


def test_all_follow_the_plan_of_the_first(source: Path, tmp_path: Path) -> None:
    mine = shutil.copytree(source, tmp_path / "input")
    run(mine, tmp_path / "one")
    assert run(mine, tmp_path / "two", (0, 2)).status == "waiting"
    (mine / "new.jsonl").write_text('{"text": "' + "word " * 50 + '"}\n')
    assert run(mine, tmp_path / "two", (1, 2)).status == "complete"
    assert left(tmp_path / "two") == left(tmp_path / "one")  # the new file is not in this plan
    run(mine, tmp_path / "one")
    run_all(mine, tmp_path / "two", 2)
    assert left(tmp_path / "two") == left(tmp_path / "one")


def test_another_plan_is_refused(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    run(source, output, (0, 2))
    with pytest.raises(PlanError, match=r"min_words=40.* there and .*min_words=50.* here"):
        run(source, output, (1, 2), words=50)
    with pytest.raises(PlanError, match="limit is None there and 5 here"):
        run(source, output, (1, 2), limit=5)
    with pytest.raises(PlanError, match="another plan"):
        run(source / "ar", output, (1, 2))
    assert run(source, output, (1, 2)).status == "complete"


def test_another_number_is_refused(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    run(source, output, (0, 2))
    with pytest.raises(PlanError, match=r"2 drivers .*not for 3 drivers"):
        run(source, output, (0, 3))
    with pytest.raises(PlanError, match=r"2 drivers .*not for one driver") as refused:
        run(source, output)
    assert "--shard 0/2" in refused.value.todo
    run(source, tmp_path / "one")
    with pytest.raises(PlanError, match=r"one driver .*not for 2 drivers"):
        run(source, tmp_path / "one", (0, 2))


def test_nobody_begins_anew_alone(source: Path, tmp_path: Path) -> None:
    for options in ({"resume": False}, {"fresh_from": "word_count"}):
        with pytest.raises(PlanError, match="anew"):
            run(source, tmp_path / "out", (0, 2), **options)
    assert not (tmp_path / "out").exists()


def test_a_run_directory_is_needed() -> None:
    from tests.toys import Pass, batch

    with pytest.raises(PlanError, match="run directory"):
        Pipeline("job", stages=[Pass()]).run(
            LocalExecutor(workers=0), [batch(range(3))], shard=(0, 2), observer=Observer()
        )


def test_the_mode_is_applied_once(source: Path, tmp_path: Path) -> None:
    def go(i: int) -> RunResult:
        stages = [JsonlReader(str(source)), JsonlWriter(str(tmp_path / "out"), mode="error")]
        return Pipeline("job", stages=stages, max_error_rate=1.0).run(
            LocalExecutor(workers=0), shard=(i, 2), wait=0, observer=Observer()
        )

    assert [go(0).status, go(1).status] == ["waiting", "complete"]


# -- resuming ---------------------------------------------------------------------------------


def test_a_retry_does_what_is_missing(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    run(source, output, (0, 2))
    before = committed(output, "0")
    n_pages = len(pages(output, "0"))
    assert run(source, output, (0, 2)).status == "waiting"
    assert committed(output, "0") == before
    assert len(pages(output, "0")) == n_pages  # nothing was to be done: nothing was written
    lost = next(path for name in before for path in output.glob(f"{name}*"))
    lost.unlink()
    assert run(source, output, (0, 2)).status == "waiting"
    assert len(committed(output, "0")) == len(before) + 1
    assert run(source, output, (1, 2)).status == "complete"
    assert lost.exists()
    everything = left(output)
    lost.unlink()  # after publication: a generation of its own, in which the others have no work
    assert run(source, output, (1, 2)).status == "waiting"
    assert run(source, output, (0, 2)).status == "complete"
    again = left(output)
    manifests = [json.loads(files.pop("manifest")) for files in (everything, again)]
    assert everything == again
    assert [m.pop("generation") for m in manifests] == [1, 2]
    assert manifests[0] == manifests[1]


@pytest.fixture
def beating(tmp_path: Path) -> Path:
    """A beat of another live process, the parent of this one."""
    import os

    from thresher.runs.beat import _started, identity

    path = tmp_path / "beat.json"
    parent = os.getppid()
    path.write_text(json.dumps({**identity(), "pid": parent, "started": _started(parent)}))
    return path


def test_a_shard_runs_once_at_a_time(source: Path, tmp_path: Path, beating: Path) -> None:
    output = tmp_path / "out"
    run(source, output, (0, 3))
    beats = output / "_thresher" / "job" / "beat"
    shutil.copy(beating, beats / "1.json")
    with pytest.raises(EngineError, match="another process is running"):
        run(source, output, (1, 3))
    assert run(source, output, (2, 3)).status == "waiting"  # the others may
    assert run(source, output, (1, 3), take_over=True).status == "complete"


def test_who_publishes_is_alone(source: Path, tmp_path: Path, beating: Path) -> None:
    output = tmp_path / "out"
    run(source, output, (0, 2))
    final = output / "_thresher" / "job" / "beat" / "final.json"
    shutil.copy(beating, final)
    assert run(source, output, (1, 2)).status == "waiting"
    assert not (output / "_thresher" / "job" / "manifest.json").exists()
    final.unlink()
    assert run(source, output, (0, 2)).status == "complete"


def test_errors_are_judged_over_the_whole_run(source: Path, tmp_path: Path) -> None:
    mine = tmp_path / "input"
    mine.mkdir()
    names = [f"{i}.jsonl" for i in range(20)]
    broken = next(name for name in names if Shard(0, 2).owns(name))
    for name in names:
        lines = ["{broken"] if name == broken else []
        (mine / name).write_text("\n".join([*lines, *['{"text": "a b"}'] * 10]) + "\n")
    share = sum(Shard(0, 2).owns(name) for name in names) * 10
    assert 1 / share > 0.008 > 1 / 200  # too many of the share, not of the whole
    options: dict[str, Any] = {"words": 1, "max_error_rate": 0.008}
    assert run(mine, tmp_path / "out", (0, 2), **options).status == "waiting"
    assert run(mine, tmp_path / "out", (1, 2), **options).status == "complete"
    options["max_error_rate"] = 0.004
    run(mine, tmp_path / "strict", (0, 2), **options)
    with pytest.raises(StageError, match="max_error_rate"):
        run(mine, tmp_path / "strict", (1, 2), **options)
    assert not (tmp_path / "strict" / "_thresher" / "job" / "manifest.json").exists()


def test_all_that_a_run_makes_is_known_as_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name in ("a", "b"):
        (tmp_path / f"in/{name}.jsonl").write_text('{"text": "x"}\nbroken\n')
    (tmp_path / "recipe.yaml").write_text(
        "max_error_rate: 1.0\n"
        "stages: [JsonlReader: {file_paths: in}, Checkpoint: {}, JsonlWriter: {path: out}]\n"
    )
    for shard in ("0/2", "1/2", "0/2"):
        main(["run", "recipe.yaml", "--workers", "0", "--shard", shard, "--wait", "0"])
    made = {path.name for path in (tmp_path / "out/_thresher/recipe").iterdir()}
    assert made == {*NAMES, "run.json"}
