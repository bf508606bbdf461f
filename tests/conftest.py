# SPDX-License-Identifier: Apache-2.0
"""What a shell starts in the background, tests too, is told to ignore Ctrl-C: they press it."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
