"""Tenancy: who runs what, and who may do what.

Words: a *partner* has companies, a *company* runs lots and may have *properties* with some of them; its code identifies
each for ever; a *setting* inherits downward and may be locked above; a *permission* is a word that routes and use cases
declare; a *role* is a set of them; an *account* proves who it is and holds *grants*: a role at a node of the tree; a
*session* is a sign-in that goes on, an access token speaks for it for minutes; a *person* is whom an account or a
permit stands for: its core fields are read-only once verified, changed by
``reverify`` alone; an *own plate* is one that an account calls its own: once it is proven, the account sees its visits.
Invariants: a company is made once per code and never deleted; a bearer token is stored as a digest only; no permission
that changes anything belongs to two of the three officers; nobody gives itself a role, and inside a company nobody
gives what it has not; a refresh token used twice ends its session; an *audit entry* is never changed or deleted, and
carries the hash of the one before; a closed node never opens again; a locked setting wins over all below it, which is
kept.
Events out: ``node_made``, ``node_changed``, ``lot_left``, ``lot_came``, ``setting_changed``, ``account_made``,
``account_changed``, ``grant_given``, ``grant_taken``, ``role_changed``, ``signed_in``, ``sign_in_refused``,
``session_ended``, ``signing_key_made``, ``person_made``, ``person_changed``, ``person_erased``, ``consent_recorded``,
``notice_left``, ``plate_bound``, ``plate_verified``, ``plate_unbound``, all of kind ``tenancy.*``.
"""

from openberth.contexts.tenancy.model.audit import Deed, Finding, Head, Outcome, Walk
from openberth.contexts.tenancy.model.events import LotCame
from openberth.contexts.tenancy.model.heads import FILE_MAX, FILE_PREFIX, SignedHead, document_of, read_document
from openberth.contexts.tenancy.model.holding import PLATE_OF_PAID_STAY, RETAINED, About, Hindrance
from openberth.contexts.tenancy.model.moving import LotMove
from openberth.contexts.tenancy.model.notices import PlateShown, Told, Words
from openberth.contexts.tenancy.model.organisation import Company
from openberth.contexts.tenancy.model.own_plates import OwnPlate, Sight
from openberth.contexts.tenancy.model.own_plates import Proof as PlateProof
from openberth.contexts.tenancy.model.permissions import DRIVING, PERMISSIONS, ROLES, SENSITIVE, Role
from openberth.contexts.tenancy.model.settings import (
    AS_THE_TARIFF_SAYS,
    ASK,
    DEBT_AT_EXIT,
    DEBT_DAYS,
    GRACE_MINUTES,
    IGNORE,
    LOGS_DAYS,
    PICTURES_DAYS,
    PREPAID_MOST,
    SECOND_FACTOR,
    SHIFT_REASON_FROM,
    SHIFTS_REQUIRED,
)
from openberth.contexts.tenancy.ports import Keeper
from openberth.contexts.tenancy.service.accounts import login_of
from openberth.contexts.tenancy.service.api_keys import purge_uses
from openberth.contexts.tenancy.service.audit import check_head, last_number, mac_of, page_after, record
from openberth.contexts.tenancy.service.audit import head as audit_head
from openberth.contexts.tenancy.service.companies import (
    check_company_open,
    companies,
    company_by_code,
    company_by_id,
    ensure_company,
    make_company,
)
from openberth.contexts.tenancy.service.forgetting import forgotten_at, let_go_of_kept
from openberth.contexts.tenancy.service.looking import note_look
from openberth.contexts.tenancy.service.notices import leave_notice
from openberth.contexts.tenancy.service.organisation import partner_by_code, partners
from openberth.contexts.tenancy.service.own_plates import holder_of, own_plate, own_plates, prove, seen_as, sights
from openberth.contexts.tenancy.service.own_plates import text_of as own_plate_text
from openberth.contexts.tenancy.service.people import account_of_person, check_person, plate_shown
from openberth.contexts.tenancy.service.phone_codes import purge as purge_phone_codes
from openberth.contexts.tenancy.service.sessions import PURGE_MAX
from openberth.contexts.tenancy.service.sessions import purge as purge_sessions
from openberth.contexts.tenancy.service.settings import setting_of, way_to
from openberth.contexts.tenancy.service.tokens import operator_of, remember_operator_token
from openberth.contexts.tenancy.service.unmasking import unmask_plate

__all__ = [
    "ASK",
    "AS_THE_TARIFF_SAYS",
    "DEBT_AT_EXIT",
    "DEBT_DAYS",
    "DRIVING",
    "FILE_MAX",
    "FILE_PREFIX",
    "GRACE_MINUTES",
    "IGNORE",
    "LOGS_DAYS",
    "PERMISSIONS",
    "PICTURES_DAYS",
    "PLATE_OF_PAID_STAY",
    "PREPAID_MOST",
    "PURGE_MAX",
    "RETAINED",
    "ROLES",
    "SECOND_FACTOR",
    "SENSITIVE",
    "SHIFTS_REQUIRED",
    "SHIFT_REASON_FROM",
    "About",
    "Company",
    "Deed",
    "Finding",
    "Head",
    "Hindrance",
    "Keeper",
    "LotCame",
    "LotMove",
    "Outcome",
    "OwnPlate",
    "PlateProof",
    "PlateShown",
    "Role",
    "Sight",
    "SignedHead",
    "Told",
    "Walk",
    "Words",
    "account_of_person",
    "audit_head",
    "check_company_open",
    "check_head",
    "check_person",
    "companies",
    "company_by_code",
    "company_by_id",
    "document_of",
    "ensure_company",
    "forgotten_at",
    "holder_of",
    "last_number",
    "leave_notice",
    "let_go_of_kept",
    "login_of",
    "mac_of",
    "make_company",
    "note_look",
    "operator_of",
    "own_plate",
    "own_plate_text",
    "own_plates",
    "page_after",
    "partner_by_code",
    "partners",
    "plate_shown",
    "prove",
    "purge_phone_codes",
    "purge_sessions",
    "purge_uses",
    "read_document",
    "record",
    "remember_operator_token",
    "seen_as",
    "setting_of",
    "sights",
    "unmask_plate",
    "way_to",
]
