"""The routes of keys: rotating while cars come in, looking at how far it is, retiring what nothing needs."""

import asyncio
import json

from tests.waiting import eventually
from tests.wire.api.house import CAR, House


def test_the_vault_is_sealed_anew_while_the_service_runs(house: House) -> None:
    house.arrive("in-1", CAR)
    before = house.get("/v1/keys")["vault"]
    (old,) = (each["id"] for each in before["items"])
    assert (before["wanted"], before["seals"], before["waiting"], before["holders"]) == (old, old, 0, [])
    held = before["items"][0]["values"]
    assert held > 1
    made = house.post("/v1/keys/vault/rotate", {"algorithm": "sm4-gcm"})
    assert (made.status_code, made.json()["algorithm"]) == (201, "sm4-gcm")
    new = made.json()["id"]
    refused = house.post(f"/v1/keys/vault/{old}/retire", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "vault.key_needed")
    house.key_keeper.work()
    asyncio.run(house.key_keeper.look())
    assert eventually(lambda: house.get("/v1/keys")["vault"]["waiting"] == 0)
    items = {each["id"]: each for each in house.get("/v1/keys")["vault"]["items"]}
    assert (items[old]["values"], items[new]["values"], items[new]["seals"]) == (0, held, True)
    assert house.get("/v1/stays", lot="mall", state="open")["items"][0]["plate"].startswith("粤B")
    gone = house.post(f"/v1/keys/vault/{old}/retire", {})
    assert gone.status_code == 200, gone.text
    assert json.loads((house.folder / "keys.json").read_text())["current"] == new
    assert old in gone.json()["file"]
    deeds = [each["deed"] for each in house.get("/v1/audit")["items"]]
    assert "vault_key.retired" in deeds


def test_what_is_asked_wrongly_is_refused(house: House) -> None:
    assert house.post("/v1/keys/vault/rotate", {"algorithm": "rot13"}).status_code == 422
    assert house.post("/v1/keys/vault/rotate", {"algo": "sm4-gcm"}).status_code == 422
    assert house.post("/v1/keys/vault/XYZ/retire", {}).status_code == 422
    missing = house.post("/v1/keys/vault/00000000/retire", {})
    assert (missing.status_code, missing.json()["code"]) == (409, "vault.key_not_there")
    assert house.stranger.get("/v1/keys").status_code == 401


def test_backups_that_were_noted_are_told(house: House) -> None:
    noted = {"name": "monday", "keys": ["00c0ffee"], "revision": "0001"}
    assert house.post("/v1/backups", noted).status_code == 204
    (told,) = house.get("/v1/backups")["items"]
    assert (told["name"], told["keys"]) == ("monday", ["00c0ffee"])
    assert house.get("/v1/version").keys() == {"version"}


def test_token_keys_are_told_without_their_secret(house: House) -> None:
    found = house.get("/v1/keys")
    (key,) = found["tokens"]
    assert set(key) == {"id", "algorithm", "made_at", "signs_from", "published_until"}
    assert house.post("/v1/keys/rotate", {}).status_code == 204
    assert len(house.get("/v1/keys")["tokens"]) == 2
