# SPDX-License-Identifier: Apache-2.0
"""Metrics of runs for Prometheus: what is exported, where it can be scraped, and by whom."""
