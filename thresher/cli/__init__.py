# SPDX-License-Identifier: Apache-2.0
"""The command line: arguments in, text out; the work is done elsewhere."""

from thresher.cli.main import main as main
