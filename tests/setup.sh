#!/usr/bin/env bash
# Installs what a fresh Debian machine with Rust and npm still lacks: Postgres and Redis by apt
# (as root, when absent), foundry, solc and the TypeScript clients by `npm ci` from lock files.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
need() { command -v "$1" >/dev/null 2>&1 || { echo "setup: $1 is missing: $2" >&2; exit 1; }; }

need cargo "install Rust (rustup) first"
need npm "install Node.js 20 or newer with npm first"

packages=()
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || packages+=(postgresql)
command -v redis-server >/dev/null 2>&1 || packages+=(redis-server)
command -v cc >/dev/null 2>&1 || packages+=(gcc libc6-dev)
if [ ${#packages[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "setup: please install ${packages[*]} (sudo apt-get install ${packages[*]}) and run this again" >&2
    exit 1
  fi
  say "apt-get install ${packages[*]}"
  # the servers are started privately, never as the machine's own services
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi
need setpriv "Debian package util-linux"

for folder in tests settlement/contracts; do
  stamp=$folder/node_modules/.lock-digest
  digest=$(sha256sum < $folder/package-lock.json)
  if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$digest" ]; then
    say "npm ci in $folder"
    (cd $folder && npm ci --no-audit --no-fund --loglevel=error)
    printf '%s\n' "$digest" > "$stamp"
  fi
done
