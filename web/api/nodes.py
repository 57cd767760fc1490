"""Nodes over the API; changes need an administrator's key."""

from __future__ import annotations

from typing import Any

from campaigns import lost_nodes
from config.database import utcnow
from dialer import nodes as service
from dialer.lease import holder_name
from dialer.models import Node
from dialer.nodes import NodeForm
from web import queries
from web.api import administrators_only, api, schemas

TAG = ["Nodes"]


def _out(node: Node, up: dict[int, int], trunks: dict[int, list[str]]) -> dict[str, Any]:
    calls = up.get(node.id, 0)
    return {
        **{name: getattr(node, name) for name in ("id", "name", "channels", "cps", "boot", "ringing", "talking")},
        **{name: getattr(node, name) for name in ("seen_at", "draining", "problem", "trouble")},
        "connected": node.is_connected(utcnow()),
        "drained": node.draining and calls == 0,
        "calls": calls,
        "holder": holder_name(node.lease_owner),
        "trunks": trunks.get(node.id, []),
    }


def _one(node_id: int) -> dict[str, Any]:
    return _out(service.get(node_id), queries.open_by_node(), queries.trunks_by_node())


@api.get("/nodes")
@api.output(schemas.NodesOut)
@api.doc(summary="Telephone exchanges: whether they are connected, drained, and how many calls are up", tags=TAG)
def list_nodes() -> dict[str, Any]:
    up, trunks = queries.open_by_node(), queries.trunks_by_node()
    return {"items": [_out(node, up, trunks) for node in service.all_nodes()]}


@api.get("/nodes/<int:node_id>")
@api.output(schemas.NodeOut)
@api.doc(summary="One node", tags=TAG)
def get_node(node_id: int) -> dict[str, Any]:
    return _one(node_id)


@api.put("/nodes/<int:node_id>")
@api.input(NodeForm)
@api.output(schemas.NodeOut)
@api.doc(summary="Change a node's limits", tags=TAG)
def change_node(node_id: int, json_data: NodeForm) -> dict[str, Any]:
    administrators_only()
    service.change(node_id, json_data)
    return _one(node_id)


@api.post("/nodes/<int:node_id>/drain")
@api.output(schemas.NodeOut)
@api.doc(summary="No new calls on this node; those that are up go on", tags=TAG)
def drain_node(node_id: int) -> dict[str, Any]:
    administrators_only()
    service.drain(node_id)
    return _one(node_id)


@api.post("/nodes/<int:node_id>/take-back")
@api.output(schemas.NodeOut)
@api.doc(summary="Let a drained node call again", tags=TAG)
def take_back_node(node_id: int) -> dict[str, Any]:
    administrators_only()
    service.take_back(node_id)
    return _one(node_id)


@api.post("/nodes/<int:node_id>/give-up")
@api.output(schemas.NodeGivenUpOut)
@api.doc(
    summary="A node is gone for good: its open calls end as unknown. Only while its dial worker is silent", tags=TAG
)
def give_up_node(node_id: int) -> dict[str, Any]:
    administrators_only()
    return {"closed": lost_nodes.give_up(node_id)}
