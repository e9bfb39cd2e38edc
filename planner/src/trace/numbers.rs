//! Traces of big-endian numbers, one for each request.

use std::io::{ErrorKind, Read};

use super::source::Input;
use super::{Access, damaged};
use crate::error::{PlanError, Result};

/// Numbers of a fixed width.
pub(super) struct Numbers {
    input: Input,
    width: usize,
    /// Bytes read so far.
    offset: u64,
    buffer: Vec<u8>,
    /// What of the buffer is not decoded yet.
    left: std::ops::Range<usize>,
}

const BUFFER_BYTES: usize = 64 << 10;

impl Numbers {
    pub(super) fn new(input: Input, width: usize) -> Numbers {
        Numbers { input, width, offset: 0, buffer: vec![0; BUFFER_BYTES], left: 0..0 }
    }

    #[inline]
    pub(super) fn read(&mut self) -> Result<Option<Access>> {
        if self.left.is_empty() && !self.refill()? {
            return Ok(None);
        }
        let bytes = &self.buffer[self.left.start..][..self.width];
        let number = bytes.iter().fold(0u64, |sum, &byte| sum << 8 | u64::from(byte));
        self.left.start += self.width;
        Ok(Some(Access::of_number(number)))
    }

    /// Reads whole numbers. Answers whether there are any.
    fn refill(&mut self) -> Result<bool> {
        let mut filled = 0;
        while filled < BUFFER_BYTES {
            match self.input.read(&mut self.buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(PlanError::source(self.input.name(), error)),
            }
        }
        self.offset += filled as u64;
        if !filled.is_multiple_of(self.width) {
            let place = format!("byte {}", self.offset);
            let reason = format!("the file ends inside a number of {} bytes", self.width);
            return Err(damaged(self.input.name(), place, reason));
        }
        self.left = 0..filled;
        Ok(filled > 0)
    }
}
