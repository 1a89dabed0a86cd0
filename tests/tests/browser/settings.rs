//! Settings: languages written from the right, notifications and what they tell.

use serde_json::{Value, json};

use crate::driver::{Browser, LAPTOP, PHONE};
use crate::network::Network;
use crate::share::share;
use crate::user::{Place, User};

/// What sticks out of the page at its sides: elements that can be seen and that no scroll area holds.
const STICKS_OUT: &str = "
    const width = document.documentElement.clientWidth;
    return [...document.querySelectorAll('body *')].filter((e) => {
        const r = e.getBoundingClientRect();
        if (r.width < 2 || r.height < 2 || e.closest('.unseen, svg')) return false;
        return r.left < -1 || r.right > width + 1;
    }).map((e) => e.tagName + '.' + e.className);";

/// Texts that are cut off although nothing says that there is more.
const CUT_OFF: &str = "
    return [...document.querySelectorAll('button, h1, h2, p, label, legend, span')].filter((e) => {
        const style = getComputedStyle(e);
        if (style.textOverflow === 'ellipsis' || e.closest('.unseen, .avatar, .row')) return false;
        return style.overflowX !== 'visible' && e.clientWidth > 2 && e.scrollWidth > e.clientWidth + 1;
    }).map((e) => e.tagName + '.' + e.className + ': ' + e.textContent);";

async fn fits(browser: &Browser, screen: &str) {
    for size in [PHONE, LAPTOP] {
        browser.layout(size).await;
        assert_eq!(browser.script(STICKS_OUT).await, json!([]), "{screen} {size:?}");
        assert_eq!(browser.script(CUT_OFF).await, json!([]), "{screen} {size:?}");
        browser.picture(&format!("arabic-{screen}-{}", size.0)).await;
    }
}

#[tokio::test]
async fn arabic_is_written_from_the_right_and_fits() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    let own = ada.id().await;
    ada.write_to(&own).await;
    ada.send("A note").await;
    ada.delivered().await;
    browser.press("#open-settings").await;
    browser.press("#settings-appearance").await;
    browser.press("#settings-language option[value=ar]").await;
    browser.see("html[dir=rtl][lang=ar]").await;
    browser.read(".pane-header h1", "المظهر").await;
    for (screen, button) in [
        ("settings", "#open-settings"),
        ("profile", "#open-profile"),
        ("new", "#new-conversation"),
        ("network", "#open-network"),
    ] {
        browser.layout(LAPTOP).await;
        browser.press(button).await;
        fits(browser, screen).await;
    }
    for page in [
        "privacy",
        "lock",
        "notifications",
        "conversations",
        "appearance",
        "keys",
        "blocked",
    ] {
        browser.layout(LAPTOP).await;
        browser.press("#open-settings").await;
        browser.press(&format!("#settings-{page}")).await;
        fits(browser, page).await;
    }
    browser.layout(LAPTOP).await;
    ada.open(&own).await;
    fits(browser, "conversation").await;
    // The choice stays.
    browser.reload().await;
    browser.see("html[dir=rtl][lang=ar]").await;

    let shared = json!({ "text": "https://example.org/tides", "title": "Tides" });
    share(browser, &network, shared, &[]).await;
    browser.see("#shared").await;
    fits(browser, "share").await;
}

/// Puts a recorder in the place of the browser's notifications, and has the page believe what a test says about its focus.
/// As in the browser, what the user answered holds for every tab.
pub(crate) const RECORDER: &str = "
    globalThis.shown = [];
    class Recorder extends EventTarget {
        static get permission() { return localStorage.getItem('recorded-permission') ?? 'default'; }
        static async requestPermission() {
            localStorage.setItem('recorded-permission', 'granted');
            return Recorder.permission;
        }
        constructor(title, options) {
            super();
            this.entry = { title, body: options.body ?? '', open: true };
            globalThis.shown.push(this.entry);
            globalThis.last = this;
        }
        close() { this.entry.open = false; }
    }
    globalThis.Notification = Recorder;
    globalThis.looking = true;
    Document.prototype.hasFocus = () => globalThis.looking;
    for (const kind of ['focus', 'blur']) {
        window.addEventListener(kind, (event) => {
            if (event.isTrusted && event.target === window) event.stopImmediatePropagation();
        }, true);
    }
    window.focus = () => {};
";

