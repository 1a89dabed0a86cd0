//! Dates, times and numbers as the reader's language writes them, by `Intl`.

use std::cell::RefCell;
use std::collections::HashMap;

use js_sys::{Array, Date, Function, Intl, Object};
use wasm_bindgen::JsValue;

use super::{t, tag, tf, tn};
use crate::platform::object::object;

/// Milliseconds of a day.
const DAY_MS: f64 = 86_400_000.0;
/// Milliseconds of a minute.
const MINUTE_MS: f64 = 60_000.0;
/// Days after which a list row shows a date instead of a weekday and time (`spec/12-client-behaviour.md §9.1`).
const WEEK_DAYS: i64 = 7;

/// What a formatter shows. Making one costs a browser much more than using it, so each is kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Shape {
    Clock,
    WeekdayClock,
    DayMonth,
    ShortDate,
    LongDay,
    LongDayYear,
    Full,
    Exact,
    Month,
    MonthYear,
}

/// How a number is written.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    Plain,
    /// At least two digits.
    TwoDigits,
    /// At most one digit after the point.
    OneDecimal,
    Kilobytes,
    Megabytes,
    Gigabytes,
}

thread_local! {
    static FORMATTERS: RefCell<HashMap<Shape, Function>> = RefCell::new(HashMap::new());
    static NUMBERS: RefCell<HashMap<Form, Function>> = RefCell::new(HashMap::new());
}

pub(super) fn forget_formatters() {
    FORMATTERS.with_borrow_mut(HashMap::clear);
    NUMBERS.with_borrow_mut(HashMap::clear);
}

fn options(pairs: &[(&str, &str)]) -> Object {
    let fields: Vec<_> = pairs
        .iter()
        .map(|(key, value)| (*key, JsValue::from_str(value)))
        .collect();
    object(&fields)
}

fn locales() -> Array {
    Array::of1(&JsValue::from_str(&tag()))
}

fn formatted(shape: Shape, ms: f64) -> String {
    let function = FORMATTERS.with_borrow_mut(|cache| {
        cache
            .entry(shape)
            .or_insert_with(|| {
                let pairs: &[(&str, &str)] = match shape {
                    Shape::Clock => &[("hour", "numeric"), ("minute", "2-digit")],
                    Shape::WeekdayClock => {
                        &[("weekday", "short"), ("hour", "numeric"), ("minute", "2-digit")]
                    }
                    Shape::DayMonth => &[("day", "numeric"), ("month", "short")],
                    Shape::ShortDate => &[("day", "numeric"), ("month", "short"), ("year", "numeric")],
                    Shape::LongDay => &[("weekday", "long"), ("day", "numeric"), ("month", "long")],
                    Shape::LongDayYear => &[("day", "numeric"), ("month", "long"), ("year", "numeric")],
                    Shape::Month => &[("month", "long")],
                    Shape::MonthYear => &[("month", "long"), ("year", "numeric")],
                    Shape::Exact => &[
                        ("day", "numeric"),
                        ("month", "short"),
                        ("year", "numeric"),
                        ("hour", "numeric"),
                        ("minute", "2-digit"),
                        ("second", "2-digit"),
                    ],
                    Shape::Full => &[
                        ("weekday", "long"),
                        ("day", "numeric"),
                        ("month", "short"),
                        ("year", "numeric"),
                        ("hour", "numeric"),
                        ("minute", "2-digit"),
                    ],
                };
                Intl::DateTimeFormat::new(&locales(), &options(pairs)).format()
            })
            .clone()
    });
    function
        .call1(&JsValue::UNDEFINED, &Date::new(&ms.into()))
        .ok()
        .and_then(|text| text.as_string())
        .unwrap_or_default()
}

/// The local day that a moment falls on, counted from 1970-01-01.
pub(crate) fn local_day(ms: u64) -> i64 {
    let ms = ms as f64;
    let offset = Date::new(&ms.into()).get_timezone_offset();
    ((ms - offset * MINUTE_MS) / DAY_MS).floor() as i64
}

fn same_year(a: f64, b: f64) -> bool {
    Date::new(&a.into()).get_full_year() == Date::new(&b.into()).get_full_year()
}

/// Hour and minute.
pub(crate) fn clock(ms: u64) -> String {
    formatted(Shape::Clock, ms as f64)
}

/// Day, date and time in full, for tooltips and screen readers.
pub(crate) fn full_date(ms: u64) -> String {
    formatted(Shape::Full, ms as f64)
}

/// A date without the time.
pub(crate) fn date(ms: u64) -> String {
    formatted(Shape::ShortDate, ms as f64)
}

/// Date and time to the second, for what is known about one message.
pub(crate) fn full_time(ms: u64) -> String {
    formatted(Shape::Exact, ms as f64)
}

/// A list row's time: the clock today, with the weekday within a week, else a date.
pub(crate) fn list_time(ms: u64) -> String {
    let now = Date::now();
    let days = local_day(now as u64) - local_day(ms);
    let at = ms as f64;
    match days {
        0 => formatted(Shape::Clock, at),
        1..WEEK_DAYS => formatted(Shape::WeekdayClock, at),
        _ if same_year(at, now) => formatted(Shape::DayMonth, at),
        _ => formatted(Shape::ShortDate, at),
    }
}

/// The heading over a day's messages.
pub(crate) fn day_heading(ms: u64) -> String {
    let now = Date::now();
    let at = ms as f64;
    match local_day(now as u64) - local_day(ms) {
        0 => t("date.today"),
        1 => t("date.yesterday"),
        _ if same_year(at, now) => formatted(Shape::LongDay, at),
        _ => formatted(Shape::LongDayYear, at),
    }
}

