//! Notifications that the service worker shows, where the page itself can show none: as in browsers on phones.

use serde_json::{Value, json};

use crate::driver::Browser;
use crate::files_sending::awaiting;
use crate::network::{Network, workspace};
use crate::settings::{LOOKING, look};
use crate::user::{Place, User};

/// What Chrome on Android says to a page that shows one by itself. Here no system shows any, and the browser forgets them at
/// once: what the service worker is asked to show stays in the page instead, until the page closes it. The worker's own part
/// is tried below.
const PHONE_LIKE: &str = "{
    const Theirs = globalThis.Notification;
    globalThis.Notification = class {
        static get permission() { return Theirs.permission; }
        static requestPermission() { return Theirs.requestPermission(); }
        constructor() { throw new TypeError('Illegal constructor'); }
    };
    let shown = [];
    const post = ServiceWorker.prototype.postMessage;
    ServiceWorker.prototype.postMessage = function (message, ...rest) {
        if (!message.notify) return post.call(this, message, ...rest);
        const { title, options } = message.notify;
        const one = { title, ...options, close: () => { shown = shown.filter((other) => other !== one); } };
        shown = [...shown.filter(({ tag }) => tag !== one.tag), one];
        rest[0][0].postMessage(true);
    };
    ServiceWorkerRegistration.prototype.getNotifications = async () => [...shown];
}";

/// What is shown, as the browser lists it.
const OPEN: &str = "const there = await navigator.serviceWorker.getRegistration(); \
     const open = await there.getNotifications();";

/// Ada at a browser that is like a phone's, with notifications on.
async fn at_phone(network: &Network, more: &str) -> User {
    let ada = User {
        browser: Browser::start_notified().await,
    };
    let browser = &ada.browser;
    for script in [LOOKING, PHONE_LIKE, more] {
        browser.before_each_page(script).await;
    }
    browser.open(&network.app()).await;
    ada.create("Ada", Place::OwnDevice).await;
    browser.press("#open-settings").await;
    browser.press("#settings-notifications").await;
    browser.press("#notify").await;
    browser.see("#notify-sample").await;
    ada
}

/// Waits until exactly these are shown: title and text of each.
async fn shows(browser: &Browser, wanted: Value) {
    let script = awaiting(&format!(
        "{OPEN} return open.map((one) => [one.title, one.body]);"
    ));
    browser
        .until(&format!("the notifications {wanted}"), async || {
            (browser.script(&script).await == wanted).then_some(())
        })
        .await;
}

#[tokio::test]
async fn a_phone_shows_counts_and_withdraws_them_and_a_choice_opens_the_conversation() {
    let network = Network::start();
    let (ada, bert) = futures::join!(
        at_phone(&network, ""),
        User::join(&network, "Bert", Place::SharedComputer)
    );
    let browser = &ada.browser;
    browser
        .until("the service worker", async || {
            let found = "return navigator.serviceWorker.getRegistration().then((found) => !!found?.active)";
            (browser.script(found).await == true).then_some(())
        })
        .await;
    browser.press("#notify-sample").await;
    shows(browser, json!([["Holdfast", "New message"]])).await;
    assert!(!browser.has(".pane .warning").await, "it was shown");

    let (ada_id, bert_id) = (ada.id().await, bert.id().await);
    ada.write_to(&bert_id).await;
    ada.send("Hello Bert").await;
    bert.accept(&ada_id).await;
    bert.send("Hello Ada").await;
    ada.reads("Hello Ada").await;
    browser.press("#open-settings").await;
    look(browser, false).await;
    look(browser, true).await;
    shows(browser, json!([])).await;

    // What comes while one is open takes its place and is counted.
    look(browser, false).await;
    bert.send("secret one").await;
    shows(browser, json!([["Holdfast", "New message"]])).await;
    bert.send("secret two").await;
    shows(browser, json!([["2 new messages", ""]])).await;

    // Nothing that the browser keeps of it says whom it is about.
    let kept = browser
        .script(&awaiting(&format!(
            "{OPEN} const [one] = open; return [one.tag, Object.keys(one).sort(), one.silent];"
        )))
        .await;
    let tag = kept[0].as_str().expect("a tag").to_owned();
    assert!(tag.len() == 32 && tag.chars().all(|digit| digit.is_ascii_hexdigit()));
    assert_eq!(
        kept[1],
        json!(["body", "close", "icon", "silent", "tag", "title"])
    );
    assert_eq!(kept[2], json!(true));

    // Chosen: the service worker tells the page, which alone knows what it is about. Of others it knows nothing.
    let address = browser.script("return location.href").await;
    let choose = |tag: &str| {
        format!(
            "navigator.serviceWorker.dispatchEvent(new MessageEvent('message', {{ data: {{ chosen: '{tag}' }} }}))"
        )
    };
    browser.script(&choose("another")).await;
    browser.see("#settings-notifications").await;
    bert.send("secret three").await;
    shows(browser, json!([["3 new messages", ""]])).await;
    browser.script(&choose(&tag)).await;
    ada.reads("secret three").await;
    shows(browser, json!([])).await;
    assert_eq!(browser.script("return location.href").await, address);

    // Read, though the browser never says that anybody came back.
    browser.press("#open-settings").await;
    bert.send("secret four").await;
    shows(browser, json!([["Holdfast", "New message"]])).await;
    browser.script("globalThis.looking = true").await;
    ada.open(&bert_id).await;
    ada.reads("secret four").await;
    shows(browser, json!([])).await;

    // The account leaves the device, and so does what was told of it.
    browser.script("globalThis.looking = false").await;
    browser.press("#open-settings").await;
    bert.send("secret five").await;
    shows(browser, json!([["Holdfast", "New message"]])).await;
    ada.log_out().await;
    shows(browser, json!([])).await;
}

