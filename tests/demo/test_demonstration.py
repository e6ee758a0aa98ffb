import json
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from reconciler.cli import main

Played = tuple[Path, dict[str, Any]]


def test_the_story_shows_what_it_set_out_to_show(played: Played) -> None:
    _, story = played
    first, crash, after = story["sessions"]
    assert story["ok"]
    assert first["fills"] >= 20
    assert first["ending"] == "stopped"
    assert crash["ending"] == "stopped"
    assert "D1" in crash["refused"] or "D2" in crash["refused"]
    assert after["ending"] == "completed"
    assert {"VOLATILITY_SPIKE", "EXTREME_TREND"} <= set(after["triggers"])
    assert all(session["reconciled"] for session in story["sessions"])


def test_the_stop_closed_the_gate_and_left_no_order_open(played: Played) -> None:
    _, story = played
    stop = story["stop"]
    assert stop["open_orders_before"] >= 3
    assert stop["cancelled"] == stop["open_orders_before"]
    assert stop["open_orders_after"] == 0
    times = ("gate_closed_ms", "cancels_acknowledged_ms", "verified_clean_ms")
    measured = [int(stop[name]) for name in times]
    assert measured == sorted(measured)


def test_tampering_changed_nothing_and_said_why(played: Played) -> None:
    _, story = played
    for attempt in story["tampering"]:
        assert attempt["permitted_before"] == attempt["permitted_after"]
    assert "NOT_APPROVED" in story["tampering"][1]["said"]


def test_releases_name_their_stops_and_two_people_signed_each(played: Played) -> None:
    _, story = played
    person, loss = story["releases"]
    assert person["clears"] == [story["stop"]["id"]]
    assert loss["clears"] == [story["sessions"][1]["stop"]]
    assert all(release["requester"] not in release["people"] for release in story["releases"])


def test_the_desk_is_left_standing_with_no_stop_and_no_process(
    played: Played, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, story = played
    assert story["stops_in_force"] == []
    assert main(["verify", "--json", "--config", str(folder / "governor.yaml")]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["permitted"]["mode"] == "paper"
    assert verdict["kill_switch"] == {"state": "armed", "stops": []}
    assert not (folder / "var" / "watcher.pid").exists()
    assert not (folder / "var" / "armed").exists()


def test_both_repositories_are_usable_with_plain_git(played: Played) -> None:
    folder, _ = played
    for name in ("state", "evidence"):
        for arguments in (["status", "--porcelain"], ["fsck", "--strict"]):
            done = subprocess.run(
                ["git", "-C", str(folder / name), *arguments],
                capture_output=True,
                text=True,
                check=True,
            )
            assert done.stdout == ""
    assert (folder / "evidence" / "log" / "checkpoint").is_file()


def test_the_picture_is_one(played: Played) -> None:
    folder, _ = played
    root = ET.fromstring((folder / "session.svg").read_text(encoding="utf-8"))  # noqa: S314
    assert root.tag.endswith("svg")


def test_a_folder_that_holds_something_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["demo", str(tmp_path)]) == 2
    assert "TARGET_NOT_EMPTY" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_packs_of_the_carried_prices_are_the_same_everywhere(played: Played) -> None:
    """They depend on bars, configuration, limits and seed alone: keys and times were new."""
    _, story = played
    expected = json.loads((Path(__file__).parent / "packs.json").read_text(encoding="utf-8"))
    assert [session["pack"] for session in story["sessions"]] == expected["sessions"]
    assert story["layer_packs"][-1] == expected["last_layer_pack"]
    assert len(story["layer_packs"]) == expected["layer_packs"]
