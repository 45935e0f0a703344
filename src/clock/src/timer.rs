use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::mono::Mono;

/// A hash that is the same in every run. Names are ours, so that nobody can make them collide.
#[derive(Clone, Debug, Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u16(&mut self, number: u16) {
        self.write_u64(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_u128(&mut self, number: u128) {
        let (high, low) = (number >> 64, number & u128::from(u64::MAX));
        [high, low].into_iter().filter_map(|half| u64::try_from(half).ok()).for_each(|half| self.write_u64(half));
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number.unsigned_abs() as u64);
    }
}

fn hash_of<K: Hash>(name: &K) -> u64 {
    let mut mixer = Mixer::default();
    name.hash(&mut mixer);
    mixer.finish()
}

/// A machine's timers: each is named by `K`, is set at most once, and the earliest is known at once.
///
/// Two timers that end at the same instant come in the order of their names, so that a run can be repeated.
///
/// Who sets a timer often keeps a [`Hold`] of it: it is found by that, and its name is looked for nowhere.
///
/// Most timers of a kind run equally long, so that each ends behind those of its kind that were set before. They lie in queues that are
/// sorted as they come: setting, stopping and ending one costs the same however many there are. What fits behind none of the queues, and
/// the few that run for so long that nothing fits behind them, lie in a heap. Places are used again, so that nothing is allocated once as many were set as ever are.
#[derive(Clone, Debug)]
pub struct Timers<K> {
    /// Those that are set, and free places.
    nodes: Vec<Node<K>>,
    free: Vec<u32>,
    /// Places of nodes by their names, but for those that are held. Its order is nobody's.
    places: HashTable<u32>,
    queues: [Queue; QUEUES],
    /// What is in no queue: none ends before the one above it.
    heap: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Node<K> {
    name: K,
    at: Mono,
    seat: Seat,
    is_held: bool,
}

/// What a timer is found by that was set with it. It holds none at first, and none any more when that timer has ended or is stopped.
#[derive(Clone, Copy, Debug)]
pub struct Hold(u32);

impl Default for Hold {
    fn default() -> Self {
        Self(NONE)
    }
}

/// Where a timer lies.
#[derive(Clone, Copy, Debug)]
enum Seat {
    /// The so many-th that was put into a queue.
    Queue(u8, u32),
    Heap(u32),
    /// Nowhere: its place is free.
    Free,
}

/// Sorted. The first and the last are set; between them, places of stopped ones are [`NONE`].
#[derive(Clone, Debug, Default)]
struct Queue {
    places: VecDeque<u32>,
    /// When the last one ends.
    last: Mono,
    /// How many have left it at the front, round and round.
    left: u32,
    /// Stopped ones between the others.
    stopped: usize,
}

const QUEUES: usize = 4;
/// A queue of no more gives way.
const FEW: usize = 4;
/// How many are below each in the heap.
const BELOW: usize = 4;
/// No place.
const NONE: u32 = u32::MAX;

fn number(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(NONE)
}

/// Puts one into a place that is free.
fn lay<K>(nodes: &mut Vec<Node<K>>, free: &mut Vec<u32>, node: Node<K>) -> u32 {
    match free.pop() {
        Some(place) => {
            nodes[place as usize] = node;
            place
        }
        None => {
            nodes.push(node);
            number(nodes.len() - 1)
        }
    }
}

impl<K: Ord + Clone + Hash> Timers<K> {
    /// No timer is set.
    #[must_use]
    pub fn new() -> Self {
        Self {
            nodes: Vec::new(),
            free: Vec::new(),
            places: HashTable::new(),
            queues: Default::default(),
            heap: Vec::new(),
        }
    }

    /// Sets a timer, replacing an earlier setting of the same name.
    pub fn set(&mut self, name: K, at: Mono) {
        let Self { nodes, free, places, .. } = self;
        let entry = places.entry(
            hash_of(&name),
            |place| nodes[*place as usize].name == name,
            |place| hash_of(&nodes[*place as usize].name),
        );
        match entry {
            Entry::Occupied(known) => {
                let place = *known.get();
                self.move_to(place, at);
            }
            Entry::Vacant(vacant) => {
                let place = lay(nodes, free, Node { name, at, seat: Seat::Free, is_held: false });
                vacant.insert(place);
                self.sit_down(place);
            }
        }
    }

