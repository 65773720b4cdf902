"""What one writes with python-irodsclient: put or get, one file after the other."""

import json
import os
import ssl
import sys
from pathlib import Path

from irods.session import iRODSSession

document = json.loads(Path(sys.argv[1]).read_text())
direction, local, remote = sys.argv[2], Path(sys.argv[3]), sys.argv[4]
plain = document.get("irods_client_server_policy") == "CS_NEG_REFUSE"
tls = (
    {}
    if plain
    else {
        "ssl_context": ssl.create_default_context(cafile=document["irods_ssl_ca_certificate_file"]),
        "irods_client_server_negotiation": "request_server_negotiation",
        "irods_client_server_policy": "CS_NEG_REQUIRE",
        "irods_encryption_algorithm": "AES-256-CBC",
        "irods_encryption_key_size": 32,
        "irods_encryption_num_hash_rounds": 16,
        "irods_encryption_salt_size": 8,
    }
)
with iRODSSession(
    host=document["irods_host"],
    port=document["irods_port"],
    user=document["irods_user_name"],
    zone=document["irods_zone_name"],
    password=document["password"],
    **tls,
) as session:
    if direction == "up":
        session.collections.create(remote)
        for path in sorted(local.iterdir()):
            session.data_objects.put(str(path), f"{remote}/{path.name}")
            if path.stat().st_size > 32 * 1024 * 1024 or os.environ.get("BENCH_CHECKSUMS"):
                session.data_objects.chksum(f"{remote}/{path.name}")
    else:
        local.mkdir(parents=True, exist_ok=True)
        for entry in session.collections.get(remote).data_objects:
            session.data_objects.get(entry.path, str(local / entry.name), forceFlag="")
