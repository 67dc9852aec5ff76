"""Every file that a user gives may be malformed: what reads it raises an error with a message, never another one."""

import dataclasses
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save as safetensors

from colorize_cli.benchmark import document as bench
from colorize_cli.benchmark.document import Document, comparison
from colorize_cli.benchmark.machine import Machine
from colorize_cli.benchmark.measurements import STAGES, Row
from colorize_cli.checkpoints.file import KEY, CheckpointInfo
from colorize_cli.checkpoints.foreign import load_network, open_checkpoint
from colorize_cli.checkpoints.hub import pins
from colorize_cli.checkpoints.hub.download import parse_reference
from colorize_cli.checkpoints.input_format import input_format, input_format_of
from colorize_cli.color_photos import is_run_folder
from colorize_cli.entry import HubFile
from colorize_cli.errors import ColorizeError, UsageProblem
from colorize_cli.evaluation import compare, results
from colorize_cli.evaluation.study import answers
from colorize_cli.imaging.marks import check_letters
from colorize_cli.inference.hints import read_hints
from colorize_cli.registry import get
from colorize_cli.review.decisions import Decisions
from colorize_cli.review.strokes import load_strokes
from colorize_cli.training.record import same_options
from colorize_cli.training.run_folder import RunFolder
from colorize_cli.training.train_options import TrainOptions
from tests import malformed

MANY = 250


def holds(read: Callable[[], Any], what: bytes) -> None:
    """Fail unless reading succeeds or ends in an error of ours with a message."""
    try:
        read()
    except ColorizeError as error:
        assert str(error).strip()
    except Exception as error:
        pytest.fail(f"{type(error).__name__}: {error}\n{what[:400]!r}")


def answer_file(kind: str) -> dict[str, Any]:
    shown = {"fool": ["truth", "gan"], "prefer": ["a", "b"], "rate": ["gan"]}[kind]
    item = {"question": 0, "photo": "x", "shown": shown} | ({"rating": 3} if kind == "rate" else {"chosen": shown[0]})
    head = {"format": "colorize-study-answers", "version": 1, "study": "s", "kind": kind, "rater": "ann"}
    return head | {"questions": 2, "answers": [item, item | {"question": 1}]}


@pytest.mark.parametrize("kind", ["fool", "prefer", "rate"])
def test_answer_files(tmp_path: Path, kind: str) -> None:
    path, sound = tmp_path / "answers.json", tmp_path / "sound.json"
    sound.write_text(json.dumps(answer_file(kind) | {"rater": "bob"}))
    for content in malformed.files(answer_file(kind), MANY):
        path.write_bytes(content)

        def read() -> None:
            found = answers.evaluate_answers(answers.read_answers([path, sound]))
            answers.as_json(found), answers.as_rows(found), answers.headline(found)

        holds(read, content)