/// Has the page believe that its user looks at it, or elsewhere.
pub(crate) async fn look(browser: &Browser, here: bool) {
    let event = if here { "focus" } else { "blur" };
    browser
        .script(&format!(
            "globalThis.looking = {here}; window.dispatchEvent(new Event('{event}'));"
        ))
        .await;
}

/// Waits for a notification and gives its title and text.
pub(crate) async fn notified(browser: &Browser, count: usize) -> (String, String) {
    browser
        .until("a notification", async || {
            let shown = browser.script("return globalThis.shown").await;
            let shown = shown.as_array()?;
            let text = |entry: &Value, name: &str| entry.get(name)?.as_str().map(str::to_owned);
            (shown.len() == count).then_some(())?;
            let last = shown.last()?;
            Some((text(last, "title")?, text(last, "body")?))
        })
        .await
}

#[tokio::test]
async fn notifications_tell_what_was_chosen_and_only_then() {
    let network = Network::start();
    let (ada, bert) = futures::join!(
        User::arrive(&network),
        User::join(&network, "Bert", Place::SharedComputer)
    );
    let browser = &ada.browser;
    browser.before_each_page(RECORDER).await;
    browser.open(&network.app()).await;
    ada.create("Ada", Place::OwnDevice).await;
    let (ada_id, bert_id) = (ada.id().await, bert.id().await);
    ada.write_to(&bert_id).await;
    ada.send("Hello Bert").await;
    ada.delivered().await;
    // The question comes once the phrase was seen: first things first.
    browser.see("#banner-phrase").await;
    assert!(!browser.has("#notify-yes").await);
    ada.phrase().await;
    browser.picture("notify-question").await;
    browser.press("#notify-yes").await;
    browser.gone("#notify-yes").await;
    bert.accept(&ada_id).await;
    bert.send("Bert answers").await;
    ada.open(&bert_id).await;
    ada.reads("Bert answers").await;
    // What comes after it is sent, so it was told by now if at all.
    ada.send("Here I am").await;
    ada.delivered().await;
    assert_eq!(
        browser.script("return globalThis.shown").await,
        json!([]),
        "nothing while looking"
    );

    // By default it tells nothing but that there is something.
    look(browser, false).await;
    bert.send("secret one").await;
    assert_eq!(
        notified(browser, 1).await,
        ("Holdfast".to_owned(), "New message".to_owned())
    );
    bert.send("secret two").await;
    assert_eq!(
        notified(browser, 2).await,
        ("2 new messages".to_owned(), String::new())
    );

    // Coming back withdraws it.
    look(browser, true).await;
    browser
        .until("nothing shown", async || {
            let open = browser.script("return globalThis.last.entry.open").await;
            (open == json!(false)).then_some(())
        })
        .await;

    // Name, then name and text.
    browser.press("#open-settings").await;
    browser.press("#settings-notifications").await;
    browser.press("input[name=notify-content][value=name]").await;
    browser.picture("notify-settings").await;
    browser.script("globalThis.shown.length = 0").await;
    look(browser, false).await;
    bert.send("secret three").await;
    assert_eq!(
        notified(browser, 1).await,
        ("Bert".to_owned(), "New message".to_owned())
    );
    look(browser, true).await;
    browser.press("input[name=notify-content][value=message]").await;
    browser.script("globalThis.shown.length = 0").await;
    look(browser, false).await;
    bert.send("not so secret").await;
    assert_eq!(
        notified(browser, 1).await,
        ("Bert".to_owned(), "not so secret".to_owned())
    );

    // A click opens the conversation.
    browser.script("globalThis.last.onclick()").await;
    ada.reads("not so secret").await;

    // Muted, nothing is told; the message is there all the same.
    look(browser, true).await;
    ada.choose(&bert_id, "Mute").await;
    browser.press("#open-settings").await;
    browser.script("globalThis.shown.length = 0").await;
    look(browser, false).await;
    bert.send("into the quiet").await;
    browser
        .read(&format!("[data-conversation='{bert_id}']"), "into the quiet")
        .await;
    // The next one that is told is the first.
    ada.choose(&bert_id, "Unmute").await;
    browser
        .gone(&format!("[data-conversation='{bert_id}'] [title='Muted']"))
        .await;
    bert.send("and out loud").await;
    assert_eq!(
        notified(browser, 1).await,
        ("Bert".to_owned(), "and out loud".to_owned())
    );
}
