# SPDX-License-Identifier: Apache-2.0
"""Packing: the tokens of documents into sequences of one length."""

from thresher.stages.text.packing.cuts import Cuts as Cuts
from thresher.stages.text.packing.cuts import best_fit as best_fit
from thresher.stages.text.packing.cuts import concatenate as concatenate
from thresher.stages.text.packing.packer import SequencePacker as SequencePacker
