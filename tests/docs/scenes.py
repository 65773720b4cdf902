"""What the code of a page finds around itself: values that readers bring along, and their names for things here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scene:
    """What is put around a page's blocks.

    Attributes:
        before: By number of a block (from 0): code that comes before it.
        after: Code that comes after all of them.
        instead: What stands in the page: what stands for it here.
    """

    before: Mapping[int, str] = field(default_factory=dict)
    instead: Mapping[str, str] = field(default_factory=dict)
    after: str = ""


SCENES = {
    "docs/developer-guide.md": Scene(
        before={0: "import pathlib\n"}, after="test_a_lost_answer_does_no_harm(pathlib.Path.cwd())\n"
    ),
    "deploy/sandbox/README.md": Scene(before={0: "from pathlib import Path\ntmp_path = Path.cwd()\n"}),
    "deploy/sandbox/src/stager_sandbox/zone/README.md": Scene(
        before={
            1: """
zone = Zone({"alice": "alicepw"}, data=Path.cwd() / "DIR", zone_name="nl.ru.donders", control=True)
zone.start()
path, old, new = ("/nl.ru.donders/home/alice/" + name for name in ("run1.nii", "old", "new"))
source, destination, chunk = path, "/nl.ru.donders/home/alice/copy", b"data"
collection = "/nl.ru.donders/home/alice/a/b"
for name in (path, old, "/nl.ru.donders/home/alice/file"):
    with zone.files.write("alice", name) as upload:
        upload.write(b"data")
""",
        },
        instead={"import iRODSSession\n": "import iRODSSession\nfrom pathlib import Path\n"},
    ),
    "libs/stager-credentials/README.md": Scene(
        before={
            0: """
import pathlib
from stager_credentials.key_directory import add_key
add_key(pathlib.Path("keys"), "2026-11")
public_pem = pathlib.Path("keys/2026-11.pub.pem").read_bytes()
"""
        },
        instead={"/etc/stager/keys": "keys", "/etc/stager/public-keys": "keys"},
    ),
    "libs/stager-jobs/README.md": Scene(
        before={
            0: "import pathlib\nfrom stager_sandbox.redis_server import RedisServer\n"
            'server = RedisServer(pathlib.Path.cwd() / "redis")\nserver.start()\n'
        },
        instead={'"rediss://stager:password@redis:6379/0"': "server.url"},
    ),
    "libs/stager-redis/README.md": Scene(after='assert one.connection_pool and "stager" in repr(group)\n'),
    "libs/stager-settings/README.md": Scene(
        before={0: 'import pathlib\npathlib.Path("api-server.yml").write_text("grpc: {port: 50051}")\n'}
    ),
    "libs/stager-telemetry/README.md": Scene(
        before={
            0: "from types import SimpleNamespace\n"
            'job = SimpleNamespace(id="scan-42", owner="jan")\n'
            "inspector = SimpleNamespace(figures=lambda: SimpleNamespace(gauges=list))\n"
            'traceparent_of_the_submit = ""\n'
        },
        instead={'"0.0.0.0", 9090': '"127.0.0.1", 0'},
    ),
}
"""Of pages whose code needs no running stager. Each other page's code is run against one."""
