//! The main thread while the node runs: signals, and the end.
//!
//! TERM, INT and the command SHUTDOWN end the node the same way: no more connections, everything
//! asked for is answered, at most for `shutdown-timeout`. A second signal ends it at once.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use crate::Exit;
use crate::config::{Sources, load};
use crate::node::Node;
use crate::start::{CannotStart, Running, start};

/// The signals that the node answers to.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::ToEnd("SIGTERM"),
            _ = self.interrupt.recv() => Asked::ToEnd("SIGINT"),
            _ = self.hang_up.recv() => Asked::ToReload,
        }
    }
}

/// What a signal asks for.
enum Asked {
    /// With the signal's name.
    ToEnd(&'static str),
    ToReload,
}

/// Starts a node and runs until it has ended.
pub(crate) fn run(sources: &Sources) -> Result<Exit, CannotStart> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(CannotStart::Signals)?.block_on(async {
        // Before anybody can know that the node runs: a signal is never met unprepared.
        let signals = Signals::new().map_err(CannotStart::Signals)?;
        let running = start(sources)?;
        crate::print(&running.banner);
        Ok(supervise(running, signals, sources).await)
    })
}

async fn supervise(mut running: Running, mut signals: Signals, sources: &Sources) -> Exit {
    let node = running.node;
    let mut left = running.workers;
    let mut deadline: Option<Instant> = None;
    let mut is_ending = false;
    while left > 0 {
        tokio::select! {
            asked = signals.next() => match asked {
                Asked::ToReload => reload(&node, sources),
                Asked::ToEnd(name) if is_ending || node.is_stopping() => {
                    node.warn(&format!("{name} while ending: ending at once"));
                    return Exit::Failed;
                }
                Asked::ToEnd(name) => {
                    node.notice(&format!("{name}: answering what was asked, then ending"));
                    is_ending = true;
                    node.end();
                }
            },
            () = node.stopping(), if deadline.is_none() => {
                deadline = Some(Instant::now() + node.settings.load().shutdown_timeout);
            }
            () = sleep_until(deadline.unwrap_or_else(far)), if deadline.is_some() => {
                let count = node.clients.count();
                node.warn(&format!("shutdown-timeout is over: leaving {count} clients"));
                return Exit::Stopped;
            }
            Some(end) = running.ends.recv() => {
                if let Err(error) = end {
                    node.warn(&format!("a worker failed: {error}"));
                    return Exit::Failed;
                }
                left -= 1;
            }
        }
    }
    if let Some(cluster) = node.cluster() {
        cluster.stop().await;
    }
    node.notice("ended");
    Exit::Stopped
}

fn far() -> Instant {
    Instant::now() + Duration::from_secs(86_400)
}

/// Reads the configuration again. If it is wrong, everything stays as it is.
fn reload(node: &Node, sources: &Sources) {
    if sources.given.file.is_none() {
        return node.notice("SIGHUP: the node was started without a file to read again");
    }
    match load(sources) {
        Err(problems) => {
            for problem in &problems {
                node.warn(&format!("SIGHUP: nothing is changed, since {problem}"));
            }
        }
        Ok(fresh) => {
            fresh.warnings().iter().for_each(|warning| node.warn(warning));
            let left = node.reload(fresh);
            node.notice("SIGHUP: configuration read again");
            if !left.is_empty() {
                node.warn(&format!("only a restart changes {}", left.join(", ")));
            }
        }
    }
}
