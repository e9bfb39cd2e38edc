//! Doing something as a host of the network of `skep dev --netns`.

use std::fs::File;
use std::os::fd::AsFd as _;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::error::{Context, Error, Result};

/// Moves this thread, and no other, into a network namespace.
pub(super) fn enter(space: &str) -> Result<()> {
    let path = format!("/run/netns/{space}");
    let file = File::open(&path).context(&path)?;
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(std::io::Error::from)
        .context(path)
}

/// Does something there, or here if there is no namespace.
pub(super) fn within<T: Send>(
    space: Option<String>,
    action: impl FnOnce() -> T + Send,
) -> Result<T> {
    let Some(space) = space else { return Ok(action()) };
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| enter(&space).map(|()| action()));
        thread.join().map_err(|_| Error::new("a thread ended early"))?
    })
}
