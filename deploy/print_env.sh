#!/bin/sh
# Prints the variables that compose would run with, and which secret files are there; never what is in them.
#   deploy/print_env.sh > .env      for `docker compose --env-file .env`
set -eu
# shellcheck source=/dev/null
. "$(dirname "$0")/env.sh"
env | grep '^STAGER_\(DIR\|REGISTRY\|VERSION\|PROJECT\|SSSD\|PORT_[A-Z]*\|WORKERS\|EDGE\|KEY\|REVISION\)=' | sort
for name in api.env worker.env ui.env admin.env redis-acl; do
    if [ -e "$STAGER_DIR/secrets/$name" ]; then
        echo "# secrets/$name: $(cut -d = -f 1 "$STAGER_DIR/secrets/$name" | grep '^STAGER_' | tr '\n' ' ')"
    else
        echo "# secrets/$name: missing; deploy/prepare.py makes it"
    fi
done
