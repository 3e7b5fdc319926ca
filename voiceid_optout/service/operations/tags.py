"""Tags of domains, the only resources that carry any."""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, insert, select

from voiceid_optout.service.db.schema import tags as table
from voiceid_optout.service.db.transaction import Request, Result, Transaction
from voiceid_optout.service.errors import domain_not_found, invalid
from voiceid_optout.service.operations import domain_rows

_RESERVED = "aws:"


def tag_resource(tx: Transaction, request: Request) -> Result:
    domain = domain_rows.active(tx, _domain_id(tx, request["ResourceArn"]))
    given = as_mapping(request["Tags"])
    kept = set(tx.connection.scalars(select(table.c.key).where(table.c.domain_id == domain.domain_id)))
    limit = tx.tenant.limits.tags_per_domain
    if len(kept | given.keys()) > limit:
        raise invalid(f"A resource can have {limit} tags; this request would exceed that.")
    put(tx, domain.domain_id, given)
    return {}


def untag_resource(tx: Transaction, request: Request) -> Result:
    """Remove tags by key; a key that is not there is no error."""
    domain = domain_rows.active(tx, _domain_id(tx, request["ResourceArn"]))
    _refuse_reserved(request["TagKeys"])
    _drop(tx, domain.domain_id, request["TagKeys"])
    return {}


def list_tags_for_resource(tx: Transaction, request: Request) -> Result:
    domain = domain_rows.find(tx, _domain_id(tx, request["ResourceArn"]))
    query = select(table.c.key, table.c.value).where(table.c.domain_id == domain.domain_id).order_by(table.c.key)
    return {"Tags": [{"Key": row.key, "Value": row.value} for row in tx.connection.execute(query)]}


def as_mapping(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return tags by key; raises ValidationException if a key comes twice or is not the customer's to set."""
    _refuse_reserved([tag["Key"] for tag in tags])
    by_key = {tag["Key"]: tag["Value"] for tag in tags}
    if len(by_key) != len(tags):
        raise invalid("Tags hold the same key more than once.")
    return by_key


def put(tx: Transaction, domain_id: str, tags: Mapping[str, str]) -> None:
    """Set the given tags, overwriting those of the same key."""
    if tags:
        _drop(tx, domain_id, list(tags))
        rows = [{"domain_id": domain_id, "key": key, "value": value} for key, value in tags.items()]
        tx.connection.execute(insert(table), rows)


def _drop(tx: Transaction, domain_id: str, keys: Sequence[str]) -> None:
    tx.connection.execute(delete(table).where(table.c.domain_id == domain_id, table.c.key.in_(keys)))


def _refuse_reserved(keys: Sequence[str]) -> None:
    if any(key.lower().startswith(_RESERVED) for key in keys):
        raise invalid("Tag keys that begin with aws: are AWS's own: nobody else can set or remove them.")


def _domain_id(tx: Transaction, arn: str) -> str:
    domain_id = arn.rpartition("/")[2]
    if arn != tx.tenant.domain_arn(domain_id):
        raise domain_not_found()
    return domain_id
