use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use pabal_clock::{Civil, Deadline, Mono, Now, Pace, Timers};
use pabal_spec::Institution;

use crate::book::Book;
use crate::byte_table::ByteTable;
use crate::bytes::Bytes;
use crate::command::{By, Command, CommandRefused, Stops};
use crate::control::{ControlId, Unjudged};
use crate::delivery::ServiceReply;
use crate::dice::Dice;
use crate::durable::Journal;
use crate::entry::{Entry, Place};
use crate::id::{Conn, ExchangeId, IdSource, LineId, NoticeId, SessionId, Ticket};
use crate::image::Image;
use crate::keys::Keys;
use crate::notice::Notices;
use crate::output::{Event, Output};
use crate::plan::Plan;
use crate::rate::Tokens;
use crate::recovery::Recovery;
use crate::refusal::Refusal;
use crate::route::LineState;
use crate::sequence::Gaps;
use crate::session::CloseReason;
use crate::sessions::Sessions;
use crate::settings::{Limits, Settings};
use crate::stamp::Stamped;
use crate::state::{Clocks, Conversation, Day, State};
use crate::status::{ExchangeStatus, OpenNotice, Status, Unresolved};
use crate::timer::TimerName;
use crate::transition::Fired;
use crate::version::VersionRefused;
use crate::waiting::Waiting;

/// A request of a caller. `Debug` tells of the telegram its length only.
#[derive(Clone)]
pub struct Open {
    /// What it is, pinned.
    pub plan: Arc<Plan>,
    /// Who asks; scopes the idempotency key.
    pub caller: Box<str>,
    /// The caller's own name for the request, if it wants to be able to ask again.
    pub idempotency_key: Option<Box<str>>,
    /// Which party asks; `None` is the first that is configured.
    pub party: Option<Box<str>>,
    /// The telegram as encoded, length prefix not included; what is stamped is still unset.
    pub telegram: Bytes,
    /// When the caller stops waiting.
    pub deadline: Deadline,
    /// The caller takes an UNKNOWN that comes before the institution's time for an answer is over. Without it, a request whose deadline is
    /// shorter than that time is refused before anything leaves.
    pub accepts_early_unknown: bool,
    /// The caller's `traceparent` (W3C Trace Context), as it came.
    pub trace: Option<Arc<str>>,
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open")
            .field("exchange", &self.plan.exchange().name)
            .field("caller", &self.caller)
            .field("party", &self.party)
            .field("telegram_bytes", &self.telegram.len())
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// How a request was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// As a new exchange.
    New(ExchangeId),
    /// The idempotency key is known: this exchange's outcome answers. If there is one already, [`Output::Finish`] repeats it; but where
    /// [`Core::exchange`] does not know it, the journal has it.
    Known(ExchangeId),
}

/// Why an idempotency key is not fenced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotFenced {
    /// It is used: this is its exchange.
    Used(ExchangeId),
    /// Nothing more can be written down: [`Refusal::JournalFull`] for now, or [`Refusal::JournalFailed`]. The text is for people.
    Refused(Refusal, String),
}

/// An inquiry by hand.
#[derive(Clone, Debug)]
pub struct Inquire {
    /// About which UNKNOWN exchange.
    pub exchange: ExchangeId,
    /// Who asks.
    pub actor: Box<str>,
    /// And why.
    pub reason: Box<str>,
    /// The asking service's trace, if it has one.
    pub trace: Option<Arc<str>>,
    /// When the actor stops waiting.
    pub deadline: Deadline,
}