def test_descriptions_of_checkpoints(tmp_path: Path) -> None:
    entry = get("ols")
    network = entry.build()
    info = dataclasses.asdict(CheckpointInfo("ols", entry.default_variant, arguments={"solver": "guided"}))
    info |= {"input": {"size": 64, "fit": "letterbox", "mirror": True}}
    info |= {"shared": {"other.safetensors": {"sha256": "0" * 64, "tensors": ["weight"]}}}
    tensors = {name: value.clone() for name, value in network.state_dict().items()}
    path = tmp_path / "ols.safetensors"
    for shared in (info["shared"], {}):
        for content in malformed.files(info | {"shared": shared}, MANY // 2):
            text = content.decode("utf-8", "replace")
            path.write_bytes(safetensors(tensors, metadata={KEY: text}))

            def read() -> None:
                input_format_of(entry, path)
                checkpoint = open_checkpoint(path, entry)
                load_network(checkpoint, entry, str(path))
                input_format(entry, checkpoint.info.input), dict(checkpoint.info.data)

            holds(read, content)
    for content in malformed.RUBBISH:
        path.write_bytes(content)
        holds(lambda: open_checkpoint(path, entry), content)
        holds(lambda: input_format_of(entry, path), content)


def test_records_of_training_runs(tmp_path: Path) -> None:
    options = TrainOptions((tmp_path,), tmp_path / "run")
    data = {"photos": 3, "validation_photos": 1}
    record = {"options": options.decisive(), "data": data, "environment": {"torch": "2"}, "encoder": "scratch"}
    record |= {"early_stopping": [{"stage": "a", "epoch": 1, "best_psnr": 20.0}], "recipe": {}}
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    for content in malformed.files(record, MANY):
        folder.record.write_bytes(content)
        holds(lambda: same_options(options, folder.read_record()["options"]), content)
        holds(lambda: folder.note_early_stop("a", 2, 1.0), content)
        assert is_run_folder(folder.path) in (True, False)
    for content in malformed.files({"step": 3, "loss": 0.5}, MANY):
        folder.metrics.write_bytes(b'{"step": 1}\n' + content + b"\n")
        holds(lambda: folder.forget_metrics_after(2), content)
    for content in malformed.RUBBISH:
        folder.state.write_bytes(content)
        holds(folder.load_state, content)
    for state in ([], {}, {"position": 3}, torch.zeros(2)):
        torch.save(state, folder.state)
        holds(folder.load_state, repr(state).encode())


def evaluation() -> dict[str, Any]:
    contenders = [{"name": name} for name in ("gray", "gan")]
    return {"protocol": {"name": "native"}, "contenders": contenders, "version": "1"}


def test_folders_of_results(tmp_path: Path) -> None:
    one = {"index": 0, "photo": "a\u2028.jpg", "sha256": "ab", "width": 4, "height": 4, "psnr": 20.0}
    rows = [one | {"contender": name} for name in ("gray", "gan")]
    arrays = {name: np.ones((1, 4), np.float32) for name in ("true", "predicted0", "credit0", "predicted1", "credit1")}
    sound, odd = tmp_path / "sound", tmp_path / "odd"
    for folder in (sound, odd):
        folder.mkdir()
        (folder / results.RECORD).write_text(json.dumps(evaluation()))
        (folder / results.ROWS).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        np.savez(folder / results.HISTOGRAMS, **arrays)
    assert [found.photo for found in results.load(odd).results] == ["a\u2028.jpg"]
    read = lambda: compare.compare(results.load(odd), results.load(sound))  # noqa: E731
    assert read()
    for name, document in ((results.RECORD, evaluation()), (results.ROWS, rows[0])):
        before = (odd / name).read_bytes()
        for content in malformed.files(document, MANY):
            (odd / name).write_bytes(content)
            holds(read, content)
        (odd / name).write_bytes(before)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("true.npy", b"nothing")
    for content in (*malformed.RUBBISH, stream.getvalue()):
        (odd / results.HISTOGRAMS).write_bytes(content)
        holds(read, content)


def test_benchmarks_to_compare_with(tmp_path: Path) -> None:
    machine = Machine(**{f.name: "x" if f.type in (str, "str") else 1 for f in dataclasses.fields(Machine)})
    row = Row(machine, "gan", "cpu", "fp32", batch=1, megapixels=2.0, working_size=192)
    row.samples = {stage: [0.1, 0.2] for stage in STAGES}
    path = tmp_path / "old.json"
    for content in malformed.files(json.loads(Document([row]).as_json()), MANY):
        path.write_bytes(content)
        holds(lambda: comparison(bench.load(path), Document([row])), content)


def test_decisions_of_a_review(tmp_path: Path) -> None:
    look = {"model": "gan", "vividness": 0.5, "strength": 1.0, "variant": 1, "size": None}
    row = {"photo": "a.jpg", "state": "accepted", "parameters": look, "result": "b.jpg", "hints": "c.png", "note": ""}
    path = tmp_path / "review.jsonl"
    for content in malformed.files(row, MANY):
        path.write_bytes(content + b"\n")
        holds(lambda: list(Decisions(path)), content)


def test_what_is_remembered_of_downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "_state_folders", lambda: [tmp_path])
    file = HubFile("a/b", "c.safetensors", None)
    pin = {"commit": "0" * 40, "sha256": "0" * 64, "size": 3, "licence": "mit"}
    for content in malformed.files({"files": {"a/b/c.safetensors@": pin}, "licences": {"a/b": "mit"}}, MANY):
        (tmp_path / pins.FILE).write_bytes(content)
        holds(lambda: (pins.pin_of(file), pins.agreed_to(file), pins.seen_in_cache(file)), content)


def test_pictures_and_fonts(tmp_path: Path) -> None:
    path = tmp_path / "odd"
    for content in malformed.RUBBISH:
        path.write_bytes(content)
        holds(lambda: read_hints(path), content)
        holds(lambda: load_strokes(path), content)
        holds(lambda: check_letters("Colorized", path), content)


@pytest.mark.parametrize(
    "reference",
    ["hf://../..", "hf://../../x", "hf://a/../b", "hf://a/b/../../c", "hf://./b/c", "hf://a/b/c/..", "hf://a/b/x\\y"],
)
def test_references_that_lead_out_of_the_cache(reference: str) -> None:
    with pytest.raises(UsageProblem, match="not a Hub reference"):
        parse_reference(reference)
