//! Telegrams that lie one behind another: field by field over many of them, so that what is known of a field is asked once.

use alloc::vec::Vec;

use super::read::{self, LANES};
use super::{Lane, Reading, Slots};
use crate::decode::Telegram;
use crate::fault::Fault;
use crate::field::Side;
use crate::layout::Layout;

/// Telegrams of one layout, one behind another, as files and batches have them.
///
/// Each has the layout's length, the shortest if that varies, and so many bytes follow it: none, or a line's end. What is left at the end
/// is a telegram, too, and cut short if it is shorter than the others.
///
/// ```
/// # use pabal_telegram::*;
/// # let field = |path: &str, offset, len, kind| Field {
/// #     path: path.into(), label: path.into(), at: Slice { offset, len }, kind,
/// #     charset: CharsetPair { encode: Charset::EucKr, decode: Charset::Cp949 }, class: Class::Public,
/// #     by: By { asker: true, answerer: true, optional: false }, fill: Fill::Given, unset: Unset::Space,
/// #     equal: Equal::default(), echo: Echo::No, text: TextRule::default(),
/// # };
/// # let fields = vec![field("account", 0, 12, Kind::Text), field("amount", 12, 8, Kind::Number(Number::plain(8, 0)))];
/// # let layout = Layout::new("payment", "지급", 20, fields)?;
/// let file = b"11012345678900150000\n11012345678800x00000\n110123456787     200\n";
/// let (amount, _) = layout.find("amount").unwrap();
/// let mut slots = Slots::new();
/// // A block of some dozens at a time keeps what was read near the processor.
/// for block in file.chunks(64 * 21) {
///     let readings = Telegrams::new(&layout, block, 1, Side::Asker).read_into(&mut slots);
///     let amounts: Vec<_> = readings.iter().map(|reading| reading.units(amount)).collect();
///     assert_eq!(amounts, [Some(150_000), None, None]);
///     assert_eq!(readings.faults().len(), 2);
/// }
/// # Ok::<(), LayoutError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Telegrams<'l, 'b> {
    layout: &'l Layout,
    bytes: &'b [u8],
    between: usize,
    side: Side,
}

impl<'l, 'b> Telegrams<'l, 'b> {
    /// Looks at bytes that `side` has filled; `between` bytes behind each telegram are not looked at.
    #[must_use]
    pub const fn new(layout: &'l Layout, bytes: &'b [u8], between: usize, side: Side) -> Self {
        Self { layout, bytes, between, side }
    }

    /// From the beginning of one to that of the next.
    const fn stride(&self) -> usize {
        self.layout.len() as usize + self.between
    }

    /// How many there are, one that is cut short included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes.len().div_ceil(self.stride())
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// One of them, counted from 0.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Telegram<'l, 'b>> {
        let from = index.checked_mul(self.stride())?;
        let rest = self.bytes.get(from..).filter(|rest| !rest.is_empty())?;
        let bytes = rest.get(..self.layout.len() as usize).unwrap_or(rest);
        Some(Telegram::new(self.layout, bytes, self.side))
    }

    /// All of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Telegram<'l, 'b>> {
        let (layout, side, len) = (self.layout, self.side, self.layout.len() as usize);
        let telegrams = self.bytes.chunks(self.stride());
        telegrams.map(move |bytes| Telegram::new(layout, bytes.get(..len).unwrap_or(bytes), side))
    }

    /// Reads every field of all of them, into room that is used again: [`Telegram::read_into`] of each, faster. Nothing is allocated when
    /// nothing is wrong and the slots have held as many before.
    pub fn read_into(&self, slots: &'b mut Slots) -> Readings<'l, 'b> {
        self.read::<false>(slots)
    }

    /// The same, and text beyond ASCII becomes UTF-8 in the slots.
    pub fn read_text_into(&self, slots: &'b mut Slots) -> Readings<'l, 'b> {
        self.read::<true>(slots)
    }

    fn read<const MAKES_TEXT: bool>(&self, slots: &'b mut Slots) -> Readings<'l, 'b> {
        let mut faults = Vec::new();
        let blocks = self.bytes.chunks(self.stride() * LANES);
        read::blocks::<MAKES_TEXT>(self.layout, self.side, blocks, self.stride(), slots, |index| {
            let Some(telegram) = self.get(index) else { return };
            let of_one = telegram.faults();
            if !of_one.is_empty() {
                faults.push((index, of_one));
            }
        });
        Readings { telegrams: *self, slots, faults }
    }
}

/// Telegrams of which every field was read ([`Telegrams::read_into`]).
#[derive(Clone)]
pub struct Readings<'l, 'b> {
    telegrams: Telegrams<'l, 'b>,
    slots: &'b Slots,
    faults: Vec<(usize, Vec<Fault>)>,
}

impl<'l, 'b> Readings<'l, 'b> {
    /// The telegrams.
    #[must_use]
    pub const fn telegrams(&self) -> Telegrams<'l, 'b> {
        self.telegrams
    }

    /// Those of which something is wrong, in order, with all that is.
    #[must_use]
    pub fn faults(&self) -> &[(usize, Vec<Fault>)] {
        &self.faults
    }

    /// One of them, counted from 0. Allocates only if something is wrong with it.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Reading<'l, 'b>> {
        let telegram = self.telegrams.get(index)?;
        let (block, lane) = (index / LANES, index % LANES);
        let (numbers, texts) = self.telegrams.layout.steps(self.telegrams.side).counts;
        let first = |count: usize| block * count * LANES + lane;
        let lane = Lane { numbers: first(numbers), texts: first(texts), step: LANES };
        let of_one = self.faults.binary_search_by_key(&index, |(index, _)| *index);
        let of_one = of_one.ok().and_then(|at| self.faults.get(at));
        let faults = of_one.map_or_else(Vec::new, |(_, faults)| faults.clone());
        Some(Reading { telegram, slots: self.slots, lane, faults })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Reading<'l, 'b>> {
        (0..self.telegrams.len()).filter_map(|index| self.get(index))
    }
}