#[tokio::test]
async fn a_browser_that_shows_none_in_any_way_is_said_to() {
    let network = Network::start();
    let without_worker = "Object.defineProperty(Navigator.prototype, 'serviceWorker', { value: undefined });";
    let ada = at_phone(&network, without_worker).await;
    assert!(!ada.browser.has(".pane .warning").await, "nothing was tried yet");
    ada.browser.press("#notify-sample").await;
    ada.browser
        .read(".pane .warning", "This browser shows no notifications")
        .await;
    ada.browser.press("#open-settings").await;
    ada.browser.read("#settings-notifications", "Off").await;
}

/// The service worker's program among windows of a test: what it does to them is told.
const AMONG_WINDOWS: &str = "
    const scope = 'https://here.example/app/';
    const [heard, told] = [{}, []];
    const registration = {
        scope,
        showNotification: async (title, options) => {
            if (!title) throw new TypeError('no permission');
            told.push([title, options]);
        },
    };
    const client = (id, url, frameType) => ({
        id, url, frameType,
        postMessage: (data) => told.push([id, data]),
        focus: async () => { told.push([id, 'focus']); },
    });
    let windows = [];
    const clients = {
        matchAll: async () => windows,
        get: async (id) => windows.find((one) => one.id === id),
        openWindow: async (url) => { told.push(['opened', url]); },
    };
    const happen = async (name, event) => {
        const waits = [];
        heard[name]({ ...event, waitUntil: (work) => waits.push(work) });
        await Promise.all(waits);
        return told.splice(0);
    };
    const notification = (data) => ({ tag: 'tag', data, close: () => told.push('closed') });
    const listen = (name, run) => { heard[name] = run; };
    (function (registration, clients, addEventListener, skipWaiting) {
";

#[tokio::test]
async fn the_service_worker_leads_back_to_the_window_that_asked_for_a_notification() {
    let network = Network::start();
    let somebody = User::arrive(&network).await;
    let program = std::fs::read_to_string(workspace().join("static/service-worker.js")).expect("the program");
    let among = [
        AMONG_WINDOWS,
        program.as_str(),
        "\n})(registration, clients, listen, () => {});",
    ]
    .concat();
    let run = async |what: &str| {
        let script = awaiting(&[among.as_str(), what].concat());
        somebody.browser.script(&script).await
    };
    let scope = "https://here.example/app/";

    // It notes which window asked, and says whether it was shown.
    let ask = "const ask = (title) => happen('message', { data: { notify: { title, options: { tag: 'tag' } } }, \
               source: { id: 'a' }, ports: [{ postMessage: (done) => told.push(done) }] });";
    assert_eq!(
        run(&format!("{ask} return [await ask('Holdfast'), await ask('')];")).await,
        json!([[["Holdfast", { "tag": "tag", "data": "a" }], true], [false]])
    );

    // Chosen, it is closed, and that window comes to the front and hears of it, though another was used last.
    let windows = "windows = [client('frame', scope, 'nested'), client('else', 'https://here.example/', 'top-level'), \
                   client('b', `${scope}?lang=de`, 'top-level'), client('a', scope, 'top-level')];";
    let click =
        |id: &str| format!("return happen('notificationclick', {{ notification: notification('{id}') }});");
    assert_eq!(
        run(&format!("{windows} {}", click("a"))).await,
        json!(["closed", ["a", { "chosen": "tag" }], ["a", "focus"]])
    );
    // Where that one has gone, the app's window that was used last; where there is none, a new one, at the app's own address.
    assert_eq!(
        run(&format!("{windows} {}", click("gone"))).await,
        json!(["closed", ["b", { "chosen": "tag" }], ["b", "focus"]])
    );
    assert_eq!(run(&click("a")).await, json!(["closed", ["opened", scope]]));

    // Put away, the window hears of that too.
    let close = "return happen('notificationclose', { notification: notification('a') });";
    assert_eq!(
        run(&format!("{windows} {close}")).await,
        json!([["a", { "dismissed": "tag" }]])
    );
    assert_eq!(run(close).await, json!([]));
}
