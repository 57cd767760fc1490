"""The live line of a campaign's page."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response, abort, current_app, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue

from web import live
from web.pages import pages


def parts(snapshot: live.Snapshot) -> Iterator[tuple[str, str]]:
    """The fragments that may change, by the name of their event."""
    for name in ("state", "numbers", "message"):
        yield name, render_template(f"parts/campaign_{name}.html", live=snapshot, campaign=snapshot.campaign)
    yield "bases", ",".join(f"{number}:{state}" for number, state in snapshot.bases)


@pages.get("/campaigns/<int:campaign_id>/live")
def campaign_live(campaign_id: int) -> ResponseReturnValue:
    """Server-sent events ``state``, ``numbers``, ``message``, ``bases``; 503 while too many pages are open."""
    live.board.snapshot(campaign_id)  # 404 before the stream begins
    if not live.streams.enter(max(1, current_app.config["OBZVON"].web_threads - 4)):
        abort(503)
    connection = request.environ.get("gunicorn.socket")
    stream = live.events(campaign_id, parts, lambda: live.reader_left(connection))
    response = Response(stream_with_context(stream), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(live.streams.leave)
    return response


@pages.get("/campaigns/<int:campaign_id>/parts/<any(state, numbers, message):name>")
def campaign_part(campaign_id: int, name: str) -> ResponseReturnValue:
    """One fragment by itself, for when the live line is down."""
    return dict(parts(live.board.snapshot(campaign_id)))[name]
