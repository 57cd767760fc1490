"""The lines of one attempt, from all files, in order of time."""

import json

from ops import trace

UID, OTHER = "01a2058c6a7b725c3d57", "01a2058c6b8c8b38b187"


def line(at, event, **values):
    return json.dumps(
        {"timestamp": f"2026-11-22T12:00:{at:02d}Z", "event": event, "role": "dial", "node": "main", **values}
    )


def test_lines_of_all_files_in_order(tmp_path):
    (tmp_path / "dial.log").write_text(
        "\n".join([line(3, "outcomes_recorded", outcomes={UID: "busy", OTHER: "reached"}), line(4, "other")]) + "\n"
    )
    (tmp_path / "dial.log.1").write_text(line(1, "calls_claimed", attempts=[UID, OTHER], campaign=7) + "\n")
    (tmp_path / "web.log").write_text(f"not JSON {UID}\n" + line(5, "x", attempt=OTHER) + "\n")
    (tmp_path / "cut.log").write_bytes(b'{"attempt": "' + UID.encode() + b'", \xff\n')
    found = trace.lines(UID, tmp_path)
    assert [item.values["event"] for item in found][-2:] == ["calls_claimed", "outcomes_recorded"]
    assert len(found) == 4
    told = [trace.written(item, UID) for item in found]
    assert "campaign=7" in told[2]
    assert "together_with=1" in told[2]
    assert "outcome=busy" in told[3]
    assert OTHER not in "".join(told)


def test_no_logs_no_lines(tmp_path):
    assert trace.lines(UID, tmp_path / "none") == []
