#!/usr/bin/env bash
# Serves on this machine with a private PostgreSQL in .data, plays a provision into
# it, and goes on serving until Ctrl-C. PROVFLOW_LISTEN chooses the address.
set -euo pipefail
cd "$(dirname "$0")/.."

listen=${PROVFLOW_LISTEN:-127.0.0.1:8080}
host=${listen%:*}
port=${listen##*:}
url=http://$listen

if (exec 3<>"/dev/tcp/$host/$port") 2>/dev/null; then
  echo "Something is listening on $listen already. Stop it, or choose another address:" >&2
  echo "  PROVFLOW_LISTEN=127.0.0.1:8081 make run" >&2
  exit 1
fi

# Nobody balances between servers here: a second is enough to end what is open.
PROVFLOW_DRAIN=${PROVFLOW_DRAIN:-1s} bin/provflow serve --listen "$listen" --data-dir .data &
server=$!

# Every way out stops the server and waits for it: its database is its child.
stop() {
  trap - EXIT
  trap '' INT TERM HUP
  kill -TERM "$server" 2>/dev/null || true
  wait "$server" || true
  echo "Stopped. The data stays; \`make run\` goes on with it."
}
trap stop EXIT
trap 'exit 0' INT TERM HUP

ready() {
  local status
  exec 3<>"/dev/tcp/$host/$port" || return 1
  printf 'GET /readyz HTTP/1.0\r\nHost: %s\r\n\r\n' "$listen" >&3
  read -r -t 5 _ status _ <&3 || status=
  exec 3>&-
  [ "$status" = 200 ]
}

for ((try = 0; ; try++)); do
  if ready 2>/dev/null; then break; fi
  if ! kill -0 "$server" 2>/dev/null; then
    echo "The server ended; its last lines are above." >&2
    exit 1
  fi
  if [ "$try" -ge 300 ]; then
    echo "The server is not ready after a minute; see its lines above and $url/readyz" >&2
    exit 1
  fi
  sleep 0.2
done

deployment=demo-$(date +%Y%m%d-%H%M%S)
echo
echo "provflow serves at $url and plays a provision now. Watch it, live:"
echo "  curl -N $url/api/v1/flows/$deployment/stream"
echo
bin/provflow demo --server "$url" --deployment "$deployment" ||
  echo "The demo did not reach its end; the server goes on." >&2

echo
echo "Serving at $url until Ctrl-C. Another provision: bin/provflow demo --server $url"
wait "$server"
