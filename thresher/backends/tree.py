# SPDX-License-Identifier: Apache-2.0
"""Tree: the calls of one attempt at a part, and what they add up to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from thresher.backends.executor import Done
from thresher.runs.part import Outcome, Part, Path, WrittenFile
from thresher.stats import StageCounts


@dataclass
class Tree:
    """The calls of one attempt: full when every child announced has reported.

    Reports come in any order, a child's before its parent's, too.
    """

    last_step: int
    missing: set[Path] = field(default_factory=lambda: {()})
    reported: dict[Path, Done] = field(default_factory=dict)

    def add(self, done: Done) -> None:
        """Count a call in, once."""
        if done.path in self.reported:
            return
        self.reported[done.path] = done
        self.missing.discard(done.path)
        if done.step < self.last_step:
            children = ((*done.path, index) for index in range(done.children))
            self.missing.update(child for child in children if child not in self.reported)

    @property
    def is_full(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


def gather(part: Part, tree: Tree, n_steps: int) -> Outcome:
    """Merge the reports of a full tree, in the order of their paths."""
    per_step: list[list[StageCounts]] = [[] for _ in range(n_steps)]
    files: list[WrittenFile] = []
    inline: list[tuple[Path, bytes]] = []
    seconds, digest, cause = 0.0, "", ""
    failed_rows = 0
    reasons: Counter[str] = Counter()
    first_names: tuple[str, ...] = ()
    names: set[str] = set()
    left_out: set[str] = set()
    absent: tuple[str, ...] = ()
    for path in sorted(tree.reported):
        done = tree.reported[path]
        seconds += done.seconds
        reasons.update(dict(done.reasons))
        digest = digest or done.source_digest
        failed_rows += done.failed_rows
        cause = cause or done.cause
        first_names = first_names or done.first_names
        names.update(done.names)
        left_out.update(done.left_out)
        absent = absent or done.absent
        files += done.files
        inline += done.inline
        merged = per_step[done.step]
        for index, counts in enumerate(done.counts):
            if index == len(merged):
                merged.append(StageCounts(counts.stage))
            merged[index].add(counts)
    files.sort(key=lambda file: (file.port, file.path))
    inline.sort()
    flat = [counts for step in per_step for counts in step]
    return Outcome(
        part,
        flat,
        files,
        inline,
        seconds=seconds,
        source_digest=digest,
        reasons=reasons,
        memory=max((done.memory for done in tree.reported.values()), default=0),
        failed_rows=failed_rows,
        cause=cause,
        first_names=first_names,
        names=tuple(sorted(names.difference(first_names))),
        left_out=tuple(sorted(left_out)),
        absent=absent,
    )
