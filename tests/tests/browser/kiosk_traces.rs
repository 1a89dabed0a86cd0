//! That nothing of a session at a kiosk stays in the browser or on the disk.

use holdfast_protocol::account::Seed;
use serde_json::json;

use crate::kiosk::{Visit, at_kiosk};
use crate::traces::{ANSWER, DRAFT, QUESTION, VISITOR, secrets};

#[tokio::test]
async fn nothing_of_a_session_stays_in_the_browser() {
    let allowed = json!({ "name": "Harbour library", "allow": ["restore"], "language": "en" });
    at_kiosk(allowed, async |visit: Visit| {
        let browser = &visit.visitor.browser;
        browser.read("h1", "Harbour library").await;
        visit.enter(VISITOR).await;
        let id = visit.talk(QUESTION, ANSWER).await;
        browser.fill("#message-text", DRAFT).await;
        assert_eq!(browser.script("return document.title").await, "Messages");
        let address = browser.script("return location.href").await;
        assert_eq!(address, json!(visit.network.app()));
        browser.press("#end-session").await;
        visit.is_fresh().await;

        browser.back().await;
        visit.is_fresh().await;
        browser.forward().await;
        visit.is_fresh().await;
        browser.reload().await;
        visit.is_fresh().await;

        // A phrase typed here leaves nothing either.
        let seed = Seed::from_bytes(&[7; 16]);
        let phrase = seed.phrase().as_str().to_owned();
        browser.press("#have-account").await;
        browser.press("#type-anyway").await;
        visit.visitor.enter_phrase(&phrase).await;
        browser.press("#restore-continue").await;
        browser.gone("#restore-continue").await;
        browser.press("#end-session").await;
        visit.is_fresh().await;

        // The desk's id is in kiosk.json, which is never kept either.
        let secrets = secrets(&[&id, &visit.desk.id(), &seed.id().to_hex()], &phrase);
        let remains = visit.visitor.browser.quit_to_search().await;
        remains.hold_none_of(&secrets);
        assert_eq!(remains.database_bytes(), 0, "no database was made");
    })
    .await;
}

#[tokio::test]
async fn the_next_user_starts_clean_after_a_crash() {
    at_kiosk(json!({}), async |visit: Visit| {
        visit.enter(VISITOR).await;
        let id = visit.talk(QUESTION, ANSWER).await;
        visit.visitor.browser.fill("#message-text", DRAFT).await;
        let visit = Visit {
            visitor: visit.visitor.killed(&visit.network).await,
            ..visit
        };
        visit.is_fresh().await;
        let secrets = secrets(&[&id, &visit.desk.id()], "");
        let remains = visit.visitor.browser.quit_to_search().await;
        remains.hold_none_of(&secrets);
        assert_eq!(remains.database_bytes(), 0, "no database was made");
    })
    .await;
}
