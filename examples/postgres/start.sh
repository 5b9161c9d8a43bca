#!/bin/sh
# Starts the PostgreSQL server of a project: start.sh NAMESPACE PORT
#
# Its data is in $EXAMPLES_DATA/postgres-NAMESPACE, unless given ~/.local/share/procref-examples, for root
# /var/lib/procref-examples; never in the service's own directory, which goes with the service. The first start makes it.
set -eu
namespace=$1 port=$2

# Debian has the programs of the server in a folder of their version that is not on the PATH.
newest=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
PATH=$PATH${newest:+:$newest}
for program in initdb postgres; do
  command -v "$program" >/dev/null && continue
  echo "$program is missing: install PostgreSQL, on Debian by apt-get install postgresql" >&2
  exit 127
done

# PostgreSQL refuses to run as root: root runs it as the user that the package of the system has made. A change of the
# user takes the parent-death signal away; it is asked for again.
as='' home=${XDG_DATA_HOME:-${HOME:-/}/.local/share}
if [ "$(id -u)" = 0 ]; then
  as='setpriv --reuid=postgres --regid=postgres --init-groups --pdeathsig=KILL --' home=/var/lib
fi
folder=${EXAMPLES_DATA:-$home/procref-examples}
data=$folder/postgres-$namespace
mkdir -p "$folder"

if [ ! -d "$data" ]; then
  # Half of a database is none: it gets its name when it is complete.
  rm -rf "$data.new"
  mkdir -m 700 "$data.new"
  [ -z "$as" ] || chown postgres: "$data.new"
  cd "$data.new"
  # Anybody on this machine may connect. More than an example wants --auth=scram-sha-256 and --pwfile.
  $as initdb --pgdata=. --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8
  mv "$data.new" "$data"
fi

cd "$data"
# exec: the signals of the supervisor are for PostgreSQL, and a shell that stayed would not pass them on.
exec $as postgres -D . -h 127.0.0.1 -p "$port" -c unix_socket_directories=
