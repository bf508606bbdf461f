# SPDX-License-Identifier: Apache-2.0
"""What the cost model predicts, beside what runs on emulated nodes take."""
