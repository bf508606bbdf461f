# SPDX-License-Identifier: Apache-2.0
"""When kernels are compiled, by whom, and where they are kept."""

import json
import os
import subprocess
import sys
import textwrap

import pytest

from thresher.kernels import compiled
from thresher.stages.text.filters.signals import KERNELS


def run(code, cache, **environment):
    """Run code in a process of its own, with a kernel cache of its own; what it prints, as JSON."""
    given = {k: v for k, v in os.environ.items() if k != "THRESHER_KERNELS"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**given, "NUMBA_CACHE_DIR": str(cache), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


USE = """
    import json
    from thresher.kernels import compiled
    from thresher.kernels.arrow_text import sample
    compiled.prepare(["urls"], {n_bytes})
    is_ready = compiled.ready("urls", {batch})
    counted = misses = None
    if is_ready:
        from thresher.kernels import urls
        counted = urls.signals(*sample())["url_characters"].tolist()
        kernels = [k for k in vars(urls).values() if hasattr(k, "stats")]
        misses = sum(sum(k.stats.cache_misses.values()) for k in kernels)
    print(json.dumps([is_ready, counted, misses]))
"""


def test_what_pays_is_compiled_beside_the_run_and_large_batches_wait_for_it(tmp_path):
    assert run(USE.format(n_bytes=10**10, batch=10**9), tmp_path) == [True, [0, 0], 0]
    # Now it is there for whoever comes next, but for those whom loading it would delay.
    assert run(USE.format(n_bytes=10**10, batch=1), tmp_path) == [True, [0, 0], 0]
    assert run(USE.format(n_bytes=1, batch=1), tmp_path) == [False, None, None]
    small_before = 'from thresher.kernels import compiled; compiled.prepare(["urls"], 1)\n'
    code = small_before + textwrap.dedent(USE.format(n_bytes=10**10, batch=1))
    assert run(code, tmp_path) == [True, [0, 0], 0]


def test_small_batches_do_not_wait_for_a_compiler(tmp_path):
    assert run(USE.format(n_bytes=10**10, batch=1), tmp_path) == [False, None, None]


def test_what_does_not_pay_is_not_compiled(tmp_path):
    assert run(USE.format(n_bytes=1, batch=1), tmp_path) == [False, None, None]
    assert not list(tmp_path.rglob("*.nbi"))


@pytest.mark.parametrize("place", ["a file", "missing"])
def test_without_a_place_for_a_cache_kernels_work_too(tmp_path, place):
    file = tmp_path / "file"
    file.write_text("")
    code = """
        import json
        from thresher.kernels.arrow_text import sample
        from thresher.kernels import compiled, urls
        compiled.prepare(["urls"], 10**10)
        counted = urls.signals(*sample())["url_characters"].tolist()
        is_ready = compiled.ready("urls", 10**12)
        print(json.dumps([compiled.cache_folder() is None, is_ready, counted]))
    """
    folder = file if place == "a file" else file / "below"
    assert run(code, folder, TMPDIR=str(tmp_path)) == [False, True, [0, 0]]
    nowhere = "import tempfile; tempfile.tempdir = '/proc'\n" + textwrap.dedent(code)
    assert run(nowhere, folder) == [True, True, [0, 0]]


def test_two_processes_do_not_compile_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("THRESHER_KERNELS", raising=False)
    monkeypatch.setattr(compiled, "_compilers", [])
    compiled.cache_folder.cache_clear()
    try:
        with compiled._lock_file("urls") as file:
            assert compiled._take(file)  # as another process would
            compiled.prepare(["urls"], 10**10)
            assert compiled._compilers == []
            assert compiled._is_compiling("urls")
        assert not compiled._is_compiling("urls")
    finally:
        compiled.cache_folder.cache_clear()


def test_compiling_ahead_compiles_what_callers_call(tmp_path):
    modules = ["jsonl", "jsonl_write", *KERNELS]
    ahead = f"""
        import json
        from thresher.kernels.compiler import compile_module
        for module in {modules!r}:
            compile_module(module)
        print(json.dumps(True))
    """
    assert run(ahead, tmp_path)
    use = f"""
        import json, sys
        from tests.kernels.callers import call
        for module in {modules!r}:
            call(module)
        kernels = {{
            f"{{value.__module__}}.{{value.__name__}}": value.stats
            for name, found in list(sys.modules.items()) if name.startswith("thresher.kernels.")
            for value in vars(found).values() if hasattr(value, "stats")
        }}
        print(json.dumps([[k for k, s in kernels.items() if s.cache_misses], len(kernels) > 20]))
    """
    assert run(use, tmp_path, THRESHER_KERNELS="compiled") == [[], True]
