# SPDX-License-Identifier: Apache-2.0
"""Every heuristic and preset signal over real text: Thresher, NeMo Curator and datatrove."""
