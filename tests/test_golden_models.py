"""Files that earlier versions wrote: they stay readable for ever."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pellucid
from pellucid import files, recording_files

GOLDEN = Path(__file__).parent / "golden"
MODELS = GOLDEN / "models"
SCHEMAS = range(1, files.SCHEMA + 1)
CHECKPOINTS = {"checkpoint": 4, "images": 7}  # and the iteration of each
SORTS = ("mlp", "cnn", "table", "bag", "ensemble", *CHECKPOINTS)
# Other processors add in another order; a wrong reading is far off.
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def golden(schema, sort):
    """Return where a file is, and what is known of it."""
    path = MODELS / f"schema_{schema}" / f"{sort}.pellucid"
    return path, json.loads(path.with_suffix(".json").read_text("utf-8"))


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_network_answers_as_it_did(schema, sort):
    path, known = golden(schema, sort)
    net = pellucid.load(path)
    if "table" in known:
        found = net.predict(known["table"])
        if "probabilities" in known:
            assert found.tolist() == known["predicted"]
            found = net.predict_proba(known["table"])
        wanted = known.get("probabilities", known["predicted"])
        np.testing.assert_allclose(found, wanted, **CLOSE)
        return
    x = np.array(known["x"], dtype=net.dtype)
    np.testing.assert_allclose(net.feedforward(x), known["y"], **CLOSE)
    assert net.predict(x).tolist() == known["predicted"]
    assert net.history.epochs > 0


@pytest.mark.parametrize("sort", CHECKPOINTS)
@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_checkpoint_goes_on_as_it_would_have(schema, sort):
    path, known = golden(schema, sort)
    net = pellucid.load(path)
    assert net.training.step == CHECKPOINTS[sort]
    parts = {"optimizer": net.training.optimizer, "augment": net.training.augment}
    plan = parts | known["plan"]
    data = np.array(plan.pop("data"))
    x = data.astype(np.uint8) if sort == "images" else data
    net.fit(x, plan.pop("labels"), resume=True, **plan)
    np.testing.assert_allclose(net.weights, known["end"]["weights"], **CLOSE)
    np.testing.assert_allclose(net.history.loss, known["end"]["loss"], **CLOSE)


@pytest.mark.parametrize("schema", range(1, recording_files.SCHEMA + 1))
def test_a_recording_replays_as_it_was(schema):
    path, known = golden(schema, "recording")
    recording = pellucid.load_recording(path)
    assert recording.losses.tolist() == known["losses"]
    for i, weights in enumerate(known["weights"]):
        np.testing.assert_allclose(recording.weights(i).vector, weights, **CLOSE)


def test_the_script_that_makes_them_overwrites_nothing(tmp_path):
    shutil.copy(GOLDEN / "make_models.py", tmp_path)
    folder = tmp_path / "models" / f"schema_{files.SCHEMA}"
    folder.mkdir(parents=True)
    (folder / "cnn.pellucid").write_bytes(b"as it was")
    command = [sys.executable, str(tmp_path / "make_models.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "cnn.pellucid of schema 1 stays as it is" in done.stdout
    assert (folder / "cnn.pellucid").read_bytes() == b"as it was"
    assert not (folder / "cnn.json").exists()
    for sort in (*(set(SORTS) - {"cnn"}), "recording"):
        assert f"wrote {sort}.pellucid" in done.stdout
        assert (folder / f"{sort}.pellucid").stat().st_size < 20_000
