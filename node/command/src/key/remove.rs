//! DEL and UNLINK. Removing is quick for values of any size, so that one handler serves both.

use skep_resp::Args;

use crate::cx::Cx;
use crate::error::CommandError;

/// `DEL key [key ...]`: answers how many of the keys were there.
pub(crate) fn del(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let mut removed = 0;
    for name in args.iter().skip(1) {
        let key = cx.key(name);
        removed += i64::from(cx.view.remove(database, &key));
    }
    cx.reply.integer(removed);
    Ok(())
}
