//! The page's link to the worker that finds QR codes ([`super::codes`]): a fresh one for each time that something is
//! scanned, gone with everything it saw as soon as that is over.

use std::cell::RefCell;
use std::rc::Rc;

use futures::channel::oneshot;
use wasm_bindgen::prelude::*;
use web_sys::MessageEvent;
use zeroize::Zeroizing;

use super::codes::MAX_SIDE;
use super::link::{Running, start_worker};
use super::wire::{FromWorker, ToWorker, from_js};
use crate::platform::pixels::Pixels;

/// The longest side that a picture may have, pixels.
pub(crate) const LARGEST: u32 = MAX_SIDE;

/// The worker could not be started, or failed on this picture. The next one gets another worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unread;

type Waiting = Rc<RefCell<Option<oneshot::Sender<Vec<String>>>>>;

/// A reader of codes. Its worker starts with the first picture and ends when this is dropped.
#[derive(Default)]
pub(crate) struct CodeReader {
    running: RefCell<Option<Running>>,
    waiting: Waiting,
}

impl CodeReader {
    /// What the codes in a picture hold. One picture at a time.
    pub(crate) async fn read(&self, picture: Pixels) -> Result<Vec<Zeroizing<String>>, Unread> {
        let (sender, answer) = oneshot::channel();
        self.post(&picture)?;
        *self.waiting.borrow_mut() = Some(sender);
        match answer.await {
            Ok(codes) => Ok(codes.into_iter().map(Zeroizing::new).collect()),
            Err(_) => {
                *self.running.borrow_mut() = None;
                Err(Unread)
            }
        }
    }

    /// Ends the worker, whatever it is at: who waits gets nothing.
    pub(crate) fn stop(&self) {
        *self.running.borrow_mut() = None;
        *self.waiting.borrow_mut() = None;
    }

    fn post(&self, picture: &Pixels) -> Result<(), Unread> {
        let mut running = self.running.borrow_mut();
        if running.is_none() {
            *running = Some(self.start()?);
        }
        let Some(running) = running.as_ref() else {
            return Err(Unread);
        };
        let ask = ToWorker::FindCodes {
            width: picture.width,
            height: picture.height,
        };
        running.hand_over(&ask, &picture.bytes).map_err(|_| Unread)
    }

    fn start(&self) -> Result<Running, Unread> {
        let worker = start_worker().map_err(|_| Unread)?;
        let waiting = Rc::clone(&self.waiting);
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(FromWorker::Codes(codes)) = from_js(event.data())
                && let Some(waiting) = waiting.borrow_mut().take()
            {
                // Nobody waits when the scan was given up meanwhile.
                let _ = waiting.send(codes);
            }
        });
        let waiting = Rc::clone(&self.waiting);
        let on_error = Closure::<dyn Fn(web_sys::Event)>::new(move |_| {
            // Whoever waits learns that no answer comes.
            *waiting.borrow_mut() = None;
        });
        Ok(Running::new(worker, on_message, on_error))
    }
}
