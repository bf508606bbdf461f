# SPDX-License-Identifier: Apache-2.0
"""The same work on the same engines, beside NeMo Curator's executors."""
