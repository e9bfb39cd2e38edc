//! Entries in an order, found by their number: what lists, and the order of sorted sets, are made of.
//!
//! Blocks of pages of entries. Only the counts of blocks, and of the pages in one block, are walked
//! to find a number, from the nearer end; an entry that is put in or taken out moves the places of
//! one page, and now and then the pages of one block.

use std::cmp::Ordering;

use super::page::Page;

/// Pages of a full block.
const MAX_PAGES: usize = 256;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranked {
    blocks: Vec<Block>,
    len: usize,
    heap_bytes: usize,
}

#[derive(Clone, Debug, Default)]
struct Block {
    pages: Vec<Page>,
    len: usize,
}

/// Where an entry lies, or is to lie.
#[derive(Clone, Copy, Debug)]
struct Spot {
    block: usize,
    page: usize,
    number: usize,
}

impl Ranked {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Memory that all of it has in the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.heap_bytes
    }

    /// The entry of a rank that there is.
    pub(crate) fn get(&self, rank: usize) -> Option<&[u8]> {
        let spot = self.spot(rank).filter(|_| rank < self.len)?;
        Some(self.blocks[spot.block].pages[spot.page].entry(spot.number))
    }

    /// The entries from a rank on.
    pub(crate) fn iter_from(&self, rank: usize) -> impl Iterator<Item = &[u8]> {
        let from = self.spot(rank).filter(|_| rank < self.len);
        from.into_iter().flat_map(|spot| {
            let first = &self.blocks[spot.block];
            let here = first.pages[spot.page..].iter().enumerate();
            let here = here.flat_map(move |(at, page)| {
                page.entries().skip(if at == 0 { spot.number } else { 0 })
            });
            let rest = self.blocks[spot.block + 1..].iter().flat_map(|block| &block.pages);
            here.chain(rest.flat_map(Page::entries))
        })
    }

    /// The entries from a rank down to the first.
    pub(crate) fn iter_back_from(&self, rank: usize) -> impl Iterator<Item = &[u8]> {
        let from = self.spot(rank).filter(|_| rank < self.len);
        from.into_iter().flat_map(|spot| {
            let first = &self.blocks[spot.block];
            let here = first.pages[..=spot.page].iter().rev().enumerate();
            let here = here.flat_map(move |(at, page)| {
                let beyond = if at == 0 { page.len() - 1 - spot.number } else { 0 };
                page.entries().rev().skip(beyond)
            });
            let rest = self.blocks[..spot.block].iter().rev();
            let rest = rest.flat_map(|block| block.pages.iter().rev());
            here.chain(rest.flat_map(|page| page.entries().rev()))
        })
    }

    /// Finds an entry where all are sorted; `order` says how one compares with what is sought. Answers
    /// its rank, or where it would go.
    pub(crate) fn search(&self, order: impl Fn(&[u8]) -> Ordering) -> Result<usize, usize> {
        let is_before = |page: &Page| match page.is_empty() {
            true => false,
            false => order(page.entry(0)) != Ordering::Greater,
        };
        let first_of = |block: &Block| block.pages.first().is_some_and(is_before);
        let block = self.blocks.partition_point(first_of).saturating_sub(1);
        let Some(found) = self.blocks.get(block) else { return Err(0) };
        let page = found.pages.partition_point(is_before).saturating_sub(1);
        let before: usize = self.blocks[..block].iter().map(|block| block.len).sum();
        let before = before + found.pages[..page].iter().map(Page::len).sum::<usize>();
        let Some(page) = found.pages.get(page) else { return Err(before) };
        let (mut low, mut high) = (0, page.len());
        while low < high {
            let middle = (low + high) / 2;
            match order(page.entry(middle)) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(before + middle),
                Ordering::Greater => high = middle,
            }
        }
        Err(before + low)
    }

    /// Puts an entry, given in parts, before the one of that rank, or at the end.
    pub(crate) fn insert(&mut self, rank: usize, parts: &[&[u8]]) {
        let Some(spot) = self.spot(rank) else {
            let mut page = Page::default();
            page.insert(0, parts);
            self.heap_bytes += page.heap_bytes() + size_of::<Page>() + size_of::<Block>();
            self.blocks.push(Block { pages: vec![page], len: 1 });
            self.len = 1;
            return;
        };
        let spot = self.make_room(spot);
        self.change(spot, |page| page.insert(spot.number, parts));
        self.blocks[spot.block].len += 1;
        self.len += 1;
    }

    /// Replaces the entry of a rank that there is.
    pub(crate) fn replace(&mut self, rank: usize, parts: &[&[u8]]) {
        if let Some(spot) = self.spot(rank).filter(|_| rank < self.len) {
            self.change(spot, |page| page.replace(spot.number, parts));
        }
    }

    /// Removes the entry of a rank that there is.
    pub(crate) fn remove(&mut self, rank: usize) {
        let Some(spot) = self.spot(rank).filter(|_| rank < self.len) else { return };
        self.change(spot, |page| page.remove(spot.number));
        self.blocks[spot.block].len -= 1;
        self.len -= 1;
        self.join(spot);
    }

    /// As [`super::fields::Fields::drop_some`].
    pub(crate) fn drop_some(&mut self) -> bool {
        if let Some(block) = self.blocks.last_mut() {
            block.pages.pop();
            if block.pages.is_empty() {
                self.blocks.pop();
            }
        }
        !self.blocks.is_empty()
    }

    /// As [`Ranked::heap_bytes`], counted anew.
    #[cfg(test)]
    pub(crate) fn recount_heap_bytes(&self) -> usize {
        let pages = self.blocks.iter().flat_map(|block| &block.pages);
        let pages = pages.map(|page| page.heap_bytes() + size_of::<Page>()).sum::<usize>();
        pages + self.blocks.len() * size_of::<Block>()
    }

    /// Where the entry of a rank is; behind the last one for the rank behind it. Nothing while there
    /// are no entries.
    fn spot(&self, rank: usize) -> Option<Spot> {
        let last = self.blocks.len().checked_sub(1)?;
        let (block, rank) = nearest(&self.blocks, |block| block.len, rank, self.len)
            .unwrap_or((last, self.blocks[last].len));
        let found = &self.blocks[block];
        let last = found.pages.len().checked_sub(1)?;
        let (page, number) = nearest(&found.pages, Page::len, rank, found.len)
            .unwrap_or((last, found.pages[last].len()));
        Some(Spot { block, page, number })
    }

    fn change(&mut self, spot: Spot, change: impl FnOnce(&mut Page)) {
        let page = &mut self.blocks[spot.block].pages[spot.page];
        let before = page.heap_bytes();
        change(page);
        self.heap_bytes = self.heap_bytes + page.heap_bytes() - before;
    }

    /// Splits a full page. Whoever goes on at either end gets a page of its own, so that what is only
    /// pushed lies in full ones.
    fn make_room(&mut self, spot: Spot) -> Spot {
        let page = &self.blocks[spot.block].pages[spot.page];
        if !page.is_full() {
            return spot;
        }
        let len = page.len();
        let at = match spot.number {
            0 => 0,
            number if number == len => len,
            _ => len / 2,
        };
        let mut upper = Page::default();
        self.change(spot, |page| upper = page.split_off(at));
        self.heap_bytes += upper.heap_bytes() + size_of::<Page>();
        let block = &mut self.blocks[spot.block];
        block.pages.insert(spot.page + 1, upper);
        let is_upper = spot.number > at || (at == len && spot.number == len);
        let spot = match is_upper {
            true => Spot { page: spot.page + 1, number: spot.number - at, ..spot },
            false => spot,
        };
        self.split_block(spot)
    }

    fn split_block(&mut self, spot: Spot) -> Spot {
        let block = &mut self.blocks[spot.block];
        let count = block.pages.len();
        if count <= MAX_PAGES {
            return spot;
        }
        let at = match spot.page {
            0 => 1,
            page if page + 1 == count => count - 1,
            _ => count / 2,
        };
        let pages = block.pages.split_off(at);
        let len = pages.iter().map(Page::len).sum();
        block.len -= len;
        self.blocks.insert(spot.block + 1, Block { pages, len });
        self.heap_bytes += size_of::<Block>();
        match spot.page >= at {
            true => Spot { block: spot.block + 1, page: spot.page - at, ..spot },
            false => spot,
        }
    }

    /// Joins a page with a neighbour when both have little, and drops what is empty.
    fn join(&mut self, spot: Spot) {
        let block = &mut self.blocks[spot.block];
        if block.pages[spot.page].is_empty() {
            let page = block.pages.remove(spot.page);
            self.heap_bytes -= page.heap_bytes() + size_of::<Page>();
        } else {
            let goes = |at: usize| {
                let both = block.pages.get(at).zip(block.pages.get(at + 1));
                both.is_some_and(|(one, next)| one.goes_with(next))
            };
            let before = spot.page.checked_sub(1).filter(|at| goes(*at));
            if let Some(at) = before.or(Some(spot.page).filter(|at| goes(*at))) {
                let next = block.pages.remove(at + 1);
                let page = &mut block.pages[at];
                let own = page.heap_bytes();
                page.append(&next);
                let gone = next.heap_bytes() + size_of::<Page>();
                self.heap_bytes = self.heap_bytes + page.heap_bytes() - own - gone;
            }
        }
        if block.pages.is_empty() {
            self.blocks.remove(spot.block);
            self.heap_bytes -= size_of::<Block>();
        } else if block.pages.len() < MAX_PAGES / 4 {
            self.join_block(spot.block);
        }
    }

    fn join_block(&mut self, at: usize) {
        let Some(next) = self.blocks.get(at + 1) else { return };
        if next.pages.len() + self.blocks[at].pages.len() <= MAX_PAGES / 2 {
            let next = self.blocks.remove(at + 1);
            let block = &mut self.blocks[at];
            block.len += next.len;
            block.pages.extend(next.pages);
            self.heap_bytes -= size_of::<Block>();
        }
    }
}

/// The part that has the entry of a rank, and its rank there; from the nearer end.
fn nearest<T>(
    parts: &[T],
    len_of: impl Fn(&T) -> usize,
    rank: usize,
    len: usize,
) -> Option<(usize, usize)> {
    if rank >= len {
        return None;
    }
    if rank < len / 2 {
        let mut left = rank;
        for (at, part) in parts.iter().enumerate() {
            match left.checked_sub(len_of(part)) {
                Some(rest) => left = rest,
                None => return Some((at, left)),
            }
        }
        return None;
    }
    let mut behind = len - 1 - rank;
    for (at, part) in parts.iter().enumerate().rev() {
        match behind.checked_sub(len_of(part)) {
            Some(rest) => behind = rest,
            None => return Some((at, len_of(part) - 1 - behind)),
        }
    }
    None
}