/// One institution's machine: plain values, no IO, no clock, no randomness but the seed that it is born with.
///
/// Methods are of four kinds. *Getters* change nothing. *`handle_*`* tell what happened in the world. *Commands* ([`Core::open`],
/// [`Core::abandon`], [`Core::inquire`], [`Core::reply`], [`Core::fence`], [`Core::command`], [`Core::drain`]) tell what somebody wants. *`poll_*`* tell what the shell
/// must do. After every call of the second and third kind, drain [`Core::poll_output`], then pull [`Core::poll_write`] of the
/// connections whose sockets take bytes, then set one timer by [`Core::poll_timeout`].
///
/// What carries a connection of an older epoch is ignored: the socket is gone, and its news came too late.
pub struct Core {
    /// The newest version.
    pub(crate) institution: Arc<Institution>,
    /// Older ones, newest first, while a recovery finds by which of them an exchange goes.
    pub(crate) older: Vec<Arc<Institution>>,
    pub(crate) settings: Settings,
    /// One for each protocol of the institution.
    pub(crate) books: Vec<Book>,
    /// What exchanges have pinned.
    pub(crate) plans: Vec<Arc<Plan>>,
    pub(crate) outputs: VecDeque<Output>,
    /// The batch of the call that is running.
    pub(crate) entries: Vec<Entry>,
    /// How many of the last effects of the journal follow from it.
    pub(crate) effects: u32,
    /// The bytes of a pending key that is looked for.
    pub(crate) scratch: Vec<u8>,
    pub(crate) fired: Fired,
    /// The names of the lines, as entries have them.
    lines: Vec<Arc<str>>,
    /// The places of the openings, by what [`Core::opening_of`] looks for.
    pub(crate) opening_places: ByteTable<u32>,
    /// The second of the wall clock in which the last input came, and what the clocks of the protocols showed.
    pub(crate) second: i64,
    civils: Vec<Civil>,
    /// What each plan's stamps were when one was last written.
    pub(crate) stamped: Vec<Stamped>,
    /// Where the slots of each line begin.
    pub(crate) first_slots: Vec<usize>,
    /// Controls that the spec in force cannot judge.
    pub(crate) unjudged: BTreeMap<ControlId, Unjudged>,
    /// Events among the outputs.
    events_waiting: usize,
    pub(crate) state: State,
}

/// Numbers only: a core holds telegrams.
impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("institution", &self.institution.name)
            .field("exchanges", &self.state.exchanges.len())
            .field("outputs", &self.outputs.len())
            .finish_non_exhaustive()
    }
}

impl Core {
    /// A core for an institution, from settings that were checked, what the journal knows, and a seed for ids and jitter.
    /// `versions` are the institution's, newest first: new work goes by the first, and what the recovery holds open by its own
    /// ([`Recovery::specs`] names those that it needs). Its first outputs are entries about what a stop left behind, and connections.
    ///
    /// # Panics
    /// There is no version.
    #[must_use]
    pub fn new(versions: Vec<Arc<Institution>>, settings: Settings, recovery: Recovery, seed: u64, now: Now) -> Self {
        let (institution, older) = newest_of(versions);
        let conversations = institution
            .protocols
            .iter()
            .map(|protocol| Conversation {
                protocol: protocol.name.clone(),
                waiting: Waiting::default(),
                tokens: Tokens::default(),
                numbers: crate::numbering::Numbers::default(),
                day: Day::at(&protocol.day, now.wall),
            })
            .collect();
        let state = State {
            limits: settings.limits.clone(),
            dice: Dice::new(seed),
            ids: IdSource::default(),
            timers: Timers::new(),
            journal: Journal::default(),
            sessions: Sessions::default(),
            lines: LineState::of(&settings.lines),
            connects: Pace::default(),
            conversations,
            openings: Vec::new(),
            exchanges: crate::exchanges::Exchanges::default(),
            tombstones: VecDeque::new(),
            unknown: BTreeSet::new(),
            orphans: BTreeMap::new(),
            keys: Keys::default(),
            notices: Notices::default(),
            gaps: Gaps::default(),
            drains: Vec::new(),
            stops: Stops::default(),
            clocks: Clocks::at(now),
            events_dropped: 0,
        };
        let mut core = Self::with_state(institution, older, settings, state, Vec::new());
        core.lay_sessions();
        core.list_openings();
        core.recover(recovery, now);
        core.judge_controls();
        core.tell_unjudged_controls();
        core.set_date_timer(now);
        core.connect_all();
        core.call_all_backups();
        core.flush();
        let Self { older, state, .. } = &mut core;
        older.retain(|version| state.notices.are_read_by(version));
        core
    }