    /// Sets a timer that is found by a hold from now on, replacing what was set of it. The same name is not set without it.
    pub fn set_held(&mut self, hold: &mut Hold, name: K, at: Mono) {
        match self.held(*hold, &name) {
            Some(place) => self.move_to(place, at),
            None => {
                let node = Node { name, at, seat: Seat::Free, is_held: true };
                hold.0 = lay(&mut self.nodes, &mut self.free, node);
                self.sit_down(hold.0);
            }
        }
    }

    /// Stops a timer; one that is not set stays so.
    pub fn stop(&mut self, name: &K) {
        let Self { nodes, places, .. } = self;
        if let Ok(known) = places.find_entry(hash_of(name), |place| nodes[*place as usize].name == *name) {
            let (place, _) = known.remove();
            self.clear_away(place);
        }
    }

    /// Stops one that is held; one that is not set stays so.
    pub fn stop_held(&mut self, hold: &mut Hold, name: &K) {
        if let Some(place) = self.held(*hold, name) {
            self.clear_away(place);
        }
        hold.0 = NONE;
    }

    /// When a timer will end, if it is set.
    #[must_use]
    pub fn get(&self, name: &K) -> Option<Mono> {
        let place = self.places.find(hash_of(name), |place| self.nodes[*place as usize].name == *name)?;
        Some(self.nodes[*place as usize].at)
    }

    /// When one that is held will end, if it is set.
    #[must_use]
    pub fn get_held(&self, hold: Hold, name: &K) -> Option<Mono> {
        self.held(hold, name).map(|place| self.nodes[place as usize].at)
    }

    /// A hold of a timer that was set without one; of none, if it is not set.
    pub fn hold(&mut self, name: &K) -> Hold {
        let Self { nodes, places, .. } = self;
        match places.find_entry(hash_of(name), |place| nodes[*place as usize].name == *name) {
            Ok(known) => {
                let (place, _) = known.remove();
                nodes[place as usize].is_held = true;
                Hold(place)
            }
            Err(_) => Hold::default(),
        }
    }

    /// The place of a timer that is held. Another may have it by now.
    #[inline]
    fn held(&self, hold: Hold, name: &K) -> Option<u32> {
        let node = self.nodes.get(hold.0 as usize)?;
        (!matches!(node.seat, Seat::Free) && node.name == *name).then_some(hold.0)
    }

    fn move_to(&mut self, place: u32, at: Mono) {
        self.stand_up(place);
        self.nodes[place as usize].at = at;
        self.sit_down(place);
    }

    fn clear_away(&mut self, place: u32) {
        self.stand_up(place);
        self.nodes[place as usize].seat = Seat::Free;
        self.free.push(place);
    }

    /// The timer that ends first.
    #[must_use]
    pub fn earliest(&self) -> Option<(Mono, &K)> {
        let node = &self.nodes[self.first()? as usize];
        Some((node.at, &node.name))
    }

    fn first(&self) -> Option<u32> {
        let firsts = self.queues.iter().filter_map(|queue| queue.places.front()).chain(self.heap.first());
        firsts.copied().reduce(|one, other| if self.is_before(other, one) { other } else { one })
    }

    /// Takes the first timer that has ended by `now`, so that a loop sees each once.
    pub fn expire(&mut self, now: Mono) -> Option<K> {
        let place = self.first()?;
        let node = self.nodes.get(place as usize).filter(|node| node.at <= now)?;
        let name = node.name.clone();
        if node.is_held {
            self.clear_away(place);
        } else {
            self.stop(&name);
        }
        Some(name)
    }

    /// Every timer that is set, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&K, Mono)> {
        let queued = self.queues.iter().flat_map(|queue| &queue.places);
        let places = queued.chain(&self.heap).filter_map(|place| self.nodes.get(*place as usize));
        let mut all: Vec<(&K, Mono)> = places.map(|node| (&node.name, node.at)).collect();
        all.sort_unstable();
        all.into_iter()
    }

    /// Whether one ends before another.
    #[inline]
    fn is_before(&self, one: u32, other: u32) -> bool {
        let (one, other) = (&self.nodes[one as usize], &self.nodes[other as usize]);
        one.at < other.at || (one.at == other.at && one.name < other.name)
    }

