# Sourced by the scripts beside it. Makes .venv and keeps it as pyproject.toml and constraints.txt say.
# Written for the bash 3.2 of macOS as well.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
lock="$root/constraints.txt"
venv="$root/.venv"
python="$venv/bin/python"

say() { printf '%s\n' "$*" >&2; }

# Uses another environment than .venv from here on, for instance: use_env 3.13
use_env() {
  venv="$root/.venvs/$1"
  python="$venv/bin/python"
}

# Whether a command runs a Python that the project can use; a second argument names the version, for instance 3.12.
usable_python() {
  "$1" -c 'import sys
sys.exit(sys.version_info < (3, 11) or sys.argv[1] not in ("", "%d.%d" % sys.version_info[:2]))' "${2:-}" >/dev/null 2>&1
}

# Prints the first Python that can make an environment; an argument names its version, for instance 3.12.
# PYTHON=... in the environment is tried first.
find_python() {
  local version="${1:-}" candidate without_venv="" candidates
  candidates=("${PYTHON:-}")
  if [ -n "$version" ]; then
    candidates+=("python$version" "${PYENV_ROOT:-${HOME:-}/.pyenv}/versions/$version".*/bin/python)
    candidates+=("${HOME:-}/.local/share/uv/python/cpython-$version".*/bin/python)
  else
    candidates+=(python3.13 python3.12 python3.11 python3 python)
  fi
  for candidate in "${candidates[@]}"; do
    [ -n "$candidate" ] || continue
    usable_python "$candidate" "$version" || continue
    if "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return 0
    fi
    without_venv="$candidate"
  done
  if [ -n "$without_venv" ]; then
    say "$without_venv cannot make a virtual environment. On Debian or Ubuntu: sudo apt install python3-venv"
  elif [ -n "$version" ]; then
    say "Python $version was not found."
  else
    say "Python 3.11 or newer is needed and was not found."
    say "Debian, Ubuntu: sudo apt install python3 python3-venv    macOS: brew install python@3.12"
    say "If it is somewhere unusual: PYTHON=/path/to/python3 $0"
  fi
  return 1
}

pip_install() {
  "$python" -m pip install --quiet --disable-pip-version-check --no-input "$@" </dev/null
}

# Makes the environment if it is missing; an argument names the version of Python, for instance 3.12.
make_env() {
  local found
  if ! usable_python "$python" "${1:-}"; then
    found="$(find_python "${1:-}")" || return 1
    say "Making ${venv#"$root/"} with $("$found" -V) ..."
    rm -rf "$venv"
    "$found" -m venv "$venv"
  fi
  "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip --upgrade >/dev/null
}

# Installs this checkout, with the versions of constraints.txt, unless that is done already. The first argument says what
# for: `all` (to run it) or a dependency group of pyproject.toml (dev, test, ...). The second names the version of Python.
# The stamp holds what the installation depended on; a moved checkout is installed again.
ensure_env() {
  local what="$1" version="${2:-}" state stamp began
  state="$root $(cat "$root/pyproject.toml" "$lock" | cksum)"
  for stamp in "$venv/.installed-$what" "$venv/.installed-dev"; do # dev includes everything else
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$state" ] && [ -x "$python" ]; then
      return 0
    fi
  done
  began=$SECONDS
  make_env "$version" || return 1
  say "Installing vivavoce ($what) into ${venv#"$root/"}; the first time, the model and its runtime are downloaded ..."
  rm -f "$venv"/.installed-*
  pip_install --upgrade --constraint "$lock" pip # one that reads dependency groups
  if [ "$what" = all ]; then
    pip_install --constraint "$lock" --build-constraint "$lock" --editable "${root}[all]"
  else
    pip_install --constraint "$lock" --build-constraint "$lock" --group "$root/pyproject.toml:$what" \
      --editable "${root}[all,bench]"
  fi
  printf '%s\n' "$state" >"$venv/.installed-$what"
  say "Installed in $((SECONDS - began)) s."
}
