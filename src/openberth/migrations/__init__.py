"""The database's revisions, oldest first, and what they are made of.

Revisions only expand: they add tables, columns and indexes, so that the program before still works on the database
after. What a release no longer needs is removed one release later, by a revision that says so (``CONTRACTS``; see
``tests/unit/migrations``). There is no way down: going back means restoring a backup. Run by
``openberth.infra.database.migrating``.

``versions/0001_first.py`` is written by ``python scripts/write_first_revision.py`` from the tables of the house until
the first release; from then on it stays as it is, and changes are new revisions.
"""
