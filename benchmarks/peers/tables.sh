#!/bin/sh
# Make .venv-tables: torchinfo and fvcore at pinned versions, beside the torch of .venv, which they find through a
# path file: all sides of layer_table.py run on the same build.
set -eu
cd "$(dirname "$0")/../.."
"${PYTHON:-.venv/bin/python}" -m venv --clear .venv-tables
.venv-tables/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r benchmarks/peers/tables.txt
.venv/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" \
  > "$(.venv-tables/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/torch-of-venv.pth"
.venv-tables/bin/python -c "import torchinfo, fvcore, torch; print('torchinfo', torchinfo.__version__, '- fvcore', fvcore.__version__, '- torch', torch.__version__)"
