# SPDX-License-Identifier: Apache-2.0
"""This tree beside an earlier commit of it."""
