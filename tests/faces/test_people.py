"""The console's pages of accounts, of oneself, of settings and of the trail in a real browser."""

import base64
import re

from playwright.sync_api import Browser, expect

from openberth.infra import one_time
from openberth.kernel.time import Instant
from tests.faces.browsing import serious_findings, visit
from tests.faces.test_console import MANAGER, sign_in
from tests.faces.town import Town


def test_an_account_is_made_given_a_role_and_protects_itself(chromium: Browser, town: Town) -> None:
    with visit(chromium, locale="en-GB") as (page, _):
        sign_in(page, town, path="#/accounts")
        page.get_by_test_id("new-account").click()
        page.get_by_test_id("account-login").fill("night-desk")
        page.get_by_test_id("account-name").fill("Night desk")
        password = page.get_by_test_id("account-password").input_value()
        page.get_by_test_id("account-save").click()
        expect(page.get_by_test_id("once").nth(1)).to_have_text(password)
        page.get_by_test_id("kept").click()
        page.get_by_test_id("give").click()
        page.get_by_test_id("grant-role").click()
        page.get_by_role("option", name="Guard", exact=True).click()
        page.get_by_test_id("grant-save").click()
        expect(page.get_by_role("cell", name="Guard", exact=True)).to_be_visible()
        assert serious_findings(page) == []
        town.people["night-desk"] = password
    with visit(chromium, locale="en-GB") as (page, _):
        sign_in(page, town, "night-desk", path="#/me")
        expect(page.get_by_test_id("menu-accounts")).to_have_count(0)
        page.get_by_test_id("set-up-factor").click()
        page.get_by_role("button", name="Cannot scan").click()
        secret = page.locator("form.steps code").inner_text().replace(" ", "")
        step = one_time.step_of(Instant(page.evaluate("Date.now()") * 1_000))
        page.get_by_test_id("factor-code").fill(one_time.code_at(base64.b32decode(secret), step))
        page.get_by_test_id("factor-password").fill(password)
        page.get_by_test_id("set-factor").click()
        expect(page.get_by_test_id("once")).to_have_text(re.compile(r"(\S+\s+){9}\S+"))
        page.get_by_test_id("kept").click()
        expect(page.get_by_text("10 recovery codes left")).to_be_visible()
        assert serious_findings(page) == []


def test_a_setting_says_where_it_comes_from_and_the_trail_who_set_it(chromium: Browser, town: Town) -> None:
    with visit(chromium, locale="en-GB") as (page, _):
        sign_in(page, town, path="#/settings?at=company:demo")
        setting = page.get_by_test_id("setting-grace.exit_minutes")
        expect(setting).to_contain_text("default")
        page.get_by_test_id("edit-grace.exit_minutes").click()
        page.get_by_test_id("setting-value").get_by_role("spinbutton").fill("25")
        page.get_by_test_id("setting-save").click()
        expect(setting).to_contain_text("from Company")
        assert serious_findings(page) == []
    town.told("setting.changed")
    with visit(chromium, locale="en-GB") as (page, _):
        sign_in(page, town, "auditor", path="#/audit?deed=setting.changed")
        page.get_by_role("button", name="Details").first.click()
        expect(page.get_by_role("dialog")).to_contain_text("25")
        assert serious_findings(page) == []


def test_a_value_in_clear_needs_a_reason_and_disappears(chromium: Browser, town: Town) -> None:
    with visit(chromium, locale="en-GB") as (page, _):
        sign_in(page, town, MANAGER, path="#/people")
        page.get_by_test_id("register").click()
        page.get_by_test_id("core-name").fill("Somebody")
        page.get_by_test_id("core-phone").fill("13800138000")
        page.get_by_test_id("register-save").click()
        expect(page.get_by_role("definition").filter(has_text="138****8000")).to_be_visible()
        page.clock.install()
        page.get_by_test_id("unmask").click()
        page.get_by_role("checkbox", name="Phone").locator("..").click()
        page.get_by_test_id("reason").fill("asks about the gate")
        page.get_by_test_id("confirm").click()
        expect(page.get_by_text("13800138000")).to_be_visible()
        page.clock.run_for(31_000)
        expect(page.get_by_text("13800138000")).to_have_count(0)
        assert serious_findings(page) == []
