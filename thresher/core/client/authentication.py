# SPDX-License-Identifier: Apache-2.0
"""Ray's token: who has it may run code on the cluster, nobody else.

A cluster that ``ray.init`` starts asks for a token by default; one that ``ray start`` starts does so
only if it finds one. Ours always does, unless ``RAY_AUTH_MODE`` says otherwise.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

MODE, TOKEN, TOKEN_PATH = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"


def token_environment() -> dict[str, str]:
    """Variables of a cluster that we start; empty if the user has chosen another mode.

    Without a token one is made and kept where Ray looks for it, in ``~/.ray/auth_token``, readable
    by its owner only. Where there is no home to write to it is kept in our own environment.
    """
    if os.environ.get(MODE, "token").lower() != "token":
        return {}
    if not _known():
        token = secrets.token_hex(32)
        if not _keep(_default_path(), token):
            os.environ[TOKEN] = token
    return {MODE: "token"}


def token() -> str | None:
    """The token that Ray will use here: of the environment, else of the file; None without one."""
    if os.environ.get(MODE, "token").lower() != "token":
        return None
    if os.environ.get(TOKEN):
        return os.environ[TOKEN]
    try:
        return Path(os.environ.get(TOKEN_PATH) or _default_path()).read_text().strip() or None
    except (OSError, RuntimeError):
        return None


def _known() -> bool:
    return bool(os.environ.get(TOKEN) or os.environ.get(TOKEN_PATH)) or token() is not None


def _default_path() -> Path:
    return Path("~/.ray/auth_token").expanduser()


def _keep(path: Path, token: str) -> bool:
    """Create the file with the token, whole or not at all; False if that cannot be done."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(token)
        try:
            os.link(draft, path)
        except FileExistsError:
            if not path.read_text().strip():
                return False
        finally:
            draft.unlink()
    except (OSError, RuntimeError):
        return False
    return True
