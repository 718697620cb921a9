"""An admin makes, sees and revokes tokens, and the audit knows."""

import asyncio

from tests.fleet.api.conftest import bearer, served

from flotilla.fleet.api import models


def test_a_token_is_made_used_and_revoked(folder, texts):
    async def live():
        async with served(folder) as fleet:
            admin = bearer(texts["admin"])
            wanted = {"name": "dashboard", "role": "viewer", "days": 1}
            made = models.MadeToken.model_validate(
                (await fleet.client.post("/api/v1/tokens", json=wanted, headers=admin)).json()
            )
            before = await fleet.client.get("/api/v1/platforms", headers=bearer(made.token))
            listed = (await fleet.client.get("/api/v1/tokens", headers=admin)).json()
            gone = await fleet.client.delete(f"/api/v1/tokens/{made.id}", headers=admin)
            after = await fleet.client.get("/api/v1/platforms", headers=bearer(made.token))
            return made, before, listed, gone, after, fleet.supervisor.records()

    made, before, listed, gone, after, records = asyncio.run(live())

    assert (before.status_code, gone.status_code, after.status_code) == (200, 200, 401)
    assert "was revoked" in after.json()["error"]["text"]
    assert made.id in [one.id for one in models.Tokens.model_validate(listed).tokens]
    assert made.token not in str(listed)
    assert "hash" not in str(listed)
    assert ("api:admin", "token create", "asked") in records
    assert ("api:admin", "token revoke", "asked") in records


def test_what_cannot_be_made_or_revoked_is_refused(folder, texts):
    async def live():
        async with served(folder) as fleet:
            admin = bearer(texts["admin"])
            bodies = [
                {"name": "admin", "role": "viewer"},
                {"name": "x", "role": "root"},
                {"name": "x", "role": "viewer", "days": 1_000},
                {"name": "Not A Name", "role": "viewer"},
            ]
            made = [await fleet.client.post("/api/v1/tokens", json=body, headers=admin) for body in bodies]
            return [one.status_code for one in made], await fleet.client.delete(
                "/api/v1/tokens/zzzzzzzz", headers=admin
            )

    statuses, revoked = asyncio.run(live())

    assert statuses == [422] * 4
    assert revoked.status_code == 404


def test_without_the_audit_no_token_is_made(folder, texts):
    async def live():
        async with served(folder) as fleet:
            await fleet.supervisor.leave()
            wanted = {"name": "dashboard", "role": "viewer"}
            answer = await fleet.client.post("/api/v1/tokens", json=wanted, headers=bearer(texts["admin"]))
            return answer.status_code

    assert asyncio.run(live()) == 503
    assert "dashboard" not in folder.tokens.read_text()
