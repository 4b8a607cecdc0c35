%shebang%
# Starts a Python program on the interpreter of its toolchain. No Python on PATH is needed.
#
# Bazel fills in the values between percent signs. macOS has bash 3.2.
set -euo pipefail

main='%main%'
interpreter='%python_binary%'
imports='%imports%'
import_all='%import_all%'

# rules_python 1.7 and later fill in only these two. Its own program sets sys.path and runs the main file.
rules_pythons_program='%stage2_bootstrap%'
rules_pythons_interpreter='%python_binary_actual%'
if [[ "$rules_pythons_program" != %* ]]; then
  main="$rules_pythons_program"
  interpreter="$rules_pythons_interpreter"
fi

# Prints the folder of this program's runfiles.
find_runfiles() {
  local file="$0" target folder
  # A caller that resolved this file through its own runfiles says where they are.
  for folder in "${RUNFILES_DIR:-}" "${RUNFILES_MANIFEST_FILE:-}"; do
    folder="${folder%_manifest}"
    folder="${folder%/MANIFEST}"
    if [[ -n "$folder" && -e "$folder/$main" ]]; then
      echo "$folder"
      return
    fi
  done
  [[ "$file" == /* ]] || file="$PWD/$file"
  while true; do
    if [[ -d "$file.runfiles" ]]; then
      echo "$file.runfiles"
      return
    elif [[ "$file" == *.runfiles/* ]]; then
      echo "${file%.runfiles/*}.runfiles"
      return
    elif [[ ! -L "$file" ]]; then
      echo "$0: there are no runfiles beside $file" >&2
      return 1
    fi
    target="$(readlink "$file")"
    [[ "$target" == /* ]] || target="${file%/*}/$target"
    file="$target"
  done
}

runfiles="$(find_runfiles)"
[[ "$interpreter" == /* ]] || interpreter="$runfiles/$interpreter"

export RUNFILES_DIR="$runfiles"
# The caller's PYTHONPATH may hold other versions, and an empty part of it (":/opt/x") is the folder
# that the caller stands in, whose json.py would come before Python's own.
unset PYTHONPATH
if [[ "$main" != "$rules_pythons_program" ]]; then
  path="$runfiles"
  if [[ -n "$imports" ]]; then
    path+=":$runfiles/${imports//:/:$runfiles/}"
  fi
  if [[ "$import_all" == True ]]; then
    for folder in "$runfiles"/*/; do
      path+=":${folder%/}"
    done
  else
    path+=":$runfiles/%workspace_name%"
  fi
  export PYTHONPATH="$path"
fi
# -P: the folder of the program is not a place for imports.
exec "$interpreter" -P "$runfiles/$main" "$@"
