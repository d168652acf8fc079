"""Every table of the house in one metadata: the one place that imports the tables of all contexts.

Revisions never import this: they are frozen. The writer of the first revision and the tests that compare do.
"""

import openberth.contexts.facility.store.tables
import openberth.contexts.insight.store.table_exports
import openberth.contexts.insight.store.tables
import openberth.contexts.payments.store.shift_tables
import openberth.contexts.payments.store.tables
import openberth.contexts.permits.store.permits
import openberth.contexts.permits.store.white_lists
import openberth.contexts.stays.store.retention
import openberth.contexts.stays.store.tables
import openberth.contexts.tariffs.store.tables
import openberth.contexts.tenancy.store.accounts
import openberth.contexts.tenancy.store.audit
import openberth.contexts.tenancy.store.companies
import openberth.contexts.tenancy.store.exports
import openberth.contexts.tenancy.store.own_plates
import openberth.contexts.tenancy.store.people
import openberth.contexts.tenancy.store.phone_codes
import openberth.contexts.tenancy.store.second_factor
import openberth.contexts.tenancy.store.sessions
import openberth.contexts.tenancy.store.settings
import openberth.contexts.tenancy.store.starts
import openberth.contexts.tenancy.store.tokens  # noqa: F401 - importing a table registers it
from openberth.infra.database.schema import metadata

__all__ = ["metadata"]
