# SPDX-License-Identifier: Apache-2.0
"""SharedRun: a run directory that several drivers share, as one of them sees it.

``run.json`` fixes how many there are and ``plans/<generation>.json`` what they work on; each has
a chain of its own, and the final chain says which generation is the present one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from thresher.errors import ThresherError
from thresher.runs.beat import Held
from thresher.runs.final_run import FINAL, FinalRun
from thresher.runs.ledger import Ledger
from thresher.runs.ledger_state import LedgerState
from thresher.runs.marks import Marks
from thresher.runs.retrying import Retrying
from thresher.runs.run import RunPaths
from thresher.runs.run_id import run_id_of
from thresher.runs.shard import Shard
from thresher.runs.shard_run import ShardRun
from thresher.storage import Store


class SharedRun:
    """What the drivers of a run have in common.

    Parameters
    ----------
    stores : tuple[Store, Store]
        Of the run directory and of the output.
    beating : bool
        Whether drivers keep one another out by beats, or by the chains alone.

    Raises
    ------
    PlanError
        If the run was begun for another number of drivers.
    """

    def __init__(
        self,
        pipeline: str,
        paths: RunPaths,
        stores: tuple[Store, Store],
        shard: Shard,
        *,
        take_over: bool = False,
        beating: bool = True,
    ) -> None:
        self.pipeline = pipeline
        self.paths = paths
        self.stores = stores
        self.shard = shard
        self.take_over = take_over
        self.beating = beating
        self._parts: Sequence[str] = ()
        self._retrying = Retrying()
        self.run_id = run_id_of(stores[0], paths.run_dir, pipeline, shard.count)
        self._final = Ledger(stores[0], f"{paths.run_dir}/ledger/{FINAL}")
        self.generation = self._final.load().sealed + 1

    @property
    def marks(self) -> Marks:
        """The marks of the present generation."""
        return Marks(self.stores[0], self.paths.run_dir, self.generation, self.shard.count)

    def final_state(self) -> LedgerState:
        """What the final chain holds by now."""
        return self._final.follow()

    def is_published(self) -> bool:
        """Whether the generation that this driver works on is published whole."""
        return self.final_state().sealed >= self.generation

    def states(self) -> list[LedgerState]:
        """What the shards' chains hold by now."""
        return [self._state(str(index)) for index in range(self.shard.count)]

    @property
    def has_told(self) -> bool:
        """Whether an earlier call of this driver has told that the last generation is published."""
        return self._state(self.shard.name).sealed >= self.generation - 1

    def _state(self, shard: str) -> LedgerState:
        return Ledger(self.stores[0], f"{self.paths.run_dir}/ledger/{shard}").load()

    # -- the plan -----------------------------------------------------------------------------

    @property
    def plan_path(self) -> str:
        """Where the plan of the present generation is, or will be."""
        return f"{self.paths.run_dir}/plans/{self.generation}.json"

    def read_plan(self) -> bytes | None:
        """The plan of the present generation; None before the first driver has made it."""
        store = self.stores[0]
        return None if store.size(self.plan_path) is None else store.read(self.plan_path)

    def write_plan(self, plan: bytes) -> bytes:
        """Make it the plan of this generation, unless there is one; returns the one there is."""
        store = self.stores[0]
        return plan if store.create(self.plan_path, plan) else store.read(self.plan_path)

    # -- chains -------------------------------------------------------------------------------

    def expect(self, parts: Sequence[str], retrying: Retrying) -> None:
        """Tell which parts the plan has, and which of those that failed are tried again."""
        self._parts = parts
        self._retrying = retrying

    def open_shard(self) -> ShardRun:
        """This driver's own chain.

        Raises
        ------
        Held
            If the same shard is being run already.
        """
        run = ShardRun.open(
            self.pipeline,
            self.paths,
            self.stores,
            take_over=self.take_over,
            beating=self.beating,
            run_id=self.run_id,
            shard=self.shard.name,
            agreed=self.generation,
            final=self.final_state(),
            retrying=self._retrying,
        )
        run.expect(self._parts, [name for name in self._parts if self.shard.owns(name)])
        return run

    def open_final(self, *, beating: bool = False) -> FinalRun:
        """The final chain, to read."""
        run = FinalRun.open(
            self.pipeline,
            self.paths,
            self.stores,
            take_over=self.take_over,
            beating=beating,
            run_id=self.run_id,
            shard=FINAL,
            retrying=self._retrying,
        )
        run.expect(self._parts, ())  # every driver looks after files that others have written
        return run

    @contextmanager
    def hold(self) -> Iterator[FinalRun]:
        """The final chain, to write: no other driver can do so meanwhile.

        Raises
        ------
        Held
            If another driver has it, or takes it over meanwhile.
        """
        final = self.open_final(beating=self.beating)
        try:
            final.begin()
            yield final
        except ThresherError as error:
            if not final.opened or not final.ledger.is_fenced():
                raise
            raise Held(
                "another driver has taken over the publication of this run",
                where=error.where,
                todo="let it finish; this process has stopped and published nothing more",
            ) from error
        finally:
            final.close()
