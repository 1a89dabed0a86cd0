//! The number on the icon of the installed app.

use serde_json::json;

use crate::network::Network;
use crate::user::User;

#[tokio::test]
async fn an_installed_app_counts_unread_messages_and_forgets_them_with_the_account() {
    let network = Network::start();
    let [(ada, ada_id), (bert, bert_id)] = User::pair(&network).await;
    ada.write_to(&bert_id).await;
    ada.send("Hello Bert").await;
    bert.accept(&ada_id).await;
    bert.send("Hello Ada").await;
    ada.reads("Hello Ada").await;
    ada.browser.press("#open-settings").await;
    ada.browser
        .script(
            "window.badges = []; \
             navigator.setAppBadge = (count) => { badges.push(count); return Promise.resolve(); };",
        )
        .await;
    let last = async |count: u64| {
        ada.browser
            .until(&format!("the number {count} on the icon"), async || {
                (ada.browser.script("return window.badges.at(-1) ?? null;").await == json!(count))
                    .then_some(())
            })
            .await;
    };
    bert.send("Are you there?").await;
    last(1).await;
    bert.send("Ada?").await;
    last(2).await;
    ada.open(&bert_id).await;
    ada.reads("Ada?").await;
    last(0).await;
    ada.browser.press("#open-settings").await;
    bert.send("Well then").await;
    last(1).await;
    ada.log_out().await;
    last(0).await;
}
