//! Where the journal's writer leaves what it has to say to a driver.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use pabal_journal::Ack;
use pabal_switch::Ticket;
use tokio::sync::Notify;

/// The ticket of a batch that the core does not know: one that holds nothing but a checkpoint.
pub(super) const CHECKPOINT_TICKET: u64 = u64::MAX;
/// And of one that holds an entry of the gateway's own.
pub(super) const OWN_TICKET: u64 = u64::MAX - 1;

/// The last acknowledgement stands for all before it, so this never grows, and leaving something here never waits: the writer's
/// thread must not.
#[derive(Default)]
pub(super) struct Acks {
    state: Mutex<State>,
    /// Somebody waits for room, or for the end.
    changed: Notify,
}

#[derive(Default)]
struct State {
    news: Option<News>,
    acknowledged: u64,
    failed: Option<String>,
    waker: Option<Waker>,
}

/// What has come since the last look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// Durable, and all before it.
    pub(super) durable: Option<Ticket>,
    /// A checkpoint is due.
    pub(super) checkpoint_due: bool,
    /// A checkpoint has become durable.
    pub(super) checkpoint_done: bool,
    /// So many batches of the gateway's own have become durable.
    pub(super) own_done: u32,
    /// Nothing more will become durable, and why.
    pub(super) failed: Option<String>,
}

impl Acks {
    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole between any two statements below.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called on the writer's thread.
    pub(super) fn tell(&self, ack: Ack) {
        match ack {
            Ack::Durable { ticket, checkpoint_due, .. } => self.change(|state| {
                state.acknowledged += 1;
                let news = state.news.get_or_insert_default();
                news.checkpoint_due = checkpoint_due;
                match ticket {
                    CHECKPOINT_TICKET => news.checkpoint_done = true,
                    OWN_TICKET => news.own_done += 1,
                    ticket => news.durable = Some(Ticket(ticket)),
                }
            }),
            Ack::Failed { reason } => self.fail(reason.to_string()),
        }
    }

    /// Nothing more will become durable.
    pub(super) fn fail(&self, why: String) {
        self.change(|state| {
            let why = state.failed.get_or_insert(why).clone();
            state.news.get_or_insert_default().failed = Some(why);
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        self.changed.notify_waiters();
    }

    /// What has come, for the one task that looks.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<News> {
        let mut state = self.state();
        match state.news.take() {
            Some(news) => Poll::Ready(news),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Waits until something holds that changes with acknowledgements; at once if the journal has failed.
    pub(super) async fn wait_for(&self, holds: impl Fn(u64) -> bool) -> Result<(), String> {
        loop {
            let changed = self.changed.notified();
            let (failed, acknowledged) = {
                let state = self.state();
                (state.failed.clone(), state.acknowledged)
            };
            match failed {
                Some(why) => return Err(why),
                None if holds(acknowledged) => return Ok(()),
                None => changed.await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use pabal_journal::Position;
    use std::sync::Arc;

    use super::*;

    fn durable(ticket: u64, checkpoint_due: bool) -> Ack {
        Ack::Durable { ticket, last: Position::START, checkpoint_due }
    }

    #[test]
    fn the_last_acknowledgement_stands_for_all() {
        let acks = Acks::default();
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(acks.poll(&mut cx), Poll::Pending);
        for ack in [durable(1, true), durable(2, true), durable(OWN_TICKET, true), durable(CHECKPOINT_TICKET, false)] {
            acks.tell(ack);
        }
        let news = News { durable: Some(Ticket(2)), checkpoint_done: true, own_done: 1, ..News::default() };
        assert_eq!(acks.poll(&mut cx), Poll::Ready(news));
        assert_eq!(acks.poll(&mut cx), Poll::Pending);
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_an_acknowledgement_and_by_the_failure() {
        let acks = Arc::new(Acks::default());
        let waits = tokio::spawn({
            let acks = Arc::clone(&acks);
            async move { (acks.wait_for(|count| count >= 2).await, acks.wait_for(|count| count >= 3).await) }
        });
        acks.tell(durable(1, false));
        acks.tell(durable(2, false));
        acks.fail("no room".to_owned());
        let (first, second) = waits.await.unwrap();
        // The failure may come before the look at the count; both then say so.
        assert!(first.is_ok() || first == Err("no room".to_owned()));
        assert_eq!(second, Err("no room".to_owned()));
    }
}
