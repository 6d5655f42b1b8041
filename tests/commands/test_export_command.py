"""`export`: what it writes, and what it refuses."""

import json
import sys
from pathlib import Path

import numpy as np

from seqgan_cli.runs.run import Run


def test_models_and_vocabulary_of_a_text_run(seqgan, text, tmp_path):
    """The scorer's nats are those that `score` gives."""
    import onnxruntime

    out = tmp_path / "some models"
    done = seqgan("export", text.path, "--format", "onnx", "-o", out, "--from", "pretrain-g", "--quiet")
    assert done.code == 0, done.err
    assert done.out == f"pretrain-g, epoch 3 in '{out}': step.onnx, sampler.onnx, scorer.onnx, vocabulary.json.\n"
    assert sorted(path.name for path in out.iterdir()) == ["sampler.onnx", "scorer.onnx", "step.onnx", "vocabulary.json"]
    known = json.loads((out / "vocabulary.json").read_text(encoding="utf-8"))
    corpus = Run(text.path).corpus()
    assert tuple(known["tokens"]) == corpus.vocabulary.tokens
    assert known["special"] == {"start": 0, "pad": 0, "eos": 1, "unk": 2}
    assert (known["tokenizer"], known["has_eos"], known["state_sizes"]) == ("whitespace", True, [5, 5])
    assert known["sequence_length"] == corpus.sequence_length
    line = next(" ".join(corpus.vocabulary.decode(row)) for row in corpus.test if 2 not in row)
    (tmp_path / "line.txt").write_text(line + "\n", encoding="utf-8")
    scored = seqgan("score", tmp_path / "line.txt", "--run", text.path, "--from", "pretrain-g").out.splitlines()
    ids = [known["tokens"].index(word) for word in line.split()]
    tokens = np.array([[*ids, 1, *[0] * (known["sequence_length"] - len(ids) - 1)]], np.int32)
    (nll,) = onnxruntime.InferenceSession(str(out / "scorer.onnx")).run(None, {"tokens": tokens})
    assert f"{nll.sum():.3f}" == f"{float(scored[1].split(chr(9))[0]):.3f}"


def test_what_is_there_is_not_written_over_and_what_is_wrong_is_told(seqgan, synthetic, tmp_path, monkeypatch):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine\n")
    for arguments, code, words in (
        (("--run", synthetic.path, "-o", tmp_path / "full"), 2, "full is no empty directory: name a new one."),
        (("--run", synthetic.path, "-o", tmp_path / "x", "--format", "tflite"), 2, "choose from keras, savedmodel, onnx."),
        ((synthetic.path, "--run", synthetic.path, "-o", tmp_path / "x"), 2, "are both given: leave one out."),
        ((tmp_path / "none", "-o", tmp_path / "x"), 1, "There is no run in"),
        (("--run", synthetic.path), 2, "Missing option"),
    ):
        done = seqgan("export", *arguments)
        assert (done.code, words in " ".join(done.err.split())) == (code, True), done.err
    monkeypatch.setitem(sys.modules, "onnx", None)
    done = seqgan("export", synthetic.path, "--format", "onnx", "-o", tmp_path / "x")
    assert (done.code, "pip install 'seqgan-cli[onnx]'" in done.err) == (1, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full"]  # nothing half-written either
    assert Path(tmp_path / "full" / "mine.txt").read_text() == "mine\n"
