#!/bin/sh
# Starts the Redis server of a project: start.sh NAMESPACE PORT
#
# Its data, and its redis.conf if there is one, are in $EXAMPLES_DATA/redis-NAMESPACE, unless given
# ~/.local/share/procref-examples; never in the service's own directory, which goes with the service.
set -eu
namespace=$1 port=$2

if ! command -v redis-server >/dev/null; then
  echo "redis-server is missing: install Redis, on Debian by apt-get install redis-server" >&2
  exit 127
fi

data=${EXAMPLES_DATA:-${XDG_DATA_HOME:-${HOME:-/}/.local/share}/procref-examples}/redis-$namespace
mkdir -p "$data"
cd "$data"
set -- --bind 127.0.0.1 --port "$port" --dir . --daemonize no
# Without a save point Redis saves nothing, not even when it is asked to end.
set -- --save '3600 1 300 100 60 10000' "$@"
[ ! -e redis.conf ] || set -- redis.conf "$@"
# exec: the signals of the supervisor are for Redis, and a shell that stayed would not pass them on.
exec redis-server "$@"
