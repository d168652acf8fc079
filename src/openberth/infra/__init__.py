"""Technical tools that know no business: database, outbox, jobs, vault, blobs, HTTP kit, catalogue, telemetry."""
