import copy
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from desired_state.canonical import canonical
from desired_state.errors import Finding
from evidence_repo.adapters.git_reader import GitReader
from evidence_repo.chain import Leaf, parse
from evidence_repo.layout import object_path
from evidence_repo.reader import lines
from reconciler.auditing import Replay
from reconciler.cli import main
from reconciler.verdicts import VerdictRecord

Played = tuple[Path, dict[str, Any]]


@pytest.fixture
def evidence(played: Played) -> Iterator[tuple[list[Leaf], Callable[[str], bytes]]]:
    with closing(GitReader(played[0] / "evidence.git")) as reader:
        found = [parse(line) for line in lines(reader)]
        yield found, lambda name: reader.read(object_path(name))


def replayed(leaves: list[Leaf], objects: Callable[[str], bytes]) -> list[Finding]:
    """Every leaf judged again; the state repository is taken to hold what was read."""
    seen: dict[str, dict[str, str]] = {}
    replay = Replay(seen.get)
    found = []
    for leaf in leaves:
        if leaf.kind == "verdict":
            body = json.loads(objects(leaf.body["observation"]))
            if body["revision"]:
                there = {path: digest for path, digest in body["standing"].items() if digest}
                seen[body["revision"]] = {**body["files"], **there}
        judge = replay.judges.get(leaf.kind)
        found += list(judge(leaf, objects)) if judge else []
    return found


def told(leaf: Leaf, objects: Callable[[str], bytes]) -> bool:
    """Whether this verdict's observation says what stands of some proposal."""
    standing = json.loads(objects(leaf.body["observation"]))["standing"]
    return any(path.startswith("proposals/") for path in standing)


def changed(leaf: Leaf, edit: Callable[[dict[str, Any]], None]) -> Leaf:
    body = copy.deepcopy(dict(leaf.body))
    edit(body)
    return leaf.model_copy(update={"body": body})


def replace_first(
    leaves: list[Leaf], kind: str, edit: Callable[[dict[str, Any]], None]
) -> list[Leaf]:
    at = next(i for i, leaf in enumerate(leaves) if leaf.kind == kind)
    return [*leaves[:at], changed(leaves[at], edit), *leaves[at + 1 :]]


