#!/bin/sh
# One instance of the service of a round. $1: the round's directory.
# It holds a lock for as long as it or any of its children runs, and says in the journal whether it got it at once:
#   begin PID START PARENT BEHAVIOUR alone|overlap
dir=$1
# A client may have been killed by now, so it tells its number itself.
parent=${CHAOS_STARTER:-$PPID}
exec 9>>"$dir/lock"
if flock -n 9; then overlap=alone; else overlap=overlap; fi
read -r behaviour <"$dir/behaviour"
read -r status </proc/$$/stat
# shellcheck disable=SC2086
set -- ${status##*") "}
echo "begin $$ ${20} $parent $behaviour $overlap" >>"$dir/journal"
if test $overlap = overlap; then flock 9; fi

# Who starts a process by a callback answers for that process alone: there the children do not count.
pause() {
  if test -n "$CHAOS_STARTER"; then sleep "$1" 9>&-; else sleep "$1"; fi
}

case $behaviour in
  slow) pause 0.3 ;;
  exit) echo "told to fail"; exit 3 ;;
  crash) echo ready; pause 0.1; exit 4 ;;
  never) exec sleep 120 ;;
  stubborn) trap '' TERM ;;
  family)
    setsid sleep 120 &
    sleep 120 &
    ;;
esac
echo ready
exec sleep 120
