# SPDX-License-Identifier: Apache-2.0
"""Views of a run: while it goes on, and after."""

from thresher.runs.report.observer import Observer as Observer
from thresher.runs.report.observer import Observers as Observers
from thresher.runs.report.observer import RunEnd as RunEnd
from thresher.runs.report.observer import RunStart as RunStart
from thresher.runs.report.observer import Snapshot as Snapshot
