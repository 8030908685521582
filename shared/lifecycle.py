"""How long a bucket keeps its objects: rules that the storage itself follows."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def set_expiry(client: "S3Client", bucket: str, prefix: str, days: int) -> None:
    """Have objects under a prefix removed so many days after they were written; rules for other prefixes stay."""
    from botocore.exceptions import ClientError

    rule: Any = {
        "ID": f"expire-{prefix.strip('/') or 'all'}",
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "Expiration": {"Days": days},
    }
    try:
        present: list[Any] = list(client.get_bucket_lifecycle_configuration(Bucket=bucket).get("Rules", []))
    except ClientError as error:
        if code_of(error) != "NoSuchLifecycleConfiguration":
            raise
        present = []
    wanted = [*(one for one in present if _prefix(one) != prefix), rule]
    if not any(_same(one, rule) for one in present):
        client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": wanted})


def code_of(error: Any) -> str:
    """The S3 error code of a ClientError."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _same(one: Any, other: Any) -> bool:
    """Storages give rules back with other ids, and with a prefix beside the filter."""
    said = (one.get("Status"), _prefix(one), one.get("Expiration", {}).get("Days"))
    return said == (other["Status"], _prefix(other), other["Expiration"]["Days"])


def _prefix(rule: Any) -> str | None:
    """What a rule is for; None: not a prefix alone."""
    only: Any = rule.get("Filter") or rule
    prefix: str | None = only.get("Prefix")
    return prefix