    pub(crate) fn with_state(
        institution: Arc<Institution>,
        older: Vec<Arc<Institution>>,
        settings: Settings,
        mut state: State,
        plans: Vec<Arc<Plan>>,
    ) -> Self {
        let secret = state.dice.secret();
        state.keys.hash_by(secret);
        state.exchanges.hash_by(secret);
        let books = institution.protocols.iter().map(|protocol| Book::new(protocol, &settings)).collect();
        let slots = settings
            .lines
            .iter()
            .scan(0, |sum, line| Some(core::mem::replace(sum, *sum + usize::from(line.sessions_max))));
        let first_slots = slots.collect();
        let lines = settings.lines.iter().map(|line| Arc::from(&*line.name)).collect();
        let mut core = Self {
            institution,
            older,
            settings,
            books,
            plans,
            outputs: VecDeque::new(),
            entries: Vec::new(),
            effects: 0,
            scratch: Vec::new(),
            fired: Fired::default(),
            lines,
            opening_places: ByteTable::default(),
            second: i64::MIN,
            civils: Vec::new(),
            stamped: Vec::new(),
            first_slots,
            unjudged: BTreeMap::new(),
            events_waiting: 0,
            state,
        };
        core.place_openings();
        core
    }

    // ---- getters ----

    /// The whole core as data.
    ///
    /// # Panics
    /// Outputs are not drained.
    #[must_use]
    pub fn image(&self) -> Image {
        assert!(self.outputs.is_empty(), "outputs are drained before an image is made");
        Image::of(self)
    }

    /// A core that goes on where an image stood.
    ///
    /// # Errors
    /// The image is of another version or institution, or of specs or settings that are not these.
    ///
    /// # Panics
    /// There is no version of the institution.
    pub fn restore(image: Image, versions: Vec<Arc<Institution>>, settings: Settings) -> Result<Self, Box<str>> {
        let (institution, older) = newest_of(versions);
        image.restore(institution, older, settings)
    }

    /// Whether bytes of this connection should be read now; `false` pushes back on the peer through TCP.
    #[must_use]
    pub fn wants_read(&self, conn: Conn) -> bool {
        self.state.journal.failed.is_none()
            && !self.journal_is_full()
            && self.slot_of(conn).is_some_and(|slot| {
                let session = &self.state.sessions[slot];
                session.is_connected() && session.out.unsent_bytes() < session.unsent_bytes_max
            })
    }

    /// Whether a connection still fills its slot. One that does not may not live on: nobody counts it.
    #[must_use]
    pub fn holds(&self, conn: Conn) -> bool {
        self.slot_of(conn).is_some_and(|slot| !self.state.sessions[slot].is_gone())
    }

    /// What an operator sees.
    #[must_use]
    pub fn status(&self) -> Status {
        self.make_status()
    }

    /// One exchange, if memory knows it. Of one that an earlier process settled by an answer only the journal has that answer: such a one
    /// is not known here.
    #[must_use]
    pub fn exchange(&self, exchange: ExchangeId) -> Option<ExchangeStatus> {
        let known = self.state.exchanges.get(&exchange).filter(|exchange| !exchange.has_answer_in_journal());
        let known = known.map(|exchange| ExchangeStatus {
            exchange: exchange.id,
            state: exchange.state,
            outcome: exchange.told,
            accepted_at: exchange.about.accepted_at,
            answer_until: exchange.answer_until(&self.state.timers),
        });
        known.or_else(|| self.state.orphans.get(&exchange).map(|known| known.status(exchange)))
    }

    /// UNKNOWN exchanges in memory, oldest first: what is done next about each, and when; or that it is listed for a person. At
    /// most `max`, behind `after`.
    #[must_use]
    pub fn unresolved(&self, after: Option<ExchangeId>, max: usize) -> Vec<Unresolved> {
        self.list_unresolved(after, max)
    }

    /// Notices about which something is still to be done, oldest first, at most `max`: no service has them yet, or their reply has not left.
    #[must_use]
    pub fn open_notices(&self, max: usize) -> Vec<OpenNotice> {
        self.list_open_notices(max)
    }

    /// The exchange that a caller's idempotency key names, if memory knows it.
    #[must_use]
    pub fn exchange_of_key(&self, caller: &str, key: &str) -> Option<ExchangeId> {
        match self.state.keys.find(caller, key) {
            Some(crate::keys::Bound::To(exchange)) => Some(exchange),
            Some(crate::keys::Bound::Fenced) | None => None,
        }
    }

    /// How often each event came in each state since this core began, or was restored.
    #[must_use]
    pub const fn fired(&self) -> &Fired {
        &self.fired
    }

    /// Everything that a recovery needs, as one entry. It is not appended: the shell writes it behind all that was handed out before.
    #[must_use]
    pub fn checkpoint(&self, now: Now) -> Entry {
        Entry::Checkpoint(Box::new(Recovery::of(self, now)))
    }