    /// Behind the first queue whose last one ends before, or into the heap.
    fn sit_down(&mut self, place: u32) {
        let ends = self.nodes[place as usize].at;
        let fits = |queue: &Queue| match queue.places.back() {
            None => true,
            Some(_) if queue.last != ends => queue.last < ends,
            Some(last) => self.is_before(*last, place),
        };
        let Some(at) = self.queues.iter().position(fits).or_else(|| self.give_way()) else {
            self.heap.push(place);
            self.rise(self.heap.len() - 1);
            return;
        };
        let queue = &mut self.queues[at];
        let seat = queue.left.wrapping_add(number(queue.places.len()));
        queue.places.push_back(place);
        queue.last = ends;
        self.nodes[place as usize].seat = Seat::Queue(u8::try_from(at).unwrap_or(u8::MAX), seat);
    }

    /// A queue of a few that hold up all others, since they run for long, moves into the heap.
    fn give_way(&mut self) -> Option<usize> {
        let short = (0..QUEUES).filter(|at| self.queues[*at].places.len() <= FEW);
        let at = short.max_by_key(|at| self.queues[*at].places.back().map(|last| self.nodes[*last as usize].at))?;
        self.queues[at].stopped = 0;
        while let Some(place) = self.queues[at].places.pop_front() {
            if place != NONE {
                self.heap.push(place);
                self.rise(self.heap.len() - 1);
            }
        }
        Some(at)
    }

    /// Takes one from where it lies.
    fn stand_up(&mut self, place: u32) {
        match self.nodes[place as usize].seat {
            Seat::Queue(at, seat) => {
                let queue = &mut self.queues[usize::from(at)];
                if let Some(last) = queue.stop(seat) {
                    queue.last = self.nodes[last as usize].at;
                }
                if queue.stopped > 64 && queue.stopped > queue.places.len() / 2 {
                    self.close_up(at);
                }
            }
            Seat::Heap(seat) => self.leave(seat as usize),
            Seat::Free => {}
        }
    }

    /// Stopped ones go from between the others.
    fn close_up(&mut self, at: u8) {
        let queue = &mut self.queues[usize::from(at)];
        queue.places.retain(|place| *place != NONE);
        queue.stopped = 0;
        for (behind, place) in (0..).zip(&queue.places) {
            self.nodes[*place as usize].seat = Seat::Queue(at, queue.left.wrapping_add(behind));
        }
    }

    /// Takes a seat out of the heap: the last one comes to it.
    fn leave(&mut self, seat: usize) {
        let Some(last) = self.heap.pop() else { return };
        let Some(gone) = self.heap.get_mut(seat) else { return };
        let gone = core::mem::replace(gone, last);
        if self.is_before(last, gone) {
            self.rise(seat);
        } else {
            self.sink(seat);
        }
    }

    fn put(&mut self, seat: usize, place: u32) {
        self.heap[seat] = place;
        self.nodes[place as usize].seat = Seat::Heap(number(seat));
    }

    /// What is at a seat of the heap goes up to where it belongs.
    fn rise(&mut self, mut seat: usize) {
        let place = self.heap[seat];
        while seat > 0 {
            let above = (seat - 1) / BELOW;
            let other = self.heap[above];
            if !self.is_before(place, other) {
                break;
            }
            self.put(seat, other);
            seat = above;
        }
        self.put(seat, place);
    }

    /// What is at a seat of the heap goes down to where it belongs.
    fn sink(&mut self, mut seat: usize) {
        let place = self.heap[seat];
        loop {
            let first = seat * BELOW + 1;
            let mut next = first;
            for other in first + 1..self.heap.len().min(first + BELOW) {
                if self.is_before(self.heap[other], self.heap[next]) {
                    next = other;
                }
            }
            let Some(below) = self.heap.get(next).copied() else { break };
            if !self.is_before(below, place) {
                break;
            }
            self.put(seat, below);
            seat = next;
        }
        self.put(seat, place);
    }
}

impl Queue {
    /// The timer of a seat is stopped. Gives the place of the last one, if that is another now.
    fn stop(&mut self, seat: u32) -> Option<u32> {
        let at = seat.wrapping_sub(self.left) as usize;
        let behind = self.places.len().checked_sub(at + 1)?;
        if at == 0 {
            self.places.pop_front();
            self.left = self.left.wrapping_add(1);
            while self.places.pop_front_if(|place| *place == NONE).is_some() {
                self.left = self.left.wrapping_add(1);
                self.stopped -= 1;
            }
            return None;
        }
        if behind == 0 {
            self.places.pop_back();
            while self.places.pop_back_if(|place| *place == NONE).is_some() {
                self.stopped -= 1;
            }
            return self.places.back().copied();
        }
        *self.places.get_mut(at)? = NONE;
        self.stopped += 1;
        None
    }
}

