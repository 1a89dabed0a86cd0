//! Links that are sent with what there is to show of them.

use holdfast_client::api::{LinkImage, LinkPage, NewLink};
use holdfast_protocol::file::lookup::Page;

use super::*;

const LINK: &str = "https://example.org/tides";

fn new_link(image: Option<Vec<u8>>) -> NewLink {
    NewLink {
        url: LINK.to_owned(),
        title: "Tide\ntables".to_owned(),
        image: image.map(|bytes| LinkImage {
            bytes,
            content_type: "image/png".to_owned(),
            width: 640,
            height: 320,
        }),
    }
}

async fn send_link(device: &Device, to: Id, body: &str, link: NewLink) -> Result<Message, Failure> {
    let command = Command::SendText {
        conversation: to,
        body: body.to_owned(),
        reply_to: None,
        files: Vec::new(),
        link: Some(link),
    };
    match device.engine.request(command).await? {
        Reply::Accepted(message) => Ok(message),
        other => panic!("{other:?}"),
    }
}

/// The newest message once it is as wanted.
async fn wait_for(device: &Device, conversation: Id, what: &str, fits: impl Fn(&Message) -> bool) -> Message {
    let seen = async {
        loop {
            if let Some(message) = device.messages(conversation).await.pop()
                && fits(&message)
            {
                return message;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(SOON, seen)
        .await
        .unwrap_or_else(|_| panic!("no {what}"))
}

#[tokio::test(start_paused = true)]
async fn the_helper_is_asked_only_on_request_and_says_what_there_is() {
    run(async {
        let world = World::with_files().await;
        let (alice, _, _bob, bob_id) = friends(&world).await;
        let look = || alice.engine.request(Command::LookAtLink(LINK.to_owned()));
        let plain = send(&alice, bob_id, &format!("See {LINK}"), Vec::new())
            .await
            .unwrap();
        assert_eq!(plain.link, None);
        assert!(world.asked_about().is_empty(), "nobody asked");

        assert_eq!(look().await.unwrap_err(), Failure::LinkBlank);
        let page = Page {
            title: Some(" Tide \n tables ".to_owned()),
            image: Some(png()),
        };
        world.set_page(200, page);
        let Reply::LinkPage(page) = look().await.unwrap() else {
            panic!("no page");
        };
        let shown = LinkPage {
            title: Some("Tide tables".to_owned()),
            image: Some(png()),
        };
        assert_eq!(page, shown);
        world.set_page(502, Page::default());
        assert_eq!(look().await.unwrap_err(), Failure::LinkUnreachable);
        world.set_file_server_up(false);
        assert_eq!(look().await.unwrap_err(), Failure::LinkUnreachable);
        assert_eq!(world.asked_about(), [LINK; 3]);
        for link in ["http://example.org/", "https://user@example.org/", "nothing"] {
            let asked = alice.engine.request(Command::LookAtLink(link.to_owned())).await;
            assert_eq!(asked.unwrap_err(), Failure::LinkBlank, "{link}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_link_arrives_with_its_title_and_picture() {
    run(async {
        let world = World::with_files().await;
        let (mut alice, alice_id, bob, bob_id) = friends(&world).await;
        let body = format!("Look: {LINK}");
        // The picture takes its way through the file server, and a crash in between loses nothing.
        world.set_file_server_up(false);
        let sent = send_link(&alice, bob_id, &body, new_link(Some(png())))
            .await
            .unwrap();
        let link = sent.link.expect("a link");
        assert_eq!((link.url.as_str(), link.title.as_str()), (LINK, "Tide tables"));
        let own = link.image.expect("a picture");
        assert_eq!(own.state, FileState::Here);
        alice.restart().await;
        world.set_file_server_up(true);
        let came = wait_for(&bob, alice_id, "link", |message| message.body == body).await;
        let link = came.link.expect("a link");
        assert_eq!((link.url.as_str(), link.title.as_str()), (LINK, "Tide tables"));
        let image = link.image.expect("a picture");
        assert_eq!((image.info.width, image.info.height), (640, 320));
        bob.ask(Command::LoadFile(image.file)).await;
        let loaded = |message: &Message| {
            let image = message.link.as_ref().and_then(|link| link.image.as_ref());
            image.is_some_and(|image| image.state == FileState::Here)
        };
        wait_for(&bob, alice_id, "picture", loaded).await;
        assert_eq!(read(&bob, image.file, png().len() as u64).await, png());
        assert_eq!(read(&alice, own.file, png().len() as u64).await, png());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_title_alone_goes_with_the_text() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id) = friends(&world).await;
        // Nothing has to be uploaded.
        world.set_file_server_up(false);
        send_link(&alice, bob_id, LINK, new_link(None)).await.unwrap();
        let came = wait_for(&bob, alice_id, "link", |message| message.body == LINK).await;
        assert_eq!(came.link.expect("a link").title, "Tide tables");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_receivers_would_not_show_is_refused() {
    run(async {
        let world = World::with_files().await;
        let (alice, _, _bob, bob_id) = friends(&world).await;
        let refused = async |body: &str, link: NewLink| {
            assert_eq!(
                send_link(&alice, bob_id, body, link).await.unwrap_err(),
                Failure::LinkPreview
            );
        };
        refused("another text", new_link(Some(png()))).await;
        refused(LINK, new_link(Some(b"<svg/>".to_vec()))).await;
        let large = [png(), vec![0; holdfast_client::api::MAX_LINK_IMAGE]].concat();
        refused(LINK, new_link(Some(large))).await;
        let blank = NewLink {
            title: " ".to_owned(),
            ..new_link(None)
        };
        refused(LINK, blank).await;
        let plain_http = NewLink {
            url: "http://example.org/".to_owned(),
            ..new_link(None)
        };
        refused("http://example.org/", plain_http).await;
    })
    .await;
}