    // ---- the world ----

    /// The connection that [`Output::Connect`] asked for is made.
    pub fn handle_connected(&mut self, conn: Conn, now: Now) {
        self.begin(now);
        if let Some(slot) = self.slot_of(conn) {
            self.connected(slot, now);
        }
        self.end(now);
    }

    /// It could not be made.
    pub fn handle_connect_failed(&mut self, conn: Conn, now: Now) {
        self.begin(now);
        if let Some(slot) = self.slot_of(conn) {
            self.connect_failed(slot, now);
        }
        self.end(now);
    }

    /// The shell begins with the connection that [`Output::Connect`] asked for only at `until`, because the process connects too often: the time
    /// that connecting may take begins then.
    pub fn handle_connect_held(&mut self, conn: Conn, until: Mono, now: Now) {
        self.begin(now);
        if let Some(slot) = self.slot_of(conn) {
            self.connect_held(slot, until);
        }
        self.end(now);
    }

    /// A peer has connected to an acceptor line. The slot is taken by this call.
    ///
    /// # Errors
    /// The line is full, draining or not one that accepts: reset the socket at once.
    pub fn handle_accepted(&mut self, line: LineId, now: Now) -> Result<Conn, CloseReason> {
        self.begin(now);
        let taken = self.accept(line, now);
        self.end(now);
        taken
    }

    /// Bytes came. At most [`Core::read_bytes_max`] at a time.
    pub fn handle_received(&mut self, conn: Conn, bytes: &[u8], now: Now) {
        self.begin(now);
        if let Some(slot) = self.slot_of(conn) {
            self.received(slot, bytes, now);
        }
        self.end(now);
    }

    /// The kernel took so many of the bytes that [`Core::poll_write`] gave. Said before the core is told anything else: what has
    /// begun to leave goes on, whatever date it is by now. None at all says that its socket is full: from now on the line's bounds of
    /// what is unsent hold ([`crate::LineSettings::unsent_time_max`]). That need not be said again before it took something.
    pub fn handle_wrote(&mut self, conn: Conn, bytes: usize, now: Now) {
        if let Some(slot) = self.slot_of(conn) {
            self.state.sessions[slot].out.wrote(bytes);
        }
        self.begin(now);
        match self.slot_of(conn) {
            Some(slot) if bytes == 0 => self.is_full(slot, now),
            Some(slot) => self.wrote(slot, now),
            None => {}
        }
        self.end(now);
    }

    /// The connection is gone (the peer's FIN or RST was seen, or reading or writing failed), or the close that we asked for is done.
    /// [`CloseReason::PeerClosed`] and [`CloseReason::Reset`] say that the peer's FIN or RST was seen: only then is the slot free
    /// before the line's close grace is over.
    pub fn handle_closed(&mut self, conn: Conn, reason: CloseReason, now: Now) {
        self.begin(now);
        if let Some(slot) = self.slot_of(conn) {
            self.closed(slot, reason, None, now);
        }
        self.end(now);
    }

    /// The abort that was asked for because of [`CloseReason::SlowPeer`] is done. `kernel_unsent` says, where the kernel proves it, how
    /// many of the last bytes of those that it took had not left, and never will: requests of which it took no more than these are
    /// NOT_SENT. What is not proven is `None`. Replies to notices that the kernel took count as sent.
    pub fn handle_aborted(&mut self, conn: Conn, kernel_unsent: Option<u64>, now: Now) {
        self.begin(now);
        if let Some(slot) = self.slot_of(conn) {
            self.closed(slot, CloseReason::SlowPeer, kernel_unsent, now);
        }
        self.end(now);
    }

    /// A batch of entries is durable, and all before it.
    pub fn handle_durable(&mut self, ticket: Ticket, now: Now) {
        self.begin(now);
        self.durable(ticket, now);
        self.drain_on(now);
        self.end(now);
    }

    /// Nothing will become durable any more: stop sending at once.
    ///
    /// Every session closes, and nothing is taken in until the process starts anew. A caller whose request provably did not
    /// leave hears [`Refusal::JournalFailed`]. A caller whose request may have left hears UNKNOWN with cause `NOT_KEPT`: no new entry
    /// can say so, but the durable `sending` entry without an outcome says UNKNOWN by itself, and so does whoever recovers from it.
    pub fn handle_journal_failed(&mut self, why: &str, now: Now) {
        self.begin(now);
        self.journal_failed(why, now);
        self.end(now);
    }

