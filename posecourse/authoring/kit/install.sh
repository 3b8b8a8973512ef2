#!/bin/sh
# Looks for a Python that this kit has packages for: sh install.sh [FOLDER]
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd) || exit
for version in @pythons@ ""; do
  python=python${version:-3}
  if "$python" "$here/install.py" --can >/dev/null 2>&1; then
    exec "$python" "$here/install.py" "$@"
  fi
done
if command -v python3 >/dev/null; then
  exec python3 "$here/install.py" "$@"  # says what is wrong
fi
echo "Python is not installed here. This kit is for Python @pythons@; is an"
echo "installer in the folder more?"
exit 1
