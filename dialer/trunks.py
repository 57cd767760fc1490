"""Trunks in the database: made, changed and removed by users, rendered for the PBX of each of their nodes."""

from __future__ import annotations

import re
from typing import Annotated

from flask import current_app
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from config import audit, messages, secret_store
from config.database import read, write
from config.i18n import N_
from config.settings import Settings
from dialer import amd
from dialer.amd import AmdParameters
from dialer.errors import DialerError
from dialer.models import Node, Trunk, TrunkKind, trunk_node
from dialer.pbx_config import HOST, NAME, RESERVED_NAMES, TEMPLATE, TrunkConfig

REHEARSAL = "rehearsal"
#: Its title until a user gives another one; pages show that in the reader's language.
REHEARSAL_TITLE = N_("Rehearsal carrier")
#: What the rehearsal callees see.
REHEARSAL_CALLER_ID = "74950000000"
#: What it may cost in a day.
CAP_FIELDS = ("minutes_per_day", "price_per_minute", "spend_per_day", "costly_allowed")
#: Fields of a trunk that are as the form says them.
FORM_FIELDS = (
    "kind",
    "template",
    "channels",
    "cps",
    "number_prefix",
    "allowed_prefixes",
    "caller_ids",
    "host",
    "port",
    "username",
    "enabled",
    *CAP_FIELDS,
)


def _digits(values: list[str]) -> list[str]:
    cleaned = [re.sub(r"[\s()+-]", "", value) for value in values if value.strip()]
    for value in cleaned:
        if not re.fullmatch(r"[0-9]{1,20}", value):
            raise ValueError("digits only")
    return list(dict.fromkeys(cleaned))


def _split(value: object) -> object:
    """A form sends one text: parts divided by commas, semicolons, blanks or lines."""
    return re.split(r"[,;\n]+", value) if isinstance(value, str) else value


def _names(values: list[str]) -> list[str]:
    return list(dict.fromkeys(name for value in values if (name := value.strip())))


NodeNames = Annotated[list[str], BeforeValidator(_split), AfterValidator(_names)]
DigitsList = Annotated[list[str], BeforeValidator(_split), AfterValidator(_digits)]


class TrunkForm(BaseModel):
    """What a user says of a trunk. At a change an empty ``secret`` keeps the old one."""

    model_config = ConfigDict(str_strip_whitespace=True, extra="forbid")

    title: str = Field("", max_length=100, description="Name for people")
    name: str = Field(
        "", max_length=40, description="Technical name: small letters, digits and -; empty: from the title"
    )
    kind: TrunkKind = Field(TrunkKind.SIP, description="sip, or other for technologies configured in Asterisk by hand")
    template: str = Field("PJSIP/{number}@{trunk}", max_length=100, description="How a number is dialled")
    channels: int = Field(60, ge=1, le=5000, description="Most calls at once")
    cps: float = Field(10.0, gt=0, le=5000, description="Most new calls per second")
    number_prefix: str = Field("", pattern=r"^\+?[0-9]{0,9}$", description="Put before the number's digits")
    allowed_prefixes: DigitsList = Field(default_factory=list, description="Numbers that may be dialled; empty: all")
    caller_ids: DigitsList = Field(default_factory=list, description="Our numbers on it; the first is the default")
    host: str = Field("", max_length=253, description="The carrier's host name or IP address")
    port: int = Field(5060, ge=1, le=65535, description="The carrier's SIP port")
    username: str = Field("", max_length=100, description="User name at the carrier, if it wants one")
    secret: str | None = Field("", max_length=100, description="Password at the carrier; empty keeps the present one")
    register_: bool = Field(False, alias="register", description="Register at the carrier")
    qualify: bool | None = Field(
        None, description="Ask the carrier whether it is there; not given: as it was, else yes"
    )
    enabled: bool = Field(True, description="May be used")
    amd: AmdParameters | None = Field(
        None,
        description="Parameters of answering machine detection; not given: as they were, for a new trunk the usual",
    )
    nodes: NodeNames | None = Field(
        None, description="Names of the nodes on which it lives; not given: as it was, for a new trunk all nodes"
    )
    minutes_per_day: int | None = Field(None, ge=0, le=10_000_000, description="Most minutes in a day; null: no cap")
    price_per_minute: float | None = Field(None, ge=0, le=100_000, description="What a minute costs")
    spend_per_day: float | None = Field(
        None, ge=0, le=10**9, description="Most money in a day, in the price's currency; null: no cap"
    )
    costly_allowed: bool = Field(
        False, description="Premium-rate, shared-cost, personal and satellite numbers may be dialled"
    )

    @model_validator(mode="after")
    def _spend_has_a_price(self) -> TrunkForm:
        if self.spend_per_day is not None and not self.price_per_minute:
            raise DialerError(
                "trunk_price_missing",
                N_("Give the price of a minute as well: without it the money of a day cannot be counted."),
                field="price_per_minute",
                status=422,
            )
        return self


