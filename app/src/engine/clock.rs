//! The `Clock` port: the browser's wall clock, `performance` and timers.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::future::LocalBoxFuture;
use holdfast_client::ports::Clock;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &js_sys::Function, milliseconds: i32) -> i32;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: i32);
}

/// The longest time that one timer of a browser can wait, in milliseconds.
const LONGEST_TIMER: u128 = i32::MAX as u128;

/// The browser's time.
pub(crate) struct BrowserClock;

impl Clock for BrowserClock {
    fn now_ms(&self) -> u64 {
        js_sys::Date::now() as u64
    }

    fn monotonic_ms(&self) -> u64 {
        performance_now() as u64
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(sleep(duration))
    }
}

/// Completes after the duration.
pub(crate) async fn sleep(duration: Duration) {
    let mut left = duration.as_millis();
    loop {
        let step = left.min(LONGEST_TIMER);
        Timer::new(step as i32).await;
        left -= step;
        if left == 0 {
            return;
        }
    }
}

/// What a timer and its callback share.
#[derive(Default)]
struct Shared {
    over: bool,
    waker: Option<Waker>,
}

/// One timer of the browser; dropping it cancels it.
struct Timer {
    number: i32,
    shared: Rc<RefCell<Shared>>,
    _callback: Closure<dyn FnMut()>,
}

impl Timer {
    fn new(milliseconds: i32) -> Timer {
        let shared = Rc::<RefCell<Shared>>::default();
        let told = Rc::clone(&shared);
        let callback = Closure::<dyn FnMut()>::new(move || {
            let waker = {
                let mut shared = told.borrow_mut();
                shared.over = true;
                shared.waker.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        Timer {
            number: set_timeout(callback.as_ref().unchecked_ref(), milliseconds),
            shared,
            _callback: callback,
        }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut shared = self.shared.borrow_mut();
        if shared.over {
            return Poll::Ready(());
        }
        shared.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(self.number);
    }
}
