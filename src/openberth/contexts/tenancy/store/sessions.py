"""Sessions, refresh tokens and signing keys: tables and statements."""

from dataclasses import dataclass

from sqlalchemy import Index, bindparam, delete, or_, select, update

from openberth.infra.database.schema import table
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.infra.database.types import id_column, instant_column, json_column, word_column
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

account_session = table(
    "account_session",
    id_column(primary_key=True),
    id_column("account_id"),
    word_column("how", 12),
    word_column("device", 120),
    word_column("address", 64, nullable=True),
    instant_column("began_at"),
    instant_column("used_at"),
    instant_column("ends_at"),
    instant_column("ended_at", nullable=True),
    word_column("end_reason", 20, nullable=True),
    instant_column("confirmed_at", nullable=True),
)
Index("ix_account_session_account", account_session.c.account_id, account_session.c.id)
Index("ix_account_session_ends", account_session.c.ends_at)

refresh_token = table(
    "refresh_token",
    word_column("digest", 64, primary_key=True),
    id_column("session_id"),
    instant_column("made_at"),
    instant_column("used_at", nullable=True),
)
Index("ix_refresh_token_session", refresh_token.c.session_id)

signing_key = table(
    "signing_key",
    id_column(primary_key=True),
    word_column("algorithm", 10),
    json_column("public"),
    id_column("private_id"),
    instant_column("made_at"),
    instant_column("signs_from"),
    instant_column("published_until", nullable=True),
)


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in that goes on: what it was made with and from where, and until when it lasts."""

    id: Id
    account: Id
    how: str
    device: str
    address: str | None
    began_at: Instant
    used_at: Instant
    ends_at: Instant
    ended_at: Instant | None
    end_reason: str | None
    confirmed_at: Instant | None

    @property
    def proved_at(self) -> Instant:
        """Return when its owner proved who it is the last time: at the sign-in, or by confirming since."""
        return self.began_at if self.confirmed_at is None else max(self.began_at, self.confirmed_at)

    def is_open(self, now: Instant) -> bool:
        """Tell whether the session still lets anybody in."""
        return self.ended_at is None and now < self.ends_at


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key for access tokens: published from the beginning, signing from ``signs_from``."""

    id: Id
    algorithm: str
    public: dict[str, str]
    private_id: Id
    made_at: Instant
    signs_from: Instant
    published_until: Instant | None


_SESSION = select(*account_session.c)
INSERT_SESSION = insert_into(account_session)
SESSION_BY_ID = Query(_SESSION.where(account_session.c.id == bindparam("session")), Session)
OPEN_SESSIONS = Query(
    _SESSION.where(
        account_session.c.account_id == bindparam("account"), account_session.c.ended_at.is_(None),
        account_session.c.ends_at > bindparam("now"),
    ).order_by(account_session.c.id.desc()).limit(200),
    Session,
)  # fmt: skip
END_SESSION = Write(
    update(account_session)
    .where(account_session.c.id == bindparam("session"), account_session.c.ended_at.is_(None))
    .values(ended_at=bindparam("at"), end_reason=bindparam("reason"))
)
CONFIRM_SESSION = Write(
    update(account_session)
    .where(account_session.c.id == bindparam("session"), account_session.c.ended_at.is_(None))
    .values(confirmed_at=bindparam("at"))
)
USE_SESSION = Write(
    update(account_session)
    .where(account_session.c.id == bindparam("session"))
    .values(used_at=bindparam("at"), address=bindparam("new_address"))
)
OVER = Query(
    select(account_session.c.id).where(account_session.c.ends_at < bindparam("before"))
    .order_by(account_session.c.ends_at).limit(bindparam("most")),
    one_id,
)  # fmt: skip
FORGET_SESSION = Write(delete(account_session).where(account_session.c.id == bindparam("session")))
FORGET_TOKENS = Write(delete(refresh_token).where(refresh_token.c.session_id == bindparam("session")))

INSERT_REFRESH = insert_into(refresh_token)
REFRESH = Query(
    select(refresh_token.c.session_id, refresh_token.c.used_at).where(refresh_token.c.digest == bindparam("digest")),
    lambda session, used_at: (session, used_at),
)
USE_REFRESH = Write(
    update(refresh_token)
    .where(refresh_token.c.digest == bindparam("digest"), refresh_token.c.used_at.is_(None))
    .values(used_at=bindparam("at"))
)

INSERT_KEY = insert_into(signing_key)
KEYS = Query(
    select(*signing_key.c)
    .where(or_(signing_key.c.published_until.is_(None), signing_key.c.published_until > bindparam("now")))
    .order_by(signing_key.c.id).limit(20),
    SigningKey,
)  # fmt: skip
RETIRE_KEYS = Write(
    update(signing_key)
    .where(signing_key.c.id != bindparam("kept"), signing_key.c.published_until.is_(None))
    .values(published_until=bindparam("until"))
)