def test_the_audit_of_a_whole_desk_finds_nothing(
    played: Played, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = played
    assert main(["audit", "--json", "--config", str(folder / "governor.yaml")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"]
    assert found["findings"] == []
    assert found["verdicts_replayed"] >= 5
    assert found["decisions_replayed"] >= found["orders"] > 100


def test_two_clones_and_the_pin_are_all_an_auditor_needs(
    played: Played, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = played
    for name in ("state", "evidence"):
        source, target = str(folder / f"{name}.git"), str(tmp_path / f"{name}.git")
        subprocess.run(["git", "clone", "-q", "--bare", source, target], check=True)
    pin = next(
        line.split()[1]
        for line in (folder / "governor.yaml").read_text().splitlines()
        if line.startswith("trust_root:")
    )
    both = [str(tmp_path / "state.git"), str(tmp_path / "evidence.git")]
    assert main(["audit", *both, "--pin", pin, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"]
    wrong = "sha256:" + "0" * 64
    assert main(["audit", *both, "--pin", wrong, "--json"]) == 2


def test_untouched_leaves_come_out_again(
    evidence: tuple[list[Leaf], Callable[[str], bytes]],
) -> None:
    assert replayed(*evidence) == []


EDITS: dict[str, tuple[str, Callable[[dict[str, Any]], None], str]] = {
    "outcome": ("decision", lambda b: b["risk"].update(outcome="deny"), "decided again"),
    "bound": ("decision", lambda b: b["risk"]["within"][11].reverse(), "decided again"),
    "mode": ("decision", lambda b: b["snapshot"].update(mode="halted"), "decided again"),
    "verdict": ("decision", lambda b: b.update(verdict="sha256:" + "1" * 64), "no leaf before"),
    "late": ("decision", lambda b: b.update(now="2039-01-01T00:00:00Z"), "had ended"),
    "intent": ("order_intent", lambda b: b["intent"].update(intent_id="I-0"), "without a decision"),
    "fill": ("order_fill", lambda b: b["fill"].update(client_order_id="g0"), "no order of ours"),
    "time": ("verdict", lambda b: b.update(now="2026-01-01T00:00:00Z"), "judged again"),
    "memory": (
        "verdict",
        lambda b: b.update(memory_before=b["memory_after"]),
        "not the one that the verdict before left",
    ),
}


@pytest.mark.parametrize("name", sorted(EDITS))
def test_a_leaf_that_says_something_else_does_not_come_out_again(
    evidence: tuple[list[Leaf], Callable[[str], bytes]], name: str
) -> None:
    kind, edit, said = EDITS[name]
    leaves, objects = evidence
    found = replayed(replace_first(leaves, kind, edit), objects)
    assert any(said in item.message for item in found)


def test_a_decision_is_made_again_by_the_limits_of_the_verdict_that_it_cites(
    evidence: tuple[list[Leaf], Callable[[str], bytes]],
) -> None:
    leaves, objects = evidence
    decision = next(leaf for leaf in leaves if leaf.kind == "decision")
    cited = decision.body["verdict"]
    known = [leaf for leaf in leaves if leaf.kind == "verdict" and leaf.body["verdict"] == cited]

    def of_other_limits(name: str) -> bytes:
        verdict = json.loads(objects(name))
        verdict["permitted"]["limits"]["max_order_notional"] = "0.5"
        return canonical(verdict)

    for bytes_of, expected in ((objects, []), (of_other_limits, ["decided again"])):
        replay = Replay(lambda _revision: None)
        replay.skim(known[0], objects)
        found = [item.message for item in replay.judges["decision"](decision, bytes_of)]
        assert len(found) == len(expected)
        assert all(said in message for said, message in zip(expected, found, strict=True))


def test_an_order_sent_twice_is_found(
    evidence: tuple[list[Leaf], Callable[[str], bytes]],
) -> None:
    leaves, objects = evidence
    intent = next(leaf for leaf in leaves if leaf.kind == "order_intent")
    fill = next(leaf for leaf in leaves if leaf.kind == "order_fill")
    messages = [item.message for item in replayed([*leaves, intent, fill], objects)]
    assert any("sent twice" in message for message in messages)
    assert any("stands twice" in message for message in messages)


def test_a_verdict_whose_files_are_not_those_of_its_revision_is_found(
    evidence: tuple[list[Leaf], Callable[[str], bytes]],
) -> None:
    leaves, objects = evidence
    verdict = next(leaf for leaf in leaves if leaf.kind == "verdict")
    VerdictRecord.model_validate_json(canonical(dict(verdict.body)))
    other = Replay(lambda _revision: {"mode.yaml": "sha256:" + "3" * 64})
    assert any(
        "its files are not those" in f.message for f in other.judges["verdict"](verdict, objects)
    )
    papers = next(leaf for leaf in leaves if leaf.kind == "verdict" and told(leaf, objects))
    observation = json.loads(objects(papers.body["observation"]))
    bare = Replay(lambda _revision: observation["files"])
    assert any(
        "its papers are not those" in f.message for f in bare.judges["verdict"](papers, objects)
    )
    unknown = Replay(lambda _revision: None)
    found = unknown.judges["verdict"](verdict, objects)
    assert any("has no revision" in f.message for f in found)


def test_a_rewritten_evidence_repository_is_found(
    played: Played, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = played
    copied = tmp_path / "desk"
    shutil.copytree(folder, copied)
    clone = copied / "evidence"
    shard = max((clone / "log" / "leaves").rglob("*.jsonl"), key=lambda path: path.stat().st_size)
    first, second, *rest = shard.read_text().splitlines()
    shard.write_text("\n".join([second, first, *rest]) + "\n")
    git = ["git", "-C", str(clone), "-c", "user.name=x", "-c", "user.email=x@y"]
    subprocess.run([*git, "commit", "-qam", "nothing to see"], check=True)
    subprocess.run([*git, "push", "-q", "../evidence.git", "HEAD:refs/heads/main"], check=True)
    assert main(["audit", "--json", "--config", str(copied / "governor.yaml")]) == 1
    codes = {f["code"] for f in json.loads(capsys.readouterr().out)["findings"]}
    assert codes & {"CHAIN_BROKEN", "CHECKPOINT_INVALID", "EVIDENCE_REWRITTEN"}
