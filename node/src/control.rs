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
use crate::start::Running;

/// Runs until the node has ended.
pub(crate) fn run(running: Running, sources: &Sources) -> Exit {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.and_then(|runtime| runtime.block_on(supervise(running, sources)));
    ended.unwrap_or_else(|error| {
        eprintln!("skep: failed while running: {error}");
        Exit::Failed
    })
}

async fn supervise(mut running: Running, sources: &Sources) -> io::Result<Exit> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    // Whoever reads the banner may send signals.
    crate::print(&running.banner);
    let node = running.node;
    let mut left = running.workers.len();
    let mut deadline: Option<Instant> = None;
    while left > 0 {
        tokio::select! {
            name = either(&mut terminate, &mut interrupt) => {
                if deadline.is_some() {
                    node.warn(&format!("{name} again: ending at once"));
                    return Ok(Exit::Failed);
                }
                node.notice(&format!("{name}: answering what was asked, then ending"));
                node.begin_stop();
            }
            Some(()) = hang_up.recv() => reload(&node, sources),
            () = node.stopping(), if deadline.is_none() => {
                deadline = Some(Instant::now() + node.settings.load().shutdown_timeout);
            }
            () = sleep_until(deadline.unwrap_or_else(far)), if deadline.is_some() => {
                let count = node.clients.count();
                node.warn(&format!("shutdown-timeout is over: leaving {count} clients"));
                return Ok(Exit::Stopped);
            }
            Some(end) = running.ends.recv() => {
                end?;
                left -= 1;
            }
        }
    }
    node.notice("ended");
    Ok(Exit::Stopped)
}

fn far() -> Instant {
    Instant::now() + Duration::from_secs(86_400)
}

/// The name of the signal that came.
async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
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