    /// The time of [`Core::poll_timeout`] has come, or may have.
    pub fn handle_timeout(&mut self, now: Now) {
        self.begin(now);
        while let Some(timer) = self.state.timers.expire(now.mono) {
            self.timer_ended(timer, now);
        }
        self.end(now);
    }

    // ---- commands ----

    /// Takes in a request.
    ///
    /// # Errors
    /// Refused: nothing was journaled and no byte will leave. The text is for people.
    pub fn open(&mut self, open: Open, now: Now) -> Result<Opened, (Refusal, String)> {
        self.begin(now);
        let opened = self.open_request(open, now);
        self.end(now);
        opened
    }

    /// The caller is gone. A request that still waits will not leave; one whose `sending` was appended goes on, and its outcome is
    /// journaled as if somebody waited.
    pub fn abandon(&mut self, exchange: ExchangeId, now: Now) {
        self.begin(now);
        self.refuse_waiting(exchange, Refusal::Abandoned, now);
        self.end(now);
    }

    /// Asks the institution what became of an UNKNOWN exchange, by the exchange that its spec names. Waiters of the returned exchange hear the
    /// inquiry's own outcome; waiters of the original hear its new one.
    ///
    /// # Errors
    /// It cannot be asked: [`Refusal::NotInquirable`], or refused as any request may be.
    pub fn inquire(&mut self, inquire: Inquire, now: Now) -> Result<ExchangeId, (Refusal, String)> {
        self.begin(now);
        let asked = self.inquire_by_hand(inquire, now);
        self.end(now);
        asked
    }

    /// Binds an unused idempotency key, so that a request that still comes with it is refused. Durable when the ticket is.
    ///
    /// # Errors
    /// The key is used, or nothing more can be written down: then nothing is bound.
    pub fn fence(&mut self, caller: &str, key: &str, now: Now) -> Result<Ticket, NotFenced> {
        self.begin(now);
        let no = match (self.exchange_of_key(caller, key), self.may_append()) {
            (Some(exchange), _) => Some(NotFenced::Used(exchange)),
            (None, Err((refusal, text))) => Some(NotFenced::Refused(refusal, text)),
            (None, Ok(())) => None,
        };
        if let Some(no) = no {
            self.end(now);
            return Err(no);
        }
        self.evict_keys();
        self.state.keys.bind(caller, key, crate::keys::Bound::Fenced);
        self.append(Entry::Fence(crate::entry::Fence { caller: caller.into(), key: key.into() }));
        let ticket = self.ticket();
        self.end(now);
        Ok(ticket)
    }

    /// A service replies to a notice. What becomes of the reply is told by [`Output::Replied`].
    ///
    /// # Errors
    /// Refused: no byte of it will leave. [`Refusal::UnknownNotice`], or [`Refusal::InvalidFields`] if it makes no telegram.
    pub fn reply(&mut self, reply: ServiceReply, now: Now) -> Result<(), (Refusal, String)> {
        self.begin(now);
        let taken = self.take_reply(reply);
        self.end(now);
        taken
    }

    /// A service has a notice: it is not delivered again unless the institution sends it again.
    pub fn delivered(&mut self, notice: NoticeId, caller: &str, now: Now) {
        self.begin(now);
        self.notice_delivered(notice, caller);
        self.end(now);
    }

    /// Durable notices that no service has yet, oldest first, behind `after`, at most `max`.
    #[must_use]
    pub fn undelivered(&self, after: Option<NoticeId>, max: usize) -> Vec<NoticeId> {
        self.state.notices.undelivered(after, max)
    }

    /// Delivers a notice once more, to a service that came later. One that is not in memory, or not durable yet, is left alone.
    pub fn deliver_again(&mut self, notice: NoticeId, now: Now) {
        self.begin(now);
        self.deliver(notice);
        self.end(now);
    }

    /// Takes nothing new, lets what is in flight be answered until the deadline, then closes all sessions. What still waits is
    /// refused at once. Business stays open.
    pub fn drain(&mut self, deadline: Mono, now: Now) {
        self.begin(now);
        self.drain_process(deadline, now);
        self.end(now);
    }

