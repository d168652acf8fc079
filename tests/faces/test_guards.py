"""What guards and engineers press in the console: convoys, who is inside, sensors, and how a camera is called."""

from playwright.sync_api import Browser, Page, expect

from tests.faces.browsing import serious_findings, visit
from tests.faces.test_console import sign_in
from tests.faces.town import Town

LANE = "in-2"  # a lane of the mall where no other test has something to do


def convoy(town: Town) -> str | None:
    with town.operator as api:
        until: str | None = api.get(f"/v1/lots/mall/lanes/{LANE}").json()["convoy_until"]
        return until


def dialog(page: Page, button: str) -> None:
    page.get_by_role("dialog").get_by_test_id(button).click()


def test_a_convoy_is_begun_and_ended_at_the_desk_by_keys(chromium: Browser, town: Town) -> None:
    with visit(chromium) as (page, _):
        sign_in(page, town, path="#/live?lot=mall")
        page.get_by_test_id(f"lane-{LANE}").click()
        expect(page.get_by_test_id("deed-convoy")).to_contain_text("让车队通过")
        page.locator("main").focus()
        page.keyboard.press("F7")
        expect(page.get_by_test_id("confirm")).to_be_disabled()
        page.get_by_test_id("minutes-5").click()
        assert serious_findings(page) == []
        page.get_by_test_id("reason").fill("婚车车队")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("convoy")).to_contain_text("车队放行中")
        assert convoy(town) is not None
        expect(page.get_by_test_id("deed-convoy")).to_contain_text("结束")
        page.locator("main").focus()
        page.keyboard.press("F7")
        page.get_by_test_id("confirm").click()
        expect(page.get_by_test_id("convoy")).to_have_count(0)
        assert convoy(town) is None


def test_who_may_only_look_sees_no_button(chromium: Browser, town: Town) -> None:
    with visit(chromium, locale="en-GB") as (page, _):
        sign_in(page, town, "auditor", path="#/lots/mall")
        expect(page.get_by_test_id("lanes")).to_be_visible()
        expect(page.get_by_test_id(f"convoy-{LANE}")).to_have_count(0)
        expect(page.get_by_test_id("reset-inside")).to_have_count(0)


def test_who_is_inside_is_reset_on_the_page_of_the_lot(chromium: Browser, town: Town) -> None:
    with visit(chromium, locale="en-GB") as (page, _):
        sign_in(page, town, path="#/lots/mall")
        page.get_by_test_id("reset-inside").click()
        page.get_by_test_id("reset-plate").fill("粤B0P0P0")
        page.get_by_test_id("reason").fill("The car was towed away")
        expect(page.get_by_test_id("confirm")).to_contain_text("粤B0P0P0")
        assert serious_findings(page) == []
        page.get_by_test_id("confirm").click()
        expect(page.get_by_text("Done: the next entry or exit")).to_be_visible()
    entry = town.told("passback.reset")
    assert (entry["actor"]["kind"], entry["reason"]) == ("person", "The car was towed away")


def test_sensors_are_found_by_what_is_wrong_and_show_what_they_said(chromium: Browser, town: Town) -> None:
    with visit(chromium, locale="en-GB") as (page, _):
        sign_in(page, town, path="#/sensors?lot=office")
        expect(page.get_by_test_id("collectors")).to_contain_text("mag-deck")
        expect(page.get_by_test_id("count-check")).to_contain_text("Lift deck")
        page.get_by_test_id("find-sensor").fill("l0")
        page.keyboard.press("Enter")
        expect(page.get_by_text("9 in all")).to_be_visible()
        page.get_by_test_id("sensor-m01").click()
        expect(page.get_by_test_id("reports")).to_contain_text("ID 1 · Q")
        assert serious_findings(page) == []


def test_a_collector_gets_a_new_address_once(chromium: Browser, town: Town) -> None:
    with visit(chromium, locale="en-GB") as (page, _):
        sign_in(page, town, path="#/sensors?lot=office")
        page.get_by_test_id("secret-eye").click()
        dialog(page, "confirm")
        expect(page.get_by_role("dialog", name="Secret of eye")).to_contain_text("/devices/space-camera/")


def test_a_camera_is_given_its_address_and_login_which_are_not_shown_again(chromium: Browser, town: Town) -> None:
    with visit(chromium, locale="en-GB") as (page, watch):
        watch.expected.append("/white-list")  # a camera without permits at its lot has none
        sign_in(page, town, path="#/devices?lot=office")
        page.get_by_test_id("device-cam-out-2").click()
        expect(page.get_by_test_id("calls")).to_contain_text("Not called")
        page.get_by_test_id("edit-endpoint").click()
        page.get_by_test_id("endpoint-address").fill("127.0.0.1")
        page.get_by_test_id("endpoint-port").locator("input").fill("9")
        page.get_by_test_id("endpoint-user").fill("openberth")
        page.get_by_test_id("endpoint-password").fill("not-to-be-seen")
        assert serious_findings(page) == []
        page.get_by_test_id("endpoint-save").click()
        expect(page.get_by_test_id("calls")).to_contain_text("http://127.0.0.1:9")
        expect(page.get_by_test_id("calls")).to_contain_text("Kept sealed")
        page.get_by_test_id("set-time").click()
        page.get_by_test_id("reason").fill("to try it")
        dialog(page, "confirm")
        # Nobody listens there: the command says so, and the form what to do.
        expect(page.get_by_test_id("commands")).to_contain_text("Not reached")
        page.get_by_test_id("edit-endpoint").click()
        expect(page.get_by_test_id("endpoint-password")).to_have_value("")
        assert "not-to-be-seen" not in page.content()
