"""Backups: a verified copy of database and pictures that is made while the service runs, and the way back.

A backup is a folder or a ``.tar`` with the same content::

    manifest.json    what it is: program, revision, rows, newest position, ids of the keys it needs (never the keys)
    files.sha256     the hash of every other file, as ``sha256sum --check`` reads it
    openberth.db     the database; on servers the dump of the server's own tool
    data/pictures/   the pictures

No secret is in it: the key file belongs into a backup of its own, apart from this one, and the operator's token is made
anew. All functions block: call them in a thread.
"""

from openberth.infra.backup.making import Made, backup
from openberth.infra.backup.manifest import Manifest
from openberth.infra.backup.restoring import Restored, restore, verify

__all__ = ["Made", "Manifest", "Restored", "backup", "restore", "verify"]
