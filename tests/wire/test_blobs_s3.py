"""Blobs in a bucket, over HTTP against moto's S3 server in this process."""

import socket
import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest

pytest.importorskip("minio", reason="the extra s3 is not installed")
pytest.importorskip("moto.server", reason="moto is not installed")

from minio import Minio
from moto.server import ThreadedMotoServer

from openberth.infra.blobs import MAX_BLOB_BYTES, Blobs, PictureQueue, S3Blobs, day_path
from openberth.infra.blobs import s3 as s3_module
from openberth.kernel.errors import Malformed, NotFound, Overloaded, Refused
from openberth.kernel.ids import uuid7
from tests.ports import free_port
from tests.waiting import PATIENCE_S

NAME = "019ab3c4-5d6e-7f80-8123-456789abcdef"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str) -> str:
    name = f"pictures-{uuid4().hex[:12]}"
    _bare(endpoint).make_bucket(name)
    return name


@pytest.fixture
def blobs(endpoint: str, bucket: str) -> S3Blobs:
    return S3Blobs(endpoint=endpoint, bucket=bucket, access_key="who", secret_key="hush", prefix="/mall/")


def test_a_blob_is_an_object_under_its_day(blobs: S3Blobs, endpoint: str, bucket: str) -> None:
    store: Blobs = blobs
    store.put(NAME, b"\xff\xd8 picture")
    store.flush()
    assert store.get(NAME) == b"\xff\xd8 picture"
    objects = [found.object_name for found in _bare(endpoint).list_objects(bucket, recursive=True)]
    assert objects == [f"mall/{day_path(NAME)}"]


def test_the_same_again_replaces(blobs: S3Blobs) -> None:
    blobs.put(NAME, b"one")
    blobs.put(NAME, b"two")
    assert blobs.get(NAME) == b"two"


def test_empty_and_large_blobs(blobs: S3Blobs) -> None:
    blobs.put(NAME, b"")
    assert blobs.get(NAME) == b""
    large = bytes(range(256)) * (6 * 1024 * 1024 // 256)  # above S3's smallest part
    blobs.put(NAME, large)
    assert blobs.get(NAME) == large
    with pytest.raises(Malformed) as refused:
        blobs.put(NAME, bytes(MAX_BLOB_BYTES + 1))
    assert refused.value.code == "blob.too_large"


def test_deleting_is_idempotent_and_reading_says_so(blobs: S3Blobs) -> None:
    blobs.put(NAME, b"one")
    blobs.delete(NAME)
    blobs.delete(NAME)
    with pytest.raises(NotFound) as refused:
        blobs.get(NAME)
    assert refused.value.code == "blob.not_found"


@pytest.mark.parametrize("name", ["../x", f"{NAME}/..", f"{NAME}.jpg", "粤B12345"])
def test_a_name_is_an_id_and_nothing_else(blobs: S3Blobs, name: str) -> None:
    for call in (lambda: blobs.put(name, b"x"), lambda: blobs.get(name), lambda: blobs.delete(name)):
        with pytest.raises(Malformed) as refused:
            call()
        assert refused.value.code == "blob.name"


def test_a_missing_bucket_is_unavailable(endpoint: str) -> None:
    blobs = S3Blobs(endpoint=endpoint, bucket="not-there", access_key="who", secret_key="hush")
    for call in (lambda: blobs.put(NAME, b"x"), lambda: blobs.get(NAME)):
        with pytest.raises(Overloaded) as refused:
            call()
        assert (refused.value.code, refused.value.params["reason"]) == ("blob.unavailable", "NoSuchBucket")


def test_a_server_that_is_gone_is_unavailable() -> None:
    blobs = S3Blobs(endpoint=f"http://127.0.0.1:{free_port()}", bucket="pictures", access_key="who", secret_key="hush")
    with pytest.raises(Overloaded) as refused:
        blobs.put(NAME, b"x")
    assert refused.value.code == "blob.unavailable"


def test_a_server_that_says_nothing_does_not_hold_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_module, "READ_TIMEOUT_S", 0.1)
    monkeypatch.setattr(s3_module, "RETRIES", 0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        blobs = S3Blobs(endpoint=address, bucket="pictures", access_key="who", secret_key="hush")
        with pytest.raises(Overloaded):
            blobs.get(NAME)


def test_threads_share_the_connections(blobs: S3Blobs) -> None:
    names = [str(uuid7(1_000, 0, number)) for number in range(16)]
    failures: list[Exception] = []

    def write(part: list[str]) -> None:
        try:
            for name in part:
                blobs.put(name, name.encode())
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(names[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert all(blobs.get(name) == name.encode() for name in names)


def test_the_queue_of_pictures_writes_there(blobs: S3Blobs) -> None:
    queue = PictureQueue(blobs)
    queue.start()
    queue.put_nowait([(NAME, b"picture")]).result(PATIENCE_S)
    assert queue.close()
    assert blobs.get(NAME) == b"picture"


@pytest.mark.parametrize("endpoint", ["minio:9000", "ftp://minio", "http://", "https://minio/path"])
def test_an_address_that_is_none_is_refused(endpoint: str) -> None:
    with pytest.raises(Malformed) as refused:
        S3Blobs(endpoint=endpoint, bucket="pictures", access_key="who", secret_key="hush")
    assert refused.value.code == "blob.s3_endpoint"


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "minio", None)
    with pytest.raises(Refused) as refused:
        S3Blobs(endpoint="http://minio:9000", bucket="pictures", access_key="who", secret_key="hush")
    assert refused.value.code == "blob.s3_missing"


def _bare(endpoint: str) -> Minio:
    return Minio(
        endpoint.removeprefix("http://"), access_key="who", secret_key="hush", secure=False, region="us-east-1"
    )
