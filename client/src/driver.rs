//! Runs the engine's tasks on whatever thread polls the [`Driver`], without naming a runtime.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures::StreamExt;
use futures::channel::mpsc;
use futures::future::{AbortHandle, LocalBoxFuture, abortable};
use futures::stream::FuturesUnordered;

/// Everything the engine does while it lives: poll it to completion on one thread (`spawn_local`, a local set).
///
/// It ends after [`EngineHandle::shut_down`](crate::engine::EngineHandle::shut_down), or when every handle is gone. Dropping it
/// stops the engine at whatever point it is, as a crash would; what was acknowledged is in the store.
pub struct Driver {
    tasks: FuturesUnordered<LocalBoxFuture<'static, ()>>,
    incoming: mpsc::UnboundedReceiver<LocalBoxFuture<'static, ()>>,
    stopped: Signal,
    stop_wait: Option<LocalBoxFuture<'static, ()>>,
}

impl Driver {
    pub(crate) fn new() -> (Spawner, Driver) {
        let (sender, incoming) = mpsc::unbounded();
        let stopped = Signal::default();
        let spawner = Spawner {
            sender,
            stopped: stopped.clone(),
        };
        let wait = stopped.clone();
        let driver = Driver {
            tasks: FuturesUnordered::new(),
            incoming,
            stopped,
            stop_wait: Some(Box::pin(async move { wait.passed(0).await })),
        };
        (spawner, driver)
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if let Some(wait) = &mut this.stop_wait
            && wait.as_mut().poll(context).is_ready()
        {
            this.stop_wait = None;
        }
        if this.stop_wait.is_none() {
            this.tasks.clear();
            this.stopped.notify();
            return Poll::Ready(());
        }
        loop {
            let mut progressed = false;
            while let Poll::Ready(Some(task)) = this.incoming.poll_next_unpin(context) {
                this.tasks.push(task);
                progressed = true;
            }
            if let Poll::Ready(Some(())) = this.tasks.poll_next_unpin(context) {
                progressed = true;
            }
            if !progressed {
                return Poll::Pending;
            }
        }
    }
}

/// Hands tasks to the driver.
#[derive(Clone)]
pub(crate) struct Spawner {
    sender: mpsc::UnboundedSender<LocalBoxFuture<'static, ()>>,
    stopped: Signal,
}

impl Spawner {
    /// Runs a task until it ends. Nothing happens when the driver is gone.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        let _ = self.sender.unbounded_send(Box::pin(task));
    }

    /// Runs a task until it ends or the guard is dropped.
    pub(crate) fn spawn_scoped(&self, task: impl Future<Output = ()> + 'static) -> TaskGuard {
        let (task, handle) = abortable(task);
        self.spawn(async move {
            let _ = task.await;
        });
        TaskGuard(handle)
    }

    /// Ends the driver.
    pub(crate) fn stop(&self) {
        self.stopped.notify();
    }
}

/// Stops its task when dropped.
pub(crate) struct TaskGuard(AbortHandle);

impl Drop for TaskGuard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A counter that tasks can wait on: each [`notify`](Signal::notify) moves it on and wakes everyone.
#[derive(Clone, Default)]
pub(crate) struct Signal {
    inner: Rc<SignalInner>,
}

#[derive(Default)]
struct SignalInner {
    count: Cell<u64>,
    wakers: RefCell<Vec<Waker>>,
}

impl Signal {
    /// Moves the counter on and wakes all waiting tasks.
    pub(crate) fn notify(&self) {
        self.inner.count.set(self.inner.count.get().wrapping_add(1));
        let wakers = std::mem::take(&mut *self.inner.wakers.borrow_mut());
        for waker in wakers {
            waker.wake();
        }
    }

    /// The counter, to pass to [`passed`](Signal::passed) later.
    pub(crate) fn count(&self) -> u64 {
        self.inner.count.get()
    }

    /// Waits until the counter is beyond `seen`.
    pub(crate) async fn passed(&self, seen: u64) {
        std::future::poll_fn(|context| {
            if self.inner.count.get() != seen {
                return Poll::Ready(());
            }
            let mut wakers = self.inner.wakers.borrow_mut();
            if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                wakers.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}

/// Lets other tasks run once.
pub(crate) async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn a_driver_runs_tasks_and_ends_on_stop() {
        let (spawner, mut driver) = Driver::new();
        let ran = Rc::new(Cell::new(0));
        let (inner, counter) = (spawner.clone(), ran.clone());
        spawner.spawn(async move {
            counter.set(counter.get() + 1);
            let counter = counter.clone();
            inner.spawn(async move { counter.set(counter.get() + 10) });
        });
        assert!((&mut driver).now_or_never().is_none());
        assert_eq!(ran.get(), 11);
        spawner.stop();
        assert!((&mut driver).now_or_never().is_some());
    }

    #[test]
    fn a_dropped_guard_stops_its_task() {
        let (spawner, mut driver) = Driver::new();
        let ran = Rc::new(Cell::new(false));
        let signal = Signal::default();
        let (flag, wait) = (ran.clone(), signal.clone());
        let guard = spawner.spawn_scoped(async move {
            wait.passed(0).await;
            flag.set(true);
        });
        assert!((&mut driver).now_or_never().is_none());
        drop(guard);
        signal.notify();
        assert!((&mut driver).now_or_never().is_none());
        assert!(!ran.get());
    }

    #[test]
    fn a_signal_wakes_only_those_that_have_not_seen_it() {
        let signal = Signal::default();
        assert!(signal.passed(signal.count()).now_or_never().is_none());
        let seen = signal.count();
        signal.notify();
        assert!(signal.passed(seen).now_or_never().is_some());
        assert!(signal.passed(signal.count()).now_or_never().is_none());
    }
}
