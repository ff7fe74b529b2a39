"""The sizes of a checkpoint, as files of several ages say them."""

import json

import numpy as np
import pytest
from benchmarks.random_models import BASE

from support.moonshine_models import ODD, PLAIN
from vivavoce.asr.models.moonshine.config import MoonshineConfig
from vivavoce.asr.models.moonshine.sizes import EncoderSizes


@pytest.fixture
def load(tmp_path):
    def load(config):
        path = tmp_path / "config.json"
        path.write_text(json.dumps(config))
        return MoonshineConfig.load(path)

    return load


def test_the_released_base_model(load):
    config = load(BASE)
    assert config.encoder == EncoderSizes(8, 8, 52)
    assert (config.decoder.blocks, config.decoder.states, config.decoder.head_size) == (8, 16, 52)
    assert len(config.frequencies) == 16  # 0.62 of 52 are 32 dimensions
    assert config.is_tied


def test_the_size_of_heads_may_be_given(load):
    config = load(ODD)
    assert (config.encoder.inner, config.hidden) == (48, 40)
    assert not config.is_tied
    assert len(config.frequencies) == 7  # 0.55 of 24 are 13 dimensions: 7 pairs, as in the reference


def test_what_a_file_may_leave_out(load):
    short = {name: value for name, value in PLAIN.items() if "key_value" not in name and "rot" not in name}
    config = load(short | {"rope_theta": 5000.0})
    assert len(config.frequencies) == 7  # 0.9 of 16
    np.testing.assert_allclose(config.frequencies[1], 5000 ** (-2 / 14), rtol=1e-6)
    beside = load(PLAIN | {"rope_parameters": {"rope_type": "default", "rope_theta": 5000.0}})
    assert len(beside.frequencies) == 5  # 0.62 of 16 are 9 dimensions
    nulls = load(PLAIN | {"encoder_num_key_value_heads": None, "head_dim": None})
    assert nulls.encoder == EncoderSizes(3, 2, 16)