def create(form: TrunkForm) -> int:
    """Add a trunk to the nodes that the form names.

    :raises DialerError: a field is wrong, or the name is taken.
    """
    for last_try in (False, False, False, True):
        name = form.name or _name_from(form.title)
        _check(form, name)
        try:
            trunk_id = _add(form, name)
            break
        except IntegrityError as exc:
            if form.name or last_try:  # a name that we made was taken by another request meanwhile: make another
                raise DialerError(
                    "trunk_name_taken",
                    N_("There is a trunk with this name: choose another."),
                    field="name",
                    status=409,
                ) from exc
    tell_nodes()
    return trunk_id


def _add(form: TrunkForm, name: str) -> int:
    def work(session: Session) -> int:
        trunk = Trunk(name=name)
        _fill(trunk, form)
        trunk.nodes = _nodes(session, form.nodes)
        session.add(trunk)
        session.flush()
        audit.append(session, "trunk_created", "trunk", trunk.id, name=trunk.name, host=trunk.host)
        return trunk.id

    return write(work)


def update(trunk_id: int, form: TrunkForm) -> None:
    """Change a trunk. Its technical name stays, since Asterisk and running calls know it by that.

    Of the rehearsal carrier only limits, numbers and its title can be changed.

    :raises DialerError: there is no such trunk, or a field is wrong.
    """

    def work(session: Session) -> None:
        trunk = _get(session, trunk_id)
        if form.nodes is not None:
            trunk.nodes = _nodes(session, form.nodes)
        before = _told(trunk)
        if trunk.kind == TrunkKind.REHEARSAL:
            _fill_amd(trunk, form)
            for field in ("title", "channels", "cps", "allowed_prefixes", "caller_ids", "enabled", *CAP_FIELDS):
                setattr(trunk, field, getattr(form, field))
        else:
            _check(form, trunk.name, has_secret=bool(trunk.secret_encrypted))
            _fill(trunk, form)
        changed = audit.changes(before, _told(trunk), secret=("secret_encrypted",))
        if changed:
            audit.append(session, "trunk_changed", "trunk", trunk_id, **changed)

    write(work)
    tell_nodes()


def delete(trunk_id: int) -> None:
    """Remove a trunk that nothing was dialled through.

    :raises DialerError: there is no such trunk, it is in use, or it is the rehearsal carrier.
    """

    def work(session: Session) -> None:
        trunk = _get(session, trunk_id)
        if trunk.kind == TrunkKind.REHEARSAL:
            raise DialerError(
                "trunk_rehearsal_kept",
                N_("The rehearsal carrier cannot be removed: switch it off instead."),
                status=409,
            )
        session.delete(trunk)
        audit.append(session, "trunk_deleted", "trunk", trunk_id, name=trunk.name)

    try:
        write(work)
    except IntegrityError as exc:
        raise DialerError(
            "trunk_in_use", N_("Campaigns use this trunk: switch it off instead of removing it."), status=409
        ) from exc
    tell_nodes()


def _told(trunk: Trunk) -> dict[str, object]:
    """What the audit trail compares."""
    fields = (*FORM_FIELDS, "title", "register", "amd", "qualify", "secret_encrypted")
    return {field: getattr(trunk, field) for field in fields}


def all_trunks() -> list[Trunk]:
    """All trunks, by title."""
    with read() as session:
        return list(session.scalars(select(Trunk).order_by(Trunk.title, Trunk.name)))


def ensure_rehearsal(settings: Settings) -> Trunk | None:
    """The trunk to the rehearsal carrier: every node has a carrier of its own, whose address its settings say.

    :returns: None when there is none, and this node has none.
    """

    def work(session: Session) -> Trunk | None:
        trunk = session.scalars(select(Trunk).where(Trunk.kind == TrunkKind.REHEARSAL)).one_or_none()
        node = session.scalars(select(Node).where(Node.name == settings.node_name)).one()
        if not settings.rehearsal:
            if trunk is not None and node in trunk.nodes:
                trunk.nodes.remove(node)  # its PBX does not know it: calls would fail
            return trunk
        if trunk is None:
            trunk = Trunk(
                name=REHEARSAL,
                title=REHEARSAL_TITLE,
                kind=TrunkKind.REHEARSAL,
                channels=settings.node_channels,
                cps=settings.node_cps,
                caller_ids=[REHEARSAL_CALLER_ID],
            )
            session.add(trunk)
        trunk.host, trunk.port = settings.carrier_host, settings.carrier_sip_port
        on_node = select(trunk_node.c.trunk_id).where(trunk_node.c.node_id == node.id)
        if session.execute(on_node.limit(1)).first() is None:  # the node is new: a user may take it off again
            trunk.nodes.append(node)
        session.flush()
        return trunk

    try:
        return write(work)
    except IntegrityError:  # another node's first start made it at the same moment
        return write(work)


