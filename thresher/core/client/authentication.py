# SPDX-License-Identifier: Apache-2.0
"""Ray's token: who has it may run code on the cluster, nobody else.

A cluster that ``ray.init`` makes asks for a token by default; one that ``ray start`` makes does so
only if it finds one; and who connects to an address sends one only if ``RAY_AUTH_MODE`` says so.
Ours always ask, unless that variable has another value.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from thresher.core.client.environment import Variables

MODE, TOKEN, TOKEN_PATH = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"


def turn_on(variables: Variables) -> None:
    """Have this process, and what it starts, use a token; not if the user has chosen otherwise.

    Without a token one is made and kept where Ray looks for it, in ``~/.ray/auth_token``, readable
    by its owner only. Where there is no home to write to it is kept in the environment.
    """
    if not _wanted():
        return
    if token() is None:
        made = secrets.token_hex(32)
        if not _keep(_path(), made):
            variables.set(TOKEN, made)
    variables.set(MODE, "token")
    refresh()


def token() -> str | None:
    """The token that Ray uses here: of the environment, else of the file; None without one."""
    if not _wanted():
        return None
    if os.environ.get(TOKEN):
        return os.environ[TOKEN]
    try:
        return _path().read_text().strip() or None
    except (OSError, RuntimeError):
        return None


def refresh() -> None:
    """Make Ray look at the variables again, which it keeps from the moment of its import."""
    raylet = sys.modules.get("ray._raylet")
    if raylet is not None:
        raylet.Config.initialize("")
        raylet.AuthenticationTokenLoader.instance().reset_cache()


def _wanted() -> bool:
    return os.environ.get(MODE, "token").lower() == "token"


def _path() -> Path:
    return Path(os.environ.get(TOKEN_PATH) or "~/.ray/auth_token").expanduser()


def _keep(path: Path, token: str) -> bool:
    """Create the file with the token, whole or not at all; False if that cannot be done."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600, exist_ok=False)
        try:
            draft.write_text(token)
            os.link(draft, path)
        finally:
            draft.unlink()
    except FileExistsError:  # another process was faster
        return bool(path.read_text().strip())
    except (OSError, RuntimeError):
        return False
    return True
