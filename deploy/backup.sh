#!/bin/sh
# Saves all jobs, or puts them back: the files of Redis, as a tar. Redis stops for as long as that takes; submits and
# status questions meanwhile are told to try again, and running transfers go on if it takes less than a minute.
#   deploy/backup.sh save REDIS_CONTAINER FILE
#   deploy/backup.sh restore REDIS_CONTAINER FILE      what is in Redis by then is lost
# CONTAINER_ENGINE chooses between docker and podman.
set -eu
[ $# -eq 3 ] || { sed -n '2,6p' "$0" >&2; exit 2; }
what=$1 container=$2 file=$3
engine=$("$(dirname "$0")/../scripts/container-engine")
image=$("$engine" inspect --format '{{.Config.Image}}' "$container")
beside() { "$engine" run --rm -i --network none --read-only --cap-drop ALL --volumes-from "$container" --entrypoint "$1" "$image" -c "$2"; }
"$engine" stop -t 60 "$container" >/dev/null
trap '"$engine" start "$container" >/dev/null' EXIT
case $what in
    save)
        (umask 077 && beside sh 'cd /data && tar -c appendonlydir' >"$file.part")
        mv "$file.part" "$file"
        ;;
    restore)
        tar -tf "$file" | grep -q '^appendonlydir/.*manifest$' || { echo "backup: $file holds no data of Redis" >&2; exit 1; }
        # Unpacked beside, then moved: what is there stays until all of the new is.
        beside sh 'cd /data && rm -rf restored && mkdir restored && tar -x -C restored && rm -rf appendonlydir && mv restored/appendonlydir . && rmdir restored' <"$file"
        ;;
    *) echo "backup: save or restore?" >&2; exit 2 ;;
esac
