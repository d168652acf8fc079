"""Pictures and other files beside the database: a folder or an S3 bucket, behind one small protocol.

A blob's name is a version 7 id and nothing else: no plate, no path. The day in that id is the folder it lies in, so
retention removes whole days. Writing is idempotent, reading may meet a blob that is not there (yet).
"""

from openberth.infra.blobs.folder import FolderBlobs
from openberth.infra.blobs.naming import MAX_BLOB_BYTES, Blobs, day_path
from openberth.infra.blobs.queue import PictureQueue
from openberth.infra.blobs.s3 import S3Blobs

__all__ = ["MAX_BLOB_BYTES", "Blobs", "FolderBlobs", "PictureQueue", "S3Blobs", "day_path"]