def config_of(session: Session) -> list[TrunkConfig]:
    """The trunks of this node as Asterisk gets them: those that are switched on and speak SIP."""
    settings: Settings = current_app.config["OBZVON"]
    rows = session.scalars(
        select(Trunk)
        .join(trunk_node)
        .join(Node)
        .where(Node.name == settings.node_name, Trunk.enabled, Trunk.kind != TrunkKind.OTHER)
        .order_by(Trunk.id)
    )
    return [
        TrunkConfig(
            name=row.name,
            host=settings.carrier_host if row.kind == TrunkKind.REHEARSAL else row.host,
            port=settings.carrier_sip_port if row.kind == TrunkKind.REHEARSAL else row.port,
            username=row.username,
            secret=secret_store.decrypt(settings.home, row.secret_encrypted) if row.secret_encrypted else "",
            register=row.register,
            qualify=row.qualify,
            local=row.kind == TrunkKind.REHEARSAL,
        )
        for row in rows
        if row.kind != TrunkKind.REHEARSAL or settings.rehearsal
    ]


def _check(form: TrunkForm, name: str, has_secret: bool = False) -> None:
    if form.kind == TrunkKind.REHEARSAL:
        raise DialerError(
            "trunk_kind_wrong", N_("There is one rehearsal carrier already: choose another kind."), field="kind"
        )
    if not TEMPLATE.fullmatch(form.template) or not _template_works(form.template):
        raise DialerError(
            "trunk_template_wrong",
            N_("Write how a number is dialled, for example PJSIP/{number}@{trunk}."),
            field="template",
        )
    if form.kind == TrunkKind.OTHER:
        if not NAME.fullmatch(name) or name in RESERVED_NAMES:
            raise DialerError(
                "trunk_name_wrong", N_("Use small letters, digits and - for the trunk's name."), field="name"
            )
        return
    if not HOST.fullmatch(form.host):
        raise DialerError("trunk_host_wrong", N_("Give the carrier's host name or IP address."), field="host")
    if form.register_ and not (form.secret or has_secret):
        raise DialerError(
            "trunk_secret_missing", N_("Give the password with which to register at the carrier."), field="secret"
        )
    TrunkConfig(name, form.host, form.port, form.username, form.secret or "", form.register_).check()


def _template_works(template: str) -> bool:
    rest = re.sub(r"\{(?:number|trunk)\}", "", template)
    return "{number}" in template and not set("{}") & set(rest)


def _fill(trunk: Trunk, form: TrunkForm) -> None:
    for field in FORM_FIELDS:
        setattr(trunk, field, getattr(form, field))
    _fill_amd(trunk, form)
    trunk.title = form.title or trunk.name
    trunk.register = form.register_
    if form.qualify is not None:
        trunk.qualify = form.qualify
    if form.secret:
        settings: Settings = current_app.config["OBZVON"]
        trunk.secret_encrypted = secret_store.encrypt(settings.home, form.secret)
    elif not form.username:
        trunk.secret_encrypted = ""


def _fill_amd(trunk: Trunk, form: TrunkForm) -> None:
    if form.amd is not None:
        trunk.amd = amd.to_keep(form.amd)


def _name_from(title: str) -> str:
    """``Carrier No. 1`` → ``carrier-no-1``; titles without Latin letters get a plain name."""
    name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:30].strip("-")
    if not NAME.fullmatch(name) or name in RESERVED_NAMES:
        name = f"trunk-{name}".strip("-")
    with read() as session:
        taken = set(session.scalars(select(Trunk.name)))
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name}-{number}", number + 1
    return unique


def _nodes(session: Session, names: list[str] | None) -> list[Node]:
    """Rows of these nodes; all when none are named.

    :raises DialerError: a name is not known, or none is left.
    """
    known = {node.name: node for node in session.scalars(select(Node).order_by(Node.name))}
    if names is None:
        return list(known.values())
    unknown = [name for name in names if name not in known]
    if unknown:
        raise DialerError(
            "node_unknown", N_("There is no node with this name."), field="nodes", words={"node": unknown[0]}
        )
    if not names:
        raise DialerError("trunk_nowhere", N_("Choose at least one node for the trunk."), field="nodes")
    return [known[name] for name in names]


def _get(session: Session, trunk_id: int) -> Trunk:
    trunk = session.get(Trunk, trunk_id)
    if trunk is None:
        raise DialerError("trunk_missing", N_("There is no such trunk."), status=404)
    return trunk


def tell_nodes() -> None:
    """Have every PBX read its trunks anew, after the commit.

    A broker that is away costs nothing: the files are rendered at each start too.
    """
    with read() as session:
        names = list(session.scalars(select(Node.name)))
    for name in names:
        messages.send("dialer.reload_trunks", queue=f"dial.{name}")
