# SPDX-License-Identifier: Apache-2.0
"""JSONL in, Megatron's .bin and .idx out: Thresher and NeMo Curator."""
