# SPDX-License-Identifier: Apache-2.0
"""Whether Thresher scores documents as the tools do that define the scores."""
