#!/bin/sh
# Make .venv-peers: Keras on TensorFlow, JAX and torch, and fastai, all on the CPU, at pinned versions.
#   benchmarks/peers/setup.sh             takes torch where pip is configured to look
#   TORCH=cpu benchmarks/peers/setup.sh   on Linux, unless that is a CPU-only build already: the default
#                                         build wants gigabytes of CUDA, which are not installed here
set -eu
cd "$(dirname "$0")/../.."
index=""
[ "${TORCH:-default}" = cpu ] && index="--extra-index-url https://download.pytorch.org/whl/cpu"
"${PYTHON:-python3.11}" -m venv --clear .venv-peers
# --no-deps: requirements.txt is the whole list, and says what it leaves out.
# shellcheck disable=SC2086
.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check $index --no-deps -r benchmarks/peers/requirements.txt
.venv-peers/bin/python -c "import torch; print('torch', torch.__version__)"
.venv-peers/bin/python -c "import fastai.basics; print('fastai', fastai.__version__)"
TF_CPP_MIN_LOG_LEVEL=3 .venv-peers/bin/python -c "import keras, jax; print('keras', keras.__version__, 'on', keras.backend.backend(), '- jax', jax.__version__)"