impl<K: Ord + Clone + Hash> Default for Timers<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_earliest_comes_first_and_only_once() {
        let mut timers = Timers::new();
        timers.set("poll", Mono::from_nanos(30));
        timers.set("answer", Mono::from_nanos(20));
        timers.set("poll", Mono::from_nanos(10));
        assert_eq!(timers.earliest(), Some((Mono::from_nanos(10), &"poll")));
        assert_eq!(timers.expire(Mono::from_nanos(9)), None);
        assert_eq!(timers.expire(Mono::from_nanos(25)), Some("poll"));
        assert_eq!(timers.expire(Mono::from_nanos(25)), Some("answer"));
        assert_eq!(timers.expire(Mono::from_nanos(25)), None);
        assert_eq!(timers.get(&"poll"), None);
    }

    #[test]
    fn a_stopped_timer_never_ends() {
        let mut timers = Timers::new();
        timers.set(1, Mono::from_nanos(1));
        timers.stop(&1);
        timers.stop(&2);
        assert_eq!(timers.expire(Mono::NEVER), None);
    }

    #[test]
    fn one_that_was_set_by_name_can_be_held() {
        let mut timers = Timers::new();
        timers.set(1, Mono::from_nanos(1));
        let (mut hold, none) = (timers.hold(&1), timers.hold(&2));
        assert_eq!((timers.get_held(hold, &1), timers.get_held(none, &2)), (Some(Mono::from_nanos(1)), None));
        timers.set_held(&mut hold, 1, Mono::from_nanos(2));
        assert_eq!(timers.iter().collect::<Vec<_>>(), [(&1, Mono::from_nanos(2))]);
        let old = hold;
        assert_eq!(timers.expire(Mono::from_nanos(2)), Some(1));
        // Its place is free, and is another's then.
        assert_eq!(timers.get_held(old, &1), None);
        timers.set(3, Mono::from_nanos(3));
        timers.stop_held(&mut hold, &1);
        assert_eq!((timers.get_held(old, &1), timers.expire(Mono::NEVER)), (None, Some(3)));
    }

    /// Set, set again, stopped and ended by chance, at few instants, so that many end at one: always as a sorted set says. Odd names
    /// are held.
    #[test]
    fn it_is_as_a_sorted_set() {
        let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
        let mut roll = |below: u64| {
            chance = chance.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (chance >> 33) % below
        };
        for names in [3, 40, 700] {
            let (mut timers, mut model) = (Timers::new(), BTreeMap::<u64, Mono>::new());
            let mut holds = BTreeMap::<u64, Hold>::new();
            let mut now = 0;
            let set = |timers: &mut Timers<u64>, holds: &mut BTreeMap<u64, Hold>, name, at| match name % 2 {
                0 => timers.set(name, at),
                _ => timers.set_held(holds.entry(name).or_default(), name, at),
            };
            for step in 0..6_000 {
                let name = roll(names);
                match roll(8) {
                    // Mostly behind all that are set.
                    0..=2 => {
                        let at = Mono::from_nanos(now + 50 + roll(4));
                        set(&mut timers, &mut holds, name, at);
                        model.insert(name, at);
                    }
                    3 => {
                        let at = Mono::from_nanos(now + roll(50));
                        set(&mut timers, &mut holds, name, at);
                        model.insert(name, at);
                    }
                    4 | 5 => {
                        match name % 2 {
                            0 => timers.stop(&name),
                            _ => timers.stop_held(holds.entry(name).or_default(), &name),
                        }
                        model.remove(&name);
                    }
                    _ => {
                        now += roll(3);
                        let first = model.iter().map(|(name, at)| (*at, *name)).min();
                        let ended = first.filter(|(at, _)| *at <= Mono::from_nanos(now)).map(|(_, name)| name);
                        assert_eq!(timers.expire(Mono::from_nanos(now)), ended, "{names} {step}");
                        ended.map(|name| model.remove(&name));
                    }
                }
                let first = model.iter().map(|(name, at)| (*at, *name)).min();
                assert_eq!(timers.earliest().map(|(at, name)| (at, *name)), first, "{names} {step}");
                let known = match name % 2 {
                    0 => timers.get(&name),
                    _ => timers.get_held(holds.get(&name).copied().unwrap_or_default(), &name),
                };
                assert_eq!(known, model.get(&name).copied(), "{names} {step}");
            }
            assert!(timers.iter().map(|(name, at)| (*name, at)).eq(model));
        }
    }
}
