"""Blobs in an S3-compatible bucket, by the ``minio`` client (extra ``s3``)."""

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from openberth.infra.blobs.naming import check_size, day_path
from openberth.kernel.errors import Malformed, NotFound, Overloaded, Refused

if TYPE_CHECKING:
    from minio import Minio

Result = TypeVar("Result")

CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 10
RETRIES = 2
CONNECTIONS = 8


class S3Blobs:
    """Stores blobs as objects ``PREFIX/YYYY-MM/DD/NAME`` of one bucket; thread-safe.

    ``put`` is durable when it returns, so ``flush`` has nothing to do. Every call is bounded by its time-outs and
    ``RETRIES``. Raises ``Refused("blob.s3_missing")`` when the extra is not installed.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        bucket: str,
        access_key: str,
        secret_key: str,
        region: str = "us-east-1",
        prefix: str = "",
    ) -> None:
        self._client = _client(endpoint, access_key, secret_key, region)
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def put(self, name: str, data: bytes) -> None:
        """Store a blob; see ``Blobs.put``."""
        check_size(data)
        key = self._key(name)
        _asked(lambda: self._client.put_object(self._bucket, key, BytesIO(data), len(data)))

    def get(self, name: str) -> bytes:
        """Return a blob; see ``Blobs.get``."""
        key = self._key(name)
        return _asked(lambda: self._read(key))

    def delete(self, name: str) -> None:
        """Remove a blob; see ``Blobs.delete``."""
        key = self._key(name)
        _asked(lambda: self._client.remove_object(self._bucket, key))

    def flush(self) -> None:
        """Do nothing: an object is durable once it is put."""

    def _key(self, name: str) -> str:
        return self._prefix + day_path(name)

    def _read(self, key: str) -> bytes:
        response = self._client.get_object(self._bucket, key)
        try:
            return response.read()
        finally:
            response.close()
            response.release_conn()


def _client(endpoint: str, access_key: str, secret_key: str, region: str) -> "Minio":
    try:
        import certifi
        import urllib3
        from minio import Minio
    except ImportError as error:
        raise Refused("blob.s3_missing") from error
    url = urlsplit(endpoint)
    if url.scheme not in ("http", "https") or not url.netloc or url.path.strip("/"):
        raise Malformed("blob.s3_endpoint", endpoint=endpoint)
    pool = urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S),
        maxsize=CONNECTIONS,
        retries=urllib3.Retry(total=RETRIES, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504)),
        cert_reqs="CERT_REQUIRED",
        ca_certs=certifi.where(),
    )
    return Minio(
        url.netloc,
        access_key=access_key,
        secret_key=secret_key,
        secure=url.scheme == "https",
        region=region,
        http_client=pool,
    )


def _asked(call: Callable[[], Result]) -> Result:
    from minio.error import MinioException, S3Error
    from urllib3.exceptions import HTTPError

    try:
        return call()
    except S3Error as error:
        if error.code == "NoSuchKey":
            raise NotFound("blob.not_found") from None
        raise Overloaded("blob.unavailable", reason=error.code) from error
    except (MinioException, HTTPError, OSError) as error:
        raise Overloaded("blob.unavailable", reason=type(error).__name__) from error
