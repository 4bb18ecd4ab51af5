"""A job on conversations, recorded for real at the smallest size: healthy, and with padding among its targets."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gen_traces import jobs, profiles
from gen_traces.jobs import Job, Outcome
from scenarios import source, workloads

SMOKE = profiles.profile("smoke")
SIZE = SMOKE.set | SMOKE.configs["chat"] | {"steps": 6, "accuracy_every": 3, "eval_every": 3, "seed": 0}
EXPECTED = [
    "batch",
    "data_stats",
    "data_order",
    "split_overlap",
    "tokenizer_roundtrip",
    "samples",
    "predictions",
    "config",
    "model_summary",
    "train_mode",
    "checkpoint",
    "attention_pattern",
    "check_overfit_batch",
    "check_causality",
    "check_token_order",
    "check_kv_cache",
    "check_init_loss",
    "check_gradients",
    "check_determinism",
]
COLUMNS = [
    "loss",
    "val_loss",
    "grad_norm",
    "eval_metrics/accuracy",
    "eval_metrics/read",
    "token_loss/prompt",
    "token_loss/answer",
    "token_loss/end",
    "token_loss/padding",
    "activations/layer.0",
    "attention_entropy/layer.0",
]
PADDED = {"chat.py": ("[IGNORE] * (width", "[PAD] * (width")}


@pytest.fixture(scope="module")
def conversations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conversations")
    return jobs.build_corpus(source.reference_source(), folder, "prepare_chat.py", "conversations.jsonl")[0]


def run(corpus: Path, folder: Path, changes: dict[str, tuple[str, str]], **values: Any) -> Outcome:
    files = workloads.job_source(source.reference_source(), "chat_finetuning", "configs/chat.yaml")
    for name, (old, new) in changes.items():
        assert old in files[name]
        files[name] = files[name].replace(old, new)
    made = Job(
        source=files,
        workload="chat_finetuning",
        config_name="chat",
        overrides=SIZE | values,
        corpus=corpus,
        checks=not changes,
    )
    return jobs.run_job(made, folder)


@pytest.fixture(scope="module")
def healthy(conversations: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run(conversations, tmp_path_factory.mktemp("job") / "healthy", {})


def test_a_healthy_job_tells_everything(healthy: Outcome) -> None:
    assert healthy.status == "finished" and healthy.report is not None, healthy.console
    assert not healthy.report.notes
    for id in EXPECTED:
        assert id in healthy.artifacts, id
        assert "stopped with" not in healthy.artifacts[id].text, healthy.artifacts[id].text
        assert max(map(len, healthy.artifacts[id].text.splitlines())) <= 84, id
    columns = healthy.rows.signals
    for column in COLUMNS:
        assert column in columns, column
    facts = healthy.report.facts
    assert facts["final_accuracy"] == columns["eval_metrics/accuracy"][-1] or facts["final_accuracy"] >= 0
    assert healthy.artifacts["split_overlap"].data["question_in_train"] == 0
    assert healthy.artifacts["data_stats"].data["scored_padding"] == 0
    assert healthy.artifacts["check_causality"].data["trained"]["difference"] == 0
    asked = healthy.artifacts["tokenizer_roundtrip"].text
    assert "in evaluation" in asked and "?<assistant>" in asked.replace("\n", "").replace(" ", "")


def test_only_answers_are_scored(healthy: Outcome) -> None:
    pair = healthy.artifacts["batch"].data["0"]
    for inputs, targets in zip(pair["inputs"], pair["targets"], strict=True):
        scored = [i for i, target in enumerate(targets) if target != -100]
        assert inputs[scored[0]] == 2 and targets[scored[-1]] == 3  # from <assistant> to <end>
        assert scored == list(range(scored[0], scored[-1] + 1))
        assert [targets[i] for i in scored[:-1]] == inputs[scored[0] + 1 : scored[-1] + 1]


def test_scored_padding_is_seen(healthy: Outcome, conversations: Path, tmp_path: Path) -> None:
    bugged = run(conversations, tmp_path / "job", PADDED)
    assert bugged.status == "finished"
    assert bugged.artifacts["data_stats"].data["scored_padding"] > 0
    assert bugged.artifacts["data_stats"].text != healthy.artifacts["data_stats"].text
    assert bugged.artifacts["batch"].text != healthy.artifacts["batch"].text
    assert bugged.rows.signals["loss"][0] != healthy.rows.signals["loss"][0]


def test_rows_hold_whole_conversations(reference: SimpleNamespace) -> None:
    chat = reference.chat
    one = chat.Conversation("a?", "b", "b")
    rows, members = chat.packed_rows([one] * 5, 13)
    assert members == [[0, 1], [2, 3], [4]]
    assert [chat.decode(row.inputs + row.targets[-1:]) for row in rows] == ["a?ba?b", "a?ba?b", "a?b"]
    for row in rows:
        said = [target for target in row.targets if target != chat.IGNORE]
        assert said == [*chat.encode("b"), chat.END] * (len(said) // 2)


@pytest.mark.parametrize("text", ["", "plain", "two\nlines", "naïve 東京 🚀"])
def test_text_comes_back(reference: SimpleNamespace, text: str) -> None:
    tokens = reference.chat.encode(text)
    assert reference.chat.decode(tokens) == text
    assert min(tokens, default=4) >= 4


def test_an_answer_is_read_off_its_last_line(reference: SimpleNamespace) -> None:
    parse = reference.answers.parse
    assert parse("It is a class.\nAnswer: class") == "class"
    assert parse("Answer: 2") == "2"
    assert parse("It is a class.") is None
    assert parse("Answer: class\nand more") is None


def test_batches_grow_up_to_a_limit(reference: SimpleNamespace) -> None:
    config = reference.chat_config.ChatConfig(micro_batch=2, grow_every=3, most_rows=8)
    assert [reference.chat.batch_size(step, config) for step in range(11)] == [2, 2, 2, 4, 4, 4, 8, 8, 8, 8, 8]
