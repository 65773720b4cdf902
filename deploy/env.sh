# The variables of deploy/compose.yaml and of the swarm stack, with their defaults: source this file, or the copy that
# deploy/prepare.py wrote into the deployment's directory. What is set before wins. print_env.sh shows the outcome.

# The directory that deploy/prepare.py made: configuration, secrets, certificates, keys.
: "${STAGER_DIR:=/srv/stager}"
# Before the images' names, such as registry.example.org/stager/; empty: the images of this machine.
: "${STAGER_REGISTRY:=}"
# The images' tag.
: "${STAGER_VERSION:=latest}"
# The project storage on this machine.
: "${STAGER_PROJECT:=/project}"
# Where sssd answers questions about this machine's users.
: "${STAGER_SSSD:=/var/lib/sss/pipes}"
# Ports on this machine. The administrators' is for this machine itself only.
: "${STAGER_PORT_API:=50051}"
: "${STAGER_PORT_UI:=8080}"
: "${STAGER_PORT_ADMIN:=9181}"
# The sandbox's OpenID provider; for this machine itself only.
: "${STAGER_PORT_LOGIN:=8090}"

# For the swarm alone. How many workers; the overlay network of your https proxy; the sealing key's name; and a new
# number whenever a secret or a file of the configuration has changed.
: "${STAGER_WORKERS:=2}"
: "${STAGER_EDGE:=edge}"
: "${STAGER_KEY:=$(cat "$STAGER_DIR/keys/public/current" 2>/dev/null || echo none)}"
: "${STAGER_REVISION:=1}"

export STAGER_DIR STAGER_REGISTRY STAGER_VERSION STAGER_PROJECT STAGER_SSSD
export STAGER_PORT_API STAGER_PORT_UI STAGER_PORT_ADMIN STAGER_PORT_LOGIN
export STAGER_WORKERS STAGER_EDGE STAGER_KEY STAGER_REVISION
