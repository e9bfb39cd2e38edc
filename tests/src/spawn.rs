//! Starts processes that cannot outlive the test process.
//!
//! The kernel kills them (`setpriv --pdeathsig`) when the *thread* that started them ends, however
//! it ends. A test runner ends a thread after each test, so all processes are started by one thread
//! that lives as long as the test process: a server may then be shared by several tests.

use std::ffi::OsStr;
use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::sync::{LazyLock, Mutex, PoisonError};

struct Order {
    command: Command,
    done: Sender<io::Result<Child>>,
}

static SPAWNER: LazyLock<Mutex<Sender<Order>>> = LazyLock::new(|| {
    let (sender, orders) = channel::<Order>();
    std::thread::spawn(move || {
        for mut order in orders {
            // Nobody waits any more if this fails, and the child goes with this process.
            let _ = order.done.send(order.command.spawn());
        }
    });
    Mutex::new(sender)
});

/// Starts `program` with `arguments`, after `prepare` set up the rest (directory, streams,
/// environment).
///
/// # Errors
/// When `setpriv` is missing. A missing `program` shows as `setpriv` ending with an error.
pub fn spawn<A: AsRef<OsStr>>(
    program: &OsStr,
    arguments: impl IntoIterator<Item = A>,
    prepare: impl FnOnce(&mut Command),
) -> io::Result<Child> {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program).args(arguments);
    prepare(&mut command);
    let (done, child) = channel();
    let spawner = SPAWNER.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let gone = || io::Error::other("the thread that starts processes is gone");
    spawner.send(Order { command, done }).map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}
