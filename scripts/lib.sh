# Sourced by the scripts beside it. Makes .venv and keeps it as pyproject.toml says.
# Written for the bash 3.2 of macOS as well.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv="$root/.venv"
python="$venv/bin/python"

say() { printf '%s\n' "$*" >&2; }

# Whether a command runs a Python that the project can use.
usable_python() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# Prints the first Python that can make an environment. PYTHON=... in the environment is tried first.
find_python() {
  local candidate without_venv=""
  for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3 python; do
    [ -n "$candidate" ] || continue
    usable_python "$candidate" || continue
    if "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return 0
    fi
    without_venv="$candidate"
  done
  if [ -n "$without_venv" ]; then
    say "$without_venv cannot make a virtual environment. On Debian or Ubuntu: sudo apt install python3-venv"
  else
    say "Python 3.11 or newer is needed and was not found."
    say "Debian, Ubuntu: sudo apt install python3 python3-venv    macOS: brew install python@3.12"
    say "If it is somewhere unusual: PYTHON=/path/to/python3 $0"
  fi
  return 1
}

# Makes .venv and installs this checkout with one extra (all or dev), unless that is done already.
# The stamp holds what the installation depended on; a moved checkout is installed again.
ensure_env() {
  local extra="$1" state stamp found began
  state="$root $(cksum <"$root/pyproject.toml")"
  for stamp in "$venv/.installed-$extra" "$venv/.installed-dev"; do # dev holds everything that all holds
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$state" ] && [ -x "$python" ]; then
      return 0
    fi
  done
  began=$SECONDS
  if ! usable_python "$python"; then
    found="$(find_python)" || return 1
    say "Making .venv with $("$found" -V) ..."
    rm -rf "$venv"
    "$found" -m venv "$venv"
  fi
  "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip --upgrade >/dev/null
  say "Installing vivavoce[$extra] into .venv; the first time, the model and its runtime are downloaded ..."
  rm -f "$venv"/.installed-*
  "$python" -m pip install --quiet --disable-pip-version-check --no-input --editable "$root[$extra]" </dev/null
  printf '%s\n' "$state" >"$venv/.installed-$extra"
  say "Installed in $((SECONDS - began)) s."
}
