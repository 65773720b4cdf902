"""What one writes with iBridges 2: its sync of a folder."""

import json
import sys
from pathlib import Path

from ibridges import IrodsPath, Session, sync

document = json.loads(Path(sys.argv[1]).read_text())
direction, local, remote = sys.argv[2], Path(sys.argv[3]), sys.argv[4]
environment = {key: value for key, value in document.items() if key != "password"}
environment.setdefault("irods_home", f"/{environment['irods_zone_name']}/home/{environment['irods_user_name']}")
environment.setdefault("irods_default_resource", "demoResc")
with Session(environment, password=document["password"]) as session:
    there = IrodsPath(session, remote)
    if direction == "up":
        sync(local, there)
    else:
        local.mkdir(parents=True, exist_ok=True)
        sync(there, local)
