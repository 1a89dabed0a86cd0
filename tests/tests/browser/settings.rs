//! Notifications: when there is one, and what it tells.

use std::time::Duration;

use serde_json::{Value, json};

use crate::driver::Browser;
use crate::network::Network;
use crate::user::{Place, User};

/// Puts a recorder in the place of the browser's notifications. As in the browser, what the user answered holds for every tab.
/// The service worker shows none meanwhile: the browser itself was never asked.
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
            this.entry = { title, body: options.body ?? '', silent: options.silent, open: true };
            globalThis.shown.push(this.entry);
            globalThis.last = this;
        }
        close() { this.entry.open = false; }
    }
    globalThis.Notification = Recorder;
";

/// Has the page believe what a test says about its focus.
pub(crate) const LOOKING: &str = "
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
    browser.before_each_page(LOOKING).await;
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

#[tokio::test]
async fn a_notification_does_not_go_on_telling_what_was_deleted() {
    let network = Network::start();
    let (ada, bert) = futures::join!(
        User::arrive(&network),
        User::join(&network, "Bert", Place::SharedComputer)
    );
    let browser = &ada.browser;
    for script in [RECORDER, LOOKING] {
        browser.before_each_page(script).await;
    }
    browser.open(&network.app()).await;
    ada.create("Ada", Place::OwnDevice).await;
    let (ada_id, bert_id) = (ada.id().await, bert.id().await);
    ada.write_to(&bert_id).await;
    ada.send("Hello Bert").await;
    bert.accept(&ada_id).await;
    bert.send("Hello Ada").await;
    ada.reads("Hello Ada").await;
    browser.press("#open-settings").await;
    browser.press("#settings-notifications").await;
    browser.press("#notify").await;
    browser.press("input[name=notify-content][value=message]").await;
    look(browser, false).await;
    bert.send("first secret").await;
    assert_eq!(
        notified(browser, 1).await,
        ("Bert".to_owned(), "first secret".to_owned())
    );
    bert.send("second secret").await;
    let (title, text) = notified(browser, 2).await;
    assert!(
        title.contains('2') && text.contains("second secret"),
        "{title}: {text}"
    );
    bert.delivered().await;

    let delete = async |text: &str| {
        bert.right_click(text).await;
        bert.entry("Delete").await;
        bert.browser.press("#delete-everyone").await;
        bert.browser.press("#confirm").await;
    };
    delete("second secret").await;
    assert_eq!(
        notified(browser, 3).await,
        ("Bert".to_owned(), "New message".to_owned())
    );
    delete("first secret").await;
    browser
        .until("nothing shown", async || {
            let open = browser.script("return globalThis.last.entry.open").await;
            (open == json!(false)).then_some(())
        })
        .await;
    let shown = browser.script("return globalThis.shown.length").await;
    assert_eq!(shown, json!(3));
}

/// Notes what is heard.
const LISTENER: &str = "{
    globalThis.notes = [];
    const make = BaseAudioContext.prototype.createOscillator;
    BaseAudioContext.prototype.createOscillator = function () {
        const note = make.call(this);
        const start = note.start.bind(note);
        note.start = (at) => { globalThis.notes.push(Math.round(note.frequency.value)); start(at); };
        return note;
    };
}";

#[tokio::test]
async fn a_notification_is_heard_if_that_is_wanted_and_nobody_looks() {
    let network = Network::start();
    let (ada, bert) = futures::join!(
        User::arrive(&network),
        User::join(&network, "Bert", Place::SharedComputer)
    );
    let browser = &ada.browser;
    for script in [RECORDER, LOOKING, LISTENER] {
        browser.before_each_page(script).await;
    }
    browser.open(&network.app()).await;
    ada.create("Ada", Place::OwnDevice).await;
    let (ada_id, bert_id) = (ada.id().await, bert.id().await);
    ada.write_to(&bert_id).await;
    ada.send("Hello Bert").await;
    bert.accept(&ada_id).await;
    bert.send("Hello Ada").await;
    ada.reads("Hello Ada").await;
    browser.press("#open-settings").await;
    browser.press("#settings-notifications").await;
    browser.press("#notify").await;
    browser.see("#notify-sound:not(:checked)").await;

    // Off at first: neither the page nor the system makes a sound.
    let notes = async || browser.script("return globalThis.notes").await;
    look(browser, false).await;
    bert.send("in silence").await;
    notified(browser, 1).await;
    assert_eq!(
        browser.script("return globalThis.last.entry.silent").await,
        json!(true)
    );
    assert_eq!(notes().await, json!([]));

    // On, but with somebody who looks: nothing.
    look(browser, true).await;
    browser.press("#notify-sound").await;
    browser.see("#notify-sound:checked").await;
    ada.open(&bert_id).await;
    bert.send("before her eyes").await;
    ada.reads("before her eyes").await;
    // What comes after it is sent, so it was told by now if at all.
    ada.send("I see").await;
    ada.delivered().await;
    assert_eq!(notes().await, json!([]));

    // On, and nobody looks: two notes of the page, and none of the system.
    look(browser, false).await;
    bert.send("to be heard").await;
    notified(browser, 2).await;
    assert_eq!(notes().await, json!([880, 1175]));
    assert_eq!(
        browser.script("return globalThis.last.entry.silent").await,
        json!(true)
    );

    // The choice stays.
    browser.reload().await;
    ada.home().await;
    browser.press("#open-settings").await;
    browser.press("#settings-notifications").await;
    browser.see("#notify-sound:checked").await;
}

/// What a page does every minute, it does every half second.
const QUICK_MINUTES: &str = "{
    const repeat = globalThis.setInterval;
    globalThis.setInterval = (run, period, ...rest) =>
        repeat(run, period === 60000 ? 500 : period, ...rest);
}";

#[tokio::test]
async fn a_mute_for_an_hour_ends_by_itself() {
    let network = Network::start();
    let [(ada, ada_id), (bert, bert_id)] = User::pair(&network).await;
    ada.write_to(&bert_id).await;
    ada.send("Hello Bert").await;
    bert.accept(&ada_id).await;
    bert.send("Hello Ada").await;
    ada.reads("Hello Ada").await;
    let browser = &ada.browser;
    browser.before_each_page(QUICK_MINUTES).await;
    browser.holds_clock().await;
    browser.reload().await;
    ada.open(&bert_id).await;
    let row = format!("[data-conversation='{bert_id}']");
    let muted = format!("{row} [title='Muted']");
    browser.press("#open-details").await;
    browser.press("#notify option[value=hour]").await;
    browser.see(&muted).await;
    browser.press("#open-settings").await;
    bert.send("Are you there?").await;
    browser.see(&format!("{row} .unread.quiet")).await;
    assert_eq!(browser.script("return document.title").await, json!("Holdfast"));

    browser.clock_ahead(Duration::from_secs(2 * 60 * 60)).await;
    browser.gone(&muted).await;
    browser.see(&format!("{row} .unread:not(.quiet)")).await;
    browser
        .until("the unread message in the title", async || {
            (browser.script("return document.title").await == json!("(1) Holdfast")).then_some(())
        })
        .await;
}
