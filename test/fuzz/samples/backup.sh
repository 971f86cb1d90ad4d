#!/usr/bin/env bash
# Copies folders to another disk, and keeps the newest copies.
set -euo pipefail

readonly KEEP="${KEEP:-7}"
target=""
verbose=false

usage() {
  cat <<EOF
usage: $(basename "$0") [-v] [-t TARGET] FOLDER...

It's safe to run it twice: what hasn't changed isn't copied again.
EOF
}

log() {
  if "$verbose"; then
    printf '%s: %s\n' "$(date +%H:%M:%S)" "$*" >&2
  fi
}

while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help)
      usage
      exit 0
      ;;
    -v) verbose=true ;;
    -t)
      target="${2:?-t wants a folder}"
      shift
      ;;
    -*)
      echo "unknown option '$1'" >&2
      exit 2
      ;;
    *) break ;;
  esac
  shift
done

if [[ -z "$target" || ! -d "$target" ]]; then
  usage >&2
  exit 2
fi

for folder in "$@"; do
  name="$(basename "$folder")"
  copy="$target/$name-$(date +%Y%m%d)"
  if [ -e "$copy" ]; then
    log "'$copy' is there already"
    continue
  fi
  previous=$(ls -1d "$target/$name-"* 2>/dev/null | tail -n 1 || true)
  rsync -a ${previous:+--link-dest="$previous"} "$folder/" "$copy.part/" && mv "$copy.part" "$copy"
  log "copied $(du -sh "$copy" | cut -f1) of $name"
  ls -1d "$target/$name-"* | head -n "-$KEEP" | while read -r old; do
    log "removing $old"
    rm -rf -- "$old"
  done
done
