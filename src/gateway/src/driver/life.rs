//! The life of one core: its turns.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pabal_clock::{Deadline, Mono, Now};
use pabal_spec::Institution;
use pabal_switch::{
    CloseReason, Conn, Core, Event, ExchangeId, LineId, NotFenced, NoticeId, Open, Opened, Output, Recovery, Refusal,
    ReplyReport, ServiceReply, SessionId, Settings, Status, Ticket, VersionRefused,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::acks::{Acks, CHECKPOINT_TICKET, OWN_TICKET};
use super::bridge::{Batch, Bridge, BridgeParts, Content};
use super::command::{ActReply, Acted, Command, Fenced, Heard, LookKey, Refused, Taken, Unable, Waiter};
use super::ends::Ends;
use super::observer::{Observer, Seen};
use super::own::Own;
use super::socket::{self, Progress, Socket, Way};
use super::subscribers::{Claim, SubscriberId, Subscribers};
use super::waiters::Waiters;
use super::{Drained, Driver, Line, LineEndpoint, found, health};
use crate::clock::{Alarm, now};
use crate::digest::random;
use crate::reload::Hindered;
use crate::versions::Due;

/// Inputs of each kind that one turn takes at most. A connection is read once a turn.
const COMMANDS_PER_TURN: usize = 64;
const ABANDONS_PER_TURN: usize = 64;
const ACCEPTS_PER_TURN: usize = 16;
const TIMEOUTS_PER_TURN: usize = 16;
const WRITES_PER_TURN: usize = 4;
const DELIVERIES_PER_TURN: usize = 64;
/// Notices that are asked of the core at a time when it begins.
const UNDELIVERED_PER_PAGE: usize = 256;
/// How long a listener rests that cannot accept, as when there are no file descriptors left.
const ACCEPT_REST: Duration = Duration::from_millis(200);
/// How long the end of a life waits until the log is written.
const LOG_MAX: Duration = Duration::from_millis(500);
/// How long after the deadline of a drain the core may take to close what is left.
const DRAIN_GRACE: Duration = Duration::from_secs(1);

/// A core and all that dies with it.
pub(super) struct Life {
    core: Core,
    settings: Settings,
    acks: Arc<Acks>,
    bridge: Bridge,
    observer: Observer,
    sockets: BTreeMap<SessionId, Socket>,
    waiters: Waiters,
    subscribers: Subscribers,
    /// Whose reply the core is being given.
    replier: Option<(NoticeId, SubscriberId)>,
    fences: VecDeque<(Ticket, oneshot::Sender<Fenced>)>,
    /// Operators whose commands are not durable yet.
    acts: VecDeque<(Ticket, Acted, ActReply)>,
    /// Who waits for an entry of the gateway's own; nobody for one about a version that began by its date.
    reloads: VecDeque<Option<oneshot::Sender<Result<(), Refused>>>>,
    buffer: Box<[u8]>,
    alarm: Alarm,
    accept_again: Option<Mono>,
    is_checkpoint_out: bool,
    is_health_stale: bool,
    journal_failure: Option<String>,
    /// After this the drain ends, whatever is left.
    drain_ends: Option<Mono>,
    /// UNKNOWN exchanges that were on the list of a person when it began.
    listed_before: u32,
    ends: Ends,
    /// A version whose date has come is held by a control that it cannot judge: when it is tried again, if no command comes before.
    version_held: Option<Mono>,
}

/// Who puts a version in force whose date has come.
const BY_DATE: &str = "pabal";
/// How long a driver trusts that the wall clock is not set to a date that begins a version.
const WALL_TRUST: Duration = Duration::from_secs(1);
/// The same, that it is not set to when a control is over that holds a version.
const HELD_TRUST: Duration = Duration::from_secs(60);

/// When to look whether a version has begun; the wall clock may be set, so that it is looked at more often than once.
fn next_version(driver: &Driver, now: Now) -> Option<Mono> {
    let micros = driver.versions.next_begins()?.as_unix_micros().saturating_sub(now.wall.as_unix_micros());
    let wait = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
    Some(now.mono + wait.min(WALL_TRUST))
}

/// How a life ends.
pub(super) enum End {
    Drained(Drained),
    /// A fault of ours.
    Fell(String),
}

impl Life {
    pub(super) fn begin(driver: &Driver, recovery: Recovery, versions: Vec<Arc<Institution>>) -> Self {
        let name = driver.name().to_owned();
        let acks = Arc::new(Acks::default());
        let told = Arc::clone(&acks);
        if let Err(refused) = driver.writer.register(name.clone(), Arc::new(move |ack| told.tell(ack))) {
            acks.fail(refused.to_string());
        }
        let bridge = Bridge::start(BridgeParts {
            institution: name.clone(),
            versions: Arc::clone(&driver.versions),
            node: driver.node.clone(),
            queue_bytes_max: driver.journal.queue_bytes_max,
            writer: driver.writer.clone(),
            digest: Arc::clone(&driver.digest),
            acks: Arc::clone(&acks),
        });
        // Ids and jitter must differ from those of the life before; they need not be secret.
        let seed = random()
            .ok()
            .and_then(|bytes| bytes.first_chunk().copied())
            .map_or_else(|| now().mono.as_nanos(), u64::from_le_bytes);
        let settings = driver.settings.clone();
        let mut life = Self {
            core: Core::new(versions, settings.clone(), recovery, seed, now()),
            observer: Observer::start(name.clone(), &settings),
            settings,
            acks,
            bridge,
            sockets: BTreeMap::new(),
            waiters: Waiters::default(),
            subscribers: Subscribers::default(),
            replier: None,
            fences: VecDeque::new(),
            acts: VecDeque::new(),
            reloads: VecDeque::new(),
            buffer: vec![0; Core::read_bytes_max()].into_boxed_slice(),
            alarm: Alarm::new(),
            accept_again: None,
            is_checkpoint_out: false,
            is_health_stale: true,
            journal_failure: None,
            drain_ends: None,
            listed_before: 0,
            ends: Ends::default(),
            version_held: None,
        };
        life.act(&driver.lines, now());
        life.deliver_what_waits(&driver.lines, now());
        if driver.writer.checkpoint_due(&name) {
            life.checkpoint(now());
        }
        life
    }

    /// Drops the core and its sockets, and waits until all that it wrote is durable.
    pub(super) async fn finish(self) -> Result<(), String> {
        let Self { core, sockets, waiters, subscribers, fences, acts, reloads, bridge, acks, observer, .. } = self;
        drop((core, sockets, waiters, subscribers, fences, acts, reloads, observer));
        let (appended, written) = bridge.finish().await;
        acks.wait_for(|acknowledged| acknowledged >= appended).await?;
        // A log that cannot be written keeps nobody from going on.
        let _ = tokio::time::timeout(LOG_MAX, written).await;
        Ok(())
    }

    /// Looks at everything once. Pending only when each source has said that it will wake us.
    pub(super) fn turn(&mut self, driver: &mut Driver, cx: &mut Context<'_>) -> Poll<End> {
        let mut more = false;
        self.begin_version(driver, now());
        more |= self.take_acks(&driver.lines, cx);
        more |= self.take_abandons(driver, cx);
        more |= self.take_leaves(driver, cx);
        more |= self.take_commands(driver, cx);
        more |= self.take_timeouts(&driver.lines);
        more |= self.accept(&driver.lines, cx);
        more |= self.read(&driver.lines, cx);
        more |= self.write(driver, cx);
        more |= self.deliver_again(&driver.lines);
        self.bridge.flush();
        self.end_forgotten();
        if std::mem::take(&mut self.is_health_stale) {
            let health = health::judge(&self.status(), &self.settings, self.journal_failure.as_deref());
            driver.health.send_if_modified(|known| std::mem::replace(known, health.clone()) != health);
        }
        if let Some(drained) = self.drained(driver) {
            return Poll::Ready(End::Drained(drained));
        }
        more |= self.sockets.values().any(|socket| socket.is_behind(&self.core));
        let wake_at = [
            self.core.poll_timeout().map(|(at, _)| at),
            self.accept_again,
            self.drain_ends,
            self.version_held.or_else(|| next_version(driver, now())),
        ];
        more |= self.alarm.poll(wake_at.into_iter().flatten().min(), now().mono, cx).is_ready();
        if more {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// A version of the spec begins by its date. The check has seen to it that it speaks as the one before it does.
    fn begin_version(&mut self, driver: &Driver, now: Now) {
        if self.version_held.is_some_and(|until| until > now.mono) {
            return;
        }
        self.version_held = None;
        let Some(Due { begins, version, held }) = driver.versions.take_due(now.wall) else { return };
        let (old, new) = (driver.versions.newest().digest, version.digest);
        let from = version.institution.from.map(|from| format!("in force from {} {}", from.date, from.time));
        match self.core.set_institution(Arc::clone(&version.institution), now) {
            Ok(()) => {
                let own = Own::Reloaded { old, new, actor: BY_DATE.to_owned(), reason: from.unwrap_or_default() };
                self.bridge.send(Batch { ticket: OWN_TICKET, content: Content::Own(own), at: now.wall });
                driver.versions.put(version);
                self.reloads.push_back(None);
            }
            Err(refused) => {
                let text = refused.to_string();
                if held.as_deref() != Some(&*text) {
                    self.observer.see(Seen::NotBegun { new, text: text.clone() });
                }
                if matches!(refused, VersionRefused::Control { .. }) {
                    // It begins as soon as the control is lifted, or over.
                    driver.versions.put_back(Due { begins, version, held: Some(text.into()) });
                    self.version_held = Some(self.try_version_again(now));
                }
            }
        }
        self.act(&driver.lines, now);
    }

    /// The versions that begin by their dates, as far as the controls that will stand then would hold them.
    fn hindered(&self, driver: &Driver, now: Now) -> Vec<Hindered> {
        let coming = driver.versions.coming(now.wall).into_iter();
        let hindered = coming.filter_map(|(begins, version)| {
            let then = Now { wall: begins, ..now };
            let why = self.core.may_by_controls_begin(&version.institution, then).err()?.to_string();
            Some(Hindered { digest: version.digest, begins, why })
        });
        hindered.collect()
    }

    /// When a version that a control holds is tried again: when one is over. The wall clock may be set, so that it is not too long until then.
    fn try_version_again(&self, now: Now) -> Mono {
        let untils = self.core.controls().filter_map(|one| one.control.window.until);
        let next = untils.filter(|until| *until > now.wall).min();
        now.mono + next.map_or(HELD_TRUST, |until| now.wall.until(until)).min(HELD_TRUST)
    }

    fn take_acks(&mut self, lines: &[Line], cx: &mut Context<'_>) -> bool {
        let Poll::Ready(news) = self.acks.poll(cx) else { return false };
        let now = now();
        if let Some(ticket) = news.durable {
            self.core.handle_durable(ticket, now);
            self.act(lines, now);
            while let Some((_, reply)) = self.fences.pop_front_if(|(bound, _)| *bound <= ticket) {
                // Who is gone hears nothing.
                let _ = reply.send(Fenced::Bound);
            }
            while let Some((_, acted, reply)) = self.acts.pop_front_if(|(written, ..)| *written <= ticket) {
                let _ = reply.send(Ok(acted));
            }
        }
        if news.checkpoint_done {
            self.is_checkpoint_out = false;
        }
        for reply in self.reloads.drain(..usize::try_from(news.own_done).unwrap_or(0).min(self.reloads.len())) {
            let _ = reply.map(|reply| reply.send(Ok(())));
        }
        if let Some(why) = news.failed {
            self.core.handle_journal_failed(&why, now);
            self.act(lines, now);
            for (_, reply) in self.fences.drain(..) {
                let _ = reply.send(Fenced::Refused(Refusal::JournalFailed, why.clone()));
            }
            for (.., reply) in self.acts.drain(..) {
                let _ = reply.send(Err(Unable::Stopped(why.clone())));
            }
            for reply in self.reloads.drain(..).flatten() {
                let _ = reply.send(Err(Refused::Stopped(why.clone())));
            }
            self.journal_failure = Some(why);
            self.is_health_stale = true;
        } else if news.checkpoint_due && !self.is_checkpoint_out {
            self.checkpoint(now);
        }
        true
    }

    /// Everything that a recovery needs goes behind all entries before it.
    fn checkpoint(&mut self, now: Now) {
        self.is_checkpoint_out = true;
        self.bridge.send(Batch {
            ticket: CHECKPOINT_TICKET,
            content: Content::Entries(vec![self.core.checkpoint(now)]),
            at: now.wall,
        });
    }

    fn take_abandons(&mut self, driver: &mut Driver, cx: &mut Context<'_>) -> bool {
        for _ in 0..ABANDONS_PER_TURN {
            let Poll::Ready(Some(waiter)) = driver.abandons.poll_recv(cx) else { return false };
            if let Some(exchange) = self.waiters.leave(waiter) {
                let now = now();
                self.core.abandon(exchange, now);
                self.act(&driver.lines, now);
            }
        }
        true
    }

    fn take_leaves(&mut self, driver: &mut Driver, cx: &mut Context<'_>) -> bool {
        for _ in 0..ABANDONS_PER_TURN {
            let Poll::Ready(Some(subscriber)) = driver.leaves.poll_recv(cx) else { return false };
            self.subscribers.leave(subscriber);
        }
        true
    }

    /// What no service had before this core began.
    fn deliver_what_waits(&mut self, lines: &[Line], now: Now) {
        let mut after = None;
        loop {
            let waiting = self.core.undelivered(after, UNDELIVERED_PER_PAGE);
            for notice in &waiting {
                after = Some(*notice);
                self.core.deliver_again(*notice, now);
                self.act(lines, now);
            }
            if waiting.len() < UNDELIVERED_PER_PAGE {
                return;
            }
        }
    }

    /// Gives waiting notices to services that have room for them.
    fn deliver_again(&mut self, lines: &[Line]) -> bool {
        for _ in 0..DELIVERIES_PER_TURN {
            let Some(notice) = self.subscribers.next_wanted() else { return false };
            let now = now();
            self.core.deliver_again(notice, now);
            self.act(lines, now);
        }
        true
    }

    /// What a service says of notices.
    fn take_reply(&mut self, reply: ServiceReply, subscriber: SubscriberId, taken: Taken, now: Now) {
        let (notice, caller) = (reply.notice, reply.caller.clone());
        let replied = self.core.reply(reply, now);
        if replied.is_ok() {
            self.subscribers.acknowledge(notice, subscriber);
            self.core.delivered(notice, &caller, now);
            self.replier = Some((notice, subscriber));
        }
        // Who is gone hears nothing.
        let _ = taken.send(replied);
    }

    /// A service has a notice for good. What another holds is not its to take: that one would not be given it again.
    fn take_notice(&mut self, notice: NoticeId, id: SubscriberId, now: Now) -> Result<(), (Refusal, String)> {
        match (self.subscribers.claim(notice, id), self.subscribers.caller(id)) {
            (Claim::Given, Some(caller)) => {
                self.subscribers.acknowledge(notice, id);
                self.core.delivered(notice, &caller, now);
                Ok(())
            }
            (Claim::Taken, _) => Ok(()),
            _ => {
                let text =
                    format!("notice {notice} is not held by this subscription; it was not given to it, or is taken");
                Err((Refusal::UnknownNotice, text))
            }
        }
    }

    fn take_commands(&mut self, driver: &mut Driver, cx: &mut Context<'_>) -> bool {
        for _ in 0..COMMANDS_PER_TURN {
            let Poll::Ready(Some(command)) = driver.commands.poll_recv(cx) else { return false };
            let now = now();
            self.take_command(command, driver, now);
            self.act(&driver.lines, now);
            if let Some((notice, subscriber)) = self.replier.take() {
                self.subscribers.replies(notice, subscriber);
            }
        }
        true
    }

    fn take_command(&mut self, command: Command, driver: &Driver, now: Now) {
        match command {
            Command::Open { open, only_if_known, waiter } => {
                if let Some(waiter) = waiter.begin() {
                    self.open(*open, only_if_known, waiter, now);
                }
            }
            Command::Inquire { inquire, waiter } => {
                if let Some(waiter) = waiter.begin() {
                    let opened = self.core.inquire(*inquire, now);
                    self.wait_or_refuse(opened, waiter);
                }
            }
            Command::Look { key, reply } => {
                let exchange = match key {
                    LookKey::Exchange(exchange) => Some(exchange),
                    LookKey::Idempotency { caller, key } => self.core.exchange_of_key(&caller, &key),
                };
                let _ = reply.send(exchange.and_then(|exchange| self.core.exchange(exchange)));
            }
            Command::Fence { caller, key, reply } => match self.core.fence(&caller, &key, now) {
                Ok(ticket) => self.fences.push_back((ticket, reply)),
                Err(NotFenced::Used(exchange)) => _ = reply.send(Fenced::Used(exchange)),
                Err(NotFenced::Refused(refusal, text)) => _ = reply.send(Fenced::Refused(refusal, text)),
            },
            Command::Subscribe { id, subscriber, taken } => {
                self.subscribers.join(id, subscriber);
                let _ = taken.send(Ok(()));
            }
            Command::Reply { reply, subscriber, taken } => self.take_reply(*reply, subscriber, taken, now),
            Command::NoticeTaken { notice, subscriber, taken } => {
                // Who is gone hears nothing.
                let _ = taken.send(self.take_notice(notice, subscriber, now));
            }
            Command::Reload { reading, actor, reason, reply } => {
                let (old, version) = (driver.versions.newest().digest, &reading.in_force);
                match (self.core.set_institution(Arc::clone(&version.institution), now), &self.journal_failure) {
                    (Err(refused @ VersionRefused::Control { .. }), _) => {
                        _ = reply.send(Err(Refused::Control(refused.to_string())));
                    }
                    (Err(VersionRefused::Conversation(text)), _) => {
                        _ = reply.send(Err(Refused::NeedsReconnect(text.into())));
                    }
                    (Ok(()), Some(why)) => _ = reply.send(Err(Refused::Stopped(why.clone()))),
                    (Ok(()), None) => {
                        let own = Own::Reloaded { old, new: version.digest, actor, reason };
                        self.bridge.send(Batch { ticket: OWN_TICKET, content: Content::Own(own), at: now.wall });
                        // A core that is made anew begins with it, and so do callers from now on.
                        driver.versions.put_reading(reading);
                        self.version_held = None;
                        self.reloads.push_back(Some(reply));
                    }
                }
            }
            Command::Act { command, by, reply } => {
                self.is_health_stale = true;
                let replaced = self.core.replaced_by(&command, now).cloned().map(Box::new);
                match self.core.command(*command, by, now) {
                    Ok(ticket) => {
                        // The control that held it may be gone.
                        self.version_held = None;
                        self.acts.push_back((ticket, replaced, reply));
                    }
                    Err(refused) => _ = reply.send(Err(Unable::Refused(refused))),
                }
            }
            Command::Unresolved { after, max, reply } => _ = reply.send(self.core.unresolved(after, max)),
            Command::OpenNotices { max, reply } => _ = reply.send(self.core.open_notices(max)),
            Command::Status { reply } => _ = reply.send(self.status()),
            Command::Hindered { reply } => _ = reply.send(self.hindered(driver, now)),
            Command::Start { reply } => _ = reply.send(true),
            Command::Drain { deadline } => self.drain(deadline, now),
            #[cfg(test)]
            Command::Panic => panic!("a fault of ours, for a test"),
        }
    }

    fn open(&mut self, open: Open, only_if_known: bool, waiter: Waiter, now: Now) {
        let key = open.idempotency_key.as_deref();
        match key.and_then(|key| self.core.exchange_of_key(&open.caller, key)) {
            // Now already: of what is known, bytes may have left before.
            Some(exchange) => waiter.waits_for(exchange),
            None if only_if_known => return waiter.tell(Heard::KeyNotInMemory),
            None => {}
        }
        match self.core.open(open, now) {
            // The key is older than what memory has of its exchange.
            Ok(Opened::Known(exchange)) if self.core.exchange(exchange).is_none() => waiter.tell(Heard::KeyNotInMemory),
            Ok(Opened::New(exchange) | Opened::Known(exchange)) => self.wait_or_refuse(Ok(exchange), waiter),
            Err(refused) => self.wait_or_refuse(Err(refused), waiter),
        }
    }

    fn wait_or_refuse(&mut self, opened: Result<ExchangeId, (Refusal, String)>, waiter: Waiter) {
        match opened {
            Ok(exchange) => self.waiters.add(exchange, waiter),
            Err((refusal, detail)) => waiter.tell(Heard::Refused(refusal, detail)),
        }
    }

    pub(super) fn tell_found(&self, driver: &Driver) {
        found::tell(driver.name(), &self.core.status(), &driver.versions.newest().institution, now().wall);
    }

    pub(super) fn drain(&mut self, deadline: Deadline, now: Now) {
        self.core.drain(deadline, now);
        self.drain_ends = Some(deadline + DRAIN_GRACE);
        self.listed_before = self.core.status().listed;
        self.is_health_stale = true;
    }

    fn drained(&mut self, driver: &Driver) -> Option<Drained> {
        let ends = self.drain_ends?;
        let is_complete = self.core.is_drained();
        if !is_complete && now().mono < ends {
            return None;
        }
        for (_, socket) in std::mem::take(&mut self.sockets) {
            socket.abort();
        }
        let status = self.core.status();
        let institution = driver.name().to_owned();
        Some(Drained {
            institution,
            in_flight: status.in_flight,
            waiting: status.waiting,
            unknown: status.unknown,
            listed: status.listed.min(self.listed_before),
            notices_unreplied: status.notices_unreplied,
            is_complete,
        })
    }

    fn take_timeouts(&mut self, lines: &[Line]) -> bool {
        for _ in 0..TIMEOUTS_PER_TURN {
            let now = now();
            if self.core.poll_timeout().is_none_or(|(at, _)| at > now.mono) {
                return false;
            }
            self.core.handle_timeout(now);
            self.act(lines, now);
        }
        true
    }

    fn accept(&mut self, lines: &[Line], cx: &mut Context<'_>) -> bool {
        if self.accept_again.is_some_and(|at| at > now().mono) {
            return false;
        }
        self.accept_again = None;
        let mut more = false;
        for (at, line) in lines.iter().enumerate() {
            let LineEndpoint::Listen { listener: Some(listener), .. } = &line.endpoint else { continue };
            let Ok(id) = u16::try_from(at).map(LineId) else { continue };
            more |= self.accept_from(listener, id, lines, cx);
        }
        more
    }

    fn accept_from(&mut self, listener: &TcpListener, line: LineId, lines: &[Line], cx: &mut Context<'_>) -> bool {
        for _ in 0..ACCEPTS_PER_TURN {
            let Poll::Ready(accepted) = listener.poll_accept(cx) else { return false };
            match accepted {
                Ok((stream, peer)) => {
                    let from = lines.get(usize::from(line.0)).map_or(&[][..], |line| &line.from);
                    let is_known = from.is_empty() || from.contains(&peer.ip().to_canonical());
                    if is_known {
                        self.take_peer(stream, peer, line, lines);
                    } else {
                        self.observer.see(Seen::Stranger { line, peer });
                        socket::abort(&stream);
                    }
                }
                Err(error) => {
                    self.observer.see(Seen::AcceptFailed { line, error });
                    self.accept_again = Some(now().mono + ACCEPT_REST);
                    return false;
                }
            }
        }
        true
    }

    fn take_peer(&mut self, stream: TcpStream, peer: SocketAddr, line: LineId, lines: &[Line]) {
        let now = now();
        let Some(options) = lines.get(usize::from(line.0)).map(|line| line.options) else { return };
        let taken = self.core.handle_accepted(line, now);
        self.observer.see(Seen::Peer { line, peer, refused: taken.err() });
        match taken {
            Ok(conn) => {
                self.ends.begins(conn, &peer.to_string());
                match Socket::accepted(conn, stream, options) {
                    Ok(socket) => self.insert(socket),
                    Err(_) => self.core.handle_closed(conn, CloseReason::IoError, now),
                }
            }
            Err(_) => socket::abort(&stream),
        }
        self.act(lines, now);
    }

    /// A slot has one socket: whatever is left of an earlier one goes.
    fn insert(&mut self, socket: Socket) {
        if let Some(old) = self.sockets.insert(socket.conn.session, socket) {
            old.abort();
        }
    }

    /// The close grace of a connection was over before the peer's FIN came: nobody counts it, so it must not live on.
    fn end_forgotten(&mut self) {
        let Self { sockets, core, .. } = self;
        let forgotten = |_: &SessionId, socket: &mut Socket| !core.holds(socket.conn);
        for (_, socket) in sockets.extract_if(.., forgotten) {
            socket.abort();
        }
    }

    fn remove(&mut self, conn: Conn) -> Option<Socket> {
        let socket = self.sockets.get(&conn.session)?;
        if socket.conn != conn {
            return None;
        }
        if let Some(error) = socket.trouble() {
            self.ends.failed(conn, error);
        }
        self.sockets.remove(&conn.session)
    }

    /// What the core knows, which controls hold now, and what the system said of connections that failed.
    fn status(&self) -> Status {
        let mut status = self.core.status();
        let now = now();
        for one in &mut status.controls {
            one.holds = self.core.control_holds(&one.standing.control, now);
        }
        self.ends.tell(&mut status);
        status
    }

    fn read(&mut self, lines: &[Line], cx: &mut Context<'_>) -> bool {
        let mut more = false;
        let mut after = None;
        while let Some(session) = self.next_session(after) {
            after = Some(session);
            let Some(socket) = self.sockets.get_mut(&session) else { continue };
            let conn = socket.conn;
            let Poll::Ready(progress) = socket.poll_read(&self.core, &mut self.buffer, cx) else { continue };
            let now = now();
            more = true;
            match progress {
                Progress::Connected => self.core.handle_connected(conn, now),
                Progress::ConnectFailed(error) => {
                    self.ends.failed(conn, &error);
                    self.observer.see(Seen::ConnectFailed { conn, error });
                    self.remove(conn);
                    self.core.handle_connect_failed(conn, now);
                }
                Progress::Received(bytes) => {
                    let bytes = self.buffer.get(..bytes).unwrap_or_default();
                    // A connection that we close is read to its end; the core may have no more use for it.
                    if !socket.is_closing() || self.core.wants_read(conn) {
                        self.core.handle_received(conn, bytes, now);
                    }
                }
                Progress::Closed(reason) => {
                    self.remove(conn);
                    self.core.handle_closed(conn, reason, now);
                }
                Progress::Aborted(unsent) => {
                    if let Some(socket) = self.remove(conn) {
                        socket.abort();
                    }
                    self.core.handle_aborted(conn, unsent, now);
                }
            }
            self.act(lines, now);
        }
        more
    }

    fn write(&mut self, driver: &Driver, cx: &mut Context<'_>) -> bool {
        let lines = &driver.lines[..];
        // What was stamped yesterday does not leave today: the core is told the time before a socket takes anything.
        if self.sockets.values().any(|socket| !self.core.poll_write(socket.conn).is_empty()) {
            let now = now();
            self.begin_version(driver, now);
            self.core.handle_timeout(now);
            self.act(lines, now);
        }
        let mut more = false;
        let mut after = None;
        while let Some(session) = self.next_session(after) {
            after = Some(session);
            for turn in 1..=WRITES_PER_TURN {
                let Some(socket) = self.sockets.get_mut(&session) else { break };
                let conn = socket.conn;
                let Poll::Ready(written) = socket.poll_write(&self.core, cx) else { break };
                let now = now();
                more |= turn == WRITES_PER_TURN;
                match written {
                    Ok(0) => {
                        self.core.handle_wrote(conn, 0, now);
                        self.act(lines, now);
                        break;
                    }
                    Ok(bytes) => self.core.handle_wrote(conn, bytes, now),
                    Err(reason) => {
                        self.remove(conn);
                        self.core.handle_closed(conn, reason, now);
                    }
                }
                self.act(lines, now);
            }
        }
        more
    }

    /// The sessions in order, though they come and go meanwhile.
    fn next_session(&self, after: Option<SessionId>) -> Option<SessionId> {
        use std::ops::Bound::{Excluded, Unbounded};
        self.sockets.range((after.map_or(Unbounded, Excluded), Unbounded)).next().map(|(session, _)| *session)
    }

    /// Does what the core wants done, until it wants nothing more.
    fn act(&mut self, lines: &[Line], now: Now) {
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Connect { conn, address } => self.connect(conn, address, lines, now),
                Output::Close { conn, reason, abort } => self.close(conn, reason, abort, now),
                Output::Append { ticket, entries } => {
                    self.bridge.send(Batch { ticket: ticket.0, content: Content::Entries(entries), at: now.wall })
                }
                Output::Finish { exchange, report } => {
                    let state = self.core.exchange(exchange).map(|status| status.state);
                    self.waiters.tell(exchange, report, state);
                }
                Output::Deliver(delivery) => self.subscribers.give(delivery),
                Output::Replied { notice, report } => self.tell_replied(notice, report),
                Output::Event(event) => {
                    // What was dropped may have been either.
                    self.is_health_stale |=
                        matches!(event, Event::Session { .. } | Event::Opening { .. } | Event::Dropped { .. });
                    self.observer.see(Seen::Event(event));
                }
            }
        }
    }

    /// A second reply to a notice is too late at once, and one that none is taken to is not sent; who replied first still hears of the first.
    fn tell_replied(&mut self, notice: NoticeId, report: ReplyReport) {
        match self.replier {
            Some((replied, subscriber)) if replied == notice && report != ReplyReport::Sent => {
                self.replier = None;
                self.subscribers.tell_report(subscriber, notice, report);
            }
            _ => self.subscribers.replied(notice, report),
        }
    }

    fn connect(&mut self, conn: Conn, address: u8, lines: &[Line], now: Now) {
        let line = lines.get(usize::from(conn.session.line.0));
        let way = line.and_then(|line| match &line.endpoint {
            LineEndpoint::Connect { addresses, source } => {
                let to = addresses.get(usize::from(address))?.clone();
                let within = self.settings.lines.get(usize::from(conn.session.line.0))?.connect_timeout;
                Some((line, Way { to, source: *source, options: line.options, within }))
            }
            LineEndpoint::Listen { .. } => None,
        });
        let Some((line, way)) = way else { return self.core.handle_connect_failed(conn, now) };
        self.ends.begins(conn, &way.to);
        let turn = line.connects.as_ref().map_or(now.mono, |connects| connects.turn(now.mono));
        if turn > now.mono {
            self.core.handle_connect_held(conn, turn, now);
        }
        self.insert(Socket::connect(conn, way, turn.since(now.mono)));
    }

    fn close(&mut self, conn: Conn, reason: CloseReason, abort: bool, now: Now) {
        let Some(socket) = self.sockets.get_mut(&conn.session).filter(|socket| socket.conn == conn) else { return };
        if reason == CloseReason::SlowPeer && socket.freeze() {
            return;
        }
        let is_gone = abort || socket.close();
        if is_gone && let Some(socket) = self.remove(conn) {
            socket.abort();
            self.core.handle_closed(conn, reason, now);
        }
    }
}
