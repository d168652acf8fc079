"""ACS3-HMAC-SHA256, version 3 of Alibaba Cloud's request signatures, for calls with parameters in the query. Pure.

What is signed: method, path, query (sorted, percent-encoded as in RFC 3986), the headers that are named, and the
SHA-256 of the body, which is empty here.
"""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote

ALGORITHM = "ACS3-HMAC-SHA256"
EMPTY_BODY = hashlib.sha256(b"").hexdigest()


def canonical_query(parameters: Mapping[str, str]) -> str:
    """Return parameters as they are signed and sent."""
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(parameters.items()))


def authorization(
    *, access_key: str, secret: str, method: str, query: str, headers: Mapping[str, str], path: str = "/"
) -> str:
    """Return the ``Authorization`` header; ``headers`` are all that are signed, their names in lower case."""
    names = sorted(headers)
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    signed = ";".join(names)
    request = "\n".join((method, path, query, lines, signed, headers["x-acs-content-sha256"]))
    text = f"{ALGORITHM}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Credential={access_key},SignedHeaders={signed},Signature={signature}"
