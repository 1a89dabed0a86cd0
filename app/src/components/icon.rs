//! Line icons on a 24-unit grid, drawn in the text's colour.

use leptos::prelude::*;

/// An icon, by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub(crate) enum Icon {
    Alert,
    Back,
    Bell,
    Block,
    Camera,
    Chat,
    Check,
    Checks,
    Chevron,
    Clear,
    Clock,
    Close,
    Copy,
    Device,
    Document,
    Down,
    Download,
    Edit,
    Emoji,
    External,
    Eye,
    Film,
    Gallery,
    Hide,
    Info,
    Key,
    Keyboard,
    Lock,
    Link,
    LogOut,
    Mic,
    More,
    Mute,
    Network,
    NewChat,
    Note,
    Offline,
    Pause,
    Person,
    PersonOff,
    Phone,
    Photo,
    Pin,
    Play,
    Plus,
    Qr,
    Reply,
    Requests,
    Retry,
    Search,
    Select,
    Send,
    Settings,
    Shared,
    Sound,
    Stop,
    Storage,
    Timer,
    Trash,
    Unread,
    Up,
}

impl Icon {
    /// The strokes.
    const fn path(self) -> &'static str {
        match self {
            Icon::Alert => {
                "M12 9v4.5M12 17h.01M10.4 4.2 2.6 17.6A1.9 1.9 0 0 0 4.2 20.5h15.6a1.9 1.9 0 0 0 1.6-2.9L13.6 4.2a1.9 1.9 0 0 0-3.2 0z"
            }
            Icon::Back => "M15 5l-7 7 7 7",
            Icon::Check => "M5 12.5l4.5 4.5L19 7.5",
            Icon::Chevron => "M9.5 6l6 6-6 6",
            Icon::Clock => "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7.5V12l3 2",
            Icon::Copy => {
                "M10.5 8.5h7a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2zM4.5 14V6.5a2 2 0 0 1 2-2H14"
            }
            Icon::Device => "M6.5 5h11A1.5 1.5 0 0 1 19 6.5V15H5V6.5A1.5 1.5 0 0 1 6.5 5zM2.5 19h19",
            Icon::Camera => {
                "M8.5 7l1.3-2h4.4l1.3 2H19a1.5 1.5 0 0 1 1.5 1.5v9A1.5 1.5 0 0 1 19 19H5a1.5 1.5 0 0 1-1.5-1.5v-9A1.5 1.5 0 0 1 5 7zM12 9.5a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.4z"
            }
            Icon::Document => {
                "M7 3.5h7.5L19 8v11a1.5 1.5 0 0 1-1.5 1.5H7A1.5 1.5 0 0 1 5.5 19V5A1.5 1.5 0 0 1 7 3.5zM14 3.5V8.5h5"
            }
            Icon::Download => "M12 4.5v10.5M7 10.5L12 15.5l5-5M5 19.5h14",
            Icon::Film => {
                "M5 6.5h8.5A1.5 1.5 0 0 1 15 8v8a1.5 1.5 0 0 1-1.5 1.5H5A1.5 1.5 0 0 1 3.5 16V8A1.5 1.5 0 0 1 5 6.5zM15 11l5.5-3.5v9L15 13"
            }
            Icon::Gallery => {
                "M5 4.5h5.5v6H4.5V5zM13.5 4.5H19l.5.5v5.5h-6zM4.5 13.5h6v6H5l-.5-.5zM13.5 13.5h6V19l-.5.5h-5.5z"
            }
            Icon::Link => {
                "M10 14a4 4 0 0 0 6 .4l2.6-2.6a4 4 0 0 0-5.7-5.7L11.5 7.5M14 10a4 4 0 0 0-6-.4l-2.6 2.6a4 4 0 0 0 5.7 5.7l1.4-1.4"
            }
            Icon::Mic => {
                "M12 3.5a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0v-5a3 3 0 0 1 3-3zM5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3"
            }
            Icon::Pause => "M8.5 6v12M15.5 6v12",
            Icon::Photo => {
                "M5.5 5h13A1.5 1.5 0 0 1 20 6.5v11a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 17.5v-11A1.5 1.5 0 0 1 5.5 5zM4.5 16.5L9 12l4.5 4.5 2-2 4 3.5M15.5 9.2h.01"
            }
            Icon::Play => "M8 5.5l10.5 6.5L8 18.5z",
            Icon::Sound => {
                "M9.5 17.5V6l9-2v11.5M7 20a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM16 18a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z"
            }
            Icon::Stop => {
                "M8 6.5h8A1.5 1.5 0 0 1 17.5 8v8a1.5 1.5 0 0 1-1.5 1.5H8A1.5 1.5 0 0 1 6.5 16V8A1.5 1.5 0 0 1 8 6.5z"
            }
            Icon::Storage => {
                "M12 4c4 0 7 1.1 7 2.5S16 9 12 9 5 7.9 5 6.5 8 4 12 4zM5 6.5v11C5 18.9 8 20 12 20s7-1.1 7-2.5v-11M5 12c0 1.4 3 2.5 7 2.5s7-1.1 7-2.5"
            }
            Icon::Down => "M12 5v14M6 13l6 6 6-6",
            Icon::Emoji => {
                "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM8.5 14.2s1.2 2 3.5 2 3.5-2 3.5-2M9 9.7h.01M15 9.7h.01"
            }
            Icon::Eye => {
                "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6z"
            }
            Icon::External => {
                "M14 4.5h5.5V10M19.5 4.5L11 13M17.5 14v4a1.5 1.5 0 0 1-1.5 1.5H6A1.5 1.5 0 0 1 4.5 18V8A1.5 1.5 0 0 1 6 6.5h4"
            }
            Icon::Key => {
                "M15.5 8.5h.01M14.5 3.5a6 6 0 0 0-5.7 7.9L3.5 16.7v3.8h3.8v-2.3h2.4v-2.4l2.1-1.9a6 6 0 1 0 2.7-10.4z"
            }
            Icon::Lock => {
                "M7 11h10a1.5 1.5 0 0 1 1.5 1.5v6A1.5 1.5 0 0 1 17 20H7a1.5 1.5 0 0 1-1.5-1.5v-6A1.5 1.5 0 0 1 7 11zM8.5 11V7.5a3.5 3.5 0 0 1 7 0V11"
            }
            Icon::LogOut => "M10 4.5H6.5a2 2 0 0 0-2 2v11a2 2 0 0 0 2 2H10M15 8l4 4-4 4M19 12H9.5",
            Icon::More => "M5.5 12h.01M12 12h.01M18.5 12h.01",
            Icon::Network => {
                "M12 3a2.2 2.2 0 1 0 0 4.4A2.2 2.2 0 0 0 12 3zM5.5 16.6a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4zM18.5 16.6a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4zM12 7.4V12M12 12l-5.2 4.9M12 12l5.2 4.9"
            }
            Icon::NewChat => {
                "M12.5 4.5H6.5a2 2 0 0 0-2 2v11a2 2 0 0 0 2 2h11a2 2 0 0 0 2-2v-6M17.8 3.7a1.77 1.77 0 0 1 2.5 2.5L12.5 14l-3.3.8.8-3.3z"
            }
            Icon::Note => {
                "M7 3.5h7.5L19 8v11a1.5 1.5 0 0 1-1.5 1.5H7A1.5 1.5 0 0 1 5.5 19V5A1.5 1.5 0 0 1 7 3.5zM14 3.5V8.5h5M9 12.5h6M9 16h4"
            }
            Icon::Offline => {
                "M4 4l16 16M8.7 5.6A15 15 0 0 1 22 9.5M2 9.5a15 15 0 0 1 4-2.6M5.5 13a10 10 0 0 1 5-2.7M15.3 11a10 10 0 0 1 3.2 2M9 16.5a4.5 4.5 0 0 1 5.5-.3M12 20h.01"
            }
            Icon::Person => {
                "M12 12.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c.8-3.6 3.8-5.5 7.5-5.5s6.7 1.9 7.5 5.5"
            }
            Icon::Qr => {
                "M4.5 4.5h6v6h-6zM13.5 4.5h6v6h-6zM4.5 13.5h6v6h-6zM13.5 13.5h2.5M19.5 13.5v2.5M13.5 17v2.5H16M19.5 19.5h.01"
            }
            Icon::Retry => "M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9M19.5 4v5h-5",
            Icon::Search => "M10.5 4.5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15 15l5 5",
            Icon::Send => "M12 19.5V5M5.5 11.5L12 5l6.5 6.5",
            Icon::Settings => {
                "M4 7.5h9M19 7.5h1M4 16.5h1M11 16.5h9M16 5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zM8 14a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z"
            }
            Icon::Shared => {
                "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19.5c.6-3.2 3.2-5 6.5-5s5.9 1.8 6.5 5M15.8 4.8a3.5 3.5 0 0 1 0 6.4M18.2 14.9c1.8.8 2.9 2.4 3.3 4.6"
            }
            Icon::Bell => {
                "M12 4a5.5 5.5 0 0 0-5.5 5.5c0 5-2 6.5-2 6.5h15s-2-1.5-2-6.5A5.5 5.5 0 0 0 12 4zM10.3 19.5a2 2 0 0 0 3.4 0"
            }
            Icon::Mute => {
                "M8 5.7A5.5 5.5 0 0 1 17.5 9.5c0 2 .3 3.4.7 4.4M15.5 16h-11s2-1.5 2-6.5c0-.6.1-1.2.3-1.7M10.3 19.5a2 2 0 0 0 3.4 0M4 4l16 16"
            }
            Icon::Block => "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM6 6l12 12",
            Icon::Clear => "M14 4l-3.5 7M7 10.5l8 4-2.5 6L4.5 18c1.5-2 2.5-4.5 2.5-7.5zM9.5 19.5l1.5-3",
            Icon::Checks => "M2.5 12.5L7 17l9.5-9.5M12 16l1 1 9-9.5",
            Icon::Close => "M6 6l12 12M18 6L6 18",
            Icon::Hide => {
                "M4 4l16 16M9.5 5.9A9 9 0 0 1 12 5.5c6 0 9.5 6.5 9.5 6.5a17 17 0 0 1-3 3.7M6.3 7.5A16.5 16.5 0 0 0 2.5 12S6 18.5 12 18.5a9 9 0 0 0 4-.9M10 10.1a2.8 2.8 0 0 0 3.9 3.9"
            }
            Icon::Info => "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 11v5M12 8h.01",
            Icon::Edit => "M4.5 19.5l1-4L16 5a2.1 2.1 0 0 1 3 3L8.5 18.5zM14 7l3 3",
            Icon::Phone => {
                "M5 4.5h3.5L10 9l-2 1.5a11 11 0 0 0 5.5 5.5L15 14l4.5 1.5V19a1.5 1.5 0 0 1-1.5 1.5A14.5 14.5 0 0 1 3.5 6 1.5 1.5 0 0 1 5 4.5z"
            }
            Icon::Pin => "M9 4h6l-.7 6 3.2 3v1.5h-11V13l3.2-3zM12 14.5V20",
            Icon::Plus => "M12 5v14M5 12h14",
            Icon::Reply => "M9.5 6L4 11.5 9.5 17M4.5 11.5H13a6.5 6.5 0 0 1 6.5 6.5",
            Icon::Select => "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM8 12.3l2.8 2.7L16 9.5",
            Icon::Timer => "M12 6a7.25 7.25 0 1 0 0 14.5A7.25 7.25 0 0 0 12 6zM12 9.5v4l2.5 1.5M9.5 3h5",
            Icon::Unread => {
                "M4.5 6.5h9M19.5 10v7.5h-15V6.5M4.5 7.5l7.5 6 4-3.2M18.5 3.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z"
            }
            Icon::Up => "M12 19V5M6 11l6-6 6 6",
            Icon::Trash => {
                "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.9 11.6A1.5 1.5 0 0 0 8.9 20h6.2a1.5 1.5 0 0 0 1.5-1.4L17.5 7M10.3 11v5M13.7 11v5"
            }
            Icon::Chat => {
                "M5.5 4.5h13a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H12l-4.5 4v-4h-2a2 2 0 0 1-2-2v-8a2 2 0 0 1 2-2z"
            }
            Icon::Keyboard => {
                "M4.5 6.5h15a1.5 1.5 0 0 1 1.5 1.5v8a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 16V8a1.5 1.5 0 0 1 1.5-1.5zM7 10h.01M10.5 10h.01M14 10h.01M17 10h.01M8 14h8"
            }
            Icon::PersonOff => {
                "M10 12.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2.5 20.5c.8-3.6 3.8-5.5 7.5-5.5 1.5 0 2.9.3 4 .9M16 16l5 5M21 16l-5 5"
            }
            Icon::Requests => {
                "M12.5 4.5h-7a2 2 0 0 0-2 2v8a2 2 0 0 0 2 2h2v4l4.5-4h6.5a2 2 0 0 0 2-2v-3M18 3.5v6M15 6.5h6"
            }
        }
    }

    /// Whether it points in the reading direction, and so is mirrored for languages written from the right.
    const fn mirrored(self) -> bool {
        matches!(self, Icon::Back | Icon::Chevron | Icon::LogOut | Icon::Reply)
    }
}

/// Draws an icon. It says nothing to screen readers: the control around it has a name.
pub(crate) fn icon(icon: Icon) -> impl IntoView {
    view! {
        <svg class="icon" class:mirrored=icon.mirrored() class:dots=icon == Icon::More class:solid=matches!(icon, Icon::Play | Icon::Pause | Icon::Stop) viewBox="0 0 24 24" aria-hidden="true">
            <path d=icon.path() />
        </svg>
    }
}

/// A button that shows an icon. Its name is told to screen readers, and where a mouse rests on it.
pub(crate) fn icon_button(
    id: &'static str,
    picture: Icon,
    label: String,
    act: impl Fn() + 'static,
) -> AnyView {
    view! {
        <button
            type="button"
            id=id
            class="icon-button"
            aria-label=label.clone()
            title=label
            on:click=move |_| act()
        >
            {icon(picture)}
        </button>
    }
    .into_any()
}

/// The product's mark: three rounded strokes rising from one root.
pub(crate) fn mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 48 48" aria-hidden="true">
            <path d="M24 43C21.5 33 27 24 24 6M24 43C23 32 12 31 10.5 16M24 43C25 32 36 31 37.5 16" />
        </svg>
    }
}
