"""Replicas with the scripted engine, on a Ray of their own; arguments are a port and options NAME=VALUE."""

import os
import sys

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser
from vivavoce.asr.engine import Engine
from vivavoce.deploy.ray import RayOptions, build
from vivavoce.deploy.ray.environment import keep_out
from vivavoce.deploy.ray.run import run


def scripted(_model):
    return Engine(recogniser=ScriptedRecogniser, detector=ScriptedDetector)


def main():
    keep_out(os.environ)
    port, *given = sys.argv[1:]
    options = RayOptions.of(dict(each.split("=", 1) for each in given))
    run(build(options, engine=scripted), host="127.0.0.1", port=int(port))


if __name__ == "__main__":
    main()
