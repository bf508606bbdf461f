# SPDX-License-Identifier: Apache-2.0
"""Large inputs on engines under a memory limit."""
