"""Generate libs/stager-protos from protos/: messages, services and their types, with the protos' comments.

Usage: python scripts/protos.py [DIRECTORY]. The default is libs/stager-protos/src; the drift check gives another one.
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run protoc over every proto and return its exit code."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "libs/stager-protos/src"
    sources = sorted(str(p.relative_to(ROOT / "protos")) for p in (ROOT / "protos").rglob("*.proto"))
    bundled = str(files("grpc_tools") / "_proto")
    return int(
        protoc.main(
            [
                "protoc",
                f"--proto_path={ROOT / 'protos'}",
                f"--proto_path={bundled}",
                f"--python_out={target}",
                f"--grpc_python_out={target}",
                f"--mypy_out={target}",
                f"--mypy_grpc_out={target}",
                *sources,
            ]
        )
    )


if __name__ == "__main__":
    sys.exit(main())
