# SPDX-License-Identifier: Apache-2.0
"""JSONL in, five quality rules, JSONL out: Thresher, NeMo Curator and datatrove."""
