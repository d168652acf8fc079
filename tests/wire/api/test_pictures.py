"""Links to pictures: for who may see them, over after minutes, and worth nothing once anything about them is wrong."""

import base64
from typing import Any

import httpx2
import pytest

from openberth.contexts.stays.model.entities import picture_name
from openberth.contexts.stays.recognition import Picture, PictureKind
from openberth.kernel.authority import system
from openberth.kernel.time import MINUTE_US, SECOND_US
from tests.waiting import eventually
from tests.wire.api.house import CAR, House

JPEG = b"\xff\xd8\xff\xe0picture\xff\xd9"
PASSWORD = "walnut-bridge-77"


@pytest.fixture
def address(house: House) -> str:
    """Return where links to a picture are given."""
    answer = house.arrive("in-1", CAR, pictures=(Picture(PictureKind.SCENE, JPEG),))
    house.blobs.put(picture_name(answer.passage, 0), JPEG)
    return f"/v1/passages/{answer.passage}/pictures/0"


def guard(house: House) -> tuple[httpx2.Client, Any]:
    """Return somebody at the booth, signed in, and its account."""
    form = {"login": "desk-1", "name": "Desk", "password": PASSWORD, "company": "demo"}
    account = house.post("/v1/accounts", form).json()
    house.post("/v1/grants", {"account": "desk-1", "role": "guard", "level": "lot", "node": "mall"})
    tokens = house.stranger.post("/v1/auth/sign-in", json={"login": "desk-1", "password": PASSWORD}).json()
    return house.client({"authorization": f"Bearer {tokens['access_token']}"}), account


def link_of(client: httpx2.Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["url"])


def is_none(answer: httpx2.Response) -> bool:
    return answer.status_code == 404 and answer.json()["code"] == "picture.not_found"


def test_a_link_opens_the_picture_for_five_minutes(house: House, address: str) -> None:
    client, _ = guard(house)
    link = link_of(client, address)
    assert house.stranger.get(link).content == JPEG
    house.machine.advance(5 * MINUTE_US - SECOND_US)
    assert house.stranger.get(link).content == JPEG
    house.machine.advance(SECOND_US)
    assert is_none(house.stranger.get(link))


def test_a_link_is_over_with_the_session_or_the_permission_it_was_made_for(house: House, address: str) -> None:
    client, account = guard(house)
    link = link_of(client, address)
    assert client.post("/v1/auth/sign-out", json={}).status_code == 204
    assert eventually(lambda: is_none(house.stranger.get(link)))
    tokens = house.stranger.post("/v1/auth/sign-in", json={"login": "desk-1", "password": PASSWORD}).json()
    link = link_of(house.client({"authorization": f"Bearer {tokens['access_token']}"}), address)
    assert house.stranger.get(link).content == JPEG
    (grant,) = house.get("/v1/grants", account="desk-1")["items"]
    assert house.operator.delete(f"/v1/grants/{grant['id']}").status_code == 204
    house.machine.advance(6 * SECOND_US)
    assert is_none(house.stranger.get(link))
    assert account["login"] == "desk-1"


def test_every_wrong_link_is_the_same_none(house: House, address: str) -> None:
    link = link_of(house.operator, address)
    start, _, sealed = link.partition("=")
    packed = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    wrong = [sealed[:-1], sealed + "A", sealed + "=", sealed.upper(), "x", "A" * 400, "0" * 36]
    for place in (0, 4, 5, 20, len(packed) - 1):
        changed = bytearray(packed)
        changed[place] ^= 1
        wrong.append(base64.urlsafe_b64encode(bytes(changed)).rstrip(b"=").decode())
    answers = {house.stranger.get(f"{start}={each}").status_code for each in wrong}
    assert answers == {404}
    assert all(is_none(house.stranger.get(f"{start}={each}")) for each in wrong)
    assert house.stranger.get(f"{start}={sealed}").content == JPEG
    other = house.database.read_now(
        lambda reader: reader.keys.seal(packed, context=b"something-else/1"), by=system("test")
    )  # fmt: skip
    foreign = base64.urlsafe_b64encode(bytes.fromhex(other[0]) + other[1]).rstrip(b"=").decode()
    assert is_none(house.stranger.get(f"{start}={foreign}"))


def test_looking_is_written_down_once_a_day(house: House, address: str) -> None:
    client, account = guard(house)
    for _ in range(3):
        link_of(client, address)
    (entry,) = house.get("/v1/audit", deed="picture.seen")["items"]
    assert (entry["actor"]["name"], entry["subject"]["kind"]) == (account["id"], "passage")
    link_of(house.operator, address)
    house.machine.advance(25 * 60 * MINUTE_US)
    link_of(house.operator, address)
    assert len(house.get("/v1/audit", deed="picture.seen")["items"]) == 3


def test_links_are_given_to_who_may_see_the_picture(house: House, address: str) -> None:
    assert house.stranger.get(address).status_code == 401
    client, _ = guard(house)
    assert client.get(address[:-1] + "1").json()["code"] == "picture.not_found"
    assert house.operator.get(address[:-1] + "9").status_code == 422
    assert house.stranger.get("/v1/pictures").status_code == 422
