# SPDX-License-Identifier: Apache-2.0
"""Guard: runs Steps in a child process, so that what kills it is an ordinary failure."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace

from thresher.backends.envelope import Envelope
from thresher.backends.executor import Done, Heartbeat, Message
from thresher.backends.parcel import Handed, Packer, ParcelFolders
from thresher.backends.processes import ProcessPool, Recycling
from thresher.planning.plan import Step

POLL_SECONDS = 1.0


def needs_guard(step: Step) -> bool:
    """Whether a Step in an engine's worker runs in a child process.

    Engines do not survive what kills their workers, or try it for ever. Steps on a GPU stay in the
    process that holds their model unless they ask for one of their own; those of our own kernels
    are safe. Ranks of a collective are processes of their own already, and so is another Python.
    """
    if step.collective or step.python:
        return False
    if step.resources.requires_gpu:
        return any(stage.isolation == "process" for stage in step.stages)
    return not step.gil_free


class Guard:
    """Stands where a StepServer does; the work is done by one worker process.

    Parameters
    ----------
    blob : bytes
        Cloudpickled (steps, context).
    packer : Packer
        Makes parcels of children, which leave the process as files.
    node : str
        The machine's name among those of the cluster.
    python : str
        Its interpreter, if it is another one.
    """

    def __init__(
        self,
        blob: bytes,
        worker_id: str,
        packer: Packer | None = None,
        node: str = "local",
        python: str = "",
    ) -> None:
        self.packer: Packer = packer or Handed()
        folders = ParcelFolders.create(tempfile.gettempdir())
        self._pool = ProcessPool(1, folders, Recycling(), node, python)
        self._pool.serve(blob)
        self.worker_id = worker_id

    def call(
        self, envelope: Envelope, beat: Callable[[int, str], None]
    ) -> tuple[Message, list[Envelope]]:
        """One call: its report, and the children for the next Step."""
        parcel = envelope.parcel
        task = parcel.open()  # here, where the engine's objects can be reached
        self._pool.submit(replace(envelope, parcel=self._pool.folders.pack(task)))
        while True:
            for event in self._pool.wait(POLL_SECONDS):
                if isinstance(event.message, Heartbeat):
                    beat(event.message.rows, event.message.stage)
                if event.envelope is None:
                    continue
                event.envelope.parcel.discard()
                message = event.message
                if isinstance(message, Done):
                    message = replace(message, worker=self.worker_id)  # not the child's name
                return message, [self._child(child) for child in event.children]

    def stack(self, token: str) -> str:
        """Where the process is with an attempt; empty if it has another."""
        return self._pool.stack(token)

    def close(self) -> None:
        """Stop the process."""
        self._pool.close()

    def _child(self, envelope: Envelope) -> Envelope:
        parcel = self.packer.pack(envelope.parcel.open())
        envelope.parcel.discard()
        return replace(envelope, parcel=parcel)
