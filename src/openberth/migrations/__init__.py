"""The database's revisions, oldest first, and what they are made of.

Revisions only expand: they add tables, columns and indexes, so that the program before still works on the database
after. What a release no longer needs is removed one release later, by a revision that says so (``CONTRACTS``; see
``tests/unit/migrations``). There is no way down: going back means restoring a backup. Run by
``openberth.infra.database.migrating``.

A revision that is on the main line stays as it is: databases were made by it. A change is a new revision.
"""
