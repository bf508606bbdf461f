# SPDX-License-Identifier: Apache-2.0
"""How quickly workers go to the Step that needs them."""
