"""The whole stager as the integration tests run it, for the tests of this folder."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

_spec = importlib.util.spec_from_file_location("integration_stack", HERE.parent / "integration" / "conftest.py")
assert _spec
assert _spec.loader
_module = importlib.util.module_from_spec(_spec)
sys.modules["integration_stack"] = _module
_spec.loader.exec_module(_module)

local_users, stack = _module.local_users, _module.stack