/// How long ago a moment was, in words, rounded down.
pub(crate) fn duration_ago(ms: u64) -> String {
    let seconds = ((Date::now() - ms as f64) / 1000.0).max(0.0) as u64;
    match seconds {
        0..5 => t("ago.now"),
        5..60 => tn("ago.seconds", seconds),
        60..3600 => tn("ago.minutes", seconds / 60),
        3600..86_400 => tn("ago.hours", seconds / 3600),
        _ => tf("ago.date", &[("date", &full_date(ms))]),
    }
}

/// A whole number with the language's digits and separators.
pub(crate) fn number(value: f64) -> String {
    written(Form::Plain, value)
}

fn written(form: Form, value: f64) -> String {
    let unit = |unit: &'static str| {
        vec![
            ("style", "unit"),
            ("unit", unit),
            ("unitDisplay", "short"),
            ("maximumFractionDigits", "1"),
        ]
    };
    let function = NUMBERS.with_borrow_mut(|cache| {
        cache
            .entry(form)
            .or_insert_with(|| {
                let pairs = match form {
                    Form::Plain => Vec::new(),
                    Form::TwoDigits => vec![("minimumIntegerDigits", "2")],
                    Form::OneDecimal => vec![("maximumFractionDigits", "1")],
                    Form::Kilobytes => unit("kilobyte"),
                    Form::Megabytes => unit("megabyte"),
                    Form::Gigabytes => unit("gigabyte"),
                };
                Intl::NumberFormat::new(&locales(), &options(&pairs)).format()
            })
            .clone()
    });
    function
        .call1(&JsValue::UNDEFINED, &value.into())
        .ok()
        .and_then(|text| text.as_string())
        .unwrap_or_else(|| (value as i64).to_string())
}

/// A number of bytes in a unit that people read, with at most one digit after the point.
pub(crate) fn bytes(count: u64) -> String {
    const STEP: f64 = 1000.0;
    let kilobytes = count as f64 / STEP;
    // Rounded before the unit is chosen: 999.96 MB are 1 GB.
    let tenths = |value: f64| (value * 10.0).round() / 10.0;
    if tenths(kilobytes) < STEP {
        // A file has no tenths of a kilobyte that anybody asks for.
        written(
            Form::Kilobytes,
            kilobytes.round().max(if count > 0 { 1.0 } else { 0.0 }),
        )
    } else if tenths(kilobytes / STEP) < STEP {
        written(Form::Megabytes, tenths(kilobytes / STEP))
    } else {
        written(Form::Gigabytes, tenths(kilobytes / STEP / STEP))
    }
}

/// A place in a recording, or its length: minutes and seconds, and hours when there are any.
pub(crate) fn playing_time(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let two = |value: u64| written(Form::TwoDigits, value as f64);
    if hours > 0 {
        format!("{}:{}:{}", number(hours as f64), two(minutes), two(rest))
    } else {
        format!("{}:{}", number(minutes as f64), two(rest))
    }
}

/// How many times as fast a recording is played.
pub(crate) fn speed(factor: f64) -> String {
    format!("{}×", written(Form::OneDecimal, factor))
}

/// A month's name, with its year if that is another one than this.
pub(crate) fn month_heading(ms: u64) -> String {
    let at = ms as f64;
    if same_year(at, Date::now()) {
        formatted(Shape::Month, at)
    } else {
        formatted(Shape::MonthYear, at)
    }
}

/// The local month that a moment falls in, counted from January of the year 0.
pub(crate) fn local_month(ms: u64) -> i64 {
    let at = Date::new(&(ms as f64).into());
    i64::from(at.get_full_year()) * 12 + i64::from(at.get_month())
}

/// Seconds of a minute, an hour, a day and a week.
const SPANS: [u64; 4] = [60, 3600, 86_400, 604_800];

/// A span of time in its greatest unit, rounded down: the spans that are chosen from are whole.
pub(crate) fn span(seconds: u64) -> String {
    let [minute, hour, day, week] = SPANS;
    match seconds {
        s if s < minute => tn("span.seconds", s),
        s if s < hour => tn("span.minutes", s / minute),
        s if s < day => tn("span.hours", s / hour),
        s if s < week => tn("span.days", s / day),
        s => tn("span.weeks", s / week),
    }
}

/// What is left of a span: days, hours or minutes rounded up, and seconds at the end
/// (`spec/12-client-behaviour.md §9.1`).
pub(crate) fn span_up(seconds: u64) -> String {
    let [minute, hour, day, _] = SPANS;
    match seconds {
        s if s < minute => tn("span.seconds", s),
        s if s < hour => tn("span.minutes", s.div_ceil(minute)),
        s if s < day => tn("span.hours", s.div_ceil(hour)),
        s => tn("span.days", s.div_ceil(day)),
    }
}

/// Sorts by name as the reader's language does.
pub(crate) fn alphabetically<T>(items: &mut Vec<T>, name: impl Fn(&T) -> String) {
    let compare = Intl::Collator::new(&locales(), &Object::new()).compare();
    let mut named: Vec<(JsValue, T)> = items
        .drain(..)
        .map(|item| (JsValue::from_str(&name(&item)), item))
        .collect();
    named.sort_by(|(a, _), (b, _)| {
        let order = compare
            .call2(&JsValue::UNDEFINED, a, b)
            .ok()
            .and_then(|order| order.as_f64());
        order
            .and_then(|order| order.partial_cmp(&0.0))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    items.extend(named.into_iter().map(|(_, item)| item));
}
