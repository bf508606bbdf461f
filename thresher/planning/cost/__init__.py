# SPDX-License-Identifier: Apache-2.0
"""What a plan costs on N nodes: rates from a run that was measured, and a model above them."""