    /// Takes a command of an operator: it is written down with who gave it and why, and what follows from it begins at once. Durable when the
    /// ticket is; what it stops holds until it is started, over restarts too.
    ///
    /// # Errors
    /// What it names is not there, or nothing more can be written down: then nothing has changed.
    pub fn command(&mut self, command: Command, by: By, now: Now) -> Result<Ticket, CommandRefused> {
        self.begin(now);
        let taken = self.take_command(command, by, now);
        self.end(now);
        taken
    }

    /// Whether a drain by [`Core::drain`] is done: every socket is gone and every entry durable.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.is_ending()
            && self.outputs.is_empty()
            && self.state.journal.undurable.is_empty()
            && self.state.sessions.iter().all(|session| session.is_gone())
    }

    /// Another version of the spec: what is taken in by a [`Plan`] of it goes by it, and what the core does by itself. What is in
    /// flight goes on by the version that it began with. Sessions and openings stay as they are.
    ///
    /// # Errors
    /// It is another conversation ([`Institution::same_conversation`]) and needs a reconnect, or it cannot judge a control that stands. The
    /// core goes on by the version that it had.
    pub fn set_institution(&mut self, institution: Arc<Institution>, now: Now) -> Result<(), VersionRefused> {
        self.begin(now);
        let taken = self.take_version(institution, now);
        self.end(now);
        taken
    }

    /// New bounds, at once.
    pub fn set_limits(&mut self, limits: Limits, now: Now) {
        self.begin(now);
        self.state.limits = limits;
        self.end(now);
    }

    // ---- what the shell must do ----

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        self.events_waiting -= usize::from(matches!(output, Some(Output::Event(_))));
        if output.is_none() && self.state.events_dropped > 0 {
            let count = core::mem::take(&mut self.state.events_dropped);
            return Some(Output::Event(Event::Dropped { count }));
        }
        output
    }

    /// Bytes that a connection's socket may take now: only what is durable. Empty if there are none. What was stamped before the date
    /// changed is taken back by the first call that is told the time after it, so that a shell tells it ([`Core::handle_timeout`])
    /// before it writes.
    #[must_use]
    pub fn poll_write(&self, conn: Conn) -> &[u8] {
        match self.slot_of(conn) {
            Some(slot) if self.state.journal.failed.is_none() && self.state.sessions[slot].is_connected() => {
                self.state.sessions[slot].out.ready_bytes()
            }
            _ => &[],
        }
    }

    /// When to call [`Core::handle_timeout`], and for what.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Mono, TimerName)> {
        self.state.timers.earliest().map(|(at, name)| (at, *name))
    }

    /// The most bytes that one [`Core::handle_received`] takes.
    #[must_use]
    pub const fn read_bytes_max() -> usize {
        64 * 1_024
    }

    // ---- inside ----

    /// Every input begins with the date: the wall clock may have passed midnight, or have jumped.
    fn begin(&mut self, now: Now) {
        let second = second_of(now);
        if second != self.second {
            self.second = second;
            self.civils.clear();
            self.civils.extend(self.books.iter().map(|book| book.protocol.day.civil(now.wall)));
        }
        if self.state.conversations.iter().any(|conversation| !conversation.day.has(now.wall)) {
            self.change_date(now);
        } else if !self.state.clocks.agree(now) {
            self.set_date_timer(now);
            self.openings_by_the_clock(now);
        }
    }

    /// Every input ends with what waits: whatever the input was, it may have freed places. What is written down of all that goes out as one batch.
    fn end(&mut self, now: Now) {
        for protocol in self.protocols() {
            self.pump(protocol, now);
            self.demand(protocol, now);
        }
        self.flush();
    }

    /// What the clock of a protocol's institution shows.
    pub(crate) fn civil(&self, protocol: u16, now: Now) -> Civil {
        let known = self.civils.get(usize::from(protocol)).filter(|_| self.second == second_of(now));
        known.copied().unwrap_or_else(|| self.books[usize::from(protocol)].protocol.day.civil(now.wall))
    }

    /// Until when the answer to an exchange is awaited.
    pub(crate) fn answer_until(&self, exchange: ExchangeId) -> Option<Mono> {
        self.state.exchanges.get(&exchange)?.answer_until(&self.state.timers)
    }

    fn timer_ended(&mut self, timer: TimerName, now: Now) {
        match timer {
            TimerName::Connect(id) => self.connect_timed_out(id, now),
            TimerName::Reconnect(id) => self.connect_again(id, now),
            TimerName::Healthy(id) => self.is_healthy(id, now),
            TimerName::CloseGrace(id) => self.grace_over(id, now),
            TimerName::SignOn(id) => self.sign_on_missing(id, now),
            TimerName::SignOff(id) => self.sign_off_missing(id, now),
            TimerName::Poll(id) => self.poll_due(id, now),
            TimerName::PollAnswer(id) => self.poll_unanswered(id, now),
            TimerName::Unsent(id) => self.unsent_due(id, now),
            TimerName::Caller(id) => self.caller_leaves(id, now),
            TimerName::Answer(id) => self.answer_missing(id, now),
            TimerName::Inquiry(id) => self.inquiry_due(id, now),
            TimerName::Notice(id) => self.service_too_late(id),
            // What waits leaves, or has a connection made for it, as the input ends.
            TimerName::Rate(_) => {}
            TimerName::Gap => self.ask_for_gaps(now),
            TimerName::Opening(at) => self.try_opening(at, now),
            TimerName::DateChange => self.set_date_timer(now),
            TimerName::Tombstones => self.tombstones_expired(now),
            TimerName::Drain => self.drains_over(now),
        }
    }

    /// The slot of a connection, if that is the one that fills it.
    pub(crate) fn slot_of(&self, conn: Conn) -> Option<usize> {
        let slot = self.slot(conn.session)?;
        (self.state.sessions[slot].epoch == conn.epoch).then_some(slot)
    }

    /// The place of a session among all slots.
    pub(crate) fn slot(&self, id: SessionId) -> Option<usize> {
        let is = |slot: &usize| self.state.sessions.get(*slot).is_some_and(|session| session.id == id);
        // Slots of a line lie side by side.
        let guess = self.first_slots.get(usize::from(id.line.0)).map(|first| first + usize::from(id.slot));
        guess.filter(is).or_else(|| self.state.sessions.iter().position(|session| session.id == id))
    }

    /// A connection, as entries name it.
    pub(crate) fn place(&self, conn: Conn) -> Place {
        let line = self.lines.get(usize::from(conn.session.line.0));
        Place { line: line.map(Arc::clone).unwrap_or_default(), slot: conn.session.slot, epoch: conn.epoch.0 }
    }

    pub(crate) fn event(&mut self, event: Event) {
        if self.events_waiting < usize::try_from(self.state.limits.events_max).unwrap_or(usize::MAX) {
            self.events_waiting += 1;
            self.outputs.push_back(Output::Event(event));
        } else {
            self.state.events_dropped += 1;
        }
    }

    pub(crate) fn protocols(&self) -> core::ops::Range<u16> {
        0..u16::try_from(self.books.len()).unwrap_or(u16::MAX)
    }

    /// The place of a plan among those that exchanges have pinned.
    pub(crate) fn plan_place(&mut self, plan: Arc<Plan>) -> u32 {
        let same = |known: &Arc<Plan>| {
            Arc::ptr_eq(known, &plan) || (known.rule == plan.rule && Arc::ptr_eq(&known.protocol, &plan.protocol))
        };
        let at = self.plans.iter().position(same).unwrap_or_else(|| {
            self.plans.push(Arc::clone(&plan));
            self.plans.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// A `traceparent` (W3C Trace Context) of its own for what the core starts by itself.
    pub(crate) fn new_trace(&mut self) -> Arc<str> {
        let dice = &mut self.state.dice;
        // An id of zeros is none.
        let (high, low, span) = (dice.roll(), dice.roll().max(1), dice.roll().max(1));
        format!("00-{high:016x}{low:016x}-{span:016x}-01").into()
    }

    /// A notice's id, or an exchange's: both grow with time.
    pub(crate) fn next_notice(&mut self, now: Now) -> NoticeId {
        NoticeId(self.state.ids.next(&mut self.state.dice, now.wall))
    }
}

/// The second of the wall clock.
pub(crate) fn second_of(now: Now) -> i64 {
    now.wall.as_unix_micros().div_euclid(1_000_000)
}

/// The newest version, and the others.
fn newest_of(versions: Vec<Arc<Institution>>) -> (Arc<Institution>, Vec<Arc<Institution>>) {
    let mut versions = versions.into_iter();
    let Some(newest) = versions.next() else { panic!("a core needs a version of its institution") };
    (newest, versions.collect())
}
