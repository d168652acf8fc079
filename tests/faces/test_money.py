"""The console's pages of money in a real browser."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.faces.browsing import PATIENCE_MS, serious_findings, visit
from tests.faces.test_console import sign_in
from tests.faces.town import Town

LOOKS = 40  # at a list until the town has done what is waited for


def test_money_goes_back_and_is_followed_until_it_has_arrived(chromium: Browser, town: Town, tmp_path: Path) -> None:
    with visit(chromium, locale="en-GB") as (page, _):
        sign_in(page, town, path="#/receipts?lot=mall&method=alipay")
        # Not what was put into prepaid accounts when the town began: that goes back from there.
        paid = page.get_by_role("row").filter(has_text="Alipay").filter(has_not_text="¥60.00")
        _wait_for(page, lambda: paid.count() > 0)
        paid.first.get_by_role("link", name="Details").click()
        page.get_by_test_id("refund").first.click()
        page.get_by_test_id("amount").fill("0.505")
        expect(page.get_by_test_id("confirm")).to_have_text("Refund")
        page.get_by_test_id("amount").fill("0.50")
        page.get_by_test_id("reason").fill("counted twice")
        assert serious_findings(page) == []
        page.get_by_role("button", name="Refund ¥0.50").click()
        back = page.get_by_test_id("refund-row")
        expect(back).to_contain_text("counted twice")
        expect(back).to_contain_text("Done", timeout=2 * PATIENCE_MS)  # asked after again when it is not at once
        with page.expect_download() as slip:
            page.get_by_test_id("slip-pdf").click()
        slip.value.save_as(tmp_path / "slip.pdf")
        assert (tmp_path / "slip.pdf").read_bytes().startswith(b"%PDF")
        assert serious_findings(page) == []


def test_finance_is_narrowed_by_a_press_and_taken_away_as_it_is_shown(
    chromium: Browser, town: Town, tmp_path: Path
) -> None:
    with visit(chromium, locale="en-GB") as (page, _):
        sign_in(page, town, path="#/finance?by=method,lot")
        lines = page.get_by_test_id("finance-lines")
        lines.get_by_role("button", name="Cash").first.click()
        expect(page.get_by_text("Method: Cash")).to_be_visible()
        expect(lines.get_by_role("button", name="Cash")).to_have_count(0)  # what was there before has gone
        expect(page.get_by_role("img", name=re.compile("^A chart of money"))).to_be_visible()
        lots = lines.locator("tbody tr").count()
        page.get_by_test_id("export").click()
        with page.expect_download() as table:
            page.get_by_test_id("export-csv").click()
        table.value.save_as(tmp_path / "finance.csv")
        heading, *rows = (tmp_path / "finance.csv").read_text("utf-8-sig").splitlines()
        assert heading.startswith("Lot,Currency,Receivable")
        # The totals stand below; money of one more lot may have come while it was taken away.
        assert len(rows) - 1 in (lots, lines.locator("tbody tr").count())
        assert serious_findings(page) == []


def test_an_account_is_filled_paid_out_and_paused(chromium: Browser, town: Town) -> None:
    with visit(chromium, locale="en-GB") as (page, _):
        sign_in(page, town, path="#/prepaid?lot=office")
        page.get_by_test_id("open-account").click()
        page.get_by_test_id("account-code").fill("B-7")
        page.get_by_test_id("account-plates").fill("粤Z10001")
        page.get_by_test_id("save-account").click()
        page.get_by_test_id("top-up").click()
        page.get_by_test_id("amount").fill("12.34")
        page.get_by_role("button", name="Take ¥12.34 in cash").click()
        expect(page.get_by_test_id("balance")).to_have_text("¥12.34")
        page.get_by_test_id("pay-out").click()
        paying = page.get_by_role("dialog", name="Pay out")  # the one before may still be fading
        paying.get_by_test_id("amount").fill("2.04")
        paying.get_by_test_id("reason").fill("moved away")
        paying.get_by_role("button", name="Pay out ¥2.04").click()
        expect(page.get_by_test_id("balance")).to_have_text("¥10.30")
        page.get_by_test_id("pause-account").click()
        expect(page.get_by_test_id("resume-account")).to_be_visible()
        expect(page.get_by_role("cell", name="Paid out")).to_be_visible()
        assert serious_findings(page) == []


def test_a_contract_is_paused_and_its_money_written_down(chromium: Browser, town: Town) -> None:
    with visit(chromium, locale="en-GB", color_scheme="dark") as (page, _):
        sign_in(page, town, path="#/channels?lot=mall")
        page.get_by_role("button", name="Alipay of this lot").click()
        page.get_by_test_id("pause-channel").click()
        expect(page.get_by_test_id("resume-channel")).to_be_visible()
        page.get_by_test_id("resume-channel").click()
        expect(page.get_by_test_id("pause-channel")).to_be_visible()
        page.get_by_test_id("new-payout").click()
        page.get_by_test_id("amount").fill("0.01")
        page.get_by_test_id("payout-reference").fill("BANK-1")
        page.get_by_role("button", name="Record ¥0.01").click()
        expect(page.get_by_role("cell", name="BANK-1")).to_be_visible()
        assert serious_findings(page) == []


def _wait_for(page: Page, seen: Callable[[], bool]) -> None:
    for _ in range(LOOKS):
        page.wait_for_timeout(1_000)
        if seen():
            return
        page.reload()
    raise AssertionError("the town did not do it")
