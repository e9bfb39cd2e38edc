//! A lane: the ordered log of one stripe's effects, as bytes counted from the lane's beginning.
//!
//! The stripe's lock guards it. It keeps a window of the latest bytes in chunks; what is older has
//! been forgotten, and whoever still wants it must be given the keys instead.

use std::collections::VecDeque;

/// Bytes of a chunk, unless one effect is longer.
pub(crate) const CHUNK_BYTES: usize = 16 << 10;
/// Bytes of a lane's first chunk: most lanes of a small node stay small.
const FIRST_CHUNK_BYTES: usize = 256;

/// The log of one stripe.
#[derive(Default)]
pub(crate) struct Lane {
    /// Offset of the first byte kept.
    begin: u64,
    /// Offset after the last byte.
    end: u64,
    chunks: VecDeque<Vec<u8>>,
}

impl Lane {
    /// Offset of the first byte that can still be read.
    pub(crate) fn begin(&self) -> u64 {
        self.begin
    }

    /// Offset of the next byte.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Whether an effect of this length goes into the last chunk.
    pub(crate) fn has_room(&self, len_bytes: usize) -> bool {
        self.chunks.back().is_some_and(|chunk| chunk.len() + len_bytes <= CHUNK_BYTES)
    }

    /// Forgets the oldest chunk, and writes to its memory next: memory that is given back and asked
    /// for again costs more than all the rest.
    pub(crate) fn recycle_oldest(&mut self) {
        let oldest = self.chunks.front().filter(|chunk| chunk.capacity() == CHUNK_BYTES);
        if oldest.is_some()
            && self.chunks.len() > 1
            && let Some(mut chunk) = self.chunks.pop_front()
        {
            self.begin += chunk.len() as u64;
            chunk.clear();
            self.chunks.push_back(chunk);
        }
    }

    /// Appends an effect in pieces. Answers by how much the memory of the lane grew.
    pub(crate) fn append(&mut self, pieces: &[&[u8]]) -> usize {
        let len_bytes: usize = pieces.iter().map(|piece| piece.len()).sum();
        let before = self.chunks.back().map_or(0, Vec::capacity);
        let fits = self.has_room(len_bytes);
        let mut grown_bytes = 0;
        if !fits {
            let capacity = match self.chunks.is_empty() {
                true => FIRST_CHUNK_BYTES.max(len_bytes),
                false => CHUNK_BYTES.max(len_bytes),
            };
            self.chunks.push_back(Vec::with_capacity(capacity));
            grown_bytes = capacity;
        }
        if let Some(chunk) = self.chunks.back_mut() {
            pieces.iter().for_each(|piece| chunk.extend_from_slice(piece));
            if fits {
                grown_bytes = chunk.capacity() - before;
            }
        }
        self.end += len_bytes as u64;
        grown_bytes
    }

    /// Forgets the oldest chunk, unless it is the only one. Answers how much memory that freed.
    pub(crate) fn forget_oldest(&mut self) -> usize {
        if self.chunks.len() < 2 {
            return 0;
        }
        let Some(chunk) = self.chunks.pop_front() else { return 0 };
        self.begin += chunk.len() as u64;
        chunk.capacity()
    }

    /// Copies bytes from an offset on, at most `max_bytes`. Nothing when they are not kept (any
    /// more, or yet); an empty slice at the end.
    pub(crate) fn read(&self, from: u64, max_bytes: usize, out: &mut Vec<u8>) -> Option<usize> {
        if from < self.begin || from > self.end {
            return None;
        }
        let mut skip = (from - self.begin) as usize;
        let mut left = max_bytes;
        for chunk in &self.chunks {
            if skip >= chunk.len() {
                skip -= chunk.len();
                continue;
            }
            let part = &chunk[skip..];
            let part = &part[..part.len().min(left)];
            out.extend_from_slice(part);
            left -= part.len();
            skip = 0;
            if left == 0 {
                break;
            }
        }
        Some(max_bytes - left)
    }

    /// Cuts off what lies behind an offset that is kept. Answers how much memory that freed.
    pub(crate) fn truncate(&mut self, to: u64) -> usize {
        let mut freed_bytes = 0;
        while self.end > to {
            let Some(chunk) = self.chunks.back_mut() else { break };
            let beyond = ((self.end - to) as usize).min(chunk.len());
            chunk.truncate(chunk.len() - beyond);
            self.end -= beyond as u64;
            if chunk.is_empty() {
                freed_bytes += chunk.capacity();
                self.chunks.pop_back();
            }
        }
        freed_bytes
    }

    /// Begins anew at an offset. Answers how much memory that freed.
    pub(crate) fn restart(&mut self, at: u64) -> usize {
        let freed_bytes = self.chunks.iter().map(Vec::capacity).sum();
        *self = Lane { begin: at, end: at, chunks: VecDeque::new() };
        freed_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_gives_back_what_it_keeps_and_says_when_it_is_gone() {
        let mut lane = Lane::default();
        let mut whole = Vec::new();
        let mut memory = 0;
        for number in 0..4_000u32 {
            let word = number.to_le_bytes();
            memory += lane.append(&[&word, b"effect"]);
            whole.extend_from_slice(&word);
            whole.extend_from_slice(b"effect");
        }
        let read = |lane: &Lane, from: u64, max| {
            let mut out = Vec::new();
            lane.read(from, max, &mut out).map(|_| out)
        };
        assert_eq!(read(&lane, 0, usize::MAX).as_deref(), Some(&whole[..]));
        assert_eq!(read(&lane, 12_345, 1_000).as_deref(), Some(&whole[12_345..13_345]));
        assert_eq!(read(&lane, whole.len() as u64, 9), Some(Vec::new()));
        assert_eq!(read(&lane, whole.len() as u64 + 1, 9), None);

        let recycled_at = lane.begin();
        lane.recycle_oldest();
        assert!(lane.begin() > recycled_at && lane.has_room(CHUNK_BYTES));
        memory += lane.append(&[&[], b"more"]);
        whole.extend_from_slice(b"more");
        memory -= lane.forget_oldest();
        let begin = lane.begin();
        assert!(begin > 0);
        assert_eq!(read(&lane, begin - 1, 9), None);
        assert_eq!(read(&lane, begin, usize::MAX).as_deref(), Some(&whole[begin as usize..]));

        memory -= lane.truncate(begin + 20);
        assert_eq!(lane.end(), begin + 20);
        let kept = &whole[begin as usize..begin as usize + 20];
        assert_eq!(read(&lane, begin, usize::MAX).as_deref(), Some(kept));
        memory -= lane.restart(7);
        assert_eq!((lane.begin(), lane.end(), memory), (7, 7, 0));
        assert_eq!(read(&lane, 6, 1), None);
    }
}
