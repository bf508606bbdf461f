# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: how much processor time, wall time and memory the work costs, peers beside it."""
